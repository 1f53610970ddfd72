"""The scheduler speaks: why no node takes the pod, in the words of all its versions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from jupyter_mldeploy.diagnosis.rule import Depth, Finding, found, rule
from jupyter_mldeploy.diagnosis.signs import Sign, show
from jupyter_mldeploy.diagnosis.stages import settled

if TYPE_CHECKING:
    from jupyter_mldeploy.diagnosis.reading import Hit, Reading

_GPU = (
    r"(?:[\w./-]*gpu[\w./-]*|[\w.-]+/(?:mig-[\w.-]+|i915|xe|vgpu\S*|gaudi|tpu|neuron\w*|aws-neuron\S*)"
    r"|google\.com/tpu)"
)
_BROKEN = (
    r"(?:node\.kubernetes\.io|node\.alpha\.kubernetes\.io)/(?:unreachable|not-?ready|unschedulable"
    r"|network-unavailable|"
    r"disk-pressure|memory-pressure|pid-pressure|out-of-disk)"
    r"|node\.cloudprovider\.kubernetes\.io/(?:uninitialized|shutdown)|[\w.]*(?:agent-not-ready|not-ready)"
    r"|ToBeDeletedByClusterAutoscaler"
)
# What a scheduler says of some of the nodes, after their number or (until 1.9) before it.
_WORDS = (
    ("insufficient-gpu", rf"insufficient (?P<resource>{_GPU})|unavailable for (?P<device>{_GPU})"),
    ("too-many-pods", r"too many pods|insufficient (?P<resource>pods)"),
    ("insufficient-cpu-memory", r"insufficient (?P<resource>[\w./-]+)|podfitsresources"),
    (
        "node-not-ready",
        (
            rf"taints? {{(?P<taint>(?:{_BROKEN})[^}}]*)}}|were (?P<state>unschedulable|not ready|out of disk\w*)"
            rf"|nodenotready|nodeunschedulable|nodeunder(?P<pressure>\w+)pressure|had (?:disk|memory|pid) pressure"
            rf"|nodeoutofdisk|node network unavailable|nodenetworkunavailable"
        ),
    ),
    (
        "taint-not-tolerated",
        (
            r"(?:had |untolerated )*taints? {(?P<taint>[^}]*)}|had taints? that the pod|had untolerated taint"
            r"|podtolerates"
        ),
    ),
    (
        "node-selector-mismatch",
        (
            r"didn't match (?:the )?(?:pod's )?node (?:affinity|selector)|matchnodeselector"
            r"|didn't match pod['’]?s? node|didn't match pod (?:affinity|anti-affinity|topology)"
            r"|didn't (?:match|satisfy) [\w' /-]*(?:affinity|topology)|matchinterpodaffinity|topology spread"
            r"|volume node affinity|volume zone|novolumezoneconflict|requested node name|checknodelabelpresence"
            r"|didn't match the requested|hostname \("
        ),
    ),
    (
        "pvc-unbound",
        (
            r"didn't find available persistent volumes|unbound (?:immediate )?persistentvolumeclaims?"
            r"|exceed max volume count|maxvolumecount|novolumebindconflict|checkvolumebinding"
        ),
    ),
)
_CAUSES = tuple((cause, re.compile(words, re.IGNORECASE)) for cause, words in _WORDS)
_TIES = (
    "pvc-unbound",
    "insufficient-gpu",
    "node-not-ready",
    "insufficient-cpu-memory",
    "too-many-pods",
    "node-selector-mismatch",
    "taint-not-tolerated",
)
_COUNTED = re.compile(
    r"(?P<count>\d+) (?P<reason>(?:[^,.{}]|\.(?!\s|$)|\{[^}]*\})+(?:, that the pod didn't tolerate)?)"
)
_COUNTED_AFTER = re.compile(r"(?P<reason>[A-Za-z][\w ./-]*?) \((?P<count>\d+)\)")
_NODES = r"(?P<free>\d+)/(?P<nodes>\d+) nodes are available: (?P<reasons>[^\n]*)"
_NODES_OLD = r"no nodes are available that match all of the (?:following )?predicates:*(?P<reasons>[^\n]*)"


@rule(*dict(_CAUSES))
def unschedulable(reading: Reading) -> Iterator[Finding]:
    """The reason that covers most nodes binds; the others are named after it."""
    # Old words first: they are followed by the same reasons. Of many events the last one describes the present.
    hit = reading.find_last(_NODES, ("k8s_events",)) or reading.find_last(_NODES) or reading.find_last(_NODES_OLD)
    if hit is None or settled(reading, found("pvc-unbound", Depth.ROOT, hit), r"successfully assigned"):
        return
    claim = reading.find(r"persistentvolumeclaim \\?\"(?P<claim>[^\"\\\n]+)\\?\" (?:not found|is being deleted)")
    nodes = int(hit["nodes"]) if "nodes" in hit.match.groupdict() else 0
    counts: Counter[str] = Counter()
    facts: dict[str, dict[str, str]] = {}
    for count, reason in _reasons(hit):
        for cause, words in _CAUSES:
            if match := words.search(reason):
                counts[cause] += count
                _note(facts.setdefault(cause, {}), {k: v.rstrip(".") for k, v in match.groupdict().items() if v})
                break
    if nodes:
        counts = Counter({cause: min(count, nodes) for cause, count in counts.items()})
    order = sorted(counts, key=lambda cause: (-counts[cause], _TIES.index(cause)))
    for place, cause in enumerate(order):
        known = facts[cause]
        if "unschedulable" in known.get("taint", ""):
            known["state"] = "unschedulable"
        yield found(
            cause,
            Depth.ROOT + place - (1 if place == 0 and claim is None else 0),
            hit,
            certain=place == 0,
            blocked=str(counts[cause]),
            nodes=str(nodes) if nodes else "",
            facts={**known, **_key(known.get("taint", ""))},
        )


def _reasons(hit: Hit) -> Iterator[tuple[int, str]]:
    text = re.split(r"\bpreemption: ", hit["reasons"], maxsplit=1, flags=re.IGNORECASE)[0]
    if "nodes" not in hit.match.groupdict():
        for match in _COUNTED_AFTER.finditer(text):
            yield int(match["count"]), match["reason"]
        return
    seen = False
    for match in _COUNTED.finditer(text):
        seen = True
        yield int(match["count"]), match["reason"]
    if not seen or "unbound" in text or "persistentvolumeclaim" in text:
        yield int(hit["nodes"]), text


def _note(known: dict[str, str], new: dict[str, str]) -> None:
    for name, value in new.items():
        old = known.get(name, "")
        if value not in old.split(", "):
            known[name] = f"{old}, {value}" if old else value


def _key(taint: str) -> dict[str, str]:
    key = re.split(r"[:=,]", taint, maxsplit=1)[0].strip()
    return {"key": key} if key else {}


_OTHERS = (
    Sign(
        "pvc-not-found",
        r"persistentvolumeclaims? \\?\"(?P<claim>[^\"\\\n]+)\\?\" (?:not found|is being deleted)",
        Depth.ROOT - 2,
    ),
    Sign(
        "pvc-unbound",
        r"storageclass(?:\.storage\.k8s\.io)? \\?\"(?P<class>[^\"\\\n]+)\\?\" not found"
        r"|no persistent volumes available for this claim"
        r"|failed to provision volume with storageclass \\?\"(?P<provisioned>[^\"\\\n]+)"
        r"|unbound (?:immediate )?persistentvolumeclaims?|waiting for a volume to be created"
        r"|persistentvolumeclaim is not bound: \\?\"(?P<claim>[^\"\\\n]+)"
        r"|cannot find (?:volume )?plugin for alpha provisioner"
        r"|binding volumes: (?:timed out|context deadline)|multi-attach error for volume|provisioningfailed",
        Depth.ROOT - 1,
    ),
    Sign(
        "insufficient-gpu",
        rf"requested number of devices unavailable for (?P<resource>{_GPU})|outof(?P<out>nvidia\.com/gpu)"
        r"|cannot find available gpu|not enough gpus?\b|no gpu (?:nodes?|sku|resources?) (?:is |are )?available",
        Depth.ROOT,
    ),
    Sign("too-many-pods", r"\boutofpods\b|node didn't have enough resource: pods", Depth.ROOT),
    Sign(
        "insufficient-cpu-memory",
        r"node didn't have enough resource: (?P<resource>(?!pods)\w+), requested: (?P<requested>\d+), used:"
        r" (?P<used>\d+), capacity: (?P<capacity>\d+)"
        r"|\boutof(?P<out>cpu|memory|ephemeral-storage)\b|cpu/memory resource insufficient"
        r"|range of cpus is from [\d.]+ to (?P<cpus>[\d.]+)|the requested resource is not available in the location"
        r"|cannot be created per specified cpu/memory|insufficient compute resource"
        r"|please add more node\(s\) with sku more than (?P<sku>[^\n]*memory)",
        Depth.ROOT,
    ),
    Sign(
        "node-not-ready",
        r"\bnodenotready\b|node is not ready|nodehasdiskpressure|nodestatusunknown"
        r"|no nodes available to schedule pods|kubelet stopped posting node status"
        r"|container runtime network not ready|cni plugin not initialized|network plugin is not ready"
        r"|node \S+ status is now: nodenotready"
        r"|taintmanagereviction|marking for deletion pod|network plugin returns error",
        Depth.SPECIFIC,
    ),
    Sign("node-selector-mismatch", r"predicate nodeaffinity failed|pod's node affinity/selector", Depth.SPECIFIC),
    Sign(
        "insufficient-cpu-memory",
        r"couldn't schedule because the kubernetes cluster didn't have available resources|replicas unschedulable",
        Depth.SYMPTOM,
        certain=False,
    ),
)


_CLAIMED = r"unbound (?:immediate )?persistentvolumeclaim|no persistent volumes available for this claim|failedbinding"


@rule(
    "pvc-not-found",
    "pvc-unbound",
    "insufficient-gpu",
    "too-many-pods",
    "insufficient-cpu-memory",
    "node-not-ready",
    "node-selector-mismatch",
)
def without_counts(reading: Reading) -> Iterator[Finding]:
    """What is said of one claim, one node, or of the cluster as a whole."""
    for finding in show(reading, _OTHERS):
        if settled(reading, finding, r"successfully assigned"):
            continue
        if finding.cause == "pvc-not-found" and settled(reading, finding, _CLAIMED):
            continue  # it was made a moment later
        facts = dict(finding.facts)
        if name := facts.pop("class", "") or facts.pop("provisioned", ""):
            facts["storage_class"] = name
        if name := facts.pop("out", ""):
            facts["resource"] = name
        if requested := facts.get("requested"):
            facts["asked"] = f"{requested} requested, {facts['used']} of {facts['capacity']} in use"
        if sku := facts.pop("sku", ""):
            facts["asked"] = f"a node needs more than {sku}"
        yield Finding(finding.cause, finding.depth, finding.proof, facts, finding.certain)
