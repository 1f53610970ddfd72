"""What can go wrong between us and the API server, as errors of the one tree."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from jupyter_mldeploy.errors import TargetUnavailable

__all__ = ["Refused", "Unreachable", "why"]


class Unreachable(TargetUnavailable):
    """No answer came from the API server."""

    code = "cluster-unreachable"

    def __init__(self, server: str, why: str) -> None:
        super().__init__(
            f"The Kubernetes API server {server} could not be reached: {why}.",
            "Check that the cluster runs, and that `kubectl version` answers with the same context.",
        )
        self.why = why


class Refused(TargetUnavailable):
    """The API server said no.

    Attributes:
        status: HTTP status.
        reason: One word of the API: ``Forbidden``, ``NotFound``, ``Invalid``, …
        message: Its sentence.
        body: The answer as it came, for evidence.
    """

    code = "cluster-refused"

    def __init__(self, status: int, body: str, *, what: str) -> None:
        told = _decoded(body)
        self.status = status
        self.reason = str(told.get("reason") or "")
        self.message = str(told.get("message") or body.strip()[:300] or f"HTTP {status}")
        self.body = body
        self.details: Mapping[str, Any] = told.get("details") or {}
        hint = _ENDING if self.namespace_ends else _HINTS.get(status, "")
        super().__init__(f"Kubernetes refused to {what}: {self.message.rstrip('.')}.", hint)

    @property
    def namespace_ends(self) -> bool:
        """Whether the namespace is gone or is being deleted, with all that is in it."""
        if self.status == 404:
            return self.details.get("kind") == "namespaces"
        return any(cause.get("reason") == "NamespaceTerminating" for cause in self.details.get("causes") or ())


_ENDING = "Make the namespace anew once it is gone, or choose another one with --namespace."
_HINTS = {
    401: "Log in to the cluster again; its credentials have expired or are not known there.",
    403: "Ask whoever runs the cluster for this right, or choose another namespace with --namespace.",
}


def _decoded(body: str) -> dict[str, Any]:
    try:
        told = json.loads(body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) and told.get("kind") == "Status" else {}


_WHY = (
    ("refused", "the connection is refused"),
    ("CERTIFICATE_VERIFY", "its certificate is not trusted"),
    ("no certificate or crl found", "the certificate authority that its kubeconfig names is no certificate"),
    ("getaddrinfo", "its name is not resolved"),
    ("resolve", "its name is not resolved"),
    ("timed out", "it does not answer in time"),
)


def why(error: BaseException) -> str:
    """The innermost reason of a connection that failed, in few words."""
    text = re.sub(r" *\(_ssl\.c:\d+\)", "", str(error))
    for sign, words in _WHY:
        if sign in text:
            return words
    return text.rpartition(":")[2].strip(" ()'\".") or type(error).__name__
