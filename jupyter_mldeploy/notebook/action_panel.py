"""The buttons below a failure: each does what its step says, and asks before it changes anything."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import ipywidgets

from jupyter_mldeploy.errors import MLDeployError
from jupyter_mldeploy.notebook.language import tr
from jupyter_mldeploy.notebook.leaving import close_at_exit
from jupyter_mldeploy.notebook.output import Output
from jupyter_mldeploy.notebook.question import Question
from jupyter_mldeploy.notebook.remedies import Remedy, remedies
from jupyter_mldeploy.notebook.render.answer_card import error_html, note_html
from jupyter_mldeploy.notebook.render.log_card import log_card
from jupyter_mldeploy.notebook.render.timeline_card import timeline_card
from jupyter_mldeploy.notebook.timeline import Timeline
from jupyter_mldeploy.notebook.translated import translated_actions

if TYPE_CHECKING:
    from jupyter_mldeploy.diagnosis.actions import Action
    from jupyter_mldeploy.targets.base import LogLine

__all__ = ["ActionPanel"]

SHOWN_LINES = 200

Redo = Callable[[str, dict[str, Any], Callable[[Timeline], None]], None]
"""Carries the failed operation out again: on the service of a name, with these arguments changed, drawn by this."""


class ActionPanel:
    """Buttons for the remedies of one failure.

    Args:
        actions: Of the diagnosis.
        service: Name.
        redo: See ``Redo``.
        output: Where, if it was shown before; else in the cell that runs.
    """

    def __init__(self, actions: Iterable[Action], service: str, redo: Redo, output: Output | None = None) -> None:
        self._service = service
        self._redo = redo
        self._remedies = remedies(translated_actions(actions), service)
        self._output = output or Output()
        self._closed = False
        self._question = Question()
        self._result = ipywidgets.HTML()
        self._buttons = [self._button(remedy, first=not position) for position, remedy in enumerate(self._remedies)]
        row = ipywidgets.HBox(self._buttons)
        row.add_class("mld-row")
        self._box = ipywidgets.VBox([row, self._question.box, self._result])
        self._box.add_class("mld-panel")
        self._box.add_class("mld-actions-panel")

    def show(self) -> None:
        """Show the buttons, if there are any."""
        if self._remedies:
            self._output.show({**self._box._repr_mimebundle_(), "text/plain": self._commands()})
            close_at_exit(self)

    def close(self) -> None:
        """Leave the commands in the buttons' place."""
        if self._remedies and not self._closed:
            self._closed = True
            self._output.show({"text/plain": self._commands()})
            self._box.close()

    def _commands(self) -> str:
        return "\n".join(f"  {remedy.label}:  {remedy.command}" for remedy in self._remedies)

    def _button(self, remedy: Remedy, *, first: bool) -> Any:
        button = ipywidgets.Button(description=remedy.label, tooltip=remedy.command)
        if first and remedy.changes:
            button.button_style = "primary"
        button.on_click(lambda _button: self._clicked(remedy))
        return button

    def _clicked(self, remedy: Remedy) -> None:
        if not remedy.changes:
            self._in_thread(lambda: self._show_log(remedy))
            return
        changed = ", ".join(f"{key.replace('_', '-')} → {_shown(value)}" for key, value in remedy.changes.items())
        self._question.ask(
            f"{tr('Deploy %1 again with %2?', remedy.name, changed)}  ({remedy.command})",
            yes=tr("Deploy"),
            no=tr("Leave it"),
            then=lambda: self._in_thread(lambda: self._carry_out(remedy)),
        )

    def _in_thread(self, act: Callable[[], None]) -> None:
        def run() -> None:
            for button in self._buttons:
                button.disabled = True
            try:
                act()
            except MLDeployError as error:
                self._result.value = error_html(error)
            finally:
                for button in self._buttons:
                    button.disabled = False

        threading.Thread(target=run, name=f"mldeploy-remedy-{self._service}", daemon=True).start()

    def _carry_out(self, remedy: Remedy) -> None:
        self._redo(remedy.name, remedy.changes, self._draw)

    def _draw(self, timeline: Timeline) -> None:
        self._result.value = str(timeline_card(timeline))

    def _show_log(self, remedy: Remedy) -> None:
        from jupyter_mldeploy.api import service
        from jupyter_mldeploy.targets.base import LogQuery

        query = LogQuery(lines=SHOWN_LINES, build=remedy.shows_build_log)
        lines: list[LogLine] = list(service(self._service).follow(query))
        self._result.value = (
            str(log_card(self._service, lines, ended=True)) if lines else note_html(tr("The log is empty."))
        )


def _shown(value: object) -> str:
    return ", ".join(str(part) for part in value) if isinstance(value, tuple) else str(value)
