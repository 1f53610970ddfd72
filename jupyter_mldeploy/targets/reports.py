"""The one sentence that a failure is told with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from jupyter_mldeploy.errors import DeploymentFailed, ReloadRefused
from jupyter_mldeploy.evidence import Evidence
from jupyter_mldeploy.spec import Script

__all__ = ["failed_deployment", "refused_reload", "sentence", "stage_of", "unanswered", "where"]


def where(failure: Mapping[str, Any], script_name: str) -> str:
    """``cell [4], line 6: model = joblib.load(path)``, or ``""`` where the runtime knows no line."""
    if not failure.get("line"):
        return ""
    file = str(failure.get("file", "")).rpartition("/")[2]
    name = script_name if file in {"", "score.py"} or file == script_name.rpartition("/")[2] else file
    source = str(failure.get("source") or "").strip()
    return f"{name}, line {failure['line']}" + (f": {source}" if source else "")


def stage_of(failure: Mapping[str, Any], otherwise: str) -> str:
    """The stage that a failure of new workers belongs to: what ``run()`` does to the sample is no fault of ``init()``."""
    return "ready" if failure.get("stage") == "run" else otherwise


def unanswered(status: int, failure: Mapping[str, Any]) -> str:
    """What became of the sample: what the runtime saw, which says more than the status of an answer."""
    return f"run() did not answer the sample: {failure.get('message') or f'HTTP {status}'}"


def failed_deployment(stage: str, message: str, evidence: Evidence) -> DeploymentFailed:
    """The error for a stage that failed."""
    place = where(evidence.failure, evidence.script_name)
    summary = f"{evidence.service} failed in {stage}: {sentence(message, place)}"
    return DeploymentFailed(summary, stage=stage, evidence=evidence)


def refused_reload(name: str, script: Script, message: str, evidence: Evidence) -> ReloadRefused:
    """The error for a script that the running service did not take."""
    # The evidence was taken of the service, which runs the old one; what failed is the new one.
    stage = stage_of(evidence.failure, "reload")
    evidence = replace(evidence, stage=stage, script=script.text, script_name=script.origin)
    place = where(evidence.failure, script.origin)
    summary = f"{name} did not take the new script: {sentence(message, place)}"
    return ReloadRefused(summary, "The old script goes on serving.", stage=stage, evidence=evidence)


def sentence(message: str, place: str) -> str:
    """What is wrong and where, as one sentence."""
    return message.rstrip(".") + (f" ({place})." if place else ".")
