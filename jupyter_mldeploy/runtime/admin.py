"""The control routes under `/_mldeploy/`, for whoever holds the admin token."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy.runtime.configuration import ConfigurationError, WorkerMake
from jupyter_mldeploy.runtime.limits import memory_of
from jupyter_mldeploy.runtime.reload import ReloadRefusedError, ReloadRunningError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from jupyter_mldeploy.runtime.http_message import HttpRequest
    from jupyter_mldeploy.runtime.reload import Reloader
    from jupyter_mldeploy.runtime.scaling import Scaler
    from jupyter_mldeploy.runtime.service import Service
    from jupyter_mldeploy.runtime.worker_link import WorkerLink

PREFIX = "/_mldeploy/"


class BadOrderError(ValueError):
    """The body of a control request cannot be used; the text says why."""


class Admin:
    """Answers the control routes; without the right token they do not exist."""

    def __init__(self, service: Service, reloader: Reloader, scaler: Scaler, token: str) -> None:
        self._service = service
        self._reloader = reloader
        self._scaler = scaler
        self._token = token.encode()
        self._tasks: set[asyncio.Task[None]] = set()
        self._routes: dict[tuple[str, str], Callable[[HttpRequest], Awaitable[None]]] = {
            ("GET", "status"): self._status,
            ("GET", "events"): self._events,
            ("GET", "utilization"): self._utilization,
            ("POST", "reload"): self._reload,
            ("POST", "scale"): self._scale,
            ("POST", "settings"): self._settings,
            ("POST", "score"): self._score,
            ("GET", "score"): self._score,
        }

    def handle(self, request: HttpRequest) -> bool:
        """Answer a control request; False when there is no such route for this client."""
        from hmac import compare_digest  # the start of the server need not wait for it

        given = request.fields.get(b"x-mldeploy-token", b"")
        if not compare_digest(given, self._token):
            return False
        name = request.path[len(PREFIX) :]
        route = self._routes.get((request.method, name))
        if route is None:
            if not any(known == name for _, known in self._routes):
                return False
            self._service.refuse(request, 405, "The method is not allowed for the requested URL.")
            return True
        task = asyncio.ensure_future(self._guarded(route, request))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def _guarded(self, route: Callable[[HttpRequest], Awaitable[None]], request: HttpRequest) -> None:
        try:
            await route(request)
        except BadOrderError as error:
            self._service.refuse(request, 400, str(error))
        except Exception as error:  # noqa: BLE001 - a bug in a control route must answer, not hang the client
            self._service.log.error(f"{request.path} failed: {type(error).__name__}: {error}")
            self._service.refuse(request, 500, "An unexpected internal error occurred. Check the logs for more info.")

    def _answer(self, request: HttpRequest, status: int, value: Any) -> None:
        self._service.answer_json(request, status, json.dumps(value).encode())

    # ---- routes

    async def _status(self, request: HttpRequest) -> None:
        self._answer(request, 200, self.status())

    async def _utilization(self, request: HttpRequest) -> None:
        pool = self._service.pool
        ready = pool.generation.ready
        self._answer(
            request,
            200,
            {
                "utilization": round(pool.utilization(), 4),
                "busy": sum(len(worker.calls) for worker in ready),
                "queued": self._service.dispatcher.queued,
                "replicas": len(ready),
            },
        )

    async def _events(self, request: HttpRequest) -> None:
        from urllib.parse import parse_qs

        text = parse_qs(request.query).get("since", ["0"])[0]
        if not text.isdigit():
            raise BadOrderError(f"since must be the number of an event, not {text!r}.")
        connection = request.connection
        head = b"content-type: application/x-ndjson\r\ncache-control: no-store\r\n"
        connection.begin_stream(request, 200, head)
        task = asyncio.current_task()
        assert task is not None
        connection.on_disconnect = task.cancel
        async for event in self._service.events.follow(int(text)):
            if not connection.stream(json.dumps(event).encode() + b"\n"):
                return

    async def _score(self, request: HttpRequest) -> None:
        request.path = "/score"
        self._service.score_as_admin(request)

    async def _scale(self, request: HttpRequest) -> None:
        order = _object(request)
        pool = self._service.pool
        least = order.get("min_replicas", pool.min_replicas)
        most = order.get("max_replicas", pool.max_replicas)
        whole = isinstance(least, int) and not isinstance(least, bool) and least >= 1
        if not whole or not (most is None or (isinstance(most, int) and most >= least)):
            raise BadOrderError("min_replicas must be a number from 1 on, and max_replicas null or at least as large.")
        self._scaler.scale(least, most)
        self._answer(request, 200, self.status())

    async def _settings(self, request: HttpRequest) -> None:
        try:
            config = self._service.config.with_settings(_object(request))
        except ConfigurationError as error:
            raise BadOrderError(str(error)) from None
        self._service.configure(config)
        self._answer(request, 200, self.status())

    async def _reload(self, request: HttpRequest) -> None:
        order = _object(request)
        script = order.get("script")
        if script is not None and not isinstance(script, str):
            raise BadOrderError("script must be the script's text.")
        sample = order.get("sample")
        if sample is not None and not isinstance(sample, str):
            raise BadOrderError("sample must be the text of a request's body.")
        keep_init = order.get("keep_init", True)
        make = None
        if "worker" in order:
            try:
                make = WorkerMake.from_json(order["worker"])
            except ConfigurationError as error:
                raise BadOrderError(str(error)) from None
        try:
            source = None if script is None else script.encode()
            sample = None if sample is None else sample.encode()
        except UnicodeEncodeError:
            raise BadOrderError("script and sample must be text; half of a surrogate pair is none.") from None
        task = asyncio.current_task()
        assert task is not None
        request.connection.on_disconnect = request.connection.on_eof = task.cancel
        try:
            done = await self._reloader.reload(
                source=source,
                make=make,
                keep_init=keep_init is not False,
                sample=sample,
            )
        except ReloadRunningError:
            self._answer(request, 409, {"message": "a reload is already running"})
        except asyncio.CancelledError:
            # A client that closes its side gives up, and learns when what it had begun is undone.
            self._answer(request, 499, {"ok": False, "message": "the reload was given up"})
        except ReloadRefusedError as refused:
            serving = self._service.pool.generation.script
            failure = refused.failure
            self._answer(
                request,
                422,
                {"ok": False, "message": failure["message"], "failure": failure, "script": serving},
            )
        else:
            self._answer(request, 200, {"ok": True, **done})

    # ---- status

    def status(self) -> dict[str, Any]:
        """What `/_mldeploy/status` tells."""
        service = self._service
        pool = service.pool
        names = ("time", "request_id", "status", "ms", "replica")
        return {
            "service": service.config.service,
            "state": pool.state,
            "pid": service.pid,
            "started": round(service.metrics.started, 3),
            "script": pool.generation.script,
            "worker": pool.generation.make.to_json(),
            "replicas": [_replica(worker) for worker in pool.replicas],
            "min_replicas": pool.min_replicas,
            "max_replicas": pool.max_replicas,
            "target_utilization": service.config.target_utilization,
            "utilization": round(pool.utilization(), 4),
            "queued": service.dispatcher.queued,
            "requests": service.metrics.requests,
            "errors": service.metrics.errors,
            "requests_by_status": {str(k): v for k, v in sorted(service.metrics.by_status.items())},
            "recent": [dict(zip(names, row, strict=True)) for row in service.recent],
            "limits": pool.limits.to_json(),
            "failure": pool.failure,
            "refused": pool.refused,
            "last_failure": pool.last_failure,
            "event": service.events.last,
        }


def _replica(worker: WorkerLink) -> dict[str, Any]:
    times = sorted(worker.latencies)
    return {
        "id": worker.replica,
        "pid": worker.pid,
        "state": "stopping" if worker.stopping else worker.state,
        "script": worker.script,
        "requests": worker.requests,
        "errors": worker.errors,
        "p50_ms": _quantile(times, 0.5),
        "p99_ms": _quantile(times, 0.99),
        "memory_bytes": memory_of(worker.pid),
        "started": round(worker.started, 3),
    }


def _quantile(ordered: list[float], share: float) -> float | None:
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 3) if ordered else None


def _object(request: HttpRequest) -> dict[str, Any]:
    try:
        value = json.loads(request.body or b"{}")
    except ValueError as error:
        raise BadOrderError(f"The body is not valid JSON: {error}.") from None
    if not isinstance(value, dict):
        raise BadOrderError("The body must be a JSON object.")
    return value
