"""Wait for a service, use it, reload it; and what goes wrong as the original's exceptions, with our diagnosis and its panel."""

from __future__ import annotations

import json
import sys
from concurrent.futures import TimeoutError as TooLate
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy.azureml import deploying
from jupyter_mldeploy.azureml.exceptions import AzureMLException, WebserviceException
from jupyter_mldeploy.azureml.specifying import records
from jupyter_mldeploy.azureml.telling import say
from jupyter_mldeploy.azureml.unknown import argument_words
from jupyter_mldeploy.errors import DeploymentFailed, MLDeployError, ReloadRefused, ScoringFailed

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


def wait(service: Webservice, show_output: bool, timeout_sec: float | None) -> None:
    """Until the deployment that was begun has ended, here or in another process.

    Raises:
        WebserviceException: It failed, or did not end in time (it goes on then).
    """
    begun = deploying.underway(service.name)
    if begun is None:
        _wait_for_another_process(service)
        return
    if show_output:
        say("Running")
        begun.tell(_tell)
    try:
        begun.future.result(float(timeout_sec) if timeout_sec else None)
    except TooLate:
        raise WebserviceException(
            f"The deployment of {service.name!r} has not ended within {timeout_sec} s; it goes on.",
            hint="Wait longer, or see get_logs().",
        ) from None
    except KeyboardInterrupt:
        # The work is this machine's: who stops waiting stops it, as %%deploy does, and what was begun is cleaned up.
        begun.cancel.set()
        begun.future.exception()
        raise
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
    try:
        service.service.reload()
    except ReloadRefused as error:
        made = WebserviceException(
            f"{error.summary} The old script goes on serving.", inner_exception=error, hint=error.hint
        )
        _show_panel(error, service, made)
        raise made from None


def _wait_for_another_process(service: Webservice) -> None:
    record = service._record()
    if record is None:
        raise WebserviceException(
            f"Long running operation information not known, unable to poll. Current state is {service.state}"
        )
    state = ""
    for status in service.service.watch():
        state = status.state
        if state != "deploying":
            break
    if state == "failed":
        diagnosis = service.service.diagnose()
        made = WebserviceException(
            "Service deployment polling reached non-successful terminal state, current service state: Failed\n"
            f"Operation ID: {service.name}\nMore information can be found using '.get_logs()'\nError:\n{record.failure}"
        )
        made.diagnosis = diagnosis
        raise made


def _tell(event: Event) -> None:
    if event.kind in {"finished", "skipped", "failed"}:
        seconds = f"{event.seconds:6.1f} s" if event.seconds is not None else " " * 8
        say(f"  {event.stage:<9}{seconds}  {'FAILED' if event.kind == 'failed' else event.message}".rstrip())


def _error_json(service: Webservice, error: DeploymentFailed, stage: str) -> str:
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
    return f"\n{diagnosis.title}: {proof}"


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
