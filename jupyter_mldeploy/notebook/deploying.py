"""The magics that change what a service runs: each is one operation with a timeline."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from jupyter_mldeploy.notebook.formatters import shown_already
from jupyter_mldeploy.notebook.frontend import FrontEnd, front_end
from jupyter_mldeploy.notebook.namespace import Models, notebook_names, read_data, read_models
from jupyter_mldeploy.notebook.operation import Operation, Work
from jupyter_mldeploy.notebook.options import BadLine, Parsed
from jupyter_mldeploy.notebook.timeline import Timeline

if TYPE_CHECKING:
    from jupyter_mldeploy.api import Service
    from jupyter_mldeploy.events import Cancel, Sink

__all__ = ["deploy_from_line", "reload_from_line", "start_from_line", "update_from_line"]

_PLAIN = ("source_directory", "environment", "pip", "replicas", "autoscale", "cpu", "memory", "port", "timeout")
"""Options that are handed on as they are."""


def deploy_from_line(shell: Any, line: Parsed, cell: str | None) -> Service | None:
    """``%%deploy`` and ``%deploy``."""
    from jupyter_mldeploy.api import deploy
    from jupyter_mldeploy.config import settings

    name = line.places["NAME"]
    script = _script(shell, line, cell)
    asked, notes = _asked(shell, line)
    asked |= line.given("target", "until", "from_image", "overwrite", "context", "namespace")
    names = notebook_names(shell.user_ns, shell.user_ns_hidden)
    target = str(line.get("target", settings().target))

    def work(sink: Sink, cancel: Cancel) -> Service:
        return deploy(script, name, **asked, notebook_names=names, sink=sink, cancel=cancel)

    timeline = Timeline.begin(name, target, notes=notes)
    if line.get("no_wait"):
        return _in_background(shell, work, timeline)
    return _in_cell(shell, work, timeline, show_script=script is None)


def reload_from_line(shell: Any, line: Parsed) -> Service | None:
    """``%service_reload``."""
    from jupyter_mldeploy.api import service

    found = service(line.places["NAME"])
    script = line.get("script")

    def work(sink: Sink, cancel: Cancel) -> Service:
        found.reload(script, sink=sink, cancel=cancel)
        return found

    return _in_cell(shell, work, Timeline.begin(found.name, found.target, "reload"))


def update_from_line(shell: Any, line: Parsed) -> Service | None:
    """``%service_update``."""
    from jupyter_mldeploy.api import service

    asked, notes = _asked(shell, line)
    if line.get("script"):
        asked["script"] = line.get("script")
    if not asked:
        raise UsageError("%service_update: name what to change, such as --memory 4Gi.")
    found = service(line.places["NAME"])

    def work(sink: Sink, cancel: Cancel) -> Service:
        return found.update(**asked, sink=sink, cancel=cancel)

    return _in_cell(shell, work, Timeline.begin(found.name, found.target, "update", notes))


def start_from_line(shell: Any, line: Parsed) -> Service | None:
    """``%service_start``."""
    from jupyter_mldeploy.api import service

    found = service(line.places["NAME"])

    def work(sink: Sink, cancel: Cancel) -> Service:
        return found.start(sink=sink, cancel=cancel)

    return _in_cell(shell, work, Timeline.begin(found.name, found.target, "start"))


def _script(shell: Any, line: Parsed, cell: str | None) -> Any:
    """The cell, the file that is named, or ``None``: one is written for the model."""
    from jupyter_mldeploy.capture.cell import script_from_cell

    if cell is not None:
        if "script" in line.options:
            raise UsageError("%%deploy: the cell is the script; use %deploy (one %) with --script.")
        return script_from_cell(cell, f"cell [{shell.execution_count}]")
    if "script" in line.options:
        return line.options["script"]
    if not line.get("model"):
        raise UsageError("%deploy: name a --script FILE or a --model; or put the script in the cell, below %%deploy.")
    return None


def _asked(shell: Any, line: Parsed) -> tuple[dict[str, Any], list[str]]:
    """Arguments of ``api.deploy`` and ``Service.update``, and notes on what was taken from the notebook."""
    asked = line.given(*_PLAIN)
    try:
        models: Models
        models, notes = read_models(line.get("model", ()), shell.user_ns)
        if models:
            asked["models"] = models
        if "sample" in line.options:
            asked["sample"] = read_data(line.options["sample"], shell.user_ns, "--sample")
    except BadLine as error:
        raise UsageError(str(error)) from None
    return asked, notes


def _in_cell(shell: Any, work: Work, timeline: Timeline, *, show_script: bool = False) -> Service | None:
    from jupyter_mldeploy.errors import MLDeployError

    kind = front_end(shell)
    operation = Operation(work, timeline, kind, show_script=show_script)
    try:
        made = operation.wait()
    except MLDeployError:
        if kind is FrontEnd.LIVE:
            _offer_actions(operation)
        raise
    if kind is FrontEnd.LIVE:
        _offer_panel(made)
    # In a terminal the service's own line is a good last one; elsewhere the panel says it all.
    return made if kind is FrontEnd.TERMINAL else shown_already(made)


def _in_background(shell: Any, work: Work, timeline: Timeline) -> Service:
    from jupyter_mldeploy.api import Service

    operation = Operation(work, timeline, front_end(shell), in_background=True)
    future: Future[Any] = Future()

    def show() -> None:
        try:
            made = operation.wait()
        except BaseException as error:  # noqa: BLE001 - handed to whoever calls Service.wait
            future.set_exception(error)
        else:
            future.set_result(made.outcome)

    threading.Thread(target=show, name=f"mldeploy-show-{timeline.service}", daemon=True).start()
    return shown_already(Service(timeline.service, running=future))


def _offer_panel(service: Service) -> None:
    """Replaced in the next step."""


def _offer_actions(operation: Operation) -> None:
    """Replaced in the next step."""
