"""From the v1 configurations to the package's own specification, and its way through the pipeline in the background."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy.azureml.exceptions import ModelNotFoundException, UserErrorException, WebserviceException
from jupyter_mldeploy.azureml.telling import say_once

if TYPE_CHECKING:
    from jupyter_mldeploy.azureml.core.workspace import Workspace
    from jupyter_mldeploy.events import Cancel, Event
    from jupyter_mldeploy.pipeline import Outcome
    from jupyter_mldeploy.records import Records
    from jupyter_mldeploy.spec import ModelRef, ServiceSpec, Target

__all__ = ["Underway", "begin", "check_models", "local_target", "model_refs", "records"]

LOCAL_VARIABLE = "MLDEPLOY_V1_LOCAL"


def records() -> Records:
    """Of the home folder that is in force."""
    from jupyter_mldeploy.config import settings
    from jupyter_mldeploy.records import Records

    return Records(settings().home_path)


def local_target() -> Target:
    """Where a ``LocalWebservice`` runs: in a container where an engine answers, else in a process; said once.

    ``MLDEPLOY_V1_LOCAL=process`` or ``container`` decides it beforehand.
    """
    from jupyter_mldeploy.spec import Target, TargetKind

    asked = os.environ.get(LOCAL_VARIABLE, "")
    if asked not in {"", "process", "container"}:
        raise UserErrorException(f"{LOCAL_VARIABLE}={asked!r} is not valid: it is process or container.")
    if asked:
        return Target(TargetKind.LOCAL if asked == "process" else TargetKind.CONTAINER)
    missing = _engine_missing()
    if missing:
        say_once(f"LocalWebservice runs as a process of this machine: {missing} ({LOCAL_VARIABLE} decides it.)")
        return Target(TargetKind.LOCAL)
    say_once(
        f"LocalWebservice runs in a container, as there is a Docker engine ({LOCAL_VARIABLE}=process: in a process)."
    )
    return Target(TargetKind.CONTAINER)


@cache
def _engine_missing() -> str:
    from jupyter_mldeploy.errors import TargetUnavailable
    from jupyter_mldeploy.images.engine import connect

    try:
        connect().close()
    except TargetUnavailable as error:
        return error.summary
    return ""


def model_refs(workspace: Workspace, models: Sequence[Any]) -> tuple[ModelRef, ...]:
    """Of v1 models, of ids (``name:version``, ``name``) of a workspace's, and of paths, which are registered first."""
    from jupyter_mldeploy import list_models, register_model
    from jupyter_mldeploy.azureml.core.model import Model, name_of_path
    from jupyter_mldeploy.azureml.registering import found_by_id, not_found_text
    from jupyter_mldeploy.spec import ModelRef

    check_models(models)
    found = []
    for model in models:
        if isinstance(model, Model):
            if not any(known.version == model.version for known in list_models(model.name)):
                raise ModelNotFoundException(not_found_text(model.workspace, model.name, model.version))
            found.append(ModelRef(model.name, model.version))
        elif isinstance(model, str) and os.path.lexists(model):
            made = register_model(name_of_path(model), _path(model))
            found.append(ModelRef(made.name, made.version))
        elif isinstance(model, str):
            found.append(found_by_id(workspace, model))
        else:
            raise WebserviceException(
                "Models must either be of type azureml.core.model.Model or a str path to a file or folder."
            )
    return tuple(found)


def check_models(models: Any) -> None:
    """Refuse one model in the place of a list."""
    if isinstance(models, str) or not isinstance(models, Iterable):
        shown = getattr(models, "id", None) or repr(models)
        raise WebserviceException(f"models must be a list of models, also where it is one: not {shown}, but [{shown}].")


def _path(text: str) -> Any:
    from pathlib import Path

    return Path(text)


@dataclass
class Underway:
    """A deployment in the background.

    Attributes:
        future: What it came to.
        cancel: Ends it; what was begun is cleaned up.
        events: What its stages have said so far.
    """

    future: Future[Outcome]
    cancel: Cancel
    events: list[Event] = field(default_factory=list)
    _heard: threading.Condition = field(default_factory=threading.Condition)
    _listener: Callable[[Event], None] | None = None

    def hear(self, event: Event) -> None:
        """Sink."""
        with self._heard:
            self.events.append(event)
            listener = self._listener
        if listener is not None:
            listener(event)

    def tell(self, listener: Callable[[Event], None]) -> None:
        """Tell ``listener`` all that was said and what will be."""
        with self._heard:
            said = list(self.events)
            self._listener = listener
        for event in said:
            listener(event)


def begin(
    spec: ServiceSpec,
    home: Records,
    *,
    overwrite: bool,
    variables: Mapping[str, str] | None = None,
    after: Callable[[], None] | None = None,
    failed: Callable[[], None] | None = None,
) -> Underway:
    """Bring a service to ``spec`` in the background. A script that ends meanwhile waits for it, as Azure would go on.

    Args:
        spec: What is wanted.
        home: Where it is written down.
        overwrite: Take the name over from a service on another target.
        variables: All environment variables that it is to have; ``None``: those of ``spec``.
        after: Called when it has succeeded.
        failed: Called when it has not, before anybody who waits is told.
    """
    from jupyter_mldeploy.asked import Asked
    from jupyter_mldeploy.events import Cancel
    from jupyter_mldeploy.pipeline import Wishes
    from jupyter_mldeploy.request import Request, carry_out

    made = Underway(Future(), Cancel())

    def work() -> None:
        try:
            # As if it were asked for anew, so that script, models and environment are looked at before anything is made.
            asked = Asked(script=spec.inference.script, models=spec.models, env=variables)
            base = spec if variables is None else replace(spec, env=())
            request = Request(name=spec.name, target=spec.target, asked=asked, base=base)
            outcome = carry_out(request, home, Wishes(overwrite=overwrite), made.hear, made.cancel)
            if after is not None:
                after()
            made.future.set_result(outcome)
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits
            if failed is not None:
                with suppress(Exception):
                    failed()
            made.future.set_exception(error)

    thread = threading.Thread(target=work, name=f"mldeploy-v1-{spec.name}", daemon=True)

    def wait_at_the_end() -> None:
        with suppress(BaseException):
            made.future.result()

    atexit.register(wait_at_the_end)
    made.future.add_done_callback(lambda _: atexit.unregister(wait_at_the_end))
    thread.start()
    return made
