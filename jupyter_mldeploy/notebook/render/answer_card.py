"""Short pieces beside buttons: an answer, an error, a note."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_mldeploy.errors import in_magics
from jupyter_mldeploy.notebook.language import tr
from jupyter_mldeploy.notebook.render.markup import Html, tag
from jupyter_mldeploy.notebook.render.wording import milliseconds, short_hash

if TYPE_CHECKING:
    from jupyter_mldeploy.errors import MLDeployError
    from jupyter_mldeploy.targets.base import Answer

__all__ = ["answer_html", "error_html", "note_html"]

SHOWN_CHARACTERS = 400


def answer_html(answer: Answer) -> str:
    """Body, status, time and the script that gave it."""
    body = answer.body.decode("utf-8", "replace").strip()
    shown = body if len(body) <= SHOWN_CHARACTERS else body[: SHOWN_CHARACTERS - 1] + "…"
    script = answer.headers.get("x-mldeploy-script", "")
    about = [str(answer.status), milliseconds(answer.seconds * 1000)]
    if script:
        about.append(tr("script %1", short_hash(script)))
    good = answer.status < 400
    return str(
        _line(tag("code", "" if good else "mld-badtext", shown), " ", tag("span", "mld-dim", " · ".join(about))),
    )


def error_html(error: MLDeployError) -> str:
    """An error in one line."""
    return str(_line(tag("span", "mld-badtext", in_magics(str(error)))))


def note_html(text: str) -> str:
    """A remark."""
    return str(_line(tag("span", "mld-dim", text)))


def _line(*children: Html | str) -> Html:
    return tag("div", "mld mld-line", *children, role="status")
