"""The live panel of a service: what is true now, a form to send a sample, and buttons.

Plain ipywidgets. A click only starts a thread of its own, so that it does not matter in which thread the kernel delivers it.
What is shown follows ``Service.watch`` in one thread that ends with the panel.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets

from jupyter_mldeploy.config import settings
from jupyter_mldeploy.errors import MLDeployError, ScoringFailed
from jupyter_mldeploy.events import Cancel
from jupyter_mldeploy.notebook.edits import watch_file
from jupyter_mldeploy.notebook.explanation import explain
from jupyter_mldeploy.notebook.language import tr
from jupyter_mldeploy.notebook.leaving import close_at_exit
from jupyter_mldeploy.notebook.log_tail import LogTail
from jupyter_mldeploy.notebook.output import Output
from jupyter_mldeploy.notebook.question import Question
from jupyter_mldeploy.notebook.render.answer_card import answer_html, error_html, note_html
from jupyter_mldeploy.notebook.render.explanation_card import explanation_card
from jupyter_mldeploy.notebook.render.service_card import service_bundle, service_card, service_text
from jupyter_mldeploy.notebook.render.wording import seconds, short_hash
from jupyter_mldeploy.notebook.service_view import ServiceView, look
from jupyter_mldeploy.records import Records
from jupyter_mldeploy.scoring import decoded

if TYPE_CHECKING:
    from jupyter_mldeploy.api import Service
    from jupyter_mldeploy.targets.base import Answer, Status

__all__ = ["ServicePanel", "service_panel"]

LEAST_PAUSE = 0.1
"""Seconds between two drawings."""

_open: dict[str, ServicePanel] = {}
"""The open panel of each service: a second one would only repeat it."""


def service_panel(service: Service, output: Output | None = None) -> ServicePanel:
    """Show the live panel of a service in the cell that runs; one that is open elsewhere ends as a static picture.

    Args:
        service: Which.
        output: Where, if it was shown before.
    """
    if former := _open.get(service.name):
        former.retire()
    panel = ServicePanel(service, output)
    _open[service.name] = panel
    panel.show()
    return panel


class ServicePanel:
    """One panel. ``close`` leaves a static picture of the service in its place."""

    def __init__(self, service: Service, output: Output | None = None) -> None:
        self._service = service
        self._view = look(service)
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._cancel = Cancel()
        self._watcher: threading.Thread | None = None
        self._output = output or Output()
        self._build()
        self._draw(self._view)
        close_at_exit(self)

    def _ipython_display_(self) -> None:
        """As the last expression of a cell: it is shown already."""

    @property
    def is_open(self) -> bool:
        """Whether it still follows the service."""
        return not self._closed.is_set()

    # -- what it is made of ----------------------------------------------------------------------------------------

    def _build(self) -> None:
        self._card = ipywidgets.HTML()
        self._sample = ipywidgets.Textarea(
            value=self._view.sample or "",
            placeholder='{"data": [[1, 2]]}',
            rows=2,
            layout=ipywidgets.Layout(width="100%"),
        )
        self._sample.add_class("mld-sample")
        self._score = self._button(
            tr("Score"), self._score_sample, tr("Send this to %1 and show its answer", self._service.name)
        )
        self._answer = ipywidgets.HTML()
        self._reload = self._button(tr("Reload"), self._reload_script, tr("Let the service take the edited script"))
        self._logs = self._button(tr("Logs"), self._toggle_logs, tr("Show what the service prints"), in_thread=False)
        self._stop = self._button(
            tr("Stop"), self._stop_or_start, tr("End its processes; it can be started again"), in_thread=False
        )
        self._close = self._button(tr("Close"), self.close, tr("Leave a static picture of the service"))
        self._starts = False
        self._note = ipywidgets.HTML()
        self._question = Question()
        self._tail = LogTail(self._service)
        self._why = ipywidgets.HTML()
        asking = ipywidgets.HBox([self._score, self._answer])
        buttons = ipywidgets.HBox([self._reload, self._logs, self._stop, self._close, self._note])
        asking.add_class("mld-row")
        buttons.add_class("mld-row")
        self._box = ipywidgets.VBox(
            [self._card, self._sample, asking, self._why, buttons, self._question.box, self._tail.box],
        )
        self._box.add_class("mld-panel")

    def _button(self, label: str, act: Callable[[], None], tooltip: str, *, in_thread: bool = True) -> Any:
        button = ipywidgets.Button(description=label, tooltip=tooltip)

        def clicked(_button: Any) -> None:
            if in_thread:
                name = f"mldeploy-panel-{self._service.name}-{act.__name__.strip('_')}"
                threading.Thread(target=self._act, args=(button, act), name=name, daemon=True).start()
            else:
                act()

        button.on_click(clicked)
        return button

    def _act(self, button: Any, act: Callable[[], None]) -> None:
        """One click's work, in its thread. The button is off meanwhile; what goes wrong is said beside it."""
        button.disabled = True
        try:
            act()
        except MLDeployError as error:
            self._note.value = error_html(error)
            self._refresh()
        finally:
            button.disabled = False
            with self._lock:
                self._offer()

    # -- showing ---------------------------------------------------------------------------------------------------

    def show(self) -> None:
        """Show it in the cell that runs, and begin to follow the service."""
        self._output.show({**self._box._repr_mimebundle_(), "text/plain": service_text(self._view)})
        self._follow()
        name = self._service.name
        # Whoever ends an operation on the service, in whatever process, removes this file.
        lock = settings().home_path / "locks" / f"{name}.json"
        watch_file(lock, self._closed, self._operation_ended, name=f"mldeploy-operations-{name}")
        if path := self._service.spec.inference.script.path:
            watch_file(Path(path), self._closed, self._refresh, name=f"mldeploy-edits-{name}")

    def _follow(self) -> None:
        """Watch, unless that goes on already. It ends with the service's process and begins again after a start."""
        with self._lock:
            if self._closed.is_set() or (self._watcher and self._watcher.is_alive()):
                return
            self._watcher = threading.Thread(
                target=self._watch, name=f"mldeploy-watch-{self._service.name}", daemon=True
            )
            self._watcher.start()

    def _watch(self) -> None:
        try:
            for status in self._service.watch(self._cancel):
                if self._closed.is_set():
                    return
                self._look(status)
                # Back-pressure: while this waits nothing is read, and the next look shows all that happened meanwhile.
                self._closed.wait(LEAST_PAUSE)
        except MLDeployError:
            pass  # deleted, or gone: the last look says so
        if not self._closed.is_set():
            self._refresh()

    def _operation_ended(self) -> None:
        self._refresh()
        self._follow()

    def _refresh(self) -> None:
        with suppress(MLDeployError):  # a damaged record: what was seen last stays
            self._look(None)

    def _look(self, status: Status | None) -> None:
        view = look(self._service, status)
        self._draw(view)
        if view.gone:
            self.close()

    def _draw(self, view: ServiceView) -> None:
        with self._lock:
            if self._view.gone:
                return  # another thread has seen it deleted; this look is older
            self._view = view
            html = str(service_card(view))
            if self._card.value != html:
                self._card.value = html
            self._offer()

    def _offer(self) -> None:
        """Only what can be done now can be pressed."""
        view = self._view
        runs = view.status.state in {"running", "degraded"}
        self._reload.button_style = "primary" if view.edited and not view.script_gone and runs else ""
        self._reload.disabled = not runs
        self._score.disabled = not runs
        self._starts = not (runs or view.status.state == "deploying")
        self._stop.description = tr("Start") if self._starts else tr("Stop")

    def retire(self) -> None:
        """Close it with a last look: what it saw in the middle of an operation is no picture to keep."""
        self._refresh()
        self.close()

    def close(self) -> None:
        """End it, and leave a static picture in its place. Safe from any thread; again does nothing."""
        with self._lock:
            if self._closed.is_set():
                return
            self._closed.set()
        self._cancel.set()
        self._tail.close()
        if _open.get(self._service.name) is self:
            del _open[self._service.name]
        self._output.show(service_bundle(self._view))
        self._question.close()
        self._box.close()

    # -- what the buttons do ---------------------------------------------------------------------------------------

    def _score_sample(self) -> None:
        self._answer.value, self._why.value = note_html("…"), ""
        try:
            answer = self._service.answer(self._sample.value)
            self._answer.value = answer_html(answer)
            if answer.status >= 400:
                self._why.value = self._reason(answer)
        except MLDeployError as error:
            self._answer.value = error_html(error)
        self._refresh()

    def _reason(self, answer: Answer) -> str:
        """What went wrong in the script: more than an answer tells clients."""
        try:
            decoded(answer, self._service.record, Records(settings().home_path))
        except ScoringFailed as error:
            explanation = explain(error, self._service.name)
            return error_html(error) + (str(explanation_card(explanation)) if explanation else "")
        return ""

    def _reload_script(self) -> None:
        self._note.value = note_html(tr("reloading …"))
        receipt = self._service.reload()
        how = {"unchanged": tr("nothing changed"), "in-place": tr("reloaded, init() kept")}.get(
            receipt.mode, tr("reloaded, init() ran again")
        )
        script = tr("script %1", short_hash(receipt.script))
        self._note.value = note_html(f"{how} · {seconds(receipt.seconds)} · {script}")
        self._refresh()

    def _toggle_logs(self) -> None:
        self._logs.description = tr("Hide logs") if self._tail.toggle() else tr("Logs")

    def _stop_or_start(self) -> None:
        if self._starts:
            self._in_thread("start", self._start_service)
            return
        self._question.ask(
            tr("Stop %1? Its requests will be refused until it is started again.", self._service.name),
            yes=tr("Stop it"),
            no=tr("Keep it running"),
            then=lambda: self._in_thread("stop", self._stop_service),
        )

    def _in_thread(self, what: str, act: Callable[[], None]) -> None:
        name = f"mldeploy-panel-{self._service.name}-{what}"
        threading.Thread(target=self._act, args=(self._stop, act), name=name, daemon=True).start()

    def _start_service(self) -> None:
        self._note.value = note_html(tr("starting …"))
        self._service.start()
        self._note.value = ""
        self._operation_ended()

    def _stop_service(self) -> None:
        self._service.stop()
        self._refresh()
