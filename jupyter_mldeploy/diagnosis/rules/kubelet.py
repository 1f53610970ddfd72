"""The kubelet speaks: what a pod refers to, its probes, and evictions; and the Deployment that waits for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from jupyter_mldeploy.diagnosis.rule import Depth, Finding, found, rule
from jupyter_mldeploy.diagnosis.signs import Sign, show
from jupyter_mldeploy.diagnosis.stages import deleting, on_cluster, settled

if TYPE_CHECKING:
    from jupyter_mldeploy.diagnosis.reading import Hit, Reading

_Q = r"\\?[\"'“”]"
_REFERENCES = (
    Sign(
        "secret-key-missing",
        r"couldn't find key (?P<key>\S+) in secret (?P<secret>[^\s\"]+)"
        r"|references non-existent secret key(?:: (?P<volume_key>\S+))?"
        rf"|secret {_Q}?(?P<named>[\w./-]+){_Q}? (?:does not have|has no"
        rf"|does not contain) (?:a )?key:? {_Q}?(?P<missing>[\w.-]+)"
        rf"|key {_Q}?(?P<absent>[\w.-]+){_Q}? (?:not found|does not exist) in secret {_Q}?(?P<within>[\w./-]+)",
        Depth.ROOT - 3,
    ),
    Sign(
        "configmap-missing",
        rf"configmaps? {_Q}(?P<configmap>[^\"\\\n]+){_Q} (?:not found|does not exist|is missing)"
        rf"|couldn't find key (?P<key>\S+) in configmap (?P<within>[^\s\"]+)"
        rf"|references non-existent config key(?:: (?P<volume_key>\S+))?"
        r"|couldn't get configmap (?P<get>\S+)",
        Depth.ROOT - 3,
    ),
    # A kubelet that is slow says so too, and mounts a moment later: whatever else was said is nearer to the root.
    Sign("configmap-missing", r"failed to sync configmap cache", Depth.WRAPPER, certain=False),
    Sign("secret-missing", r"failed to sync secret cache", Depth.WRAPPER, certain=False),
    Sign(
        "secret-missing",
        rf"secrets? {_Q}(?P<secret>[^\"\\\n]+){_Q} (?:not found|does not exist|is missing)|secret not found: (?P<swarm>[\w.-]+)"
        rf"|couldn't get secret (?P<get>[^\s:]+)|secretnotfound"
        r"|references non-existent secret: (?P<volume>\S+)|secret (?P<absent>[\w.-]+) does not exist"
        rf"|cannot find secret {_Q}?(?P<cannot>[\w./-]+)",
        Depth.ROOT - 3,
    ),
    Sign(
        "secret-missing",
        rf"object {_Q}(?P<namespace>[^\"\\\n]+){_Q}/{_Q}(?P<secret>[^\"\\\n]+){_Q} not registered",
        Depth.SPECIFIC,
        certain=False,
    ),
)


@rule("secret-missing", "secret-key-missing", "configmap-missing")
def references(reading: Reading) -> Iterator[Finding]:
    """Objects that the pod's containers or volumes name."""
    if deleting(reading):
        return
    for finding in show(reading, _REFERENCES):
        if settled(reading, finding, r"started container"):
            continue
        facts = finding.facts
        name = next(
            (
                facts[k]
                for k in ("secret", "configmap", "named", "within", "get", "swarm", "cannot", "volume", "absent")
                if k in facts
            ),
            "",
        )
        namespace, _, last = name.rpartition("/")
        key = next((facts[k] for k in ("key", "volume_key", "missing", "absent") if k in facts), "")
        named = "configmap" if finding.cause == "configmap-missing" else "secret"
        known = {named: last, "namespace": namespace or facts.get("namespace", "")}
        if key:
            known["key"] = key
        yield Finding(
            finding.cause, finding.depth, finding.proof, {k: v for k, v in known.items() if v}, finding.certain
        )


_KILLED_FOR_PROBE = (
    r"failed (?P<probe>liveness|startup) probe, will be restarted"
    r"|(?P<old>liveness) probe failed\.+ container will be killed"
    r"|container failed liveness probe\.|container \S+ is unhealthy, it will be killed"
    r"|unhealthy, it will be killed and re-created"
    r"|(?P<short>liveness|startup) probe failed[^\n]*(?:restarting|will be restarted|killing)|failed liveness probe"
)


@rule("liveness-probe-killed")
def liveness(reading: Reading) -> Finding | None:
    """Killed for its liveness (or startup) probe; after an out-of-memory kill the probe's failure only follows."""
    killed = reading.find(_KILLED_FOR_PROBE)
    failing = reading.find(r"liveness probe (?:failed|errored)|startup probe (?:failed|errored)")
    if killed is None and failing is None:
        return None
    memory = reading.oom_killed or "oomkilled" in reading
    shot = reading.exit_code in (137, 143, -9, -15) or "killing" in reading
    if killed is None and not shot and reading.exit_code not in (None, 0):
        depth = int(Depth.SYMPTOM)  # it ended by itself
    elif killed is None and not shot:
        depth = int(Depth.SPECIFIC + 5)
    else:
        depth = int(Depth.SYMPTOM + 2 if memory else Depth.ROOT + 2)
    hit = killed or failing
    return found("liveness-probe-killed", depth, failing, killed, certain=hit is killed, facts=_probe(failing))


@rule("readiness-probe-failing")
def readiness(reading: Reading) -> Finding | None:
    """Never ready. A few failures while a service starts are how it should be."""
    failing = reading.find_last(r"readiness probe (?:failed|errored)")
    if failing is None or reading.http_status == 200:
        return None
    count = re.search(r"\(x(\d+)\)\s*$|\(x(\d+) over", failing.line.text)
    times = int(count[1] or count[2]) if count else 1
    stuck = reading.stage == "ready" or reading.find(
        r"containersnotready|not ready|minimumreplicasunavailable|progressdeadlineexceeded"
        r"|exceeded its progress deadline|unhealthy\s*$"
        r"|running +0 |0/\d+ +running|timed out",
        ("k8s_reason", "k8s_events", "log"),
    )
    statuses = reading.find(r"readiness probe failed: http probe failed with statuscode: (?P<code>\d+)")
    if times <= 3 and not stuck and (statuses is None or times < 2):
        return None
    return found("readiness-probe-failing", Depth.SYMPTOM - 2, failing, certain=True, facts=_probe(failing))


def _probe(failing: Hit | None) -> dict[str, str]:
    if failing is None:
        return {}
    text = failing.line.text
    code = re.search(r"statuscode: (\d+)", text)
    url = re.search(r"\"(https?://[^\"\s]+)\"|(?:get|dial tcp) \"?([^\s\"]+)", text, re.IGNORECASE)
    what = (
        f"status {code[1]}"
        if code
        else next((w for w in ("connection refused", "timeout", "deadline") if w in text.lower()), "")
    )
    asked = next((group for group in url.groups() if group), "").rstrip(":") if url else ""
    count = re.search(r"\(x(\d+)\)\s*$", text)
    said = ", ".join(part for part in (asked, what) if part)
    facts = {"probe": said, "count": count[1] if count else ""}
    return {name: value for name, value in facts.items() if value}


_EVICTED = (
    r"low on resource: ephemeral-storage|low on resource: (?:nodefs|imagefs|inodes|disk)"
    r"|node had condition: \[diskpressure\]"
    r"|ephemeral local storage usage exceeds|exceeded its local ephemeral storage limit"
    r"|usage of emptydir volume \S+ exceeds the limit"
    r"|exceeds? (?:its |the )?ephemeral[- ]storage|thresholdquantity[^\n]*ephemeral"
    r"|evictionthresholdmet[^\n]*(?:ephemeral|imagefs|nodefs)"
    r"|attempting to reclaim (?:ephemeral-storage|inodes|nodefs)"
    r"|nodehasdiskpressure|freediskspacefailed|failed to garbage collect required amount of images"
)


@rule("pod-evicted-disk", "container-oom-killed")
def evicted(reading: Reading) -> Iterator[Finding]:
    """Evicted for disk; the same words are used for memory."""
    if hit := reading.find(_EVICTED):
        usage = re.search(
            r"was using ([\w.]+), (?:which exceeds its )?request (?:is|of) ([\w.]+)"
            r"|(?:limit|containers) \\?\"?([\d.]+\w+)",
            hit.line.text,
        )
        said = ""
        if usage:
            said = f"using {usage[1]}, requested {usage[2]}" if usage[1] else f"limit {usage[3]}"
        yield found("pod-evicted-disk", Depth.ROOT - 2, hit, usage=said)
    if hit := reading.find(r"low on resource: memory|node had condition: \[memorypressure\]"):
        yield found("container-oom-killed", Depth.SPECIFIC, hit)
    if (hit := reading.find(r"^evicted\b|\bevicted: ")) and not reading.find(
        r"memory|preempt|taint", ("k8s_events", "k8s_reason")
    ):
        yield found("pod-evicted-disk", Depth.SYMPTOM, hit, certain=False)


@rule("rollout-deadline-exceeded")
def rollout(reading: Reading) -> Finding | None:
    """The Deployment has waited long enough: what for, its pods say."""
    waited = reading.find_all(
        r"progressdeadlineexceeded|exceeded its progress deadline|has timed out progressing|rollout[^\n]*timed out"
        r"|timed out waiting for the condition|rollout status[^\n]*(?:failed|timed out|exceeded)"
    )
    # A kubelet says "timed out waiting for the condition" of volumes and caches, and mounts them a moment later.
    hit = next((one for one in waited if not re.search(r"mount|sync \w+ cache", one.line.text, re.IGNORECASE)), None)
    speaks = any(word in reading for word in ("rollout", "progress deadline", "helm", "kubectl"))
    if hit is None or not (on_cluster(reading) or speaks):
        return None
    named = reading.find(r"deployment(?:\.apps)? ?[\"'/](?P<deployment>[\w-]+)")
    return found("rollout-deadline-exceeded", Depth.WRAPPER - 5, hit, deployment=named["deployment"] if named else "")
