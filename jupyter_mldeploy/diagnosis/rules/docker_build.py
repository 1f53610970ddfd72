"""The Dockerfile and its builder: classic, BuildKit, buildah, kaniko."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from jupyter_mldeploy.diagnosis.rule import Depth, Finding, found, rule
from jupyter_mldeploy.diagnosis.signs import Sign, show
from jupyter_mldeploy.diagnosis.stages import building, pushing

if TYPE_CHECKING:
    from jupyter_mldeploy.diagnosis.reading import Reading

_CONTEXT = (
    Sign(
        "docker-context-path-missing",
        r"unable to prepare context: (?:path \"(?P<path>[^\"\n]+)\" not found"
        r"|unable to evaluate symlinks in (?:dockerfile path|context path): (?:lstat |getfileattributesex "
        r"|createfile )?(?P<link>[^\n:]+)[^\n]*|(?P<other>[^\n]+))"
        r"|failed to read dockerfile: (?:open )?(?P<dockerfile>[^\n:]+)"
        r"|cannot locate specified dockerfile:? ?(?P<specified>[^\n]*)"
        r"|cannot find (?:the )?(?:specified )?dockerfile"
        r"|resolve : lstat (?P<lstat>[^\n:]+): no such file|resolve : createfile (?P<createfile>[^\n:]+)"
        r"|build path (?P<compose>\S+) either does not exist, is not accessible"
        r"|you must specify a directory to build in path|either path or fileobj needs to be specified"
        r"|no context directory and no containerfile specified"
        r"|the specified (?:containerfile or )?dockerfile does not exist"
        r"|the dockerfile \((?P<within>[^)\n]*)\) must be within the build context"
        r"|error resolving dockerfile path|failed to read the dockerfile|unable to open dockerfile"
        r"|lstat (?P<folder>[^\n:]*dockerfile[\w.-]*): no such file"
        r"|open (?P<open>[^\n:]*dockerfile[\w.-]*): (?:no such file|the system cannot find)"
        r"|dockerfile[^\n]{0,60} (?:not found|does not exist)|context must be a directory"
        r"|no such file or directory: '(?P<python>[^'\n]*dockerfile[\w.]*)'",
        Depth.ROOT - 1,
    ),
)
_COPY = (
    Sign(
        "dockerfile-copy-missing",
        r"(?:copy|add) failed: file not found in build context or excluded by \.dockerignore: stat (?P<stat>[^\n:]+)"
        r"|(?:copy|add) failed: (?:stat|lstat) (?P<old>[^\n:]+): no such file"
        r"|(?:copy|add) failed: forbidden path outside the build context: (?P<outside>\S+)"
        r"|(?:copy|add) failed: (?:no source files|source can't|createfile)[^\n]*"
        r"|failed to (?:compute|calculate)[^\n]*(?:cache key|checksum)[^\n]*\"(?P<key>/[^\"\n]*)\": not found"
        r"|failed to (?:compute|calculate)[^\n]*(?:cache key|checksum)[^\n]*: (?P<plain>/[^\s:]+): not found"
        r"|failed to compute cache key: (?P<bare>[^\n:]+) not found"
        r"|failed to walk (?P<walk>[^\n:]+)(?:: lstat)?"
        r"|failed to get fileinfo for (?P<kaniko>[^\n:]+)|failed to optimize instruction: failed to get files"
        r"|copier: stat: \"(?P<buildah>[^\"\n]+)\": no such file"
        r"|checking on sources under [^\n]*no such file"
        r"|no items matching glob \"?(?P<glob>[^\"\n]+)\"? copied"
        r"|building at step \"(?:copy|add) (?P<podman>[^\"\n]+)\"[^\n]*no such file"
        r"|no source files were specified|when using (?:copy|add) with more than one source file",
        Depth.ROOT,
    ),
)
_TEMPORARY = re.compile(
    r"^/(?:var/lib/docker/tmp/(?:docker-builder|buildkit-mount)\d+|tmp/buildkit-mount\d+|kaniko/buildcontext)"
)


@rule("dockerfile-copy-missing", "docker-context-path-missing")
def files(reading: Reading) -> Iterator[Finding]:
    """What the builder was told to take and does not find."""
    if reading.exit_code == 0:
        return
    for finding in show(reading, (*_CONTEXT, *_COPY)):
        path = next((value for value in finding.facts.values()), "")
        path = _TEMPORARY.sub("", path)
        facts = {"path": path.lstrip("/") if finding.cause == "dockerfile-copy-missing" else path}
        yield Finding(
            finding.cause, finding.depth, finding.proof, {k: v for k, v in facts.items() if v}, finding.certain
        )


_FULL = (
    r"no space left on device|errno 28\]|enospc|nospacelefterror|disk quota exceeded|not enough (?:free )?disk space"
    r"|you don't have enough free space|not enough space on the disk|write error: no space|insufficient disk space"
    r"|at least [\d.]+ ?[kmgt]?i?b more space needed|disk is full|there is not enough space"
    # the same of the C library in other languages
    r"|no queda espacio en el dispositivo|não há espaço disponível no dispositivo|não resta espaço no dispositivo"
    r"|на устройстве не осталось свободного места|недостаточно места на диске|spazio esaurito sul d|enheten är full"
    r"|kein speicherplatz (?:mehr )?(?:verfügbar|auf dem gerät)|aucun espace disponible sur le périphérique"
    r"|il n'y a plus de place|设备上没有空间"
)


@rule("build-disk-full")
def disk_full(reading: Reading) -> Finding | None:
    """The disk of the machine that builds or pulls."""
    hit = reading.find(_FULL)
    if hit is None or reading.stage in ("run", "init", "http", "ready") or "evicted" in reading:
        return None
    path = re.search(r"(?:write|mkdir|open|create|copy|file) (/[^\s:]+)|: '(/[^'\n]+)'", hit.line.text)
    where = (path[1] or path[2]) if path else ""
    return found("build-disk-full", Depth.ROOT - 4, hit, path=where)


_KILLED = (
    r"signals\.sigkill: 9|\(signal: 9 \(sigkill\)\)|signal: 9\b|died with <signals\.sigkill"
    r"|killed signal terminated program|fatal error: killed signal"
    r"|internal compiler error: killed|\(program cc1(?:plus)?\)"
    r"|returned a non-zero code: (?:137|247)|exit code: (?:137|247)|exit status (?:137|247)\b"
    r"|exited with code (?:137|247)|exit code (?:137|247)\b|error code (?:137|247)\b"
    r"|command terminated by signal 9|signal: killed|exit status: ?-9|return code -9|exit code: -9"
    r"|exited with -9|status -9\b"
    r"|cannot allocate memory|virtual memory exhausted|out of memory|std::bad_alloc|memoryerror|oom[- ]?killed"
    r"|resourceexhausted"
    r"|(?:^\s*|\.\.\. ?)killed\s*$|/bin/sh: line \d+:\s+\d+ killed|/bin/bash: line \d+:\s+\d+ killed"
    r"|\bkilled +(?:pip|python|conda|mamba|npm|gcc|c\+\+)"
)

_HUNGRY = (
    r"building wheel|installing collected packages|solving environment|downloading [^\n]*\d(?:\.\d+)? ?[mg]b\b"
    r"|compil|\bcc1|\bg\+\+|\[\d+/\d+\] (?:building|linking)|extracting|unpacking|collecting (?:torch|tensorflow)"
)


@rule("build-oom-killed")
def out_of_memory(reading: Reading) -> Finding | None:
    """A step of the build is killed for memory."""
    if not building(reading):
        return None
    later = reading.stage in ("launch", "init", "run", "ready", "http", "reload", "schedule", "scale", "delete")
    hit = reading.find(_KILLED, ("build_log",) if later else None)
    if hit is None and reading.stage == "build" and reading.exit_code in (137, 247, -9):
        # Somebody can have killed it; a step that is known for its hunger makes memory likely.
        if busy := reading.find(_HUNGRY):
            proof = reading.statement("exit code", reading.exit_code)
            return found("build-oom-killed", Depth.ROOT - 2, proof, busy, certain=False)
        return None
    if hit is None:
        return None
    step = re.search(r"(?:command|process|running) [\[\"']+(?:/bin/sh -c )?([^'\"\]\n]{3,80})", hit.line.text)
    return found("build-oom-killed", Depth.ROOT - 2, hit, step=step[1].strip() if step else "")


_BASE = (
    Sign(
        "image-pull-rate-limited",
        r"toomanyrequests|too many requests|429 too many|you have reached your (?:unauthenticated )?pull rate limit",
        Depth.ROOT - 3,
    ),
    Sign(
        "image-platform-mismatch",
        r"no matching manifest for (?P<platform>[\w/]+)|no match for platform in manifest"
        r"|does not (?:match|provide) the (?:specified|requested) platform"
        r"|image operating system \"\w+\" cannot be used on this platform",
        Depth.ROOT - 3,
    ),
    Sign(
        "image-name-invalid",
        r"invalid tag \"(?P<image>[^\"\n]*)\"|invalid argument \"(?P<tag>[^\"\n]*)\" for \"-t, --tag\""
        r"|\"(?P<named>[^\"\n]*)\" is not a valid (?:repository/)?tag|invalid image (?:name|reference)",
        Depth.ROOT - 3,
    ),
    Sign(
        "base-image-unavailable",
        r"failed to resolve source metadata(?: for (?P<source>[^\s]+?))?:? "
        r"|failed to load metadata|error \[[^\]\n]*internal\] load metadata for (?P<load>\S+)"
        r"|failed to solve with frontend[^\n]*(?:manifest|pull access|docker\.io|metadata)"
        r"|pull access denied for (?P<denied>[^\s,]+)"
        r"|manifest for (?P<manifest>\S+) not found|manifest unknown"
        r"|repository (?P<repository>\S+) not found: does not exist"
        r"|(?:get|head) \"?https?://(?P<plain>[\w.:-]+)/v[12]/|error getting credentials"
        r"|invalid reference format|invalid from flag value|failed to parse stage name"
        r"|base name \([^)]*\) should not be blank"
        r"|requested access to the resource is denied|no basic auth credentials|failed to authorize: [^\n]*"
        r"|short-name resolution enforced|short-name \"(?P<short>[^\"\n]+)\" did not resolve"
        r"|error creating build container: [^\n]*|initializing source docker://(?P<podman>[^\s:]+(?::[\w.-]+)?):? "
        r"|pinging container registry (?P<pinged>[^\s:]+)"
        r"|unable to pull (?P<pull>\S+):"
        r"|retrieving image manifest (?P<kaniko>\S+)|unauthorized: authentication required"
        r"|no such image: (?P<image>\S+)"
        r"|error getting image manifest"
        r"|manifest_unknown",
        Depth.ROOT - 1,
    ),
)
_HOST = re.compile(r"((?=[^/]*[.:])[\w.:-]+|localhost)/")
_ASKED = re.compile(r"https?://([\w.-]+(?::\d+)?)/v[12]/")
"""The registry: in the name of an image, and where an engine asked for it."""
_REASONS = (
    ("does not exist or", "there is no image of that name, or you are not logged in to its registry"),
    ("denied", "you are not logged in, or it does not exist"),
    ("unauthorized", "you are not logged in to its registry"),
    ("no basic auth credentials", "you are not logged in to its registry"),
    ("no such host", "its registry's name cannot be resolved"),
    ("timeout", "its registry does not answer"),
    ("connection refused", "its registry refuses the connection"),
    ("invalid reference", "that is not a valid image name"),
    ("not found", "there is no such image or tag"),
    ("manifest unknown", "there is no such tag"),
)


@rule("base-image-unavailable", "image-name-invalid", "image-pull-rate-limited", "image-platform-mismatch")
def base_image(reading: Reading) -> Iterator[Finding]:
    """FROM fails: for its registry's limit, for the platform, or because it is not to be had."""
    if not building(reading) or pushing(reading) or reading.evidence.k8s_events:
        return
    if not reading.stage and reading.find(r"failed to pull image \"|errimagepull|imagepullbackoff"):
        return  # a kubelet speaks, and of the image of a service
    for finding in show(reading, _BASE):
        if finding.proof[0].text.startswith("INFO[") and reading.find(r"error building stage"):
            continue  # kaniko had the image, and failed in a later step
        depth = finding.depth
        facts = {name: value for name, value in finding.facts.items() if name == "platform"}
        if finding.cause == "base-image-unavailable":
            line = finding.proof[0].text.lower()
            facts["reason"] = next((words for sign, words in _REASONS if sign in line), "")
            if "x509" in line or "proxyconnect" in line:
                depth += 2  # the way to the registry is at fault
        image = next(
            (value for name, value in finding.facts.items() if name not in ("platform", "plain")),
            "",
        )
        start = reading.find(
            r"\bfrom (?:--platform=\S+ )?(?P<image>[\w.-]+(?:[/:@][\w.:/@-]+)?)\s*(?:as"
            r" \S+)?\s*$",
            ("log", "build_log"),
        )
        facts["image"] = (
            image.rstrip(":,") or (start["image"] if start else "") or reading.evidence.facts.get("image", "")
        )
        if finding.cause == "base-image-unavailable":
            host = _HOST.match(facts["image"]) or _ASKED.search(finding.proof[0].text)
            facts["registry"] = host[1] if host and not host[1].endswith("docker.io") else ""
        yield Finding(finding.cause, depth, finding.proof, {k: v for k, v in facts.items() if v}, finding.certain)
