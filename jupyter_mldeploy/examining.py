"""What is wrong with a service now: its state, its evidence, and how its last requests were answered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from jupyter_mldeploy.diagnosis import diagnose
from jupyter_mldeploy.diagnosis.last_request import last_requests
from jupyter_mldeploy.diagnosis.report import Diagnosis
from jupyter_mldeploy.evidence import Evidence
from jupyter_mldeploy.records import Record, Records
from jupyter_mldeploy.targets import driver_for
from jupyter_mldeploy.targets.base import Status

__all__ = ["examine"]


def examine(record: Record, records: Records) -> Diagnosis:
    """Explain what is wrong with a service; ``cause`` is ``""`` when nothing is."""
    driver = driver_for(record.spec.target, records)
    status = driver.status(record)
    if record.state == "failed" and (kept := records.evidence(record.name)):
        return diagnose(kept)
    if status.state in {"running", "degraded"} and (kept := _refused_since(record, records, status)):
        return _of_the_change(diagnose(kept))
    of_it: dict[str, Any] = {"target": str(record.spec.target), "service": record.name}
    if status.state == "unknown":
        return diagnose(Evidence(stage="launch", failure={"kind": "unreachable", "message": status.message}, **of_it))
    if status.state == "stopped" == record.state:
        return diagnose(Evidence(exit_code=0, facts={"stopped": "yes"}, **of_it))
    stage = str(status.failure.get("stage", "")) or ("launch" if status.state == "failed" else "run")
    known: dict[str, Any] = {"failure": status.failure}
    if not status.failure and (status.state == "failed" or status.state == "stopped" != record.state):
        known = {"failure": {"stage": stage, "kind": "gone", "message": status.message}}
    evidence = driver.evidence(record, stage, **known)
    if not known["failure"] and status.state in {"running", "deploying"}:  # a worker may just be replaced
        evidence = _with_last_requests(evidence, status)
    return diagnose(evidence)


def _refused_since(record: Record, records: Records, status: Status) -> Evidence | None:
    """What the service's last change failed with, unless requests have failed since."""
    since = records.evidence_since(record.name)
    if since is None or float(status.last_failure.get("time") or 0) > since:
        return None
    return records.evidence(record.name)


def _of_the_change(diagnosis: Diagnosis) -> Diagnosis:
    serves = "The version that serves is whole; this is why its last change was refused."
    return replace(diagnosis, what=f"{serves} {diagnosis.what}".rstrip())


def _with_last_requests(evidence: Evidence, status: Status) -> Evidence:
    """A service that runs has just told that it is well; whether its requests are, the last of them tell."""
    last = last_requests(evidence.log)
    starts = status.state == "deploying" and any(replica.state == "starting" for replica in status.replicas)
    if starts and last.status in (None, 200, 503):
        return replace(evidence, facts={**evidence.facts, "starting": "yes"})
    if last.status is None or last.status < 400:
        return replace(evidence, http_status=200)
    failed = status.last_failure.get("request_id") == last.request_id and last.status != 503
    counts = {"asked": str(last.asked), "refused": str(last.refused)} if last.status == 503 else {}
    return replace(
        evidence,
        http_status=last.status,
        failure=status.last_failure if failed else {},
        facts={**evidence.facts, **counts},
    )
