"""An image cannot be pulled: by the kubelet or by an engine. The inner text says why."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from jupyter_mldeploy.diagnosis.rule import Depth, Finding, found, rule
from jupyter_mldeploy.diagnosis.signs import Sign, show
from jupyter_mldeploy.diagnosis.stages import building, on_cluster, pushing, settled

if TYPE_CHECKING:
    from jupyter_mldeploy.diagnosis.reading import Reading

_PULLING = (
    r"failed to pull image|failed to pull and unpack|errimagepull|imagepullbackoff|errimageneverpull|invalidimagename"
    r"|back-off pulling image|unable to find image '[^'\n]*' locally|pulling from [\w/.-]+|error pulling image"
    r"|failed to pull"
    r"|pull access denied|manifest unknown|manifest for \S+ not found|toomanyrequests"
    r"|couldn't parse image (?:name|reference)"
    r"|invalid reference format|present with pull policy of never"
    r"|error response from daemon: (?:get|head) \"?https?://\S+/v[12]/"
    r"|no matching manifest for|no match for platform|does not (?:match|provide) the (?:specified|detected host) platform"
    r"|image pull|imagenotfound"
    r"|trying to pull |image pull secrets|inaccessibleimage|registryunavailable|failed to resolve reference"
    r"|no such image"
    r"|containers\[\d+\]\.image: (?:invalid|required) value|image operating system \"|signaturevalidationfailed"
    r"|registryerrorresponse"
)
_SURELY = (
    r"failed to pull|errimagepull|imagepullbackoff|errimageneverpull|invalidimagename|back-off pulling|trying to pull "
    r"|error response from daemon|unable to find image|no matching manifest"
)
"""Words that nobody but a kubelet or an engine says, also while a service runs."""

_IMAGE_LINE = (
    r"pull image|pulling image|container image|default image tag|to find image|inspect image|access denied for "
    r"|manifest for "
    r"|no such image: |the image '|failed to pull |trying to pull "
)
_IMAGE = re.compile(
    r"(?:pull(?:ing)? image|container image|default image tag|find image"
    r"|inspect image) ?[\"'](?P<image>[^\"'\n]+)[\"']"
    r"|pull access denied for (?P<denied>[^\s,]+)|manifest for (?P<manifest>\S+) not found"
    r"|no such image: (?P<local>[\w./:@-]+)|the image '(?P<azure>[^'\n]+)'"
    r"|failed to pull (?P<podman>[\w.-]+[/:][\w./:@-]+)"
    r"|trying to pull (?P<trying>[\w./:@-]+?)\.\.\.",
    re.IGNORECASE,
)
_REGISTRY = re.compile(
    r"https?://(?P<url>[\w.-]+(?::\d+)?)/v[12]|lookup (?P<lookup>[\w.-]+)"
    r"|^(?P<first>[\w-]+(?:\.[\w.-]+|:\d+)[\w.:-]*)/"
)

_SIGNS = (
    Sign(
        "image-not-on-node",
        r"errimageneverpull|present with pull policy of never|imagepullpolicy[^\n]*never[^\n]*not present",
        Depth.ROOT - 4,
    ),
    Sign(
        "image-name-invalid",
        r"invalidimagename|invalid reference format|couldn't parse image (?:name|reference)"
        r"|repository name must be lowercase"
        r"|containers\[\d+\]\.image: (?:invalid|required) value|failed to apply default image tag"
        r"|repository name must be canonical|invalid image name|invalid tag format",
        Depth.ROOT - 4,
    ),
    Sign(
        "image-pull-rate-limited",
        r"toomanyrequests|429 too many|too many requests|pull rate limit|rate limit(?:ed)? exceeded"
        r"|rate exceeded|pull qps exceeded",
        Depth.ROOT - 4,
    ),
    Sign(
        "registry-insecure-http",
        r"server gave http response to https client|first record does not look like a tls handshake",
        Depth.ROOT - 4,
    ),
    Sign(
        "image-platform-mismatch",
        r"no matching manifest for (?P<platform>[\w/]+)|no match for platform in manifest|no match for platform"
        r"|does not (?:match|provide) the (?:specified|requested) platform(?:: wanted (?P<wanted>[\w/]+))?"
        r"|image operating system \"\w+\" cannot be used on this platform"
        r"|no image found in (?:image index|manifest list) for architecture \"?(?P<arch>\w+)"
        r"|no (?:child|manifest|image)[^\n]{0,40} (?:with|for) platform (?P<child>[\w/]+)"
        r"|cannot be used on this platform"
        r"|image with reference \S+ was found but (?:its platform|does not)",
        Depth.ROOT - 4,
    ),
    Sign(
        "image-platform-mismatch",
        r"requested image's platform \((?P<image_platform>[\w/]+)\) does not match the detected host platform"
        r" \((?P<platform>[\w/]+)",
        Depth.SPECIFIC + 1,
        certain=False,
    ),
    Sign(
        "image-pull-tls",
        r"x509: (?P<reason>[^\n]+?)(?=\"|$)|tls: failed to verify certificate|certificate signed by unknown authority"
        r"|certificate has expired or is not yet valid|remote error: tls: (?P<tls>[^\n]+)"
        r"|certificate is not trusted|tls: bad certificate",
        Depth.ROOT - 3,
    ),
    Sign(
        "image-pull-network",
        r"no such host|server misbehaving|temporary failure in name resolution",
        Depth.ROOT - 2,
        "the registry's name cannot be resolved (DNS)",
    ),
    Sign(
        "image-pull-network",
        r"i/o timeout|dial tcp [^\n]*|connection refused|client\.timeout exceeded|context deadline exceeded"
        r"|tls handshake timeout"
        r"|request canceled while waiting for connection|network is unreachable|no route to host"
        r"|connection reset by peer"
        r"|proxyconnect tcp|unexpected eof|/v2/\"?: eof|/v1/_ping|read: connection timed out"
        r"|received unexpected http status: 50\d"
        r"|unexpected status code [^\n]*: 50\d|unexpected status from (?:head|get) request to [^\n]*: 50\d"
        r"|502 bad gateway|503 service unavailable"
        r"|pull image timeout|httpreadseeker: failed open|stream error|failed to copy: ",
        Depth.ROOT - 2,
        "the connection is refused or times out",
    ),
    Sign(
        "image-pull-auth",
        r"unauthorized: |401 unauthorized|403 forbidden|authentication required|no basic auth credentials"
        r"|access denied|access forbidden"
        r"|requested access to the resource is denied|insufficient_scope|failed to authorize"
        r"|failed to fetch anonymous token"
        r"|may require '?docker login|may require authorization|authorization failed"
        r"|authorization token has expired|denied: "
        r"|incorrect username or password|unauthorized to access|does not exist or no pull access"
        r"|pull access denied|accessdeniedexception"
        r"|invalid username/password|failed to fetch oauth token|permission \S+ denied"
        r"|not authorized to perform: ecr|inaccessibleimage|is not authorized to access",
        Depth.ROOT - 1,
    ),
    Sign(
        "image-not-found",
        r"manifest unknown|manifest_unknown|manifest for \S+ not found|: not found\b|name unknown|name_unknown"
        r"|repository name not known"
        r"|repository \S+ not found|does not exist in the registry|failed to resolve reference [^\n]*not found"
        r"|no such image"
        r"|404 not found|imagenotfound|the image '[^'\n]*' (?:is not accessible|not found|could not be found)"
        r"|code = notfound"
        r"|requested image not found|reading manifest \S+ in [^\n]*|tag \S+ (?:not found|does not exist)"
        r"|could not find the image",
        Depth.ROOT,
    ),
    Sign(
        "image-pull-auth",
        r"unable to retrieve some image pull secrets \((?P<secret>[^)\n]+)\)",
        Depth.SPECIFIC,
        certain=False,
    ),
)
_BARE = re.compile(
    r"(?:pull access denied for |docker\.io/library/|image \")(?P<name>[\w.-]+)(?::[\w.-]+)?(?:[\",\s:]|$)"
)


@rule(
    "image-not-on-node",
    "image-name-invalid",
    "image-pull-rate-limited",
    "registry-insecure-http",
    "image-platform-mismatch",
    "image-pull-tls",
    "image-pull-network",
    "image-pull-auth",
    "image-not-found",
    "insufficient-evidence",
)
def pull(reading: Reading) -> Iterator[Finding]:
    """Why an image did not come."""
    if reading.stage in ("build", "push") or pushing(reading) or reading.find(_PULLING) is None:
        return
    if reading.stage in ("run", "http") and not reading.find(_SURELY):
        return
    if not on_cluster(reading) and building(reading):
        return
    lines = ("k8s_events", "k8s_reason", "http_body") if _only_events(reading) else None
    image = _image(reading)
    shown = tuple(show(reading, _SIGNS, lines))
    for finding in shown:
        if settled(reading, finding, r"successfully pulled image|already present on machine|started container"):
            continue
        registry = _REGISTRY.search(finding.proof[0].text) or _REGISTRY.search(image)
        host = next((value for value in registry.groups() if value), "") if registry else ""
        facts = {**finding.facts, "image": image, "registry": host}
        for name in ("wanted", "arch", "child"):
            if name in facts:
                facts["platform"] = facts.pop(name)
        depth = finding.depth
        if finding.cause == "image-pull-auth" and _never_private(finding.proof[0].text):
            # Docker Hub's own library has no private images: such a name means that there is no such image.
            yield found("image-not-found", depth - 1, *finding.proof, certain=True, facts=facts)
        yield Finding(finding.cause, depth, finding.proof, {k: v for k, v in facts.items() if v}, finding.certain)
    if (
        not shown
        and on_cluster(reading)
        and (hit := reading.find(r"imagepullbackoff|errimagepull|failed to pull image"))
    ):
        # Without the inner text nobody can tell: that is the answer, with the two usual causes after it.
        yield found("insufficient-evidence", Depth.WRAPPER - 2, hit, certain=False, image=image)
        yield found("image-not-found", Depth.WRAPPER - 1, hit, certain=False, image=image)
        yield found("image-pull-auth", Depth.WRAPPER, hit, certain=False, image=image)


def _image(reading: Reading) -> str:
    for hit in reading.find_all(_IMAGE_LINE, limit=20):
        if named := _IMAGE.search(hit.line.text):
            return next((value for value in named.groups() if value), "")
    return ""


def _only_events(reading: Reading) -> bool:
    """Whether the pull is spoken of in events, so that the log is of something else (an API client, a container)."""
    return reading.find(_PULLING, ("k8s_events",)) is not None


def _never_private(text: str) -> bool:
    lowered = text.lower()
    if "does not exist" not in lowered and "insufficient_scope" not in lowered:
        return False
    bare = _BARE.search(lowered)
    return bare is not None and "." not in bare["name"]
