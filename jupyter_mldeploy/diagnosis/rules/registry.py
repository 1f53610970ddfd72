"""Registries and engines speak while an image is pushed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from jupyter_mldeploy.diagnosis.rule import Depth, Finding, rule
from jupyter_mldeploy.diagnosis.signs import Sign, show
from jupyter_mldeploy.diagnosis.stages import pushing

if TYPE_CHECKING:
    from jupyter_mldeploy.diagnosis.reading import Reading

_SIGNS = (
    Sign(
        "registry-insecure-http",
        r"server gave http response to https client|first record does not look like a tls handshake"
        r"|tls: unexpected message",
        Depth.ROOT - 4,
    ),
    Sign(
        "push-image-not-found-locally",
        r"an image does not exist locally with the tag: (?P<tag>\S+)|no such image: (?P<image>\S+)"
        r"|tag does not exist: (?P<missing>\S+)"
        r"|image not known|(?P<podman>\S+): image not known|reference does not exist"
        r"|unable to find a match for (?P<buildah>\S+)"
        r"|no image (?:found )?(?:with|named|for) |image \"?(?P<nerdctl>[^\s\"]+)\"?: not found|imagenotfound"
        r"|local image not found"
        r"|image with reference (?P<reference>\S+) was found but does not|failed to resolve image",
        Depth.ROOT - 4,
    ),
    Sign(
        "image-pull-rate-limited",
        r"toomanyrequests|429 too many|too many requests",
        Depth.ROOT - 4,
    ),
    Sign(
        "registry-push-denied",
        r"no basic auth credentials|denied: |unauthorized: |unauthorized$|authentication required"
        r"|requested access to the resource is denied"
        r"|checking push permission|push access denied|insufficient_scope|401 unauthorized|403 forbidden"
        r"|access forbidden|access denied"
        r"|permission_denied"
        r"|name unknown: the repository|name unknown|repository does not exist|does not exist in the registry"
        r"|project [\w-]+ not found|authorization token has expired"
        r"|not authorized to perform: ecr|accessdeniedexception|permission \"[^\"\n]*\" denied"
        r"|incorrect username or password|not logged in"
        r"|is not allowed access|authentication is required|failed to authorize|authorization failed|quota (?:has been )?exceeded"
        r"|not permitted|unauthorized to access",
        Depth.ROOT - 2,
    ),
    Sign(
        "image-pull-tls",
        r"x509: (?P<reason>[^\n]+)|tls: failed to verify certificate|certificate_verify_failed",
        Depth.ROOT - 1,
    ),
    Sign(
        "image-pull-network",
        r"no such host|i/o timeout|dial tcp [^\n]*|connection refused|client\.timeout exceeded"
        r"|tls handshake timeout|context deadline exceeded",
        Depth.ROOT,
        "the connection is refused or times out",
    ),
)


@rule(
    "registry-push-denied",
    "registry-insecure-http",
    "push-image-not-found-locally",
    "image-pull-rate-limited",
    "image-pull-tls",
    "image-pull-network",
)
def push(reading: Reading) -> Iterator[Finding]:
    """Why an image did not go to its registry."""
    if not pushing(reading):
        return
    target = reading.find(
        r"the push refers to (?:a )?repository \[(?P<image>[^\]\n]+)\]|docker push (?P<pushed>[\w./:@-]+)"
    )
    image = (target["image"] or target["pushed"]) if target else ""
    for finding in show(reading, _SIGNS):
        facts = {"image": image or reading.evidence.facts.get("image", ""), **finding.facts, "pushing": "yes"}
        for name in ("tag", "missing", "podman", "buildah", "nerdctl", "reference"):
            if name in facts:
                facts["image"] = facts.pop(name)
        host = re.match(r"([\w-]+(?:\.[\w.-]+|:\d+)[\w.:-]*)/", facts["image"])
        url = re.search(r"https?://([\w.-]+(?::\d+)?)/", finding.proof[0].text)
        facts["registry"] = host[1] if host else url[1] if url else ""
        yield Finding(
            finding.cause, finding.depth, finding.proof, {k: v for k, v in facts.items() if v}, finding.certain
        )
