"""Two services compared by a click: ``%service_compare`` without names."""

from __future__ import annotations

from typing import Any

import ipywidgets

from jupyter_mldeploy.errors import MLDeployError
from jupyter_mldeploy.notebook.form import Form, choice, in_thread
from jupyter_mldeploy.notebook.language import tr
from jupyter_mldeploy.notebook.render.answer_card import error_html, note_html
from jupyter_mldeploy.notebook.render.comparison_card import comparison_card
from jupyter_mldeploy.notebook.wish import quoted

__all__ = ["ComparisonForm"]


class ComparisonForm(Form):
    """Two names, a sample, and what came of it.

    Args:
        samples: Of each service the sample it was deployed with, or ``""``; two services at least.
    """

    def __init__(self, samples: dict[str, str]) -> None:
        first, second, *_ = samples
        self._samples = samples
        self._one = choice(tr("One"), list(samples), first)
        self._other = choice(tr("Other"), list(samples), second)
        self._sample = ipywidgets.Textarea(
            value=samples[first], placeholder='{"data": [[1, 2]]}', rows=2, layout={"width": "100%"}
        )
        self._sample.add_class("mld-sample")
        self._send = ipywidgets.Button(
            description=tr("Compare"), tooltip=tr("Send both this and compare their answers")
        )
        self._send.on_click(lambda _button: in_thread("compare", self._compare))
        self._one.observe(self._chosen, "value")
        self._line = ipywidgets.HTML()
        self._result = ipywidgets.HTML()
        for field in (self._one, self._other, self._sample):
            field.observe(self._changed, "value")
        self._changed()
        buttons = ipywidgets.HBox([self._send, self._line])
        buttons.add_class("mld-row")
        super().__init__([self._one, self._other, self._sample, buttons, self._result], self._command)

    def _command(self) -> str:
        words = ["%service_compare", self._one.value, self._other.value]
        sample = self._sample.value.strip()
        return " ".join([*words, quoted(" ".join(sample.split()))] if sample else words)

    def _changed(self, _change: Any = None) -> None:
        self._line.value = note_html(self._command())

    def _chosen(self, change: Any) -> None:
        """The sample follows the first service, unless somebody wrote one."""
        if self._sample.value == self._samples[change["old"]]:
            self._sample.value = self._samples[change["new"]]

    def _compare(self) -> None:
        from jupyter_mldeploy.comparison import compare

        self._send.disabled = True
        self._result.value = note_html("…")
        try:
            found = compare(self._one.value, self._other.value, self._sample.value.strip() or None)
            self._result.value = str(comparison_card(found))
        except MLDeployError as error:
            self._result.value = error_html(error)
        finally:
            self._send.disabled = False
