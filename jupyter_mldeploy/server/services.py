"""Services: look at them, use them, change them."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from typing import Any

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from jupyter_mldeploy.api import Service
from jupyter_mldeploy.errors import NotFound
from jupyter_mldeploy.events import Cancel, Sink
from jupyter_mldeploy.server.handler import Handler
from jupyter_mldeploy.server.views import look

__all__ = ["DiagnosisHandler", "OperationHandler", "ScoreHandler", "ServiceHandler", "ServicesHandler", "VerbHandler"]

MOST_ANSWER = 256 * 1024
"""Bytes of an answer that are shown."""


class ServicesHandler(Handler):
    """``/services``"""

    @authenticated
    @authorized
    async def get(self) -> None:
        names = await self.hub.look(self.hub.records.names)
        views = await asyncio.gather(*(self._look(name) for name in names))
        self.finish({"services": [view for view in views if view]})

    async def _look(self, name: str) -> dict[str, Any] | None:
        try:
            return await self.hub.look(look, Service(name, self.hub.records), self.hub.records)
        except NotFound:
            return None  # deleted since the names were read


class ServiceHandler(Handler):
    """``/services/{name}``"""

    @authenticated
    @authorized
    async def get(self, name: str) -> None:
        service = await self.hub.look(self.hub.service, name)
        self.finish(await self.hub.look(look, service, self.hub.records))

    @authenticated
    @authorized
    async def delete(self, name: str) -> None:
        # A damaged record can be deleted too, so it is not read first.
        service = Service(name, self.hub.records)
        await self.hub.work(name, "delete", lambda _sink, _cancel: service.delete())
        self.set_status(204)
        self.finish()


class VerbHandler(Handler):
    """``/services/{name}/{verb}``: the operations that change a service."""

    @authenticated
    @authorized
    async def post(self, name: str, verb: str) -> None:
        wishes = self.body(f"{verb.capitalize()}Request")
        service = await self.hub.look(self.hub.service, name)

        def change(sink: Sink, cancel: Cancel) -> dict[str, Any] | None:
            match verb:
                case "reload":
                    receipt = service.reload(sink=sink, cancel=cancel)
                    return {"mode": receipt.mode, "script": receipt.script, "replicas": list(receipt.replicas)}
                case "start":
                    service.start(sink=sink, cancel=cancel)
                case "stop":
                    service.stop()
                case "scale":
                    service.scale(wishes.get("replicas"), autoscale=wishes.get("autoscale"))
                case _:
                    service.update(sink=sink, cancel=cancel, **wishes)
            return None

        receipt = await self.hub.work(name, verb, change)
        view = await self.hub.look(look, service, self.hub.records)
        self.finish({"service": view, "receipt": receipt})


class OperationHandler(Handler):
    """``/services/{name}/operation``: the one that this server runs."""

    @authenticated
    @authorized
    async def delete(self, name: str) -> None:
        self.hub.operations.cancel(name)
        self.set_status(202)
        self.finish()


class ScoreHandler(Handler):
    """``/services/{name}/score``"""

    @authenticated
    @authorized
    async def post(self, name: str) -> None:
        body = self.body("ScoreRequest")
        service = await self.hub.look(self.hub.service, name)
        answer = await self.hub.apart(f"score-{name}", partial(service.answer, body["text"]))
        text = answer.body[:MOST_ANSWER].decode("utf-8", "replace")
        self.finish(
            json.dumps(
                {
                    "status": answer.status,
                    "text": text,
                    "truncated": len(answer.body) > MOST_ANSWER,
                    "seconds": answer.seconds,
                    "script": answer.headers.get("x-mldeploy-script", ""),
                }
            )
        )


class DiagnosisHandler(Handler):
    """``/services/{name}/diagnosis``"""

    @authenticated
    @authorized
    async def get(self, name: str) -> None:
        service = await self.hub.look(self.hub.service, name)
        diagnosis = await self.hub.apart(f"diagnose-{name}", service.diagnose)
        about = {"service": diagnosis.service, "stage": diagnosis.stage, "target": diagnosis.target}
        self.finish({**diagnosis.to_json(), **about})
