"""The autoscaler speaks: what it would compute with, and does not get."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from jupyter_mldeploy.diagnosis.rule import Depth, Finding, rule
from jupyter_mldeploy.diagnosis.signs import Sign, show
from jupyter_mldeploy.diagnosis.stages import settled

if TYPE_CHECKING:
    from jupyter_mldeploy.diagnosis.reading import Reading

_SIGNS = (
    Sign(
        "hpa-missing-requests",
        r"missing request for (?P<resource>cpu|memory|\w+)(?: (?:in|on) container (?P<container>[\w.-]+))?"
        r"|do not have request for (?P<old>cpu|memory)"
        r"|pods? (?:has|have) no (?P<none>cpu|memory) request",
        Depth.ROOT - 3,
    ),
    Sign(
        "hpa-metrics-unavailable",
        r"unable to (?:get|fetch) (?:resource )?metrics? (?:for resource|from)[^\n]*?(?P<resource>cpu|memory)?"
        r"|no metrics returned (?:from|matched)"
        r"|metrics api not available|did not receive metrics for|unable to fetch metrics from"
        r"|metrics not available for pod|no metrics known for"
        r"|the server could not find the requested resource \((?:get|post) [\w.:/ -]*metrics|heapster"
        r"|metrics\.k8s\.io[^\n]*(?:unavailable|not found|unable to handle|could not find|missingendpoints|failed)"
        r"|unable to get (?:pod|external|resource|object) metrics?|failedgetresourcemetric|failedgetpodsmetric"
        r"|failedgetexternalmetric|failedcomputemetricsreplicas"
        r"|failed to get (?:cpu|memory)[\w ]* utilization"
        r"|metrics-server[^\n]*(?:not found|unavailable|failed)",
        Depth.ROOT - 2,
    ),
)


@rule("hpa-missing-requests", "hpa-metrics-unavailable")
def horizontal(reading: Reading) -> Iterator[Finding]:
    """No share can be computed of a request that is not set, and nothing at all without metrics."""
    missing = False
    for finding in show(reading, _SIGNS):
        if settled(reading, finding, r"new size: "):
            continue
        missing = missing or finding.cause == "hpa-missing-requests"
        facts = dict(finding.facts)
        facts["resource"] = (
            (facts.get("resource") or facts.pop("old", "") or facts.pop("none", "")).upper().replace("MEMORY", "memory")
        )
        depth = finding.depth
        if finding.cause == "hpa-metrics-unavailable" and missing:
            depth = int(Depth.SYMPTOM)  # the same event is reported once in these words, too
        yield Finding(finding.cause, depth, finding.proof, {k: v for k, v in facts.items() if v}, finding.certain)
