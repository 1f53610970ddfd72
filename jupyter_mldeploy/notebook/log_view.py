"""``%service_logs``: the log of a service in the output of the cell, once or as it grows."""

from __future__ import annotations

import sys
from collections import deque
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy.errors import Cancelled
from jupyter_mldeploy.events import Cancel
from jupyter_mldeploy.notebook.frontend import FrontEnd, front_end
from jupyter_mldeploy.notebook.options import Parsed
from jupyter_mldeploy.notebook.output import Output
from jupyter_mldeploy.notebook.pump import Pump
from jupyter_mldeploy.notebook.render.log_card import log_bundle
from jupyter_mldeploy.targets.base import LogQuery

if TYPE_CHECKING:
    from jupyter_mldeploy.api import Service
    from jupyter_mldeploy.targets.base import LogLine

__all__ = ["show_logs"]

KEPT_LINES = 1000
"""Lines of a followed log that the output holds; older ones leave it, and how many is said."""


def show_logs(shell: Any, line: Parsed) -> None:
    """Show them."""
    from jupyter_mldeploy.api import service

    found = service(line.places["NAME"])
    query = LogQuery(
        **line.given("lines", "follow", "previous", "build", "replica", "grep", "since"),
    )
    if not query.follow:
        _print_once(found, query)
        return
    _Follower(found, query, front_end(shell)).run()


def _print_once(service: Service, query: LogQuery) -> None:
    printed = False
    for line in service.follow(query):
        sys.stdout.write(line.shown + "\n")
        printed = True
    if not printed:
        sys.stdout.write(query.of_nothing(service.name) + "\n")


class _Follower:
    """Reads in a thread, draws in the cell. However fast lines come, the output is drawn ten times a second at most."""

    def __init__(self, service: Service, query: LogQuery, kind: FrontEnd) -> None:
        self._service = service
        self._query = query
        self._kind = kind
        self._lines: deque[LogLine] = deque(maxlen=KEPT_LINES)
        self._lock = Lock()
        self._count = 0
        self._written = 0
        self._ended = False
        self._output = Output()
        self._pump: Pump[None] = Pump(self._read, self._show, name=f"mldeploy-logs-{service.name}")

    def run(self) -> None:
        """Until the service ends or the kernel is interrupted; neither is an error."""
        self._pump.start()
        with suppress(Cancelled):
            self._pump.watch()

    def _read(self, cancel: Cancel) -> None:
        for line in self._service.follow(self._query, cancel):
            with self._lock:
                self._lines.append(line)
                self._count += 1
            self._pump.changed()
            if cancel.is_set:
                break
        self._ended = True

    def _show(self) -> None:
        with self._lock:
            lines, count = list(self._lines), self._count
        if self._kind is FrontEnd.TERMINAL:
            self._write_new(lines, count)
            return
        bundle = log_bundle(self._service.name, lines, left_out=count - len(lines), ended=self._ended)
        self._output.show(bundle)

    def _write_new(self, lines: list[LogLine], count: int) -> None:
        fresh = min(count - self._written, len(lines))
        missed = count - self._written - fresh
        if missed:
            sys.stdout.write(f"[… {missed} lines left out …]\n")
        for line in lines[len(lines) - fresh :]:
            sys.stdout.write(line.shown + "\n")
        self._written = count
        sys.stdout.flush()
