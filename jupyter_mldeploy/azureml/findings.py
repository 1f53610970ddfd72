"""What ``mldeploy import`` says of one use of the v1 API, and of one command of the Azure CLI."""

from __future__ import annotations

import re
from dataclasses import dataclass

from jupyter_mldeploy.azureml.unknown import reason_for
from jupyter_mldeploy.azureml.use_tables import COMMANDS, OTHER_COMMANDS

__all__ = ["CHANGES", "REFUSED", "RUNS", "Finding", "command_finding"]

RUNS, CHANGES, REFUSED = "runs", "to change", "does not run"


@dataclass(frozen=True, order=True)
class Finding:
    """One use of the v1 API.

    Attributes:
        file: Path in the project.
        line: In the file; in a notebook of its cell.
        verdict: ``runs``, ``to change`` or ``does not run``.
        what: What is used.
        why: One sentence, for what does not run as it is.
        cell: Number of the notebook's cell, from 1 on; 0 for a file.
        script: The scoring script that it stands in, else ``""``.
    """

    file: str
    line: int
    verdict: str
    what: str
    why: str = ""
    cell: int = 0
    script: str = ""

    @property
    def place(self) -> str:
        """As people find it."""
        return f"{self.file}, cell {self.cell}, line {self.line}" if self.cell else f"{self.file}, line {self.line}"


def command_finding(text: str, file: str, line: int, cell: int) -> Finding | None:
    """Of a command of the Azure CLI."""
    found = re.match(r"az\s+(ml|login|account|acr|configure|extension)\b\s*(.*)", text)
    if found is None:
        return None
    words = text.split()
    if words[1] != "ml":
        return Finding(file, line, CHANGES, " ".join(words[:2]), "leave it out: there is nothing to log in to.", cell)
    verb = " ".join(word for word in words[2:4] if not word.startswith("-"))
    shown = f"az ml {verb}".rstrip()
    if verb in COMMANDS:
        told = "; --format json takes the place of -o and --query" if {"-o", "--output", "--query"} & set(words) else ""
        return Finding(file, line, CHANGES, shown, f"write mldeploy {verb}, with the same options{told}.", cell)
    group = verb.partition(" ")[0]
    return Finding(file, line, REFUSED, shown, f"{OTHER_COMMANDS.get(group) or reason_for(group)}.", cell)
