"""Which part of a deployment the evidence is of: from its stage, or from who speaks in it.

The same words mean different things in different parts: an unverified certificate while an image is built is the index's,
while a manifest is applied the API server's, while init() runs that of whatever the script calls.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from jupyter_mldeploy.diagnosis.rule import Depth, Finding

if TYPE_CHECKING:
    from jupyter_mldeploy.diagnosis.reading import Reading

__all__ = ["building", "calling_cluster", "deleting", "on_cluster", "overcome", "pushing", "settled"]

_BUILDERS = (
    r"^step \d+/\d+ "
    r"|\[internal\] load "
    r"|\[ ?\d+/\d+\] run |\[ ?\d+/\d+\] copy |\[ ?\d+/\d+\] from "
    r"|failed to solve"
    r"|dockerfile:\d+"
    r"|/bin/sh -c "
)
_INSTALLERS = (
    r"^\s*collecting [a-z0-9]|^\s*downloading/unpacking [a-z0-9]"
    r"|\bpip3? install\b|\bpip3? download\b|pip subprocess|\buv pip\b"
    r"|could not find a version that satisfies"
    r"|no matching distribution found"
    r"|/simple/[a-z0-9._-]+/"
    r"|files\.pythonhosted\.org"
    r"|condahttperror|condasslerror|conda\.anaconda\.org|repo\.anaconda\.com|libmamba"
    r"|solving environment|collecting package metadata"
    r"|failed building wheel|could not build wheels|building wheel for |running setup\.py install"
    r"|subprocess-exited-with-error"
    r"|metadata-generation-failed|requires a different python|but the running python is|is not a supported wheel"
    r"|cannot find command '|failed to build `|have incompatible versions|in --require-hashes mode"
    r"|pypi package is deprecated"
    r"|failed to download metadata for repo|mirrorlist|no_pubkey|some index files failed|release file for |inrelease"
    r"|pip\._vendor\.|[\\/]pip[\\/]_vendor|proxyerror: conda|setup\.py"
    r"|returned a non-zero code: |did not complete successfully: exit code|git clone "
    r"|failed to fetch(?: https?:|: )|unable to locate package|apt-get |does not have a release file"
)
_INSTALLING = r"/simple/[a-z0-9]|could not find a version that satisfies"
"""What only an installer says, also one that a container starts before its service."""
_LATER = frozenset({"launch", "init", "run", "ready", "http", "reload", "schedule", "scale", "delete"})
_CLIENT = (
    r"kubernetes[/\\.]client|kubernetes api server |kubernetes refused to "
    r"|unable to connect to the server|you must be logged in to the server|apiexception: "
    r"|\"kind\": ?\"status\"|kind: status|exceeded with url: /version|couldn't get (?:available|current) "
    r"|could not find the requested resource"
    r"|kubernetesunaccessible|no matches for kind|resource mapping not found|ensure crds are installed"
    r"|unable to recognize "
    r"|error from server"
    r"|the connection to the server "
    r"|/api/v1/(?:namespaces|pods|nodes|services)|/api\?timeout|/apis/[a-z0-9.]+/v\d"
    r"|kubernetes cluster unreachable"
    r"|\bkubectl\b"
    r"|kubeconfig|kube-config|\.kube/config"
)


def building(reading: Reading) -> bool:
    """Whether an environment or image is being built."""
    if reading.exit_code == 0:
        return False
    if reading.stage in ("build", "push") or reading.evidence.build_log:
        return True
    if reading.stage in _LATER:
        return reading.stage in ("launch", "init") and reading.find(_INSTALLING) is not None
    return not calling_cluster(reading) and bool(reading.find(_BUILDERS) or reading.find(_INSTALLERS))


def pushing(reading: Reading) -> bool:
    """Whether an image is being pushed."""
    if reading.stage == "push" or "the push refers to" in reading or "docker push" in reading:
        return True
    return bool(
        reading.find(r"failed to push|error pushing|push access denied|pushing manifest|pushing layers|push permission")
    )


def calling_cluster(reading: Reading) -> bool:
    """Whether a client of the Kubernetes API speaks."""
    return reading.find(_CLIENT, ("log", "build_log", "http_body", "failure")) is not None


def on_cluster(reading: Reading) -> bool:
    """Whether the service is, or is to be, on a cluster."""
    return reading.target == "kubernetes" or bool(reading.evidence.k8s_events or reading.evidence.k8s_reason)


def settled(reading: Reading, finding: Finding, success: str) -> bool:
    """Whether a later event says that what this one complains of has come right."""
    if not finding.proof or finding.proof[0].source != "k8s_events":
        return False
    last = reading.find_last(success, ("k8s_events",))
    return last is not None and last.line.number > finding.proof[0].number


def deleting(reading: Reading) -> bool:
    """Whether something is being deleted."""
    return reading.stage == "delete" or bool(
        reading.find(r"kubectl delete|service delete|helm uninstall|error when deleting|docker rm |found to delete")
    )


_WENT_ON = (
    r"successfully installed |successfully built [a-z]|installing collected packages|^setting up [a-z0-9]"
    r"|processing triggers for|executing transaction: done|solving environment: done|removing intermediate container"
    r"|^\s*downloading \S+\.(?:whl|tar\.gz|zip)\b|building wheels? for |failed building wheel"
)


def overcome(reading: Reading, finding: Finding, patterns: Iterable[str]) -> Finding:
    """The finding as it is; or, if the installer went on after it, as one that only may have had to do with the failure.

    Retries that succeed, wheels that are built in a second way and lists that are left out are printed like failures.
    """
    source = (finding.proof[0].source,) if finding.proof else ("log",)
    success = reading.find_last(_WENT_ON, source)
    if success is None:
        return finding
    for pattern in patterns:
        last = reading.find_last(pattern, source)
        if last is not None and last.line.number >= success.line.number:
            return finding
    return replace(finding, depth=int(Depth.WRAPPER), certain=False)
