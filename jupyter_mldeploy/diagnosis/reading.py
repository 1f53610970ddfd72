"""Evidence made readable: its sources as clean lines, searched once and cheaply.

A ``Reading`` is what every rule gets. ``find`` and ``find_all`` take patterns that match within one line and ignore case;
a match (``Hit``) knows its line, and a line knows how it was printed, where it came from and which number it has there.
"""

from __future__ import annotations

import bisect
import copy
import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from jupyter_mldeploy.diagnosis.cleaning import clean, flatten_json, unfold
from jupyter_mldeploy.diagnosis.harmless import says_it_goes_on
from jupyter_mldeploy.diagnosis.last_request import without_earlier_requests
from jupyter_mldeploy.diagnosis.needles import Branch, Needle, branches, grams, needle, vocabulary

if TYPE_CHECKING:
    import re

    from jupyter_mldeploy.diagnosis.tracebacks import Raised
    from jupyter_mldeploy.evidence import Evidence

__all__ = ["LOGS", "Hit", "Line", "Reading", "Source"]

LOGS = ("log", "previous_log", "build_log")
"""What processes printed. The other sources are what a platform says."""

_FIRST, _LAST = 150, 50
"""How many of the lines with a fixed text are looked at: the first ones and the last ones."""

_MANY_WORDS = 20_000
"""Characters of all words that are searched one by one."""

_LONGEST_LINE = 4_000
"""Characters of a line that are searched."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of evidence: clean (``text``) and as it was printed (``shown``)."""

    text: str
    shown: str
    source: str
    number: int


@dataclass(frozen=True, slots=True)
class Hit:
    """A match of a pattern and the line it was found in."""

    line: Line
    match: re.Match[str]

    def __getitem__(self, group: str | int) -> str:
        """A group's text, or ``""`` if it took no part or belongs to another alternative of the pattern."""
        try:
            return self.match[group] or ""
        except IndexError:
            return ""


class Source:
    """One text of the evidence."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self._shown_text = unfold(text)
        self.text = clean(self._shown_text)
        self.lowered = self.text.lower()
        self._spans: dict[str, list[tuple[int, int]]] = {}
        self._known: dict[str, bool] = {}

    @cached_property
    def words(self) -> str:
        return vocabulary(self.lowered)

    @cached_property
    def _grams(self) -> frozenset[str] | None:
        """A first look for texts with very many words, as of binary data; else the words are quick to search."""
        return grams(self.words) if len(self.words) > _MANY_WORDS else None

    @cached_property
    def lines(self) -> list[str]:
        """Clean lines."""
        return self.text.split("\n")

    @cached_property
    def _shown(self) -> list[str]:
        return self._shown_text.split("\n")

    def line(self, number: int) -> Line:
        """Line by its number, counted from 1."""
        shown = self._shown[number - 1] if number <= len(self._shown) else ""
        return Line(self.lines[number - 1], shown.strip("\n"), self.name, number)

    def line_at(self, position: int) -> Line:
        return self.line(self.number_at(position))

    def number_at(self, position: int) -> int:
        """The number of the line that a position is in."""
        ends = self._letters_until
        return bisect.bisect_left(range(len(ends)), position, key=lambda line: ends[line] + line) + 1

    @cached_property
    def _letters_until(self) -> list[int]:
        """How many characters the lines have up to each one's end, line ends not counted."""
        return list(itertools.accumulate(map(len, self.lines)))

    def search(self, alternatives: Sequence[Branch], backwards: bool = False) -> Iterator[Hit]:
        """Matches of any of the alternatives, one for each line, from the first line on or from the last one back."""
        if not self.text:
            return
        spans: dict[tuple[int, int], list[re.Pattern[str]]] = {}
        for branch in alternatives:
            for span in self._candidates(branch):
                spans.setdefault(span, []).append(branch.regex)
        for start, end in sorted(spans, reverse=backwards):
            line = self.text[start : min(end, start + _LONGEST_LINE)]
            for regex in spans[start, end]:
                if match := regex.search(line):
                    yield Hit(self.line_at(start), match)
                    break

    def _candidates(self, branch: Branch) -> Iterator[tuple[int, int]]:
        """The lines that an alternative may match."""
        if not branch.needles:
            yield from self._last_lines
        for wanted in branch.needles:
            if self.has(wanted):
                yield from self._lines_with(wanted.text)

    def has(self, wanted: Needle) -> bool:
        """Whether the text has a fixed text. Looked up once."""
        if (known := self._known.get(wanted.text)) is None:
            words = self.words
            if self._grams is not None and not wanted.grams <= self._grams:
                known = self._known[wanted.text] = False
                return known
            known = all(map(words.__contains__, wanted.letters)) and wanted.text in self.lowered
            self._known[wanted.text] = known
        return known

    def _lines_with(self, needle: str) -> list[tuple[int, int]]:
        """Lines that contain a text: of very many the first and the last. Looked up once."""
        if (known := self._spans.get(needle)) is not None:
            return known
        text, lowered = self.text, self.lowered
        spans: list[tuple[int, int]] = []
        position = 0
        while len(spans) < _FIRST and (position := lowered.find(needle, position)) >= 0:
            start, end = text.rfind("\n", 0, position) + 1, text.find("\n", position)
            end = len(text) if end < 0 else end
            spans.append((start, end))
            position = end + 1
        last = len(text)
        for _ in range(_LAST if len(spans) == _FIRST else 0):
            position = lowered.rfind(needle, spans[_FIRST - 1][1], last)
            if position < 0:
                break
            start, end = text.rfind("\n", 0, position) + 1, text.find("\n", position)
            spans.append((start, len(text) if end < 0 else end))
            last = start
        self._spans[needle] = spans
        return spans

    @cached_property
    def _last_lines(self) -> list[tuple[int, int]]:
        """Where alternatives are tried of which no fixed text is known."""
        spans: list[tuple[int, int]] = []
        end = len(self.text)
        while end > 0 and len(spans) < _FIRST and len(self.text) - end < 40_000:
            start = self.text.rfind("\n", 0, end) + 1
            if end > start:
                spans.append((start, end))
            end = start - 1
        return spans


class Reading:
    """What rules read. Attributes of the evidence that need no cleaning are ``evidence.…``."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.stage = evidence.stage
        self.target = evidence.target
        self.exit_code = evidence.exit_code
        self.http_status = evidence.http_status
        self.oom_killed = evidence.oom_killed
        self.failure = evidence.failure
        texts = {
            "log": without_earlier_requests(evidence.log, evidence.http_status if evidence.stage == "run" else None),
            "previous_log": evidence.previous_log,
            "build_log": evidence.build_log,
            "k8s_events": "\n".join(event.replace("\n", " ") for event in evidence.k8s_events),
            "k8s_reason": evidence.k8s_reason,
            "http_body": flatten_json(evidence.http_body),
            "failure": _failure_text(evidence),
        }
        if evidence.failure and evidence.stage in ("run", "http", "reload", "ready"):
            # The log of a service that lives is full of what failed before.
            texts = {name: texts[name] for name in ("failure", "http_body", *texts)}
        self.sources = {name: Source(name, text) for name, text in texts.items()}
        self._full = {name: source for name, source in self.sources.items() if source.text}

    def at_stage(self, stage: str) -> Reading:
        """The same evidence as if it were of another stage. What was looked up in it is shared."""
        other = copy.copy(self)
        other.stage = stage
        other.__dict__.pop("building_packages", None)
        return other

    def __contains__(self, words: str) -> bool:
        """Whether any source has this text, in any case."""
        wanted = needle(words.lower())
        return any(source.has(wanted) for source in self._full.values())

    def find(self, pattern: str, sources: Sequence[str] | None = None) -> Hit | None:
        """First match of a pattern (within a line, case ignored) in the sources, in their order."""
        return next(self._search(pattern, sources), None)

    def find_all(self, pattern: str, sources: Sequence[str] | None = None, limit: int = 100) -> list[Hit]:
        """Matches of a pattern, one for each line."""
        return [hit for hit, _ in zip(self._search(pattern, sources), range(limit), strict=False)]

    def find_last(self, pattern: str, sources: Sequence[str] | None = None) -> Hit | None:
        """Last match in the last source that has one."""
        ready = branches(pattern)
        full = [self._full[name] for name in reversed(tuple(sources or self._full)) if name in self._full]
        return next((hit for source in full for hit in self._telling(source.search(ready, backwards=True))), None)

    def near(self, line: Line, before: int = 0, after: int = 0) -> list[Line]:
        """The lines around a line, itself included."""
        source = self.sources[line.source]
        first, last = max(1, line.number - before), min(len(source.lines), line.number + after)
        return [source.line(number) for number in range(first, last + 1)]

    @cached_property
    def raised(self) -> tuple[Raised, ...]:
        """The Python exceptions that were printed, with and without their tracebacks, in order."""
        from jupyter_mldeploy.diagnosis.tracebacks import read_tracebacks

        return tuple(raised for source in self.sources.values() for raised in read_tracebacks(source))

    def last_exception(self) -> Raised | None:
        """The exception that was printed last, one with a traceback before one without."""
        framed = [raised for raised in self.raised if raised.frames]
        return framed[-1] if framed else self.raised[-1] if self.raised else None

    def in_script(self, line: Line) -> bool:
        """Whether a line is the end of a traceback through the scoring script."""
        return any(
            raised.in_script
            and raised.line.source == line.source
            and 0 <= line.number - raised.line.number <= raised.tail.count("\n") + bool(raised.tail)
            for raised in self.raised
        )

    def statement(self, name: str, value: object) -> Line:
        """A field of the evidence as a line of proof: ``exit code 137``."""
        text = f"{name} {value}"
        return Line(text, text, name, 0)

    @cached_property
    def building_packages(self) -> bool:
        """Whether Python speaks here as a part of pip, conda or a package's own set-up, not as a service."""
        if self.stage in ("init", "run", "http", "ready", "launch", "reload"):
            return False
        marks = (
            "subprocess-exited-with-error", "Failed building wheel", "setup.py", "Command errored out", "pip subprocess",
            "metadata-generation-failed", "The build backend returned an error", "pip._internal", "pip._vendor",
            "Getting requirements to build wheel",
        )  # fmt: skip
        return any(mark in self for mark in marks)

    @cached_property
    def empty(self) -> bool:
        """Whether there is nothing to read."""
        return not any(source.text.strip() for source in self.sources.values())

    def _search(self, pattern: str, sources: Sequence[str] | None) -> Iterator[Hit]:
        ready = branches(pattern)
        for name in sources or self._full:
            if source := self._full.get(name):
                yield from self._telling(source.search(ready))

    def _telling(self, hits: Iterator[Hit]) -> Iterator[Hit]:
        """Without lines after which the service went on."""
        if self.stage in ("build", "push", "schedule", "register") or self.building_packages:
            return hits
        return (hit for hit in hits if not says_it_goes_on(hit.line))


def _failure_text(evidence: Evidence) -> str:
    """The runtime's report: its traceback, or what it says where there is none."""
    failure = evidence.failure
    if not failure:
        return ""
    traceback = failure.get("traceback")
    if isinstance(traceback, str) and traceback.strip():
        return traceback
    exception = failure.get("exception")
    if isinstance(exception, dict) and exception.get("type"):
        return f"{exception['type']}: {exception.get('text', '')}"
    message = failure.get("message")
    return message if isinstance(message, str) else json.dumps(message, default=str)
