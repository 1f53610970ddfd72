"""The magics that change what a service runs: each is one operation with a timeline."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from jupyter_mldeploy.errors import MLDeployError
from jupyter_mldeploy.notebook.explanation import explain
from jupyter_mldeploy.notebook.formatters import shown_already
from jupyter_mldeploy.notebook.frontend import FrontEnd, front_end
from jupyter_mldeploy.notebook.namespace import Models, notebook_names, read_data, read_models, read_secrets
from jupyter_mldeploy.notebook.operation import Operation, Work
from jupyter_mldeploy.notebook.options import BadLine, Parsed
from jupyter_mldeploy.notebook.output import Output
from jupyter_mldeploy.notebook.timeline import Timeline
from jupyter_mldeploy.notebook.views import DrawnElsewhere, view_for

if TYPE_CHECKING:
    from jupyter_mldeploy.api import Service
    from jupyter_mldeploy.events import Cancel, Sink
    from jupyter_mldeploy.notebook.action_panel import ActionPanel
    from jupyter_mldeploy.notebook.panel import ServicePanel

__all__ = ["Plan", "deploy_from_line", "offer_actions", "offer_panel", "plan_deployment", "reload_from_line", "start_from_line",
           "update_from_line"]  # fmt: skip

_PLAIN = ("source_directory", "environment", "pip", "apt", "replicas", "autoscale", "cpu", "memory", "gpus", "port", "timeout",
          "env", "node_selector", "ingress", "load_balancer")  # fmt: skip
"""Options that are handed on as they are,"""
_PLURAL = {"toleration": "tolerations", "pull_secret": "pull_secrets", "key": "keys"}
"""and those that are so under another name."""


@dataclass(frozen=True)
class Plan:
    """An operation that can be begun, and begun again with something changed.

    Attributes:
        timeline: What to begin with.
        carry_out: Does it to the service of a name with these arguments.
        asked: The arguments.
    """

    timeline: Timeline
    carry_out: Callable[[str, dict[str, Any]], Service]
    asked: dict[str, Any] = field(default_factory=dict)

    def work(self, name: str, changes: dict[str, Any]) -> Work:
        """The work, with ``changes`` made; requirements are added to those that are there."""
        asked = {**self.asked, **changes}
        if "pip" in changes:
            asked["pip"] = (*self.asked.get("pip", ()), *changes["pip"])

        def work(sink: Sink, cancel: Cancel) -> Service:
            return self.carry_out(name, {**asked, "sink": sink, "cancel": cancel})

        return work


def deploy_from_line(shell: Any, line: Parsed, cell: str | None) -> Service | None:
    """``%%deploy`` and ``%deploy``."""
    plan = plan_deployment(shell, line, cell)
    return _in_background(shell, plan) if line.get("no_wait") else _in_cell(shell, plan)


def plan_deployment(shell: Any, line: Parsed, cell: str | None) -> Plan:
    """What ``%%deploy`` and ``%deploy`` are about to do.

    Raises:
        UsageError: The line asks for what cannot be.
    """
    from jupyter_mldeploy.api import deploy
    from jupyter_mldeploy.config import settings

    name = line.places["NAME"]
    script = _script(shell, line, cell)
    asked, notes = _asked(shell, line)
    asked |= line.given("target", "until", "from_image", "overwrite", "context", "namespace")
    asked["notebook_names"] = notebook_names(shell.user_ns, shell.user_ns_hidden)
    timeline = Timeline.begin(name, str(line.get("target", settings().target)), notes=notes)
    return Plan(timeline, lambda name, arguments: deploy(script, name, **arguments), asked)


def reload_from_line(shell: Any, line: Parsed) -> Service | None:
    """``%service_reload``."""
    from jupyter_mldeploy.api import service

    found = service(line.places["NAME"])
    script = line.get("script")

    def carry_out(name: str, arguments: dict[str, Any]) -> Service:
        if len(arguments) > 2:  # more than the sink and the cancel: a remedy was chosen
            return service(name).update(script=script or found.spec.inference.script.path, **arguments)
        found.reload(script, **arguments)
        return found

    return _in_cell(shell, Plan(Timeline.begin(found.name, found.target, "reload"), carry_out))


def update_from_line(shell: Any, line: Parsed) -> Service | None:
    """``%service_update``."""
    from jupyter_mldeploy.api import service

    asked, notes = _asked(shell, line)
    asked |= line.given("script")
    if not asked:
        raise UsageError("%service_update: name what to change, such as --memory 4Gi.")
    found = service(line.places["NAME"])
    timeline = Timeline.begin(found.name, found.target, "update", notes)
    return _in_cell(shell, Plan(timeline, lambda name, arguments: service(name).update(**arguments), asked))


def start_from_line(shell: Any, line: Parsed) -> Service | None:
    """``%service_start``."""
    from jupyter_mldeploy.api import service

    found = service(line.places["NAME"])

    def carry_out(name: str, arguments: dict[str, Any]) -> Service:
        again = service(name)
        return again.update(**arguments) if len(arguments) > 2 else again.start(**arguments)

    return _in_cell(shell, Plan(Timeline.begin(found.name, found.target, "start"), carry_out))


def _script(shell: Any, line: Parsed, cell: str | None) -> Any:
    """The cell, the file that is named, or ``None``: one is written for the model."""
    from jupyter_mldeploy.capture.cell import script_from_cell

    if cell is not None:
        if "script" in line.options:
            raise UsageError("%%deploy: the cell is the script; use %deploy (one %) with --script.")
        return script_from_cell(cell, f"cell [{_cell_number(shell)}]")
    if "script" in line.options:
        return line.options["script"]
    if not line.get("model"):
        raise UsageError("%deploy: name a --script FILE or a --model; or put the script in the cell, below %%deploy.")
    return None


def _cell_number(shell: Any) -> int:
    """The number beside the cell that runs. IPython versions differ in when they count on, but not in when they store."""
    stored = len(shell.user_ns.get("In", ())) - 1
    return stored if stored > 0 else int(shell.execution_count)


def _asked(shell: Any, line: Parsed) -> tuple[dict[str, Any], list[str]]:
    """Arguments of ``api.deploy`` and ``Service.update``, and notes on what was taken from the notebook."""
    asked = line.given(*_PLAIN)
    asked |= {argument: line.options[key] for key, argument in _PLURAL.items() if key in line.options}
    try:
        models: Models
        models, notes = read_models(line.get("model", ()), shell.user_ns)
        if models:
            asked["models"] = models
        for secret in {"env", "keys"} & asked.keys():
            asked[secret] = read_secrets(asked[secret], shell.user_ns, f"--{secret.removesuffix('s')}")
        if "sample" in line.options:
            asked["sample"] = read_data(line.options["sample"], shell.user_ns, "--sample")
    except BadLine as error:
        raise UsageError(str(error)) from None
    return asked, notes


def _in_cell(shell: Any, plan: Plan) -> Service | None:
    """Carry it out while the cell waits."""
    kind = front_end(shell)
    work = plan.work(plan.timeline.service, {})
    operation = Operation(work, plan.timeline, lambda timeline, _cancel: view_for(kind, timeline))
    try:
        made = operation.wait()
    except MLDeployError as error:
        if kind is FrontEnd.LIVE:
            offer_actions(plan, error)
        raise
    if kind is FrontEnd.LIVE:
        offer_panel(made)
    # In a terminal the service's own line is a good last one; elsewhere the panel says it all.
    return made if kind is FrontEnd.TERMINAL else shown_already(made)


def _in_background(shell: Any, plan: Plan) -> Service:
    """Carry it out while the notebook goes on; the panel is live, and its buttons work."""
    from jupyter_mldeploy.api import Service

    kind = front_end(shell)
    timeline = plan.timeline
    work = plan.work(timeline.service, {})
    operation = Operation(work, timeline, lambda timeline, cancel: view_for(kind, timeline, cancel))
    # Made now, because only now is this cell the one that outputs go to.
    below = Output()
    if kind is FrontEnd.LIVE:
        below.show({"text/plain": ""})
    future: Future[Any] = Future()

    def show() -> None:
        try:
            made = operation.wait()
        except BaseException as error:  # noqa: BLE001 - handed to whoever calls Service.wait
            future.set_exception(error)
        else:
            future.set_result(made.outcome)
            if kind is FrontEnd.LIVE:
                offer_panel(made, below)

    threading.Thread(target=show, name=f"mldeploy-show-{timeline.service}", daemon=True).start()
    return shown_already(Service(timeline.service, running=future))


def offer_panel(service: Service, output: Output | None = None) -> ServicePanel | None:
    """The live panel below the timeline, if the service runs."""
    from jupyter_mldeploy.notebook.panel import service_panel

    if service.outcome is None or service.outcome.record.state == "running":
        return service_panel(service, output)
    return None


def offer_actions(plan: Plan, error: MLDeployError, output: Output | None = None) -> ActionPanel | None:
    """Buttons for what the diagnosis offers, if it does."""
    explanation = explain(error, plan.timeline.service, plan.timeline.target)
    if explanation is None or not explanation.actions:
        return None
    from jupyter_mldeploy.notebook.action_panel import ActionPanel

    def redo(name: str, changes: dict[str, Any], draw: Callable[[Timeline], None]) -> None:
        target = str(changes.get("target", plan.timeline.target))
        changed = {key: value for key, value in changes.items() if key != "target" or value != plan.timeline.target}
        timeline = Timeline.begin(name, target, plan.timeline.verb, plan.timeline.notes)
        Operation(plan.work(name, changed), timeline, lambda _timeline, _cancel: DrawnElsewhere(draw)).wait()

    panel = ActionPanel(explanation.actions, plan.timeline.service, redo, output)
    panel.show()
    return panel
