"""Ask before something is changed: say what would be done, and wait for a second click."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets

from jupyter_mldeploy.notebook.render.answer_card import note_html

__all__ = ["Question"]


class Question:
    """A row that is there only while something is asked."""

    def __init__(self) -> None:
        self._text = ipywidgets.HTML()
        self._yes = ipywidgets.Button(button_style="primary")
        self._no = ipywidgets.Button()
        self.box = ipywidgets.HBox([self._text, self._yes, self._no])
        self.box.add_class("mld-row")
        self.box.layout.display = "none"
        self._then: Callable[[], None] | None = None
        self._yes.on_click(self._answered)
        self._no.on_click(self._refused)

    def ask(self, text: str, *, yes: str, no: str, then: Callable[[], None]) -> None:
        """Show the question; ``then`` is called if the answer is yes."""
        self._then = then
        self._text.value = note_html(text)
        self._yes.description, self._no.description = yes, no
        self.box.layout.display = "flex"

    def close(self) -> None:
        """Remove it."""
        self.box.close()

    def _answered(self, _button: Any) -> None:
        then, self._then = self._then, None
        self.box.layout.display = "none"
        if then:
            then()

    def _refused(self, _button: Any) -> None:
        self._then = None
        self.box.layout.display = "none"
