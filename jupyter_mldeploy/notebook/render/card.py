"""The frame that all panels share: dot, name, what it is about, what stands at the right; and the stylesheet."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from jupyter_mldeploy.notebook.language import language
from jupyter_mldeploy.notebook.render.markup import Child, Html, join, tag

__all__ = ["card", "head", "style"]


@cache
def style() -> Html:
    """The stylesheet as an element, without comments and line breaks: it is in every saved output."""
    text = (Path(__file__).parent.parent / "static" / "panel.css").read_text(encoding="utf-8")
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    text = re.sub(r"\s+", " ", text).strip()
    return Html(f"<style>{text}</style>")


def head(dot: str, name: str, about: str = "", right: str = "", tag_text: str = "") -> Html:
    """The first line. ``dot``: ``good``, ``bad``, ``warn``, ``go`` or ``""``; its meaning is also in the words."""
    return tag(
        "div",
        "mld-head",
        tag("span", f"mld-dot mld-{dot}" if dot else "mld-dot", aria_hidden="true"),
        tag("b", "", name),
        " ",
        tag("span", "mld-dim", about) if about else None,
        " " if tag_text else None,
        tag("span", "mld-tag", tag_text) if tag_text else None,
        " " if right else None,
        tag("span", "mld-right", right) if right else None,
    )


def card(*children: Child, role: str = "group", label: str | None = None, styled: bool = True) -> Html:
    """One panel. ``styled`` brings the stylesheet along, which an output needs once."""
    drawn_in = None if (chosen := language()) == "en" else chosen
    return join(style() if styled else None, tag("div", "mld", *children, role=role, aria_label=label, lang=drawn_in))
