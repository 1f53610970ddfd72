"""What ``mldeploy import`` says of one use of the v1 API, and of one command of the Azure CLI."""

from __future__ import annotations

import re
from dataclasses import dataclass

from jupyter_mldeploy.azureml.unknown import reason_for
from jupyter_mldeploy.azureml.use_tables import COMMON_OPTIONS, OPTIONS, OTHER_COMMANDS, PACKAGES

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
    """Of a command of the Azure CLI, of its inference server, or of one that installs them."""
    if re.match(r"azmlinfsrv\b", text):
        return Finding(file, line, CHANGES, "azmlinfsrv", "write mldeploy serve, with the same options.", cell)
    if re.match(r"az\s+(ml|login|account|acr|configure|extension)\b", text):
        return _az_finding(text, file, line, cell)
    return _pip_finding(text, file, line, cell)


def _az_finding(text: str, file: str, line: int, cell: int) -> Finding:
    words = re.split(r"\s(?:[|;&>]|2>)|\)\s*$", text)[0].split()
    if words[1] != "ml":
        return Finding(file, line, CHANGES, " ".join(words[:2]), "leave it out: there is nothing to log in to.", cell)
    verb = " ".join(word for word in words[2:4] if not word.startswith("-"))
    shown = f"az ml {verb}".rstrip()
    if verb in OPTIONS:
        given = [word.partition("=")[0] for word in words[3:] if re.match(r"--?[A-Za-z]", word)]
        strange = [word for word in given if word not in OPTIONS[verb] and word not in COMMON_OPTIONS]
        if strange:
            known = ", ".join(sorted(word for word in OPTIONS[verb] if word.startswith("--")))
            why = f"write mldeploy {verb}, without {', '.join(strange)}: it takes {known}."
            return Finding(file, line, CHANGES, shown, why, cell)
        told = "; --format json takes the place of -o and --query" if {"-o", "--output", "--query"} & set(words) else ""
        return Finding(file, line, CHANGES, shown, f"write mldeploy {verb}, with the same options{told}.", cell)
    group = verb.partition(" ")[0]
    return Finding(
        file,
        line,
        REFUSED,
        shown,
        f"{OTHER_COMMANDS.get(verb) or OTHER_COMMANDS.get(group) or reason_for(group)}.",
        cell,
    )


def _pip_finding(text: str, file: str, line: int, cell: int) -> Finding | None:
    found = re.match(r"(?:python[\d.]*\s+-m\s+)?pip\d?\s+install\s+(.*)", text)
    if found is None:
        return None
    asked = [word.strip("\"'") for word in found[1].split() if not word.startswith("-")]
    named = {word: match[0].lower().replace("_", "-") for word in asked if (match := re.match(r"[\w.-]+", word))}
    ours = [word for word, name in named.items() if name in PACKAGES]
    if not ours:
        return None
    what = "the line" if len(ours) == len(named) else " and ".join(ours)
    why = f"leave {what} out: its names are here, and where azureml-core is installed, azureml stays the real one."
    return Finding(file, line, CHANGES, f"pip install {' '.join(ours)}", why, cell)
