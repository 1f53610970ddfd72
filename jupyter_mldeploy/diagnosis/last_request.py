"""The log of a service that lives tells of every request that failed; only the last one is asked about.

The runtime stamps what belongs to a request with its id, and closes each request with a line of its access log.
"""

from __future__ import annotations

import re

__all__ = ["without_earlier_requests"]

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
