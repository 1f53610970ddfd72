"""A reload by the runtime's own control route, for targets whose service is one runtime."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from jupyter_mldeploy.errors import ReloadRefused
from jupyter_mldeploy.events import Cancel
from jupyter_mldeploy.evidence import Evidence
from jupyter_mldeploy.records import Record
from jupyter_mldeploy.spec import Script
from jupyter_mldeploy.targets.base import Receipt
from jupyter_mldeploy.targets.control import RuntimeClient, RuntimeGone
from jupyter_mldeploy.targets.reports import refused_reload

__all__ = ["reload_runtime"]


def reload_runtime(
    connect: Callable[[], RuntimeClient],
    record: Record,
    script: Script,
    sample: str | None,
    *,
    cancel: Cancel,
    evidence: Callable[..., Evidence],
) -> Receipt:
    """Let the runtime take the script.

    Args:
        connect: Makes its client, or raises ``RuntimeGone``.
        record: The service.
        script, sample: What it is to take, and what that must answer first.
        cancel: Gives the reload up.
        evidence: The driver's method of that name.

    Raises:
        ReloadRefused: The old script goes on serving, or nothing answers.
    """
    began = time.monotonic()
    body = {"script": script.text, "sample": sample}
    try:
        status, answer = connect().reload(body, record.spec.init_timeout + 30, cancel)
    except RuntimeGone as error:
        raise ReloadRefused(
            f"The service {record.name!r} does not answer: {error}.",
            stage="reload",
            evidence=evidence(record, "reload"),
        ) from None
    if status != 200:
        seen = evidence(record, "reload", failure=answer.get("failure") or _untold(answer), script=script.text)
        raise refused_reload(record.name, script, answer.get("message", f"HTTP {status}"), seen)
    return Receipt(
        mode=answer["mode"],
        script=answer["script"],
        replicas=tuple(f"{record.name}/{replica['id']}" for replica in answer["replicas"]),
        seconds=time.monotonic() - began,
    )


def _untold(answer: Mapping[str, Any]) -> dict[str, Any]:
    """A refusal without a report is one all the same: the log of a service that is well must not speak for it."""
    return {"stage": "reload", "message": str(answer.get("message") or "the service did not say why")}
