"""Wait for a service, use it, reload it; and what goes wrong as the original's exceptions, with our diagnosis and its panel."""

from __future__ import annotations

import json
import sys
import threading
from concurrent.futures import TimeoutError as TooLate
from numbers import Real
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy.azureml import deploying
from jupyter_mldeploy.azureml.core.webservice.kinds import not_found
from jupyter_mldeploy.azureml.exceptions import AzureMLException, WebserviceException
from jupyter_mldeploy.azureml.specifying import records
from jupyter_mldeploy.azureml.telling import say
from jupyter_mldeploy.azureml.unknown import argument_words
from jupyter_mldeploy.errors import Cancelled, DeploymentFailed, MLDeployError, ReloadRefused, ScoringFailed
from jupyter_mldeploy.events import Cancel

if TYPE_CHECKING:
    from jupyter_mldeploy.azureml.core.webservice.webservice import Webservice
    from jupyter_mldeploy.events import Event

__all__ = ["failed", "reload", "run", "wait"]

_CODES = {
    "build": "ImageBuildFailed",
    "push": "ImagePushFailed",
    "schedule": "Unschedulable",
    "launch": "CrashLoopBackOff",
    "init": "CrashLoopBackOff",
    "ready": "ValidateScoringFailed",
}


def wait(service: Webservice, show_output: bool, timeout_sec: Any) -> None:
    """Until the deployment that was begun has ended, here or in another process.

    Raises:
        WebserviceException: It failed, or did not end in time (it goes on then).
    """
    if timeout_sec is not None and (isinstance(timeout_sec, bool) or not isinstance(timeout_sec, Real)):
        raise WebserviceException(f"timeout_sec must be a number of seconds, not {timeout_sec!r}.")
    seconds = float(timeout_sec) if timeout_sec else None
    begun = deploying.underway(service.name)
    if begun is None:
        _wait_for_another_process(service, seconds)
        return
    try:
        if show_output:
            say("Running")
            begun.tell(lambda event: _tell(event, begun.cancel))
        begun.future.result(seconds)
    except TooLate:
        raise _too_late(service, seconds) from None
    except KeyboardInterrupt:
        # The work is this machine's: who stops waiting stops it, as %%deploy does, and what was begun is cleaned up.
        begun.cancel.set()
        begun.future.exception()
        raise _Interrupted(service.name) from None
    except AzureMLException:
        raise
    except MLDeployError as error:
        raise failed(service, error) from None


def failed(service: Webservice, error: MLDeployError) -> WebserviceException:
    """The original's words around what we know of a failure."""
    stage = str(getattr(error, "stage", ""))
    if not isinstance(error, DeploymentFailed):
        problems = getattr(error, "problems", ())
        text = argument_words("\n".join([error.summary, *problems]) if len(problems) > 1 else error.summary)
        hint = argument_words(error.hint)
        made = WebserviceException(text, status_code=error.http_status, inner_exception=error, hint=hint)
        _show_panel(error, service, made)
        return made
    logs = "More information can be found using '.get_logs()'"
    if stage == "build":
        logs = "More information can be found using '.get_logs()': the log of the build"
    elif service.state in {"running", "Healthy", "Unhealthy"}:
        logs = (
            "The version before this one goes on serving, and '.get_logs()' is of the service as it is; what this version "
            "wrote is '.evidence.log' of this exception"
        )
    made = WebserviceException(
        f"Service deployment polling reached non-successful terminal state, current service state: {service.state}\n"
        f"Operation ID: {service.name}\n{logs}\nError:\n{_error_json(service, error, stage)}",
        status_code=400,
        inner_exception=error,
    )
    _show_panel(error, service, made)
    return made


def run(service: Webservice, data: Any) -> Any:
    """Send a request.

    Raises:
        WebserviceException: The answer is an error; carries the answer, evidence and diagnosis.
    """
    begun = deploying.underway(service.name)
    if begun is not None and not begun.future.done():
        wait(service, False, None)
    if isinstance(data, bytearray):
        data = bytes(data)
    elif hasattr(data, "read"):
        data = data.read()
    if service.TYPE != "Local" and not service.scoring_uri:
        raise WebserviceException(
            "Error attempting to call webservice, scoring_uri unavailable. "
            "This could be due to a failed deployment, or the service is not ready yet.\n"
            f"Current State: {service.state}\nErrors: {service.error}"
        )
    try:
        return service.service.run(data)
    except ScoringFailed as error:
        made = WebserviceException(
            "Received bad response from service. "
            "More information can be found by calling `.get_logs()` on the webservice object.\n"
            f"Response Code: {error.status}\nContent: {error.body}{_because(error.diagnosis)}",
            status_code=error.status,
            inner_exception=error,
        )
        _show_panel(error, service, made)
        raise made from None


def reload(service: Webservice) -> None:
    """Let it take its edited script.

    Raises:
        WebserviceException: The script was not accepted; the old one goes on serving.
    """
    if not service.scoring_uri:
        raise WebserviceException(
            f"Cannot call reload() when service is {service.state}.",
            hint="Correct what is wrong, and call update(inference_config=...), or deploy it again.",
        )
    try:
        service.service.reload()
    except ReloadRefused as error:
        made = WebserviceException(
            f"{error.summary} The old script goes on serving.", inner_exception=error, hint=error.hint
        )
        _show_panel(error, service, made)
        raise made from None


class _Interrupted(KeyboardInterrupt):
    """Python's own in every way but one: a notebook shows a line in the place of this package's frames."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def _render_traceback_(self) -> list[str]:
        return [f"KeyboardInterrupt: the deployment of {self.name!r} was ended; what it had begun was cleaned up."]


_Interrupted.__module__, _Interrupted.__qualname__ = "builtins", "KeyboardInterrupt"  # what a terminal prints


def _too_late(service: Webservice, seconds: float | None) -> WebserviceException:
    return WebserviceException(
        f"Deployment polling exceeded timeout override of {seconds}s. Current status: {service.state}\n"
        "Deployment may be transitioning or unhealthy, use update_deployment_state() to fetch the latest status of the "
        "webservice"
    )


def _wait_for_another_process(service: Webservice, seconds: float | None) -> None:
    record = service._record()
    if record is None:
        raise not_found(service.workspace, service.name)
    late = Cancel()
    timer = threading.Timer(seconds, late.set) if seconds else None
    if timer is not None:
        timer.daemon = True
        timer.start()
    state = ""
    try:
        for status in service.service.watch(late):
            state = status.state
            if state != "deploying":
                break
    except Cancelled:
        raise _too_late(service, seconds) from None
    finally:
        if timer is not None:
            timer.cancel()
    if state == "deploying":
        raise _too_late(service, seconds)
    if state == "failed":
        diagnosis = service.service.diagnose()
        made = WebserviceException(
            "Service deployment polling reached non-successful terminal state, current service state: Failed\n"
            f"Operation ID: {service.name}\nMore information can be found using '.get_logs()'\nError:\n{record.failure}"
        )
        made.diagnosis = diagnosis
        raise made


def _tell(event: Event, cancel: Cancel) -> None:
    if event.kind in {"finished", "skipped", "failed"}:
        seconds = f"{event.seconds:6.1f} s" if event.seconds is not None else " " * 8
        ended = "interrupted" if cancel.is_set else "FAILED"
        say(f"  {event.stage:<9}{seconds}  {ended if event.kind == 'failed' else event.message}".rstrip())


def _error_json(service: Webservice, error: DeploymentFailed, stage: str) -> str:
    evidence = error.evidence
    if stage == "launch" and evidence is not None and evidence.target == "container" and evidence.exit_code is None:
        stage = "refused"  # nothing has run that could have crashed
    detail: dict[str, Any] = {"code": _CODES.get(stage, "DeploymentFailed"), "message": error.summary}
    diagnosis = error.diagnosis
    if diagnosis is not None and diagnosis.cause:
        steps = "".join(f"\n{number}. {step}" for number, step in enumerate(diagnosis.steps, 1))
        detail["message"] = f"{error.summary}\n{diagnosis.title}: {diagnosis.what}{steps}"
        detail["cause"] = diagnosis.cause
    code = {"ACI": "AciDeploymentFailed", "AKS": "KubernetesDeploymentFailed"}.get(service.TYPE, "DeploymentFailed")
    content = {"code": code, "statusCode": 400, "message": error.summary, "details": [detail]}
    return json.dumps(content, indent=2, ensure_ascii=False).replace("\\n", "\n")


def _because(diagnosis: Any) -> str:
    """What is known of it, as a line of its own."""
    if diagnosis is None or not diagnosis.cause:
        return ""
    proof = diagnosis.proof[0].shown.strip() if diagnosis.proof else diagnosis.what
    said = proof.removeprefix("runtime: ")
    return f"\n{diagnosis.title}" if said.rstrip(".") in diagnosis.title else f"\n{diagnosis.title}: {said}"


def _show_panel(error: MLDeployError, service: Webservice, made: AzureMLException) -> None:
    """In a notebook, the panel that ``%%deploy`` would show."""
    if "IPython" not in sys.modules:
        return
    import importlib

    shell = importlib.import_module("IPython").get_ipython()
    if getattr(shell, "kernel", None) is None:
        return
    record = records().find(service.name)
    target = str(record.spec.target) if record else ""
    # By name: the notebook layer is not below this one.
    explanation = importlib.import_module("jupyter_mldeploy.notebook.explanation").explain(error, service.name, target)
    if explanation is None:
        return
    bundle = importlib.import_module("jupyter_mldeploy.notebook.render.bundle").explanation_bundle(explanation)
    importlib.import_module("IPython.display").display(bundle, raw=True)
    made.panel_shown = True
