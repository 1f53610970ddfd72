"""A failure as HTML: the proof, what happened, the steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_mldeploy.notebook.language import tr
from jupyter_mldeploy.notebook.remedies import commands
from jupyter_mldeploy.notebook.render.card import card, head
from jupyter_mldeploy.notebook.render.markup import Html, join, prose, tag
from jupyter_mldeploy.notebook.render.wording import capitalised
from jupyter_mldeploy.notebook.translated import translated

if TYPE_CHECKING:
    from jupyter_mldeploy.notebook.explanation import Explanation

__all__ = ["explanation_card", "explanation_parts"]


def explanation_card(explanation: Explanation) -> Html:
    """A whole panel, for ``%diagnose``."""
    explanation = translated(explanation)
    well = not explanation.cause and not explanation.stage
    about = " · ".join(part for part in (explanation.service, explanation.target) if part)
    return card(
        head("good" if well else "bad", capitalised(explanation.title), "", about),
        _parts(explanation),
        label=tr("diagnosis: %1", explanation.title),
    )


def explanation_parts(explanation: Explanation) -> Html:
    """Everything below the title."""
    return _parts(translated(explanation))


def _parts(explanation: Explanation) -> Html:
    return join(_proof(explanation), _remedy(explanation), _foot(explanation))


def _proof(explanation: Explanation) -> Html | None:
    """Each line is a block of its own, with and without the stylesheet."""
    if not (explanation.lines or explanation.where):
        return None
    lines = [
        tag("div", "mld-hit", tag("mark", "", line.text or " "), title=line.origin or None)
        if line.proves
        else tag("div", "mld-dim", line.text or " ")
        for line in explanation.lines
    ]
    if explanation.where:
        source = f"   {explanation.source_line}" if explanation.source_line else ""
        lines.append(tag("div", "mld-dim", f"{explanation.where}{source}"))
    return tag("pre", "mld-proof", *lines, aria_label=tr("the lines that prove it"))


def _remedy(explanation: Explanation) -> Html | None:
    if not (explanation.what or explanation.steps):
        return None
    what = tag("p", "mld-dim", prose(explanation.what)) if explanation.what else None
    steps = (
        tag("ol", "mld-steps", *(tag("li", "", prose(step)) for step in explanation.steps))
        if explanation.steps
        else None
    )
    return tag("div", "mld-section", what, steps, _commands(explanation))


def _commands(explanation: Explanation) -> Html | None:
    """What the buttons do, to be typed: a saved notebook has no buttons."""
    typed = commands(explanation.actions)
    if not typed:
        return None
    lines = (join(tag("span", "mld-dim", f"{label}: "), tag("code", "", command)) for label, command in typed)
    return tag("div", "mld-actions", *(tag("div", "", line) for line in lines))


def _foot(explanation: Explanation) -> Html | None:
    parts = []
    if explanation.cause:
        certainty = f" · {explanation.certainty}" if explanation.certainty else ""
        parts.append(tr("cause: %1", explanation.cause) + certainty)
    if explanation.also:
        parts.append(tr("also: %1", ", ".join(explanation.also)))
    if explanation.sources:
        parts.append(tr("source: “%1”", explanation.sources[0]))
    if explanation.cause and explanation.service:
        parts.append(tr("more: %1", f"%diagnose {explanation.service}"))
    return tag("div", "mld-foot", *(join(tag("span", "", part), " ") for part in parts)) if parts else None
