"""Admission speaks: "is forbidden" that is not a matter of roles."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from jupyter_mldeploy.diagnosis.rule import Depth, Finding, rule
from jupyter_mldeploy.diagnosis.signs import Sign, show

if TYPE_CHECKING:
    from jupyter_mldeploy.diagnosis.reading import Reading

_TIMES = re.compile(r" \(x\d+\)$")
"""How often an event was seen: no word of its own."""
_SIGNS = (
    Sign(
        "quota-exceeded",
        r"exceeded quota: (?P<quota>[^,\n]+), requested: (?P<requested>[^\n]+?), used: (?P<used>[^\n]+?),"
        r" limited: (?P<limit>[^\s\"\\]+)"
        r"|exceeded quota|quotaexceeded|exceeding (?:the )?(?:approved )?[\w -]*quota"
        r"|containergroupquotareached|exceeds? (?:the )?[\w -]*cores? quota"
        r"|(?<!disk )quota (?:has been |was )?exceeded|insufficient quota|not enough quota"
        r"|quota limit (?:has been )?(?:reached|exceeded)|insufficient regional quota",
        Depth.ROOT - 3,
    ),
    Sign(
        "quota-requires-requests",
        r"failed quota: (?P<quota>[^:\n]+): must specify (?P<fields>[^\"\\\n]+)"
        r"|must specify (?P<bare>(?:limits|requests)\.[\w.,]+)",
        Depth.ROOT - 3,
    ),
    Sign(
        "limitrange-violation",
        r"(?P<bound>maximum"
        r"|minimum) (?P<resource>[\w./-]+) usage per \w+ is (?P<allowed>[\w.]+)(?:[,.] ?but (?:limit"
        r"|request) is (?P<asked>[\w.]+))?"
        r"|(?P<ratio>[\w./-]+) max limit to request ratio per \w+ is (?P<most>[\w.]+)"
        r"|must be less than or equal to (?P<kind>cpu|memory|ephemeral-storage) limit(?: of (?P<of>\w+))?"
        r"|must be less than or equal to memory limit",
        Depth.ROOT - 3,
    ),
    Sign(
        "pod-security-violation",
        r"(?<!would )violates podsecurity \\?\"(?P<policy>[^\"\\\n]+)\\?\": (?P<reason>[^\n]+)"
        r"|unable to validate against any (?:pod security policy|security context constraint)[^\n]*"
        r"|container has runasnonroot and (?P<nonroot>image [^\n]*)|runasnonroot[^\n]*image will run as root"
        r"|admission webhook \\?\"(?P<webhook>[^\"\\\n]*)\\?\" denied the(?: request\b[^\n]*|\s*$)"
        r"|privileged containers? (?:are|is) not allowed|host(?:path|network) volumes? (?:are|is) not allowed"
        r"|podsecuritypolicy: |disallowed by azure policy|denied by (?:azure policy|policy)"
        r"|validatingadmissionpolicy [^\n]*denied request"
        r"|cannot enforce apparmor|forbidden sysctl|seccomp may not be set"
        r"|container's runasuser breaks non-root policy",
        Depth.ROOT - 3,
    ),
)


def _as_memory(amount: str) -> str:
    """A quantity as people write it: the API server shows in bytes what was asked for in ``Mi``."""
    for size, letter in ((2**30, "Gi"), (2**20, "Mi")):
        if amount.isdecimal() and int(amount) >= size and int(amount) % size == 0:
            return f"{int(amount) // size}{letter}"
    return amount


@rule("quota-exceeded", "quota-requires-requests", "limitrange-violation", "pod-security-violation")
def refused(reading: Reading) -> Iterator[Finding]:
    """Quota, LimitRange and security policies. A warning that something "would violate" a policy refuses nothing."""
    for finding in show(reading, _SIGNS):
        facts = dict(finding.facts)
        if finding.cause == "limitrange-violation":
            facts["resource"] = facts.get("resource") or facts.pop("ratio", "") or facts.pop("kind", "")
            for name in ("allowed", "asked") if "memory" in facts["resource"] else ():
                facts[name] = _as_memory(facts.get(name, ""))
            facts["bound"] = {"maximum": "at most", "minimum": "at least"}.get(facts.get("bound", "").lower(), "")
        if finding.cause == "quota-requires-requests" and "bare" in facts:
            facts["fields"] = facts.pop("bare")
        if finding.cause == "pod-security-violation":
            facts["policy"] = facts.get("policy") or facts.pop("webhook", "")
            facts["reason"] = _TIMES.sub("", facts.get("reason") or facts.pop("nonroot", ""))
        yield Finding(
            finding.cause, finding.depth, finding.proof, {k: v for k, v in facts.items() if v}, finding.certain
        )
