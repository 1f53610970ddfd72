"""The HTTP application: routes, and what every answer carries."""

from __future__ import annotations

import asyncio
import os
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy.runtime import swagger
from jupyter_mldeploy.runtime.cors import Cors
from jupyter_mldeploy.runtime.http_message import (
    HTML_TYPE,
    JSON_TYPE,
    DateHeader,
    HttpRequest,
    header,
    message_body,
)
from jupyter_mldeploy.runtime.metrics import Metrics
from jupyter_mldeploy.runtime.request_ids import IdTooLongError, ids_of
from jupyter_mldeploy.runtime.scoring import ScoreCall

if TYPE_CHECKING:
    from jupyter_mldeploy.runtime.admin import Admin
    from jupyter_mldeploy.runtime.configuration import ServiceConfig
    from jupyter_mldeploy.runtime.dispatch import Dispatcher
    from jupyter_mldeploy.runtime.events import EventLog
    from jupyter_mldeploy.runtime.http_connection import Connection
    from jupyter_mldeploy.runtime.log import Log
    from jupyter_mldeploy.runtime.pool import Pool
    from jupyter_mldeploy.runtime.worker_link import WorkerLink

NOT_FOUND = (
    "The requested URL was not found on the server. "
    "If you entered the URL manually please check your spelling and try again."
)
NOT_ALLOWED = "The method is not allowed for the requested URL."
_READ_ONLY = ("/", "/swagger.json", "/metrics")
_ALLOW_READING = b"allow: GET, OPTIONS, HEAD\r\n"
_PROBES = (b"mldeploy-health", b"kube-probe/")
"""How the health check of an image and Kubernetes's probes call themselves."""
_NOT_FAILED = b"x-ms-run-function-failed: False\r\n"


def _is_probe(request: HttpRequest) -> bool:
    return request.fields.get(b"user-agent", b"").startswith(_PROBES)


class Service:
    """Answers every request of every connection."""

    def __init__(
        self,
        config: ServiceConfig,
        dispatcher: Dispatcher,
        pool: Pool,
        events: EventLog,
        log: Log,
    ) -> None:
        self.config = config
        self.dispatcher = dispatcher
        self.pool = pool
        self.events = events
        self.log = log
        self.pid = os.getpid()
        self.max_body_bytes = config.max_body_bytes
        self.connections: set[Connection] = set()
        self.metrics = Metrics()
        self.recent: deque[tuple[float, str, int, float, int | None]] = deque(maxlen=20)
        self.admin: Admin | None = None
        self._cors = Cors(config.cors_origins)
        self._date = DateHeader()
        self._version = header("x-ms-server-version", config.server_version) if config.server_version else b""
        self._keys = [key.encode() for key in config.scoring_keys]
        self._loop = asyncio.get_event_loop()
        self._told = 0

    def configure(self, config: ServiceConfig) -> None:
        """Take other settings; calls that wait or run already keep to the new limits from now on."""
        self.config = self.pool.config = config
        self.dispatcher.limit(config.max_wait_s, config.scoring_timeout_ms / 1000)

    # ---- routing

    def handle(self, request: HttpRequest) -> None:
        """Answer a request, now or when its worker has."""
        path = request.path
        if path == "/score":
            self._score(request)
        elif request.method == "OPTIONS" and path in _READ_ONLY:
            self._plain(request, 200, HTML_TYPE + _ALLOW_READING, b"")
        elif path in _READ_ONLY and request.method not in ("GET", "HEAD"):
            self.refuse(request, 405, NOT_ALLOWED, _ALLOW_READING)
        elif path == "/":
            self._health(request)
        elif path.startswith("/_mldeploy/"):
            if self.admin is None or not self.admin.handle(request):
                self.refuse(request, 404, NOT_FOUND)
        elif path == "/swagger.json":
            self._swagger(request)
        elif path == "/metrics":
            self._metrics(request)
        else:
            self.refuse(request, 404, NOT_FOUND)

    def early_refusal(self, request: HttpRequest) -> tuple[int, str] | None:
        """Why a request that asks before it sends its body would be refused."""
        if request.path == "/score":
            if request.method not in ("GET", "POST", "OPTIONS"):
                return 405, NOT_ALLOWED
            if self._keys and not self._has_key(request):
                return 401, "This service needs a key: Authorization: Bearer <key>."
        return None

    def _score(self, request: HttpRequest, *, trusted: bool = False) -> None:
        method = request.method
        if method not in ("POST", "GET", "OPTIONS"):
            message = "Method not allowed" if method == "HEAD" else NOT_ALLOWED  # as the reference has it
            self.refuse(request, 405, message, b"allow: GET, OPTIONS, POST\r\n")
            return
        try:
            request_id, ids = ids_of(request)
        except IdTooLongError as error:
            self.refuse(request, 431, str(error), ids=error.lines)
            return
        # Browsers ask for leave without a key; where keys are wanted, the script must not see who has none.
        asks_leave = self._cors.enabled and b"access-control-request-method" in request.fields
        if method == "OPTIONS" and (not self._is_for_script() or (self._keys and asks_leave)):
            self.respond(request, request_id.encode("latin-1"), ids, 200, HTML_TYPE + _NOT_FAILED, b"", None)
        elif self._keys and not trusted and not self._has_key(request):
            head = JSON_TYPE + _NOT_FAILED + b"www-authenticate: Bearer\r\n"
            body = message_body("This service needs a key: Authorization: Bearer <key>.")
            self.respond(request, request_id.encode("latin-1"), ids, 401, head, body, None)
        else:
            call = ScoreCall(self, request, request_id, ids)
            if self.pool.generation.gave_up and not self.pool.generation.workers:
                call.overloaded()
            else:
                self.dispatcher.submit(call)

    def score_as_admin(self, request: HttpRequest) -> None:
        """Score without a key; the caller has checked the admin token."""
        self._score(request, trusted=True)

    def _is_for_script(self) -> bool:
        """Whether an OPTIONS request goes to `run()`: raw-HTTP scripts get each."""
        return any(worker.contract.get("input") == "raw" for worker in self.pool.generation.ready)

    def _has_key(self, request: HttpRequest) -> bool:
        from hmac import compare_digest  # only where there are keys

        scheme, _, given = request.fields.get(b"authorization", b"").partition(b" ")
        right = [compare_digest(given.strip(), key) for key in self._keys]
        return scheme.lower() == b"bearer" and any(right)

    def _health(self, request: HttpRequest) -> None:
        reason = self.unavailable_reason()
        if reason is None:
            self._plain(request, 200, HTML_TYPE, b"Healthy")
        else:
            self.refuse(request, 503, reason, b"retry-after: 1\r\n")

    def _metrics(self, request: HttpRequest) -> None:
        text = self.metrics.exposition(self.config.service, self.pool, self.dispatcher)
        self._plain(request, 200, b"content-type: text/plain; version=0.0.4; charset=utf-8\r\n", text)

    def _swagger(self, request: HttpRequest) -> None:
        from urllib.parse import parse_qs

        version = parse_qs(request.query, keep_blank_values=True).get("version", ["2"])[0]
        generation = self.pool.generation
        schemas = next((worker.contract.get("schemas") for worker in generation.ready), None)
        try:
            text = swagger.document(version, self.config, generation.make, schemas)
        except swagger.NoSuchVersionError as error:
            self.refuse(request, 404, str(error))
        else:
            self._plain(request, 200, JSON_TYPE + _NOT_FAILED, text)

    def unavailable_reason(self) -> str | None:
        """Why no request can be answered at all, or None."""
        pool = self.pool
        if pool.stopping:
            return "The service is stopping."
        if pool.generation.ready:
            return None
        if pool.failure is not None:
            return f"The service cannot start: {pool.failure['message']}"
        return "The service is starting: no replica has finished init() yet."

    # ---- answering

    def _plain(self, request: HttpRequest, status: int, content: bytes, body: bytes) -> None:
        try:
            request_id, ids = ids_of(request)
        except IdTooLongError as error:
            self.refuse(request, 431, str(error), ids=error.lines)
            return
        self.respond(request, request_id.encode("latin-1"), ids, status, content, body, None)

    def answer_json(self, request: HttpRequest, status: int, body: bytes) -> None:
        """Answer with JSON text."""
        self._plain(request, status, JSON_TYPE, body)

    def refuse(
        self,
        request: HttpRequest,
        status: int,
        message: str,
        more: bytes = b"",
        ids: bytes | None = None,
    ) -> None:
        """Answer with an error."""
        request_id = ""
        if ids is None:
            try:
                request_id, ids = ids_of(request)
            except IdTooLongError as error:
                ids, status, message = error.lines, 431, str(error)
        head = JSON_TYPE + _NOT_FAILED + more
        self.respond(request, request_id.encode("latin-1"), ids, status, head, message_body(message), None)

    def respond(
        self,
        request: HttpRequest,
        request_id: bytes,
        ids: bytes,
        status: int,
        head: bytes,
        body: bytes,
        worker: WorkerLink | None,
    ) -> None:
        """Send an answer with everything that each one carries, and account for it."""
        cors = self._cors.lines(request) if self._cors.enabled else b""
        whole = b"".join((head, ids, self._version, self._date.line(), cors))
        request.connection.answer(request, status, whole, body)
        self.account(request, request_id, status, len(body), worker)

    def account(
        self,
        request: HttpRequest,
        request_id: bytes,
        status: int,
        size: int,
        worker: WorkerLink | None,
    ) -> None:
        """Count a request and write its access line."""
        if request.path.startswith("/_mldeploy/"):
            return  # control: a panel that looks at the service must not fill its log
        if request.path in _READ_ONLY and status == 200 and _is_probe(request):
            return  # nor may who only looks, every few seconds, whether it is alive
        spent = (time.perf_counter() - request.arrived) * 1000
        identity = request_id.decode("latin-1")
        self.log.line(
            "I", "access", f"{request.method or '?'} {request.target or '?'} {status} {spent:.3f}ms {size}", identity
        )
        if request.path == "/score":
            self.metrics.count(status, spent)
            if worker is not None:
                worker.latencies.append(spent)
            self.recent.append(
                (round(time.time(), 3), identity, status, round(spent, 3), None if worker is None else worker.replica),
            )

    def tell_activity(self) -> None:
        """Emit how many requests were answered by now, when there are more than at the last call."""
        if self.metrics.requests != self._told:
            self._told = self.metrics.requests
            self.events.emit("activity", requests=self.metrics.requests, errors=self.metrics.errors)

    def run_failed(self, worker: WorkerLink, failure: dict[str, Any]) -> None:
        """A worker reports that run() raised."""
        self.pool.tell({**failure, "replica": worker.replica}, worker.replica)
