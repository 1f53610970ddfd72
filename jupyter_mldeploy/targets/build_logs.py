"""The build log of a service that runs from an image, whichever target it is on."""

from __future__ import annotations

from collections.abc import Iterator

from jupyter_mldeploy.images.build_log import BuildLogs
from jupyter_mldeploy.records import Record, Records
from jupyter_mldeploy.targets.base import LogLine, LogQuery

__all__ = ["build_log"]


def build_log(records: Records, record: Record, query: LogQuery) -> Iterator[LogLine]:
    """Its lines: of a later build that failed, else of the image it runs, with those of the parts it stands on."""
    kept = BuildLogs(records.home)
    text = kept.text(kept.last_of(record.name, str(record.details.get("image", ""))))
    needle = (query.grep or "").casefold()
    lines = [line for line in text.splitlines() if needle in line.casefold()]
    first = 0 if query.lines is None else max(len(lines) - query.lines, 0)
    yield from (LogLine(text=line) for line in lines[first:])
