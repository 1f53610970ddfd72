"""The log of a service that lives tells of every request that failed; only the last one is asked about.

The runtime stamps what belongs to a request with its id, and closes each request with a line of its access log.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

__all__ = ["LastRequests", "last_requests", "without_earlier_requests"]

_WHEN = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?=,\d{3} )")
_SCORED = re.compile(r" access \[(?P<id>[\w-]+)\] - \w+ \S*/score\S* (?P<status>\d{3})\b")
_RECENT_S = 60
"""Seconds before the last request; what was asked earlier tells nothing of now."""


@dataclass(frozen=True)
class LastRequests:
    """How the last requests to a service were answered.

    Attributes:
        status: Of the last one; 503 where most of the recent ones were refused; ``None``: nobody has asked.
        request_id: Of the last one.
        asked, refused: How many the recent ones are, and how many of them were answered 503.
    """

    status: int | None = None
    request_id: str = ""
    asked: int = 0
    refused: int = 0


def last_requests(text: str) -> LastRequests:
    """What the access lines of a log say, of one replica or of several."""
    seen = [
        (datetime.fromisoformat(when[0]), int(match["status"]), match["id"])
        for line in text.split("\n")
        if (match := _SCORED.search(line)) and (when := _WHEN.search(line))
    ]
    if not seen:
        return LastRequests()
    last = max(seen, key=lambda one: one[0])
    last = next(one for one in reversed(seen) if one[0] == last[0])
    recent = [status for when, status, _ in seen if (last[0] - when).total_seconds() <= _RECENT_S]
    refused = recent.count(503)
    status = 503 if refused > len(recent) / 2 else last[1]
    return LastRequests(status, last[2], len(recent), refused)


_STAMPED = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ (?P<level>[A-Z]) \[\d+\] [\w.]+(?: \[(?P<id>[\w-]+)\])? - ")
_ACCESS = re.compile(r" access \[(?P<id>[\w-]+)\] - \w+ /\S* (?P<status>\d{3})\b")


def without_earlier_requests(text: str, status: int | None) -> str:
    """``text`` with the lines of other requests than the last one of this status blanked; their number stays."""
    if status is None or " access [" not in text:
        return text
    lines = text.split("\n")
    wanted = ""
    for line in reversed(lines):
        if (match := _ACCESS.search(line)) and int(match["status"]) == status:
            wanted = match["id"]
            break
    if not wanted:
        return text
    # An error without an id is of an init(): of one that was refused, unless none was accepted (503).
    first = next(i for i, line in enumerate(lines) if f" [{wanted}] " in line)
    other = False
    for i, line in enumerate(lines):
        if match := _STAMPED.match(line):
            refused = match["id"] is None and match["level"] == "E" and i < first and status != 503
            other = refused or match["id"] not in (None, wanted)
        if other:
            lines[i] = ""
    return "\n".join(lines)
