"""A log as HTML and text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from jupyter_mldeploy.notebook.language import tr
from jupyter_mldeploy.notebook.render.card import card, head
from jupyter_mldeploy.notebook.render.markup import Html, tag

if TYPE_CHECKING:
    from jupyter_mldeploy.notebook.render.bundle import Bundle
    from jupyter_mldeploy.targets.base import LogLine

__all__ = ["log_bundle", "log_card"]


def log_bundle(service: str, lines: Sequence[LogLine], *, left_out: int = 0, ended: bool = False) -> Bundle:
    """The log so far."""
    text = "\n".join(line.text for line in lines)
    above = f"[… {left_out} earlier lines left out …]\n" if left_out else ""
    return {"text/html": str(log_card(service, lines, left_out=left_out, ended=ended)), "text/plain": above + text}


def log_card(service: str, lines: Sequence[LogLine], *, left_out: int = 0, ended: bool = False) -> Html:
    """The newest line stands last, and is what is seen: the block is scrolled to its end by its own layout."""
    shown = tr("1 line") if len(lines) == 1 else tr("%1 lines", len(lines))
    if left_out:
        shown = tr("%1, %2 earlier ones left out", shown, left_out)
    return card(
        head("" if ended else "go", service, tr("log, ended") if ended else tr("log, following"), shown),
        tag(
            "div",
            "mld-tail",
            tag("pre", "mld-log", "\n".join(line.text for line in lines)),
            role="log",
            tabindex="0",
            aria_label=tr("log of %1", service),
        ),
        label=tr("log of %1", service),
    )
