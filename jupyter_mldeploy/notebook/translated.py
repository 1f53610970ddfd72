"""A diagnosis in the user's language, as far as its page is translated. What the bundle holds stays as it was written."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from jupyter_mldeploy.diagnosis.pages import fill
from jupyter_mldeploy.errors import in_a_cell
from jupyter_mldeploy.notebook.language import pages, tr

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jupyter_mldeploy.diagnosis.actions import Action
    from jupyter_mldeploy.notebook.explanation import Explanation

__all__ = ["translated", "translated_actions"]

_WELL = "none"
"""The page of a service that nothing is wrong with."""
_CHECK = "check"
"""Where what is shown as proof are sentences of ours, and nothing that a script or tool printed."""


def translated(explanation: Explanation) -> Explanation:
    """What is drawn of an explanation; again changes nothing."""
    known = pages()
    explanation = replace(
        explanation,
        title=tr(explanation.title),
        what=tr(explanation.what),
        certainty=tr(explanation.certainty),
        lines=tuple(replace(line, text=tr(line.text)) for line in explanation.lines)
        if explanation.stage == _CHECK
        else explanation.lines,
    )
    if not known:
        return explanation
    facts = {**explanation.facts, "target": explanation.target, "service": explanation.service}
    is_well = not (explanation.cause or explanation.stage or explanation.lines)
    page = known.get(explanation.cause or (_WELL if is_well else ""), {})
    steps = [step for text in page.get("steps", ()) if (step := fill(text, facts).strip())]
    return replace(
        explanation,
        title=fill(page["title"], facts) if page else explanation.title,
        what=in_a_cell(fill(page["what"], facts)) if page.get("what") else explanation.what,
        steps=tuple(map(in_a_cell, steps)) if page.get("steps") else explanation.steps,
        actions=translated_actions(explanation.actions, facts),
    )


def translated_actions(actions: Iterable[Action], facts: dict[str, str] | None = None) -> tuple[Action, ...]:
    """Actions with the words of their buttons in the user's language."""
    known = pages()
    return tuple(
        replace(action, label=fill(page["title"], {**(facts or {}), **action.parameters}))
        if (page := known.get(f"action:{action.kind}"))
        else action
        for action in actions
    )
