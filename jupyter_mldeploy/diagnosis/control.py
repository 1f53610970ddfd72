"""The last word: what the rules found, or that nothing is wrong, or that the evidence does not tell.

Logs of services that are well are full of lines that look like errors: warnings of versions, retries that worked in the
end, probes that failed while the service was starting. So a finding counts only if nothing that came after it, and no
status of the whole, says that all went well.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from jupyter_mldeploy.diagnosis.harmless import outlived
from jupyter_mldeploy.diagnosis.ranking import ranked
from jupyter_mldeploy.diagnosis.report import INSUFFICIENT, NOTHING
from jupyter_mldeploy.diagnosis.rule import Depth, Finding, found

if TYPE_CHECKING:
    from jupyter_mldeploy.diagnosis.reading import Hit, Reading

__all__ = ["verdict"]

_WELL = (
    r"init has completed successfully|Application startup complete|Uvicorn running on|\" (?:200|201|202|204) "
    r"|(?:POST|GET) /\S* (?:200|204) |Successfully (?:built|tagged|installed)|naming to \S+ (?:\S+ )?done"
    r"|exporting manifest list|writing image sha256:\w+ (?:\S+ )?done"
    r"|successfully rolled out|condition met|^\S+: digest: sha256:\w+ size:|init_finished|replica_ready"
    r"|state: ?(?:Healthy|Succeeded|ready|Running)|operation finished, operation \"Succeeded\"|^Succeeded$"
    r"|Started (?:HTTPService|GRPCInferenceService) at|Exporting HTTP/REST API at|\] Listening on port \d+\s*$"
    r"|\b(?:Serving|Running) on https?://|WORKER_STARTED -> WORKER_MODEL_LOADED"
    r"|ValidMetricFound|SuccessfulRescale|New size: \d+; reason: |^Installed \d+ packages? in "
    r"|^Healthy$|HTTP/[\d.]+\"? 200\b|\"(?:status|status_?code|code)\": ?\"?200\b"
    r"|Deployment (?:is )?(?:complete|succeeded)|has been deployed|\b1/1\s+Running\b"
    r"|\b(?:1/1|2/2|3/3|4/4|5/5)\s+(?:Running\b|\d+\s+\d+\s+\d+[smhd])"
    r"|Successfully registered model|Created version '\d+' of model"
)
_FAILING_REASONS = re.compile(
    r"CrashLoop|BackOff|Err|Fail|Kill|Invalid|Evict|Unschedul|Exceeded|Unhealthy|NotReady|CannotRun|Config"
    r"|Denied|Lost|Unknown|NeverPull|TimedOut|Forbidden|Terminating|Error",
    re.IGNORECASE,
)
_ERROR_IN_ANSWER = re.compile(r"\berror\b|exception|traceback", re.IGNORECASE)
_NORMAL = r"^(?:ScalingReplicaSet|Successful\w+|Pulled|Created|Started|Killing: Stopping container)\b"
_DIED = r"Child process \[\d+\] died|Load model failed: \S+ error: Worker died"
"""What supervisors go on saying after they have started well."""
_STARTING = re.compile(
    rf"{_NORMAL}|(?:readiness|startup) probe failed(?!.*statuscode)(?:(?!\(x).)*(?:\(x[1-3]\))?\s*$", re.IGNORECASE
)
"""A probe that a service which is starting does not answer yet."""
_LITTLE = 3
_OLDER = ("log", "previous_log", "build_log")


def verdict(reading: Reading, findings: Sequence[Finding]) -> list[Finding]:
    """Findings in order, never empty."""
    failing = _failing(reading)
    mark = reading.find_last(_WELL)
    if mark and (died := reading.find_last(_DIED)) and died.line.number > mark.line.number:
        mark = None
    well = mark is not None or reading.http_status in (200, 201, 202, 204) or reading.exit_code == 0
    kept = [f for f in findings if not (_overtaken(reading, f) or outlived(reading, f))]
    if well and not failing:
        kept = [f for f in kept if _outlives(reading, f, mark)]
    if not kept:
        if not failing and (mended := _mended(reading)):
            return [found(NOTHING, 50, mended)]
        return [found(NOTHING, 50, mark)] if well and not failing else [found(INSUFFICIENT, 50, *_said(reading))]
    ordered = _present_first(reading, ranked(kept))
    if _guess(ordered[0]):
        return [found(INSUFFICIENT, 50, *_said(reading)), *ordered]
    return ordered


def _present_first(reading: Reading, ordered: list[Finding]) -> list[Finding]:
    """What the failure's own report shows, before what a log that is older than it shows of other failures."""
    gone = any(finding.cause == "process-gone" for finding in ordered)  # what it printed while it lived did not end it
    if not gone and (not reading.failure or reading.stage not in ("run", "http", "reload", "ready")):
        return ordered
    present = [
        f
        for f in ordered
        if (f.certain or f.depth <= Depth.SPECIFIC) and any(line.source not in _OLDER for line in f.proof[:1])
    ]
    return [*present, *(f for f in ordered if f not in present)]


def _failing(reading: Reading) -> bool:
    """Whether a status of the whole says that something failed."""
    status, code = reading.http_status, reading.exit_code
    reason = reading.evidence.k8s_reason
    return (
        (status is not None and status >= 400)
        or code not in (None, 0)
        or bool(reason and _FAILING_REASONS.search(reason))
        or bool(reading.failure)
        or bool(reading.oom_killed)
    )


def _outlives(reading: Reading, finding: Finding, mark: Hit | None) -> bool:
    """Whether a finding stands although something says that all is well: it is definite, and it came afterwards."""
    if finding.depth > Depth.SPECIFIC + 9 or not finding.certain or not finding.proof:
        return False
    line = finding.proof[0]
    if line.source == "http_body":
        return reading.http_status != 200 or _ERROR_IN_ANSWER.search(reading.evidence.http_body) is not None
    if reading.http_status in (200, 201, 202, 204) or (reading.exit_code == 0 and reading.stage in ("build", "push")):
        return False
    if mark is not None and "readiness probe" in line.text.lower():
        # Probes fail until the start is done; only that they go on failing is a failure.
        return re.search(r"\(x(?:[4-9]|\d\d)", line.text) is not None or "statuscode" in line.text.lower()
    if mark is None:
        return reading.exit_code != 0 or "Traceback" in reading or "rror" in line.text
    return line.source != mark.line.source or line.number > mark.line.number


def _overtaken(reading: Reading, finding: Finding) -> bool:
    """Whether later events say that what was found has passed: the pod was scheduled, the image was pulled after all."""
    line = finding.proof[0] if finding.proof else None
    if line is None or line.source != "k8s_events":
        return False
    after = reading.sources["k8s_events"].lines[line.number :]
    passed = ()  # type: tuple[str, ...]
    if "nodes are available" in line.text or "persistentvolumeclaim" in line.text:
        passed = ("Successfully assigned",)
    elif "pull" in line.text.lower():
        passed = ("Successfully pulled", "Started container")
    return any(words in later for later in after for words in passed)


def _mended(reading: Reading) -> Hit | None:
    """The event that a container was started, if others complain but none after it of more than a start that takes time.

    A rollout that scales the former replicas down has found the new ones ready.
    """
    events = reading.sources["k8s_events"]
    started = reading.find_last(r"started container", ("k8s_events",))
    if started is None or not all(map(_STARTING.search, events.lines[started.line.number :])):
        return None
    replaced = reading.find(r"scaled down replica set", ("k8s_events",))
    return started if replaced or reading.find(r"fail|back-?off|error|unhealthy", ("k8s_events",)) else None


def _guess(finding: Finding) -> bool:
    """Whether all that speaks for the first finding is what a platform says around any failure."""
    return finding.depth >= Depth.WRAPPER and not finding.certain


def _said(reading: Reading) -> list[Hit]:
    """A few lines to show of evidence that does not tell: the last that sound like trouble."""
    return reading.find_all(r"error|fail|exception|fatal|refused|denied", limit=200)[-_LITTLE:]
