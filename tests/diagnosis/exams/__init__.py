"""Exams: evidence written from knowledge of the tools before anybody looked at the rules.

A file holds many cases. ``=== cause | stage=build exit_code=1`` begins one (``a/b``: either is right); what follows is its
log, ``--- events``, ``--- body``, ``--- previous`` and ``--- build`` begin its other texts. ``nothing`` stands for no cause.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["EXAMS", "Case", "cases", "read_cases"]

EXAMS = (
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
)
_HERE = Path(__file__).parent
_SECTIONS = {"body": "http_body", "previous": "previous_log", "build": "build_log"}
_FIELDS = {"http": "http_status", "reason": "k8s_reason", "oom": "oom_killed"}


@dataclass(frozen=True)
class Case:
    """One piece of evidence with the causes that are right for it (``""``: nothing is wrong)."""

    name: str
    causes: tuple[str, ...]
    fields: dict[str, Any]


def cases(exam: str) -> Iterator[Case]:
    """All cases of an exam."""
    for file in sorted((_HERE / exam).glob("*.txt")):
        yield from read_cases(f"{exam}/{file.stem}", file.read_text("utf-8"))


def read_cases(name: str, text: str) -> Iterator[Case]:
    for number, block in enumerate(re.split(r"^=== ", text, flags=re.MULTILINE)[1:], 1):
        head, _, body = block.partition("\n")
        named, _, settings = head.partition("|")
        fields: dict[str, Any] = {}
        for setting in settings.split():
            key, _, value = setting.partition("=")
            fields[_FIELDS.get(key, key)] = value == "true" if key == "oom" else value
        log, *sections = re.split(r"^--- (events|body|previous|build)\n", body, flags=re.MULTILINE)
        fields["log"] = log.rstrip("\n")
        for title, content in zip(sections[::2], sections[1::2], strict=True):
            if title == "events":
                fields["k8s_events"] = [_event(line) for line in content.splitlines() if line.strip()]
            else:
                fields[_SECTIONS[title]] = content.rstrip("\n")
        causes = tuple("" if cause == "nothing" else cause for cause in named.strip().split("/"))
        yield Case(f"{name}:{number}:{named.strip()}", causes, fields)


def _event(line: str) -> dict[str, Any]:
    """``Warning Failed: message (x3)`` as Kubernetes' events are given."""
    match = re.match(r"(?P<type>Normal|Warning) (?P<reason>\w+): (?P<message>.*?)(?: \(x(?P<count>\d+)\))?$", line)
    if match is None:
        return {"type": "Warning", "reason": "", "message": line, "count": 1}
    return {**match.groupdict(), "count": int(match["count"] or 1)}
