"""What is written in the deploy form, as the line of the magic that does the same. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import PurePath

from jupyter_mldeploy.notebook.words import BadWords, split

__all__ = ["Wish", "name_for", "quoted"]

_LONGEST_NAME = 63


@dataclass(frozen=True, kw_only=True)
class Wish:
    """The fields of the form, as they are written; what is empty is not said.

    Attributes:
        models: Names, variables or files, with commas between them.
        replicas: A number, or ``MIN:MAX``.
    """

    name: str = ""
    models: str = ""
    script: str = ""
    target: str = ""
    environment: str = ""
    replicas: str = ""
    cpu: str = ""
    memory: str = ""
    sample: str = ""

    @property
    def model_names(self) -> list[str]:
        """The models, one by one."""
        return [model.strip() for model in self.models.split(",") if model.strip()]

    def line(self) -> str:
        """What stands behind ``%deploy``."""
        words = [quoted(self.name.strip() or name_for(self.script or next(iter(self.model_names), "")))]
        for option, value in self._options():
            if value:
                words += [f"--{option}", quoted(value)]
        return " ".join(words)

    def _options(self) -> list[tuple[str, str]]:
        replicas = "autoscale" if ":" in self.replicas else "replicas"
        return [
            ("script", self.script.strip()),
            *(("model", model) for model in self.model_names),
            ("target", self.target),
            ("environment", self.environment.strip()),
            (replicas, self.replicas.strip()),
            ("cpu", self.cpu.strip()),
            ("memory", self.memory.strip()),
            ("sample", _in_one_line(self.sample.strip())),
        ]


def name_for(source: str) -> str:
    """A name that a service may have, from that of a script or model.

    >>> name_for("src/My score_v2.py"), name_for("clf:3"), name_for("")
    ('my-score-v2', 'clf', 'service')
    """
    stem = PurePath(source.partition(":")[0].strip()).name.removesuffix(".py").lower()
    name = re.sub(r"[^a-z0-9]+", "-", stem).lstrip("-0123456789")[:_LONGEST_NAME]
    return name.strip("-") or "service"


def quoted(word: str) -> str:
    """A word as it is written on the line of a magic, so that it is read as this one word.

    >>> print(quoted("iris"), quoted("my file.py"), quoted('{"data": [1, 2]}'))
    iris 'my file.py' {"data": [1, 2]}
    """
    try:
        if split(word) == [word]:
            return word
    except BadWords:
        pass
    if "'" not in word:
        return f"'{word}'"
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _in_one_line(text: str) -> str:
    """JSON in one line, anything else as it is: what is wrong with it is told when it is read."""
    try:
        return json.dumps(json.loads(text), ensure_ascii=False) if text else ""
    except ValueError:
        return text
