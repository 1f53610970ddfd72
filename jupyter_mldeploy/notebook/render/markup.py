"""HTML from values: every string is escaped, only what these functions made is not."""

from __future__ import annotations

import re
from html import escape

__all__ = ["Html", "join", "prose", "tag"]

_EMPTY_TAGS = frozenset({"br", "hr", "meta"})
_CODE = re.compile(r"`([^`]+)`")
_BOLD = re.compile(r"\*\*([^*]+)\*\*")


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


Child = Html | str | None


def _content(child: Child) -> str:
    if child is None:
        return ""
    return child if isinstance(child, Html) else escape(child)


def join(*children: Child) -> Html:
    """Children after each other; strings are escaped, ``None`` is nothing."""
    return Html("".join(_content(child) for child in children))


def tag(name: str, classes: str = "", *children: Child, **attributes: str | None) -> Html:
    """One element. ``_`` in an attribute's name is ``-``, at its end nothing; an attribute that is ``None`` is left out.

    >>> tag("b", "mld-name", "<iris>", aria_label='a "name"')
    '<b class="mld-name" aria-label="a &quot;name&quot;">&lt;iris&gt;</b>'
    """
    written = {"class": classes or None} | {
        key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()
    }
    shown = "".join(f' {key}="{escape(value)}"' for key, value in written.items() if value is not None)
    if name in _EMPTY_TAGS:
        return Html(f"<{name}{shown}>")
    return Html(f"<{name}{shown}>{join(*children)}</{name}>")


def prose(text: str) -> Html:
    """A page's text: `` `code` ``, ``**bold**`` and indented code blocks, everything else as it is."""
    parts: list[Html] = []
    for kind, block in _blocks(text):
        parts.append(tag("pre", "mld-code", block) if kind == "code" else _inline(" ".join(block.split("\n"))))
    return join(*parts)


def _blocks(text: str) -> list[tuple[str, str]]:
    blocks: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        kind = "code" if line.startswith("    ") else "text"
        if not blocks or blocks[-1][0] != kind:
            blocks.append((kind, []))
        blocks[-1][1].append(line[4:] if kind == "code" else line.strip())
    return [(kind, "\n".join(lines)) for kind, lines in blocks]


def _inline(text: str) -> Html:
    parts: list[Html] = []
    for position, piece in enumerate(_CODE.split(text)):
        if position % 2:
            parts.append(tag("code", "", piece))
        else:
            # Escaping leaves asterisks alone, so bold can be found in what is escaped.
            parts.append(Html(_BOLD.sub(r"<b>\1</b>", escape(piece))))
    return join(*parts)
