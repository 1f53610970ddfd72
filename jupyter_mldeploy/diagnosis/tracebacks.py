"""Python's tracebacks read back: type, message, frames, and which of the frames are the user's."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_mldeploy.diagnosis.reading import Line, Source

__all__ = ["Frame", "Raised", "read_tracebacks"]

_FRAME = re.compile(r'^(?P<indent>[\s|+]*)File "(?P<file>[^"]+)", line (?P<line>\d+)(?:,? in (?P<function>.+?))?\s*$')
_FINAL = re.compile(r"^[\s|+]*(?P<type>[A-Za-z_][\w]*(?:\.[A-Za-z_<>][\w<>]*)*)(?::\s?(?P<message>.*))?$")
_BARE = re.compile(
    r"(?:^|[\s:|\]>'\"(])(?P<type>(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|NotFound|Timeout|Refused|Incompatible))"
    r":\s(?P<message>.+)$"
)
_NOT_CONTINUED = re.compile(
    r"^\s*$|^Traceback |^\[\d|^During handling|^The above exception|^\d{4}-\d\d|^\s+File \"|^[| ]*(?:INFO|WARN"
    r"|ERROR|DEBUG)\b"
)
_LIBRARY = (
    "site-packages", "dist-packages", "/lib/python", "/lib64/python", "<frozen", "<string>", "<__array_function__",
    "azureml-server", "\\lib\\", "jupyter_mldeploy/runtime", "/gunicorn/", "importlib", "/opt/conda/lib",
)  # fmt: skip
_MOST = 40
_LONGEST = 400
_FIRST, _LAST = 30 * _MOST, 10 * _MOST
"""Frames, and lines that name an exception, that are looked at: at the beginning and at the end of a log."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A line ``File "…", line …, in …`` of a traceback."""

    file: str
    line: int
    function: str
    source: str

    @property
    def own(self) -> bool:
        """Whether this is the user's code and not a library's."""
        return not any(part in self.file for part in _LIBRARY)

    @property
    def name(self) -> str:
        return re.split(r"[/\\]", self.file)[-1]


@dataclass(frozen=True, slots=True)
class Raised:
    """An exception that was printed; ``frames`` is empty if only its last line was."""

    type: str
    message: str
    frames: tuple[Frame, ...]
    line: Line
    tail: str = ""

    @property
    def name(self) -> str:
        """The type without its module."""
        return self.type.rsplit(".", 1)[-1]

    @property
    def text(self) -> str:
        """Message with the lines that continue it."""
        return f"{self.message}\n{self.tail}" if self.tail else self.message

    @property
    def own_frame(self) -> Frame | None:
        """The innermost frame in the user's code."""
        return next((frame for frame in reversed(self.frames) if frame.own), None)

    @property
    def in_script(self) -> bool:
        """Whether it went through ``init()`` or ``run()``: what they asked of others, nobody asked of the service."""
        return any(frame.own and frame.function in ("run", "init") for frame in self.frames)

    def through(self, *parts: str) -> bool:
        """Whether a frame's file or function contains one of these."""
        return any(part in frame.file or part in frame.function for frame in self.frames for part in parts)


def read_tracebacks(source: Source) -> list[Raised]:
    """The exceptions printed in a source, in order; of very many, the first and the last."""
    lines = source.lines
    text = source.lowered
    if 'file "' not in text and "error" not in text and "exception" not in text and "refused:" not in text:
        return []
    found: list[Raised] = []
    taken: set[int] = set()
    starts = _frame_starts(source)
    for number, start in enumerate(starts):
        if start in taken or (len(found) >= _MOST and number < len(starts) - _LAST):
            continue
        raised, last = _framed(source, lines, start)
        taken.update(range(start, last + 1))
        if raised:
            found.append(raised)
    found += _bare(source, taken)
    return sorted(found, key=lambda raised: raised.line.number)


def _frame_starts(source: Source) -> list[int]:
    """Indices of lines that begin with ``File "``, without looking at each line of a log that has none."""
    indices = dict.fromkeys(source.number_at(place) - 1 for place in _places(source.text, 'File "'))
    return [i for i in indices if _FRAME.match(source.lines[i])]


def _framed(source: Source, lines: list[str], start: int) -> tuple[Raised | None, int]:
    frames: list[Frame] = []
    match = _FRAME.match(lines[start])
    indent = len(match["indent"]) if match else 2
    i = start
    while i < len(lines) and i - start < 2000:
        line = lines[i]
        if match := _FRAME.match(line):
            following = lines[i + 1] if i + 1 < len(lines) else ""
            code = "" if _FRAME.match(following) else following.strip(" |+^~")
            frames.append(Frame(match["file"], int(match["line"]), match["function"] or "", code))
        elif _ends(lines, i, indent):
            break
        i += 1
    while i < len(lines) and not lines[i].strip() and i - start < 2000:
        i += 1
    if i >= len(lines):
        return None, i
    final = _FINAL.match(lines[i])
    if not final:
        return None, i - 1
    tail = _continuation(lines, i + 1)
    return Raised(final["type"], (final["message"] or "").strip(), tuple(frames), source.line(i + 1), tail), i


def _ends(lines: list[str], i: int, indent: int) -> bool:
    """Whether a line is no longer part of the frames: less indented than they are, or a blank line after them."""
    line = lines[i]
    if line.strip():
        return len(line) - len(line.lstrip(" |+")) < max(indent, 1)
    return not _continues(lines, i)


def _continues(lines: list[str], blank: int) -> bool:
    return blank + 1 < len(lines) and (lines[blank + 1].startswith("  ") or _FRAME.match(lines[blank + 1]) is not None)


def _continuation(lines: list[str], start: int) -> str:
    """The further lines of a message. A blank line ends it, unless the message goes on indented or with a known word."""
    tail: list[str] = []
    for line in lines[start : start + 25]:
        if _NOT_CONTINUED.match(line):
            if line.strip() or not tail:
                break
            continue
        tail.append(line.strip())
    return "\n".join(tail)


_NAMES = ("Error: ", "Exception: ", "NotFound: ", "Timeout: ", "Refused: ", "Incompatible: ")


def _naming(source: Source) -> list[tuple[int, str]]:
    """The lines, with their index, that can name an exception: found by their words, without a look at each line."""
    indices = {source.number_at(place) - 1 for name in _NAMES for place in _places(source.text, name)}
    return [(i, source.lines[i]) for i in sorted(indices)]


def _places(text: str, wanted: str) -> list[int]:
    """Where a text occurs: of very many places the first and the last."""
    places: list[int] = []
    end, position = len(text), -1
    while len(places) < _FIRST and (position := text.find(wanted, position + 1)) >= 0:
        places.append(position)
    if len(places) < _FIRST:
        return places
    last: list[int] = []
    while len(last) < _LAST and (end := text.rfind(wanted, position + 1, end)) >= 0:
        last.append(end)
    return [*places, *reversed(last)]


def _bare(source: Source, taken: set[int]) -> list[Raised]:
    """Lines ``SomeError: message`` that belong to no traceback."""
    found = []
    framed = {source.lines[i] for i in taken if i < len(source.lines)}
    for i, line in _naming(source):
        if i in taken or line in framed or "Warning" in line:
            continue
        if match := _BARE.search(line[:_LONGEST]):
            message = line[match.start("message") :].strip()
            found.append(Raised(match["type"], message, (), source.line(i + 1), _continuation(source.lines, i + 1)))
            if len(found) > 2 * _MOST:
                del found[_MOST]
    return found
