"""Lines of a Dockerfile that an image takes besides what is written for it: what they may be, and how they are read."""

from __future__ import annotations

import re

from jupyter_mldeploy.errors import InvalidValue

__all__ = ["check_step", "read_dockerfile"]

ALLOWED = ("RUN", "ENV", "ARG", "LABEL")
_REASONS = {
    "COPY": "there is nothing to copy from; ship files in the source directory or as a model",
    "ADD": "there is nothing to copy from; ship files in the source directory or as a model",
    "FROM": "an image has one base; name it as the base image",
    "CMD": "the scoring server is what an image starts",
    "ENTRYPOINT": "the scoring server is what an image starts",
    "USER": "the scoring server runs as its own user",
    "WORKDIR": "scripts run in the app root",
    "EXPOSE": "the service's port is its own",
}


def read_dockerfile(text: str, where: str) -> tuple[str | None, tuple[str, ...]]:
    """The base image (``None``: it has no ``FROM``) and the other instructions, each with its further lines.

    Raises:
        InvalidValue: An instruction is not among those that can be carried out; names its line.
    """
    base: str | None = None
    steps: list[str] = []
    for number, instruction in _instructions(text):
        word, _, rest = instruction.partition(" ")
        if word.upper() == "FROM" and base is None and not steps:
            base = rest.split()[0] if rest.split() else ""
            if not base or base.startswith("-") or "$" in base or len(rest.split()) > 1:
                raise InvalidValue(where, instruction, f"line {number} names no image that can be taken as it is.")
        elif instruction.upper().split() != ["USER", "ROOT"]:  # they are carried out as root
            steps.append(check_step(instruction, where, number))
    return base, tuple(steps)


def check_step(instruction: str, where: str = "steps", number: int = 0) -> str:
    """Return an instruction that an image can take, else raise ``InvalidValue``."""
    line = f"line {number}: " if number else ""
    word = instruction.split(maxsplit=1)[0].upper() if instruction.split() else ""
    if word not in ALLOWED:
        reason = _REASONS.get(word, f"it is one of {', '.join(ALLOWED)}")
        raise InvalidValue(where, instruction.splitlines()[0] if instruction else "", f"{line}{reason}.")
    if re.match(r"\w+\s+(--\w+\S*\s+)*<<", instruction):
        raise InvalidValue(where, instruction.splitlines()[0], f"{line}write the commands with && instead of <<.")
    if any(not text.rstrip().endswith("\\") for text in instruction.splitlines()[:-1]):
        raise InvalidValue(where, instruction.splitlines()[0], f"{line}it is more than one instruction.")
    return instruction


def _instructions(text: str) -> list[tuple[int, str]]:
    """Each with the number of its first line; comments and empty lines are left out."""
    found: list[tuple[int, str]] = []
    going_on = False
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if going_on:
            found[-1] = (found[-1][0], f"{found[-1][1]}\n{line.rstrip()}")
        else:
            found.append((number, line.strip()))
        going_on = line.rstrip().endswith("\\")
    return [(number, instruction.rstrip("\\").rstrip()) for number, instruction in found]
