"""The catalogue: one Markdown page for each cause, read when it is needed.

A page has front matter (``cause``, ``family``, ``title``, ``severity``, ``actions``, ``sources``) and a body: what happened,
then ``## Confirm`` with a command, then ``## Steps`` with the steps in order. ``{package|the package}`` is a slot: it shows
the fact ``package`` where there is one, and the words after the bar where not. ``{?line:, line {line|}||somewhere?}`` shows
its first text where there is such a fact (``{?target=local:…?}``: where it has that value), and else the one after ``||``.
A step of which nothing is left is no step.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from jupyter_mldeploy.diagnosis.actions import KINDS

__all__ = ["SEVERITIES", "Page", "PageInvalid", "causes", "fill", "page", "parse_page"]

SEVERITIES = ("error", "warning", "info")

_FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---\n(.*)\Z", re.DOTALL)
_CHOICE = re.compile(r"\{\?([a-z_]+)(?:=([a-z]+))?:(.*?)(?:\|\|(.*?))?\?\}", re.DOTALL)
_SLOT = re.compile(r"\{([a-z_]+)\|([^{}]*)\}")
_NAMED = re.compile(r"`\{([a-z_]+)\|([^{}`]* [^{}`]*)\}`")
"""A slot set as a name. Where there is none, words stand in its place, and they are set as words."""
_STEP = re.compile(r"^\d+\.\s+", re.MULTILINE)
_FIELDS = {"cause", "family", "title", "severity", "actions", "sources"}


class PageInvalid(ValueError):
    """A page of the catalogue is not as it must be: a mistake of ours, found by the tests."""


@dataclass(frozen=True)
class Page:
    """A page of the catalogue, its slots not yet filled."""

    cause: str
    family: str
    title: str
    severity: str
    actions: tuple[str, ...]
    sources: tuple[str, ...]
    what: str
    confirm: str
    steps: tuple[str, ...]


def fill(text: str, facts: Mapping[str, str]) -> str:
    """Put facts into the slots of a text."""

    def choose(choice: re.Match[str]) -> str:
        fact, value, text, otherwise = choice.groups()
        found = facts.get(fact, "")
        return str(text if found and value in {None, found} else otherwise or "")

    text = _CHOICE.sub(choose, text)
    text = _NAMED.sub(lambda slot: slot[0] if facts.get(slot[1]) else slot[2], text)
    return _SLOT.sub(lambda slot: facts.get(slot[1]) or slot[2], text)


@cache
def page(cause: str) -> Page:
    """The page of a cause.

    Raises:
        KeyError: There is none.
        PageInvalid: It is malformed.
    """
    resource = files("jupyter_mldeploy.diagnosis").joinpath("catalogue", f"{cause}.md")
    if not re.fullmatch(r"[a-z0-9-]+", cause) or not resource.is_file():
        raise KeyError(cause)
    read = parse_page(resource.read_text("utf-8"))
    if read.cause != cause:
        raise PageInvalid(f"{cause}.md calls itself {read.cause}")
    return read


@cache
def causes() -> tuple[str, ...]:
    """The causes that have a page, in order."""
    folder = files("jupyter_mldeploy.diagnosis").joinpath("catalogue")
    return tuple(sorted(entry.name[:-3] for entry in folder.iterdir() if entry.name.endswith(".md")))


def parse_page(text: str) -> Page:
    """Read a page and check it."""
    match = _FRONT_MATTER.match(text.replace("\r\n", "\n"))
    if not match:
        raise PageInvalid("no front matter")
    fields = _front_matter(match[1])
    if fields.keys() != _FIELDS:
        raise PageInvalid(f"front matter has {sorted(fields)}, must have {sorted(_FIELDS)}")
    what, confirm, steps = _sections(match[2])
    actions = _list(fields["actions"])
    severity = _string(fields["severity"])
    if severity not in SEVERITIES:
        raise PageInvalid(f"severity {severity!r} is not one of {', '.join(SEVERITIES)}")
    if unknown := set(actions) - KINDS.keys():
        raise PageInvalid(f"unknown actions {sorted(unknown)}")
    if not what or not steps:
        raise PageInvalid("a page says what happened and has steps")
    return Page(
        cause=_string(fields["cause"]),
        family=_string(fields["family"]),
        title=_string(fields["title"]),
        severity=severity,
        actions=actions,
        sources=_list(fields["sources"]),
        what=what,
        confirm=confirm,
        steps=steps,
    )


def _sections(body: str) -> tuple[str, str, tuple[str, ...]]:
    what, _, rest = body.partition("## Confirm\n")
    confirm, heading, steps = rest.partition("## Steps\n")
    if not heading:
        raise PageInvalid("a page has the sections Confirm and Steps, in this order")
    listed = tuple(re.sub(r"\n[ ]{1,3}(?=\S)", " ", step).strip() for step in _STEP.split(steps) if step.strip())
    return " ".join(what.split()), confirm.strip(), listed


def _front_matter(text: str) -> dict[str, str | tuple[str, ...]]:
    """The part of YAML that the pages use: a string, ``[a, b]``, or a list of lines with ``- ``. It costs no import."""
    fields: dict[str, str | tuple[str, ...]] = {}
    key = ""
    for line in text.split("\n"):
        if item := re.match(r"\s+- (.*)", line):
            previous = fields[key]
            fields[key] = (*(previous if isinstance(previous, tuple) else ()), _unquote(item[1]))
        elif pair := re.match(r"([a-z]+):\s*(.*)", line):
            key = pair[1]
            fields[key] = tuple(_items(pair[2])) if pair[2].startswith("[") else _unquote(pair[2])
        elif line.strip():
            raise PageInvalid(f"front matter: cannot read {line!r}")
    return fields


def _items(text: str) -> Iterator[str]:
    return (_unquote(item) for item in text.strip("[] ").split(",") if item.strip())


def _unquote(text: str) -> str:
    text = text.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text


def _list(value: str | tuple[str, ...]) -> tuple[str, ...]:
    if isinstance(value, tuple):
        return value
    return (value,) if value else ()


def _string(value: str | tuple[str, ...]) -> str:
    if isinstance(value, tuple) or not value:
        raise PageInvalid(f"{value!r} must be a string")
    return value
