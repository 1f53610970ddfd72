"""The command with a folder and a home of its own, and nothing left behind."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import psutil
import pytest

from jupyter_mldeploy.cli import main
from jupyter_mldeploy.config import MLDeploy

SCRIPT = """\
import json

def init():
    global started
    started = 1
    print("init ran")

def run(data):
    given = json.loads(data)
    if given.get("fail"):
        raise ValueError("run was told to fail")
    print("scored", given["x"])
    return given["x"] + 1
"""


@dataclass(frozen=True)
class Ran:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Shell:
    """A folder to type commands in."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder = folder
        self.home = home
        self.environment = {**os.environ, "MLDEPLOY_HOME": str(home), "COLUMNS": "120"}

    def words(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "jupyter_mldeploy.cli", *words]

    def __call__(self, *words: str, given: str = "") -> Ran:
        """Run ``mldeploy`` with these words, in this process: the real thing but for the start of an interpreter."""
        out, err = io.StringIO(), io.StringIO()
        stdin = io.TextIOWrapper(io.BytesIO(given.encode()))
        MLDeploy.clear_instance()
        with (
            contextlib.chdir(self.folder),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            mock.patch.object(sys, "stdin", stdin),
            mock.patch.dict(os.environ, self.environment, clear=True),
        ):
            code = main(list(words))
        MLDeploy.clear_instance()
        return Ran(code, out.getvalue(), err.getvalue())

    def process(self, *words: str) -> Ran:
        """The same in a process of its own."""
        done = subprocess.run(
            self.words(*words), cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=60, check=False,
        )  # fmt: skip
        return Ran(done.returncode, done.stdout, done.stderr)

    def start(self, *words: str, **how: Any) -> subprocess.Popen[str]:
        """Begin one and go on."""
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **how}
        return subprocess.Popen(self.words(*words), cwd=self.folder, env=self.environment, text=True, **pipes)

    def leftovers(self) -> list[str]:
        """Processes that know of this home."""
        found = []
        for process in psutil.process_iter():
            try:
                seen = [*process.cmdline(), process.environ().get("AML_APP_ROOT", ""), process.cwd()]
                if process.status() != psutil.STATUS_ZOMBIE and any(str(self.home) in text for text in seen):
                    found.append(" ".join(process.cmdline()))
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        return found


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """A shell in a folder with ``score.py``. Afterwards its services are deleted, and nothing of them may run."""
    (tmp_path / "score.py").write_text(SCRIPT)
    made = Shell(tmp_path, tmp_path / "home")
    yield made
    for folder in (made.home / "services").glob("*"):
        made("delete", folder.name, "--yes")
    assert made.leftovers() == []


@pytest.fixture
def adder(shell: Shell) -> Shell:
    """A shell whose service ``adder`` runs."""
    done = shell("deploy", "score.py", "--name", "adder")
    assert done.code == 0, done.err
    return shell
