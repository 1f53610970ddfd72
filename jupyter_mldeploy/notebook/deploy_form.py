"""``%deploy`` without arguments: what is asked for, field by field, and the line that does the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets
from IPython.core.error import UsageError

from jupyter_mldeploy.config import settings
from jupyter_mldeploy.errors import MLDeployError
from jupyter_mldeploy.notebook import commands
from jupyter_mldeploy.notebook.completion import values
from jupyter_mldeploy.notebook.deploying import Plan, offer_actions, offer_panel, plan_deployment
from jupyter_mldeploy.notebook.form import Form, choice, in_thread, suggestion, text
from jupyter_mldeploy.notebook.language import tr
from jupyter_mldeploy.notebook.operation import Operation
from jupyter_mldeploy.notebook.options import BadLine, parse
from jupyter_mldeploy.notebook.output import Output
from jupyter_mldeploy.notebook.render.answer_card import note_html
from jupyter_mldeploy.notebook.render.markup import tag
from jupyter_mldeploy.notebook.render.timeline_card import timeline_card
from jupyter_mldeploy.notebook.timeline import Timeline
from jupyter_mldeploy.notebook.views import DrawnElsewhere
from jupyter_mldeploy.notebook.wish import Wish, name_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_mldeploy.notebook.action_panel import ActionPanel
    from jupyter_mldeploy.notebook.panel import ServicePanel

__all__ = ["DeployForm"]

_TARGETS = ("local", "container", "kubernetes")


class DeployForm(Form):
    """A form over the notebook's models and files. What it does is what its line says: the button carries out that line.

    Args:
        shell: Of the notebook.
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        namespace = shell.user_ns
        scripts = [file for file in values("files", "", namespace) if file.endswith(".py")]
        self._usual = str(settings().target)
        self._fields = {
            "models": suggestion(
                tr("Model"), values("models", "", namespace), placeholder=tr("a variable, NAME:VERSION, a file")
            ),
            "script": suggestion(
                tr("Script"), scripts, placeholder=tr("a file; without, one is written for the model")
            ),
            "name": text(tr("Name"), placeholder=name_for("")),
            "target": choice(tr("Target"), _TARGETS, self._usual),
            "environment": suggestion(
                tr("Environment"),
                ["current", "auto", *_environment_files(namespace)],
                placeholder=tr("this kernel's"),
            ),
            "replicas": text(tr("Replicas"), placeholder=tr("1, or MIN:MAX")),
            "cpu": text("CPU", placeholder="0.5"),
            "memory": text(tr("Memory"), placeholder="2Gi"),
            "sample": text(
                tr("Sample"), placeholder=tr("%1: run() must answer it before it is ready", '{"data": [[1, 2]]}')
            ),
        }
        self._line = ipywidgets.HTML()
        self._result = ipywidgets.HTML()
        self._deploy = ipywidgets.Button(
            description=tr("Deploy"), button_style="primary", tooltip=tr("Carry out this line")
        )
        self._deploy.on_click(lambda _button: in_thread("deploy", self._carry_out))
        self._cancel = ipywidgets.Button(
            description=tr("Cancel"), tooltip=tr("Stop deploying and clean up"), disabled=True
        )
        self._cancel.on_click(lambda _button: self._ask_to_end())
        self._ask_to_end: Callable[[], None] = lambda: None
        self._below = Output()
        self._offered: ActionPanel | ServicePanel | None = None
        for field in self._fields.values():
            field.observe(self._changed, "value")
        self._changed()
        buttons = ipywidgets.HBox([self._deploy, self._cancel])
        buttons.add_class("mld-row")
        super().__init__([*self._fields.values(), self._line, buttons, self._result], self._command)

    def show(self) -> None:
        """See ``Form``; what comes of it is shown in a second output of the same cell."""
        super().show()
        self._below.show({"text/plain": ""})

    def _wish(self) -> Wish:
        written = {name: str(field.value) for name, field in self._fields.items()}
        return Wish(**{**written, "target": "" if written["target"] == self._usual else written["target"]})

    def _command(self) -> str:
        return f"%deploy {self._wish().line()}"

    def _changed(self, _change: Any = None) -> None:
        self._line.value = str(
            tag("div", "mld mld-line", tag("pre", "mld-code", self._command(), aria_label=tr("the same as a magic")))
        )

    def _carry_out(self) -> None:
        self._deploy.disabled = True
        if self._offered is not None:
            self._offered.close()
            self._offered = None
        try:
            plan = plan_deployment(self._shell, parse(commands.DEPLOY, self._wish().line()), None)
            self._carry_out_plan(plan)
        except (BadLine, UsageError) as error:
            self._result.value = str(tag("div", "mld mld-line", tag("span", "mld-badtext", str(error)), role="alert"))
        except MLDeployError:
            pass  # the timeline says what failed
        finally:
            self._deploy.disabled = False

    def _carry_out_plan(self, plan: Plan) -> None:
        operation = Operation(plan.work(plan.timeline.service, {}), plan.timeline, self._drawn_here)
        try:
            made = operation.wait()
        except MLDeployError as error:
            self._offered = offer_actions(plan, error, self._below)
            raise
        finally:
            self._cancel.disabled = True
        self._offered = offer_panel(made, self._below)

    def _drawn_here(self, timeline: Timeline, cancel: Callable[[], None]) -> DrawnElsewhere:
        self._result.value = note_html(f"{timeline.service} · {timeline.target}")
        self._ask_to_end = cancel
        self._cancel.disabled = False
        return DrawnElsewhere(self._draw)

    def _draw(self, timeline: Timeline) -> None:
        self._result.value = str(timeline_card(timeline))


def _environment_files(namespace: dict[str, Any]) -> list[str]:
    names = values("files", "", namespace)
    return [name for name in names if name.endswith((".yml", ".yaml")) or name.startswith("requirements")]
