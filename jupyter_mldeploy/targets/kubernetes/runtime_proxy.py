"""The scoring runtime of a pod, or of any pod of a service, reached through the API server with the user's own rights.

The API server consumes ``Authorization``, so everything goes by the admin token's header; ``/_mldeploy/score`` scores with it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from jupyter_mldeploy.errors import ScoringFailed
from jupyter_mldeploy.events import Cancel
from jupyter_mldeploy.targets.base import Answer
from jupyter_mldeploy.targets.control import TOKEN_HEADER, RuntimeGone
from jupyter_mldeploy.targets.kubernetes import verdicts
from jupyter_mldeploy.targets.kubernetes.client import Cluster, Reply
from jupyter_mldeploy.targets.kubernetes.faults import Refused, Unreachable
from jupyter_mldeploy.targets.kubernetes.names import PORT, selector_text
from jupyter_mldeploy.targets.kubernetes.watching import Watches

__all__ = ["Question", "RuntimeProxy", "score_service"]

CONTROL_TIMEOUT = 10.0
_UNFIT = frozenset({"host", "connection", "content-length", "transfer-encoding", "authorization"})


class NotForwarded(ScoringFailed):
    """The API server knows of no pod to hand the request to: none has seen it, and it may be sent again."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """A request to a service: what is sent, and how long its answer is waited for."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout: float
    cancel: Cancel | None = None


def score_service(cluster: Cluster, service: str, token: str, asked: Question) -> Answer:
    """Score by whichever pod takes the request.

    An API server that has just started knows its pods before it knows the endpoints of its Services: a ready pod is asked
    then.

    Raises:
        ScoringFailed: No answer came.
    """
    try:
        return RuntimeProxy.of_service(cluster, service, token).score(asked)
    except NotForwarded:
        pods = [pod for pod in cluster.list("Pod", labels=selector_text(service)) if verdicts.is_ready(pod)]
        if not pods:
            raise
    return RuntimeProxy.of_pod(cluster, str(pods[0]["metadata"]["name"]), token).score(asked)


class RuntimeProxy:
    """Speaks to the runtime behind one pod or one Service.

    Args:
        cluster: Where.
        path: Of the proxied port.
        token: The admin token.
    """

    def __init__(self, cluster: Cluster, path: str, token: str) -> None:
        self._cluster = cluster
        self._path = path
        self._token = token

    @classmethod
    def of_pod(cls, cluster: Cluster, pod: str, token: str) -> RuntimeProxy:
        """The runtime of one pod."""
        return cls(cluster, f"/api/v1/namespaces/{cluster.namespace}/pods/{quote(pod)}:{PORT}/proxy", token)

    @classmethod
    def of_service(cls, cluster: Cluster, service: str, token: str) -> RuntimeProxy:
        """The runtime of whichever ready pod takes the request."""
        return cls(cluster, f"/api/v1/namespaces/{cluster.namespace}/services/{quote(service)}:http/proxy", token)

    def status(self, timeout: float = CONTROL_TIMEOUT) -> dict[str, Any]:
        """``GET /_mldeploy/status``; ``RuntimeGone`` where nothing answers."""
        status, told = self._control("GET", "status", timeout=timeout)
        if status != 200:
            raise RuntimeGone(str(told.get("message") or f"HTTP {status}"))
        return told

    def reload(self, body: Mapping[str, Any], timeout: float, cancel: Cancel) -> tuple[int, dict[str, Any]]:
        """``POST /_mldeploy/reload``: HTTP status and answer. The runtime gives up a reload whose client leaves."""
        return self._control("POST", "reload", body, timeout, cancel)

    def score(self, asked: Question) -> Answer:
        """``POST /_mldeploy/score``.

        Raises:
            ScoringFailed: No answer came, or the API server answered in the service's place.
        """
        given = {name: value for name, value in asked.headers.items() if name.lower() not in _UNFIT}
        sent = {"Content-Type": "application/json", **given, TOKEN_HEADER: self._token}
        began = time.monotonic()
        try:
            reply = self._cluster.send(
                "POST",
                f"{self._path}/_mldeploy/score",
                body=asked.body,
                headers=sent,
                timeout=asked.timeout,
                cancel=asked.cancel,
            )
        except TimeoutError:
            raise ScoringFailed(
                f"The service did not answer within {asked.timeout:g} s.", status=None, body=""
            ) from None
        except Unreachable as error:
            raise ScoringFailed(error.summary, error.hint, status=None, body="") from error
        if said := _by_api_server(reply):
            nobody = reply.status == 404 or (reply.status == 503 and "no endpoints available" in said)
            kind = NotForwarded if nobody else ScoringFailed
            raise kind(f"The request did not reach the service: {said}.", status=None, body=reply.text)
        return Answer(status=reply.status, body=reply.body, headers=reply.headers, seconds=time.monotonic() - began)

    def events(self, since: int, watches: Watches) -> Iterator[dict[str, Any]]:
        """``GET /_mldeploy/events``: each event as it happens, until the runtime ends or the watches are closed.

        Raises:
            RuntimeGone: Nothing answers there (yet).
        """
        path = f"{self._path}/_mldeploy/events"
        try:
            with (
                self._cluster.lines(path, {"since": str(since)}, {TOKEN_HEADER: self._token}) as (lines, response),
                watches.reading(response),
            ):
                for line in lines:
                    yield json.loads(line)
        except (Unreachable, Refused, TimeoutError, ValueError) as error:
            raise RuntimeGone(str(error)) from None

    def _control(
        self,
        method: str,
        route: str,
        body: Mapping[str, Any] | None = None,
        timeout: float = CONTROL_TIMEOUT,
        cancel: Cancel | None = None,
    ) -> tuple[int, dict[str, Any]]:
        content = None if body is None else json.dumps(body).encode()
        headers = {TOKEN_HEADER: self._token, "Content-Type": "application/json"}
        try:
            reply = self._cluster.send(
                method, f"{self._path}/_mldeploy/{route}", body=content, headers=headers, timeout=timeout, cancel=cancel
            )
            if said := _by_api_server(reply):
                raise RuntimeGone(said)
            told = json.loads(reply.body)
        except (Unreachable, TimeoutError, ValueError) as error:
            raise RuntimeGone(str(error)) from error
        return reply.status, told if isinstance(told, dict) else {}


def _by_api_server(reply: Reply) -> str:
    """What the API server says where it answers itself, because the pod does not; ``""`` for an answer of the pod."""
    if reply.status < 400 or b'"kind":"Status"' not in reply.body.replace(b'": "', b'":"')[:200]:
        return ""
    return Refused(reply.status, reply.text, what="").message.rstrip(".")
