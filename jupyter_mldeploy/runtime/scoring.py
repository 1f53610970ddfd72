"""`/score`: one request on its way through a worker, and every way it can end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy.runtime import failures
from jupyter_mldeploy.runtime.http_message import JSON_TYPE, HttpRequest, header, message_body
from jupyter_mldeploy.runtime.worker import frames

if TYPE_CHECKING:
    from jupyter_mldeploy.runtime.service import Service
    from jupyter_mldeploy.runtime.worker_link import WorkerLink

# The server sets these itself; a script's own values for them are left out.
_OWN_HEADERS = frozenset(
    (
        "content-length", "transfer-encoding", "connection", "date", "x-request-id", "x-ms-request-id",
        "x-ms-client-request-id", "traceid", "x-ms-server-version", "x-ms-run-function-failed", "x-ms-run-fn-exec-ms",
        "x-mldeploy-script", "x-mldeploy-replica",
    ),
)  # fmt: skip


class ScoreCall:
    """One scoring request in flight."""

    __slots__ = ("_ids", "_request", "_service", "abandoned", "failure", "request_id", "since", "worker")

    def __init__(self, service: Service, request: HttpRequest, request_id: str, ids: bytes) -> None:
        self._service = service
        self._request = request
        self._ids = ids
        self.request_id = request_id.encode("latin-1")
        self.worker: WorkerLink | None = None
        self.since = 0.0
        self.abandoned = False
        self.failure: dict[str, Any] | None = None
        request.connection.on_disconnect = self._client_gone

    def _client_gone(self) -> None:
        self.abandoned = True

    def payload(self, *, described: bool) -> tuple[bytes, bytes]:
        """Meta and body of the frame; the description goes along only where the script can see it."""
        request = self._request
        if not described and request.method == "POST":
            return b"", request.body
        description = {
            "method": request.method,
            "target": request.target,
            "remote": request.connection.peer(),
            "host": request.fields.get(b"host", b"").decode("latin-1"),
            "headers": [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers],
        }
        return json.dumps(description).encode(), request.body

    # ---- how it ends

    def answered(self, worker: WorkerLink, status: int, flags: int, exec_us: int, meta: bytes, body: bytes) -> None:
        """The worker has answered."""
        service = self._service
        service.dispatcher.finished(self)
        content = JSON_TYPE
        if meta:
            told = json.loads(meta)
            if "failure" in told:
                service.run_failed(worker, told["failure"])
            if "headers" in told:
                content = b"".join(
                    header(name, value) for name, value in told["headers"] if name.lower() not in _OWN_HEADERS
                )
        failed = b"True" if flags & frames.RUN_FAILED else b"False"
        timed = b"x-ms-run-fn-exec-ms: %d.%03d\r\n" % divmod(exec_us, 1000) if flags & frames.RUN_RETURNED else b""
        head = b"".join((content, b"x-ms-run-function-failed: ", failed, b"\r\n", timed, worker.answer_head))
        if flags & frames.RUN_FAILED or status >= 500:
            worker.errors += 1
        self._end(status, head, body, worker)

    def overloaded(self) -> None:
        """No replica became free within the longest wait."""
        service = self._service
        reason = service.unavailable_reason()
        message = reason or f"Too many requests for service {service.config.service} (overloaded)"
        self._refuse(503, message, b"retry-after: 1\r\n")

    def timed_out(self) -> None:
        """run() took longer than the scoring time-out."""
        service = self._service
        worker = self.worker
        assert worker is not None
        for sequence, call in list(worker.calls.items()):
            if call is self:
                del worker.calls[sequence]
        worker.errors += 1
        self._refuse(504, f"Scoring timeout after {service.config.scoring_timeout_ms} ms")
        service.pool.hung(worker, self.request_id.decode("latin-1"))

    def worker_died(self, worker: WorkerLink, known: dict[str, Any] | None) -> None:
        """The worker ended while it had this call."""
        worker.errors += 1
        ended = failures.how_it_ended(worker, oom=bool(self.failure and self.failure["oom"]))
        service = self._service
        if service.pool.stopping:
            message = f"The server is stopping; run() had not finished within {service.config.drain_s:g} seconds."
            service.log.line("E", "mldeploy", message, self.request_id.decode("latin-1"))
        elif known is not None and known["kind"] == "timeout":
            message = "The worker was replaced because another of its requests ran past the scoring time-out."
        else:
            message = f"The worker {ended} while it ran this request; it is being replaced."
        self._refuse(502, message)

    def _refuse(self, status: int, message: str, more: bytes = b"") -> None:
        head = JSON_TYPE + b"x-ms-run-function-failed: False\r\n" + more
        self._end(status, head, message_body(message), self.worker)

    def _end(self, status: int, head: bytes, body: bytes, worker: WorkerLink | None) -> None:
        if self.abandoned:
            self._service.account(self._request, self.request_id, 499, 0, worker)
            return
        self._service.respond(self._request, self.request_id, self._ids, status, head, body, worker)
