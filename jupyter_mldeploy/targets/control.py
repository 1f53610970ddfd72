"""Client of the scoring runtime's control routes (``docs/runtime-protocol.md``), for targets that reach it by host and port."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from functools import partial
from typing import Any

from jupyter_mldeploy.errors import ScoringFailed
from jupyter_mldeploy.events import Cancel
from jupyter_mldeploy.targets.base import Answer, ReplicaStatus, Status

__all__ = ["RuntimeClient", "RuntimeGone", "status_from_runtime"]

TOKEN_HEADER = "X-MLDeploy-Token"  # noqa: S105 - the name of a header
CONTROL_TIMEOUT = 10.0


class RuntimeGone(Exception):
    """Nothing answers where the runtime should."""


class RuntimeClient:
    """Speaks to one runtime.

    Args:
        host, port: Where it listens.
        token: The admin token.
    """

    def __init__(self, host: str, port: int, token: str) -> None:
        self._address = (host, port)
        self._token = token

    def status(self) -> dict[str, Any]:
        """``GET /_mldeploy/status``."""
        return self._json("GET", "status")[1]

    def reload(
        self, body: Mapping[str, Any], timeout: float, cancel: Cancel | None = None
    ) -> tuple[int, dict[str, Any]]:
        """``POST /_mldeploy/reload``: HTTP status and answer. The runtime gives up a reload whose client leaves.

        Raises:
            Cancelled: ``cancel`` was set before the answer came.
        """
        return self._json("POST", "reload", body, timeout, cancel)

    def scale(self, minimum: int, maximum: int | None) -> None:
        """``POST /_mldeploy/scale``."""
        self._json("POST", "scale", {"min_replicas": minimum, "max_replicas": maximum})

    def configure(self, settings: Mapping[str, Any]) -> None:
        """``POST /_mldeploy/settings``: time limits and target utilisation of the service as it runs."""
        self._json("POST", "settings", settings)

    def score(self, body: bytes, headers: Mapping[str, str], timeout: float, cancel: Cancel | None = None) -> Answer:
        """``POST /_mldeploy/score``: scores with the admin token in place of a key.

        Raises:
            ScoringFailed: No answer came in ``timeout`` seconds, or the connection broke.
            Cancelled: ``cancel`` was set before the answer came.
        """
        cancel = cancel or Cancel()
        sent = {"Content-Type": "application/json", **headers, TOKEN_HEADER: self._token}
        began = time.monotonic()
        try:
            with closing(self._connect(timeout)) as connection:
                connection.connect()
                forget = cancel.on_cancel(partial(_shut, connection.sock))
                try:
                    connection.request("POST", "/_mldeploy/score", body, sent)
                    response = connection.getresponse()
                    content = response.read()
                finally:
                    forget()
                received = {name.lower(): value for name, value in response.getheaders()}
        except TimeoutError:
            summary = f"The service did not answer within {timeout:g} s."
            raise ScoringFailed(summary, status=None, body="") from None
        except (OSError, http.client.HTTPException) as error:
            cancel.check()
            summary = f"The service at {self._address[0]}:{self._address[1]} could not be reached: {error}."
            raise ScoringFailed(summary, status=None, body="") from error
        return Answer(status=response.status, body=content, headers=received, seconds=time.monotonic() - began)

    def events(self, since: int, cancel: Cancel) -> Iterator[dict[str, Any]]:
        """``GET /_mldeploy/events``: each event as it happens, until the runtime ends or ``cancel`` is set.

        Raises:
            RuntimeGone: The runtime could not be reached at all.
        """
        connection = self._connect(None)
        try:
            connection.request("GET", f"/_mldeploy/events?since={since}", headers={TOKEN_HEADER: self._token})
            channel = connection.sock  # http.client forgets it once the answer has begun
            response = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise RuntimeGone(str(error)) from error
        forget = cancel.on_cancel(partial(_shut, channel))
        try:
            for line in response:
                yield json.loads(line)
        except (OSError, http.client.HTTPException, json.JSONDecodeError):
            return  # the runtime ended in the middle of a line, or the waiting was cancelled
        finally:
            forget()
            connection.close()

    def _json(
        self,
        method: str,
        route: str,
        body: Mapping[str, Any] | None = None,
        timeout: float = CONTROL_TIMEOUT,
        cancel: Cancel | None = None,
    ) -> tuple[int, dict[str, Any]]:
        content = None if body is None else json.dumps(body).encode()
        headers = {TOKEN_HEADER: self._token, "Content-Type": "application/json"}
        cancel = cancel or Cancel()
        try:
            with closing(self._connect(timeout)) as connection:
                connection.connect()
                # Our side only: the runtime answers once it has undone what it had begun.
                forget = cancel.on_cancel(partial(_shut, connection.sock, socket.SHUT_WR))
                try:
                    connection.request(method, f"/_mldeploy/{route}", content, headers)
                    response = connection.getresponse()
                    answer: dict[str, Any] = json.loads(response.read())
                finally:
                    forget()
            if response.status == 499:
                cancel.check()
        except (OSError, http.client.HTTPException, json.JSONDecodeError) as error:
            cancel.check()
            raise RuntimeGone(str(error)) from error
        return response.status, answer

    def _connect(self, timeout: float | None) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(*self._address, timeout=timeout)


def _shut(channel: socket.socket, sides: int = socket.SHUT_RDWR) -> None:
    with suppress(OSError):  # it was closed before
        channel.shutdown(sides)


def _why(state: str, failed: str, refused: str) -> str:
    """What there is to say of a state."""
    if state == "degraded" and refused and not failed:
        return f"The version that serves is whole; the last change was refused: {refused}"
    return failed if state in {"failed", "degraded"} else ""


_STATES = {
    "starting": "deploying",
    "ready": "running",
    "degraded": "degraded",
    "failed": "failed",
    "stopping": "stopped",
}


def status_from_runtime(told: Mapping[str, Any], scoring_uri: str) -> Status:
    """The runtime's own status in the words of ``Status``."""
    failure = told.get("failure") or {}
    state = _STATES.get(str(told.get("state")), "failed")
    return Status(
        state=state,
        message=_why(state, str(failure.get("message", "")), str(told.get("refused") or "")),
        replicas=tuple(
            ReplicaStatus(
                name=str(replica["id"]),
                state=replica["state"],
                script=replica.get("script") or "",
                requests=replica.get("requests", 0),
                errors=replica.get("errors", 0),
                p50_ms=replica.get("p50_ms"),
                p99_ms=replica.get("p99_ms"),
                memory_bytes=replica.get("memory_bytes"),
            )
            for replica in told.get("replicas", ())
        ),
        scoring_uri=scoring_uri,
        script=told.get("script") or "",
        utilization=told.get("utilization", 0.0),
        requests=told.get("requests", 0),
        errors=told.get("errors", 0),
        recent=tuple(told.get("recent", ())),
        limits=told.get("limits") or {},
        failure=failure,
        last_failure=told.get("last_failure") or {},
    )
