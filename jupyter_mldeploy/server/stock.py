"""What is kept besides services: models, images with their build logs, and containers that no record knows."""

from __future__ import annotations

from typing import Any

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from jupyter_mldeploy.errors import NotFound
from jupyter_mldeploy.images.build_log import BuildLogs
from jupyter_mldeploy.models import delete_model, list_models, users_of
from jupyter_mldeploy.records import Records
from jupyter_mldeploy.server.handler import Handler
from jupyter_mldeploy.server.views import image_view

__all__ = ["ImageLogHandler", "ImagesHandler", "ModelHandler", "ModelsHandler", "OrphansHandler"]


class ModelsHandler(Handler):
    """``/models``"""

    @authenticated
    @authorized
    async def get(self) -> None:
        self.finish({"models": await self.hub.look(_models, self.hub.records)})


class ModelHandler(Handler):
    """``/models/{name}/{version}``"""

    @authenticated
    @authorized
    async def delete(self, name: str, version: str) -> None:
        await self.hub.look(delete_model, name, int(version))
        self.set_status(204)
        self.finish()


class ImagesHandler(Handler):
    """``/images``"""

    @authenticated
    @authorized
    async def get(self) -> None:
        entries = await self.hub.look(BuildLogs(self.hub.records.home).list)
        self.finish({"images": [image_view(entry) for entry in entries]})


class ImageLogHandler(Handler):
    """``/images/log``"""

    @authenticated
    @authorized
    async def get(self) -> None:
        reference = self.get_query_argument("reference")
        self.finish({"reference": reference, "text": await self.hub.look(_build_log, self.hub.records, reference)})


class OrphansHandler(Handler):
    """``/orphans``"""

    @authenticated
    @authorized
    async def get(self) -> None:
        self.finish({"orphans": await self.hub.look(_orphans, self.hub.records)})


def _models(records: Records) -> list[dict[str, Any]]:
    users = users_of(records)
    hidden = {"path", "hash"}
    return [
        {**{key: value for key, value in model.to_json().items() if key not in hidden}, "services": list(users(model))}
        for model in list_models()
    ]


def _build_log(records: Records, reference: str) -> str:
    logs = BuildLogs(records.home)
    # Only of what was built here: a reference is no way to name another file.
    if reference not in {entry.reference for entry in logs.list()}:
        raise NotFound(f"No image {reference!r} was built here.")
    return logs.text(reference)


def _orphans(records: Records) -> list[dict[str, Any]]:
    from jupyter_mldeploy.images.engine import connect
    from jupyter_mldeploy.targets.container.orphans import find_orphans

    engine = connect(None)
    try:
        return [
            {
                "service": orphan.service,
                "container": orphan.container[:12],
                "image": orphan.image,
                "status": orphan.status,
            }
            for orphan in find_orphans(engine, records)
        ]
    finally:
        engine.close()
