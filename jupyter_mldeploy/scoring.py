"""Sending a request to a service, and what its answer comes to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from jupyter_mldeploy import pipeline
from jupyter_mldeploy.errors import ScoringFailed
from jupyter_mldeploy.records import Record, Records
from jupyter_mldeploy.samples import to_json
from jupyter_mldeploy.spec import parse_seconds
from jupyter_mldeploy.targets import driver_for
from jupyter_mldeploy.targets.base import Answer
from jupyter_mldeploy.targets.reports import sentence, where

__all__ = ["ask", "decoded"]


def ask(record: Record, records: Records, data: object, timeout: str | float | None) -> Answer:
    """Send a request; the default time-out leaves the service's own the first word.

    Raises:
        ScoringFailed: No answer came.
    """
    body = data if isinstance(data, bytes) else (data if isinstance(data, str) else to_json(data)).encode()
    seconds = record.spec.scoring_timeout + 5 if timeout is None else parse_seconds(timeout, "timeout")
    driver = driver_for(record.spec.target, records)
    try:
        return driver.score(record, body, {}, seconds)
    except ScoringFailed as error:
        state = driver.status(record) if error.status is None else None
        if state is None or state.state not in {"stopped", "failed"}:
            raise
        summary = f"The service {record.name!r} is {state.state}. {state.message}".strip()
        hint = "" if state.advises else f"Start it with `mldeploy start {record.name}`."
        if record.state == "failed":  # it would fail again
            hint = f"Mend that and deploy it again; `mldeploy diagnose {record.name}` says how."
        raise ScoringFailed(summary, hint, status=None, body="") from None


def decoded(answer: Answer, record: Record, records: Records) -> Any:
    """The value that the service answered.

    Raises:
        ScoringFailed: It answered with an error; carries evidence and diagnosis.
    """
    text = answer.body.decode("utf-8", "replace")
    if answer.status == 200:
        is_json = "json" in answer.headers.get("content-type", "")
        return json.loads(text) if is_json else text
    driver = driver_for(record.spec.target, records)
    failure = driver.status(record).failure_behind(answer) if answer.status >= 500 else {}
    evidence = driver.evidence(record, "run", http_status=answer.status, http_body=text, failure=failure)
    summary = _summary(record.name, answer.status, text, failure, record.spec.inference.script.origin)
    error = ScoringFailed(summary, status=answer.status, body=text, evidence=evidence)
    pipeline.explain(error)
    raise error


def _summary(name: str, status: int, body: str, failure: Mapping[str, Any], script_name: str) -> str:
    """What was answered; to the service's owner, what was raised and where, which an answer keeps from clients."""
    if failure.get("stage") == "run" and failure.get("message"):
        return f"{name} answered HTTP {status}: {sentence(str(failure['message']), where(failure, script_name))}"
    try:
        message = json.loads(body).get("message", "")
    except (ValueError, AttributeError):
        message = body.strip().splitlines()[0][:200] if body.strip() else ""
    return f"{name} answered HTTP {status}" + (f": {message}" if message else ".")
