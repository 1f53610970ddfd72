"""The static bundle: what stays in a saved notebook. Data for a renderer, HTML for everybody else, text for the rest.

Never together with a widget's view: a front end that cannot find the widget would show an error in place of the HTML.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_mldeploy.notebook.render.explanation_card import explanation_card
from jupyter_mldeploy.notebook.render.text import explanation_text, timeline_text
from jupyter_mldeploy.notebook.render.timeline_card import timeline_card

if TYPE_CHECKING:
    from jupyter_mldeploy.notebook.explanation import Explanation
    from jupyter_mldeploy.notebook.timeline import Timeline

__all__ = ["DEPLOYMENT", "DIAGNOSIS", "Bundle", "explanation_bundle", "timeline_bundle"]

DEPLOYMENT = "application/vnd.mldeploy.deployment.v1+json"
DIAGNOSIS = "application/vnd.mldeploy.diagnosis.v1+json"

Bundle = dict[str, Any]


def timeline_bundle(timeline: Timeline) -> Bundle:
    """Of a deployment, whether it has ended or not."""
    return {
        DEPLOYMENT: timeline.to_json(),
        "text/html": str(timeline_card(timeline)),
        "text/plain": timeline_text(timeline),
    }


def explanation_bundle(explanation: Explanation) -> Bundle:
    """Of a diagnosis."""
    return {
        DIAGNOSIS: explanation.to_json(),
        "text/html": str(explanation_card(explanation)),
        "text/plain": explanation_text(explanation),
    }
