"""The observer: what happens while it looks elsewhere is seen all the same."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import jupyter_mldeploy
from jupyter_mldeploy.api import Service
from jupyter_mldeploy.records import Records
from jupyter_mldeploy.server.bulletin import Bulletin, Reader
from jupyter_mldeploy.server.observer import SERVICE, Observer
from jupyter_mldeploy.server.views import look
from jupyter_mldeploy.targets.base import Status

NEWS = "while stock was taken"
LOOKED = threading.Event()


def look_and_tell(service: Service, records: Records, status: Status | None = None) -> dict[str, Any]:
    """The last look at a service that does not run is not at a status that was told."""
    view = look(service, records, status)
    if status is None and service.name == "first":
        LOOKED.set()
    return view


class Distracted(Observer):
    """While it takes up the service ``second``, an operation on ``first`` ends."""

    def __init__(self, records: Records, bulletin: Bulletin) -> None:
        super().__init__(records, bulletin)
        self._first = True

    def _take_stock(self, ended: threading.Event) -> dict[Path, str]:
        scripts = super()._take_stock(ended)
        if self._first and "second" in self._records.names():
            self._first = False
            assert LOOKED.wait(30), "what follows the first service has nothing to do any more"
            self._records.write(self._records.get("first").with_(failure=NEWS))
            (self._records.home / "locks" / "first.json").unlink()
        return scripts


def test_an_operation_that_ends_while_another_service_is_taken_up(
    home: Path, script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_mldeploy.server.observer.look", look_and_tell)
    jupyter_mldeploy.deploy(script, "first", target="local")
    jupyter_mldeploy.service("first").stop()
    (home / "locks" / "first.json").write_text("{}")
    bulletin = Bulletin()
    observer = Distracted(Records(home), bulletin)

    def copy() -> None:
        aside = home / "services" / ".second"
        shutil.copytree(home / "services" / "first", aside, symlinks=True)
        record = aside / "service.json"
        record.write_text(record.read_text().replace('"first"', '"second"'))
        aside.rename(home / "services" / "second")

    async def follow() -> Mapping[str, Any]:
        reader = Reader(bulletin, 0)
        while True:
            for notice in await reader.read():
                if notice.kind == SERVICE and notice.data["name"] == "first":
                    if notice.data["failure"] == NEWS:
                        return notice.data
                    if not (home / "services" / "second").exists():
                        copy()

    try:
        observer.start()
        assert asyncio.run(asyncio.wait_for(follow(), 50))["state"] == "stopped"
    finally:
        observer.stop()
        shutil.rmtree(home / "services" / "second", ignore_errors=True)
        jupyter_mldeploy.service("first").delete()
