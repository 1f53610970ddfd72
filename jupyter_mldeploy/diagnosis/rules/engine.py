"""The container engine on this machine: Docker, Podman."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from jupyter_mldeploy.diagnosis.rule import Depth, Finding, rule
from jupyter_mldeploy.diagnosis.signs import Sign, show

if TYPE_CHECKING:
    from jupyter_mldeploy.diagnosis.reading import Reading

_SIGNS = (
    Sign(
        "docker-socket-permission",
        r"you may not use the docker engine at (?P<ours>\S+)"
        r"|permission denied while trying to connect to the docker (?:daemon|api)[^\n]*?(?P<socket>/[\w./-]+\.sock)?"
        r"|error while fetching server api version: [^\n]*(?:permissionerror|permission denied)"
        r"|dial unix (?P<dial>[^\s:]+\.sock): connect: permission denied"
        r"|connection aborted\.', permissionerror\(13"
        r"|access is denied\.[^\n]*docker_engine|docker_engine: access is denied|docker\.sock[^\n]*permission denied"
        r"|permission denied[^\n]*docker\.sock",
        Depth.ROOT - 5,
    ),
    Sign(
        "docker-daemon-not-running",
        r"cannot connect to the docker (?:daemon|engine)(?: at (?P<socket>\S+))?|no container engine was found"
        r"|the docker engine at (?P<deaf>\S+) [^\n]*does not answer|is the docker daemon running|is docker running"
        r"|error while fetching server api version|error during connect: [^\n]*|docker_engine: the system cannot find"
        r"|failed to connect to the docker api at (?P<api>\S+)"
        r"|dial unix (?P<dial>[^\s:]+\.sock): connect: (?:no such file|connection refused)"
        r"|docker daemon is not running|docker desktop is (?:not running|unable to start)|docker is not running"
        r"|unable to communicate with docker daemon|failed to create docker client|cannot connect to podman"
        r"|unable to connect to podman|docker: (?:command )?not found|'docker' is not recognized"
        r"|no such file or directory: 'docker'"
        r"|executable file not found[^\n]*docker\b|exec: \"docker\""
        r"|docker\.errors\.dockerexception(?!: (?:can ?not read|credentials))"
        r"|couldn't connect to docker daemon|not supported url scheme http\+docker"
        r"|not supported url scheme http\+unix|connection refused[^\n]*:237[56]"
        r"|could not find docker|docker command (?:is )?not found|docker (?:engine )?is not installed"
        r"|failed to dial gRPC: cannot connect to the docker"
        r"|'docker' could not be found in this wsl|activate the wsl integration in docker desktop"
        r"|request returned 500 internal server error for api route[^\n]*docker|colima is not running"
        r"|rancher desktop is not running|docker desktop - wsl distro",
        Depth.ROOT - 5,
    ),
    Sign(
        "container-name-conflict",
        r"the container name \"?/?(?P<name>[\w.-]+)\"? is already in use by (?:container )?\"?(?P<container>\w+)?"
        r"|name \\?\"?(?P<nerdctl>[\w.-]+)\\?\"? is already used by id|conflict\. the (?:container )?name"
        r"|container with name (?P<other>[\w.-]+) already exists|that name is already in use"
        r"|name (?P<pod>[\w.-]+) is in use: (?:pod|container) already exists",
        Depth.ROOT - 4,
    ),
)


@rule("docker-daemon-not-running", "docker-socket-permission", "container-name-conflict")
def engine(reading: Reading) -> Iterator[Finding]:
    """No engine, no right to use it, or a name that it has given away."""
    denied = False
    for finding in show(reading, _SIGNS):
        denied = denied or finding.cause == "docker-socket-permission"
        if finding.cause == "docker-daemon-not-running" and denied:
            continue  # the daemon runs: it may only not be spoken to
        facts = dict(finding.facts)
        for name in ("dial", "api", "ours", "deaf"):
            if name in facts:
                facts["socket"] = facts.pop(name)
        if finding.cause == "docker-daemon-not-running" and "socket" in facts:
            facts["socket"] = facts["socket"].rstrip(".")
        if finding.cause == "container-name-conflict":
            facts["name"] = (
                facts.get("name") or facts.pop("nerdctl", "") or facts.pop("other", "") or facts.pop("pod", "")
            )
            if "container" in facts:
                facts["container"] = facts["container"][:12]
        yield Finding(
            finding.cause, finding.depth, finding.proof, {k: v for k, v in facts.items() if v}, finding.certain
        )
