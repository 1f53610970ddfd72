"""How many replicas a load needs, as a form: ``%replicas`` without options."""

from __future__ import annotations

from typing import Any

import ipywidgets

from jupyter_mldeploy.errors import InvalidValue
from jupyter_mldeploy.notebook.commands import as_number
from jupyter_mldeploy.notebook.form import Form, text
from jupyter_mldeploy.notebook.language import tr
from jupyter_mldeploy.notebook.render.answer_card import error_html, note_html

__all__ = ["ReplicasForm"]


class ReplicasForm(Form):
    """The numbers of the documents' formula, and what comes of them."""

    def __init__(self) -> None:
        self._fields = {
            "rps": text(tr("Requests a second"), "20"),
            "seconds": text(tr("Seconds of one"), "0.5"),
            "utilization": text(tr("Utilization"), "0.7"),
            "concurrent": text(tr("At once in one"), "1"),
        }
        self._result = ipywidgets.HTML()
        for field in self._fields.values():
            field.observe(self._changed, "value")
        self._changed()
        super().__init__([*self._fields.values(), self._result], self._command)

    def _command(self) -> str:
        return "%replicas " + " ".join(f"--{name} {field.value.strip()}" for name, field in self._fields.items())

    def _changed(self, _change: Any = None) -> None:
        from jupyter_mldeploy.spec import replicas_for

        try:
            load, each, share, slots = (
                as_number(field.value.strip().replace(",", "."), name) for name, field in self._fields.items()
            )
            needed = replicas_for(load, each, utilization=share, concurrent_requests=_whole(slots))
        except InvalidValue as error:
            self._result.value = error_html(error)
        else:
            formula = f"⌈{load:g} × {each:g} s ∕ ({share:g} × {slots:g})⌉"
            told = tr("1 replica") if needed == 1 else tr("%1 replicas", needed)
            self._result.value = note_html(f"{formula} = {told}: --replicas {needed}")


def _whole(number: float) -> int:
    if not number.is_integer():
        raise InvalidValue("concurrent", number, "it is a whole number.")
    return int(number)
