"""A log as HTML and text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from jupyter_mldeploy.notebook.render.card import card, head
from jupyter_mldeploy.notebook.render.markup import Html, tag
from jupyter_mldeploy.notebook.render.wording import count

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
    shown = count(len(lines), "line") + (f", {left_out} earlier ones left out" if left_out else "")
    return card(
        head("" if ended else "go", service, "log, ended" if ended else "log, following", shown),
        tag(
            "div",
            "mld-tail",
            tag("pre", "mld-log", "\n".join(line.text for line in lines)),
            role="log",
            tabindex="0",
            aria_label=f"log of {service}",
        ),
        label=f"log of {service}",
    )
