"""Two answers to one request, as HTML and text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_mldeploy.notebook.language import tr
from jupyter_mldeploy.notebook.render.card import card, head
from jupyter_mldeploy.notebook.render.markup import Html, tag
from jupyter_mldeploy.notebook.render.wording import milliseconds

if TYPE_CHECKING:
    from jupyter_mldeploy.comparison import Comparison, Side
    from jupyter_mldeploy.notebook.render.bundle import Bundle

__all__ = ["comparison_bundle", "comparison_card"]

SHOWN_CHARACTERS = 400


def comparison_bundle(found: Comparison) -> Bundle:
    """What stays of a comparison."""
    return {"text/html": str(comparison_card(found)), "text/plain": found.to_text()}


def comparison_card(found: Comparison) -> Html:
    """The verdict, both answers, and where they differ."""
    verdict = tr("the answers are the same") if found.same else tr("the answers differ")
    names = tr("%1 and %2", found.one.service, found.other.service)
    return card(
        tag("div", "", head("good" if found.same else "bad", names, verdict), role="status"),
        tag("div", "mld-section", _side(found.one), _side(found.other)),
        tag("div", "mld-section", tag("ul", "mld-steps", *(tag("li", "", tr(text)) for text in found.differences)))
        if found.differences
        else None,
        label=tr("comparison of %1: %2", names, verdict),
    )


def _side(side: Side) -> Html:
    shown = side.text if len(side.text) <= SHOWN_CHARACTERS else side.text[: SHOWN_CHARACTERS - 1] + "…"
    about = f"{side.service} · {side.target}"
    if side.answer is None:
        return tag("p", "", tag("span", "mld-dim", f"{about}: "), tag("span", "mld-badtext", shown))
    about += f" · {side.answer.status} · {milliseconds(side.answer.seconds * 1000)}"
    return tag("p", "", tag("span", "mld-dim", f"{about}: "), tag("code", "", shown or tr("(empty)")))
