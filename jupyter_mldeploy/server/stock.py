"""What is kept besides services: models, images with their build logs, and containers that no record knows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from jupyter_mldeploy.errors import NotFound
from jupyter_mldeploy.images.build_log import BuildLogs
from jupyter_mldeploy.models import delete_model, list_models, users_of
from jupyter_mldeploy.records import Records
from jupyter_mldeploy.server.handler import Handler
from jupyter_mldeploy.server.views import image_view

if TYPE_CHECKING:
    from jupyter_mldeploy.images.engine import Engine

__all__ = ["ImageLogHandler", "ImagesHandler", "ModelHandler", "ModelsHandler", "OrphanHandler", "OrphansHandler"]

SHORT_ID = 12
"""Characters of a container's id, as Docker shows it."""


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


class OrphanHandler(Handler):
    """``/orphans/{container}``"""

    @authenticated
    @authorized
    async def delete(self, container: str) -> None:
        await self.hub.apart(f"orphan-{container}", partial(_remove_orphan, self.hub.records, container))
        self.set_status(204)
        self.finish()


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
    from jupyter_mldeploy.targets.container.orphans import find_orphans

    with _engine() as engine:
        return [
            {
                "service": orphan.service,
                "container": orphan.container[:SHORT_ID],
                "image": orphan.image,
                "status": orphan.status,
                "leftover": orphan.leftover,
            }
            for orphan in find_orphans(engine, records)
        ]


def _remove_orphan(records: Records, container: str) -> None:
    """Remove a container of this home folder that no service owns; no other is ever touched."""
    from jupyter_mldeploy.targets.container.orphans import find_orphans, remove_orphan

    with _engine() as engine:
        found = [orphan for orphan in find_orphans(engine, records) if orphan.container[:SHORT_ID] == container]
        if not found:
            raise NotFound(f"There is no orphan {container!r}: it is gone, or it is a service's.")
        remove_orphan(engine, records, found[0])


@contextmanager
def _engine() -> Iterator[Engine]:
    from jupyter_mldeploy.images.engine import connect, engine_errors

    engine = connect(None)
    try:
        with engine_errors(engine):
            yield engine
    finally:
        engine.close()
