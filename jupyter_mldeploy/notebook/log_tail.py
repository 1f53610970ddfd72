"""The log below a panel: followed while it is open."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

import ipywidgets

from jupyter_mldeploy.errors import MLDeployError
from jupyter_mldeploy.events import Cancel
from jupyter_mldeploy.notebook.pump import Pump
from jupyter_mldeploy.notebook.render.log_card import log_card
from jupyter_mldeploy.targets.base import LogQuery

if TYPE_CHECKING:
    from jupyter_mldeploy.api import Service
    from jupyter_mldeploy.targets.base import LogLine

__all__ = ["LogTail"]

FIRST_LINES = 100
KEPT_LINES = 500


class LogTail:
    """Shown and hidden by ``toggle``; reads nothing while it is hidden."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._html = ipywidgets.HTML()
        self.box = ipywidgets.VBox([self._html])
        self.box.layout.display = "none"
        self._cancel: Cancel | None = None

    def toggle(self) -> bool:
        """Show or hide it; returns whether it is shown now."""
        if self._cancel is not None:
            self.close()
            return False
        self.box.layout.display = "flex"
        self._begin()
        return True

    def close(self) -> None:
        """Hide it and stop reading."""
        if self._cancel is not None:
            self._cancel.set()
            self._cancel = None
        self.box.layout.display = "none"

    def _begin(self) -> None:
        lines: deque[LogLine] = deque(maxlen=KEPT_LINES)
        name = self._service.name
        query = LogQuery(lines=FIRST_LINES, follow=True)

        def read(cancel: Cancel) -> None:
            with suppress(MLDeployError):
                for line in self._service.follow(query, cancel):
                    lines.append(line)
                    pump.changed()
            ended.set()

        def show() -> None:
            self._html.value = str(log_card(name, tuple(lines), ended=ended.is_set()))

        ended = threading.Event()
        pump: Pump[None] = Pump(read, show, name=f"mldeploy-logs-{name}")
        self._cancel = pump.cancel
        pump.start()
        threading.Thread(target=pump.watch, name=f"mldeploy-logs-{name}-show", daemon=True).start()
