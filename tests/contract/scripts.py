"""Scoring scripts of the contract suite."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["ADDING", "Gate", "edited"]

ADDING = """\
import json, os, sys

def init():
    global started
    started = os.urandom(8).hex()
    print("init ran")

def run(data):
    given = json.loads(data)
    if given.get("fail"):
        raise ValueError("run was told to fail")
    print("scored", given["x"])
    return {"sum": given["x"] + 1, "started": started}
"""
"""Adds one; tells which run of ``init()`` it is; prints what it scored; raises when told to."""

READS_MODEL = """\
import json
from azureml.core.model import Model

def init():
    global text
    with open(Model.get_model_path("words")) as file:
        text = file.read()

def run(data):
    return text
"""
"""Answers with the text of the model ``words``."""


def edited(text: str, old: str, new: str) -> str:
    """The script with one thing changed."""
    assert old in text
    return text.replace(old, new)


class Gate:
    """A script whose ``init()`` waits in the open until the test lets it go; made of two named pipes, so nothing polls."""

    def __init__(self, folder: Path) -> None:
        import os

        self._begun, self._go = folder / "begun.fifo", folder / "go.fifo"
        for path in (self._begun, self._go):
            os.mkfifo(path)
        self.script = re.sub(
            r"^    ",
            "    ",
            f"""\
def init():
    open({str(self._begun)!r}, "w").close()
    open({str(self._go)!r}).close()

def run(data):
    return "through"
""",
        )

    def await_init(self) -> None:
        """Return when ``init()`` has begun."""
        with self._begun.open():
            pass

    def open(self) -> None:
        """Let ``init()`` return."""
        with self._go.open("w"):
            pass
