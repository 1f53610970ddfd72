"""Where a timeline is drawn: in a terminal, in an output that nobody watches, in a live widget that ends as a static bundle."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Protocol

from jupyter_mldeploy.notebook.frontend import FrontEnd
from jupyter_mldeploy.notebook.language import tr
from jupyter_mldeploy.notebook.output import Output
from jupyter_mldeploy.notebook.render.bundle import timeline_bundle
from jupyter_mldeploy.notebook.render.text import stage_line, timeline_text
from jupyter_mldeploy.notebook.timeline import Timeline

__all__ = ["DrawnElsewhere", "View", "view_for"]


class View(Protocol):
    """One place to draw a timeline."""

    def show(self, timeline: Timeline) -> None:
        """Draw it as it is now."""
        ...

    def finish(self, timeline: Timeline) -> None:
        """Draw it as it stays."""
        ...


class TerminalView:
    """Lines of text: one as each stage ends."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def show(self, timeline: Timeline) -> None:
        """See ``View``."""
        if not self._told:
            self._told.add("")
            _write("\n".join([f"{timeline.service} · {timeline.target}", *(f"  {note}" for note in timeline.notes)]))
        running = {view.stage for view in timeline.stages if view.state == "running"}
        for view in timeline.stages:
            if (
                view.state in {"done", "skipped"}
                and view.stage not in running | self._told
                and view.note != "not needed"
            ):
                self._told.add(view.stage)
                _write(stage_line(view))

    def finish(self, timeline: Timeline) -> None:
        """See ``View``."""
        self.show(timeline)
        lines = timeline_text(timeline).splitlines()
        if timeline.state == "failed":
            stages = 1 if any(view.state != "waiting" for view in timeline.stages) else 0
            _write("\n".join([lines[0], *lines[1 + stages + len(timeline.notes) :]]))
        else:
            _write("\n".join([lines[0], *(["", timeline.script.rstrip()] if timeline.script else [])]))


class UnattendedView:
    """One output, when it has ended.

    Args:
        begun: To show at once, where the cell does not wait for the end: what ends later is drawn in its place, and not in
            the cell that runs then.
    """

    def __init__(self, begun: Timeline | None = None) -> None:
        self._output = Output()
        if begun is not None:
            self._output.show(timeline_bundle(begun))

    def show(self, timeline: Timeline) -> None:
        """See ``View``: nobody watches."""

    def finish(self, timeline: Timeline) -> None:
        """See ``View``."""
        self._output.show(timeline_bundle(timeline))


class LiveView:
    """A widget while it runs, the static bundle in its place when it has ended.

    Args:
        timeline: What to begin with.
        cancel: Asks the work to end; gives a Cancel button. Only where callbacks are delivered: not while the cell blocks.
    """

    def __init__(self, timeline: Timeline, cancel: Callable[[], None] | None = None) -> None:
        import ipywidgets

        self._card = ipywidgets.HTML(_live_html(timeline))
        parts = [self._card]
        if cancel:
            button = ipywidgets.Button(
                description=tr("Cancel"), tooltip=tr("Stop deploying %1 and clean up", timeline.service)
            )
            button.on_click(lambda _button: cancel())
            parts.append(button)
        self._box = ipywidgets.VBox(parts)
        self._box.add_class("mld-box")
        self._output = Output()
        self._output.show({**self._box._repr_mimebundle_(), "text/plain": timeline_text(timeline)})
        self._shown = self._card.value

    def show(self, timeline: Timeline) -> None:
        """See ``View``."""
        html = _live_html(timeline)
        if html != self._shown:
            self._shown = html
            self._card.value = html

    def finish(self, timeline: Timeline) -> None:
        """See ``View``."""
        self._output.show(timeline_bundle(timeline))
        for child in self._box.children:
            child.close()
        self._box.close()


class DrawnElsewhere:
    """Hands each state of the timeline to whoever draws it."""

    def __init__(self, draw: Callable[[Timeline], None]) -> None:
        self.show = draw
        self.finish = draw


def view_for(kind: FrontEnd, timeline: Timeline, cancel: Callable[[], None] | None = None) -> View:
    """The view for a front end; ``cancel`` asks the work to end, for a cell that does not wait for it."""
    match kind:
        case FrontEnd.TERMINAL:
            return TerminalView()
        case FrontEnd.UNATTENDED:
            return UnattendedView(timeline if cancel else None)
    return LiveView(timeline, cancel)


def _live_html(timeline: Timeline) -> str:
    return str(timeline_bundle(timeline)["text/html"])


def _write(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
