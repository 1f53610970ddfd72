"""The scoring runtime of a pod, or of any pod of a service, reached through the API server with the user's own rights.

The API server consumes ``Authorization``, so everything goes by the admin token's header; ``/_mldeploy/score`` scores with it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from jupyter_mldeploy.errors import ScoringFailed
from jupyter_mldeploy.events import Cancel
from jupyter_mldeploy.targets.base import Answer
from jupyter_mldeploy.targets.control import TOKEN_HEADER, RuntimeGone
from jupyter_mldeploy.targets.kubernetes.client import Cluster, Reply
from jupyter_mldeploy.targets.kubernetes.faults import Refused, Unreachable
from jupyter_mldeploy.targets.kubernetes.names import PORT
from jupyter_mldeploy.targets.kubernetes.watching import Watches

__all__ = ["RuntimeProxy"]

CONTROL_TIMEOUT = 10.0
_UNFIT = frozenset({"host", "connection", "content-length", "transfer-encoding", "authorization"})


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

    def score(self, body: bytes, headers: Mapping[str, str], timeout: float, cancel: Cancel | None = None) -> Answer:
        """``POST /_mldeploy/score``.

        Raises:
            ScoringFailed: No answer came, or the API server answered in the service's place.
        """
        given = {name: value for name, value in headers.items() if name.lower() not in _UNFIT}
        sent = {"Content-Type": "application/json", **given, TOKEN_HEADER: self._token}
        began = time.monotonic()
        try:
            reply = self._cluster.send(
                "POST", f"{self._path}/_mldeploy/score", body=body, headers=sent, timeout=timeout, cancel=cancel
            )
        except TimeoutError:
            raise ScoringFailed(f"The service did not answer within {timeout:g} s.", status=None, body="") from None
        except Unreachable as error:
            raise ScoringFailed(error.summary, error.hint, status=None, body="") from error
        if said := _by_api_server(reply):
            raise ScoringFailed(f"The request did not reach the service: {said}.", status=None, body=reply.text)
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
