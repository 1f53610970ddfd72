"""The container target as the contract suite sees it."""

from __future__ import annotations

import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

from docker.errors import NotFound

from jupyter_mldeploy import Service
from jupyter_mldeploy.targets.container.identity import HOME, SERVICE, home_id

from ..contract.scripts import Gate
from ..contract.target_under_test import TargetUnderTest
from ..infra.engine import TestEngine, the_engine

__all__ = ["ContainerGate", "ContainerUnderTest"]


class ContainerUnderTest(TargetUnderTest):
    """Containers of an engine: of the one that is there, where none is named."""

    name = "container"
    other = "local"

    def __init__(self, home: Path, found: TestEngine | None = None) -> None:
        super().__init__(home)
        import os

        found = found or the_engine()
        self.engine = found.engine
        self.base = found.base
        os.environ["MLDEPLOY_BASE_IMAGE"] = found.base

    def containers(self) -> list[dict[str, Any]]:
        filters = {"label": f"{HOME}={home_id(self.home)}"}
        return list(self.engine.api.containers(all=True, filters=filters))

    def leftovers(self) -> list[str]:
        """What runs; and what was kept of a service that has no record any more."""
        found = [
            f"container {container['Names'][0]}: {container['Status']}"
            for container in self.containers()
            if container["State"] == "running" or not self._has_record(container["Labels"])
        ]
        filters = {"label": f"{HOME}={home_id(self.home)}", "dangling": True}  # others are seen with their container
        return found + [
            f"volume {volume['Name']}" for volume in self.engine.api.volumes(filters=filters)["Volumes"] or []
        ]

    def _has_record(self, labels: dict[str, str]) -> bool:
        return (self.home / "services" / labels[SERVICE] / "service.json").exists()

    def kill(self, service: Service) -> None:
        container = service.record.details["container"]
        self.engine.api.kill(container)
        self.engine.api.wait(container)

    def await_no_workers(self, service: Service) -> None:
        with suppress(NotFound):
            self.engine.api.wait(service.record.details["container"])

    def gate(self, folder: Path) -> ContainerGate:
        return ContainerGate(folder)


class ContainerGate(Gate):
    """A gate that a container can reach: ``init()`` calls the test, which answers when it lets it go."""

    def __init__(self, folder: Path) -> None:
        del folder
        self._server = socket.create_server(("0.0.0.0", 0))
        self._server.settimeout(60)
        self._calls: list[socket.socket] = []
        port = self._server.getsockname()[1]
        self.script = f"""\
import socket

def init():
    with open("/proc/net/route") as table:
        rows = [row.split() for row in table][1:]
    gateways = [row[2] for row in rows if row[2] != "00000000"]
    networks = [row[1] for row in rows if row[1] != "00000000"]
    number = int(gateways[0], 16) if gateways else int(networks[0], 16) + (1 << 24)
    host = socket.inet_ntoa(number.to_bytes(4, "little"))
    with socket.create_connection((host, {port})) as call:
        call.recv(1)

def run(data):
    return "through"
"""

    def await_init(self) -> None:
        self._calls.append(self._server.accept()[0])

    def open(self) -> None:
        for call in self._calls:
            call.close()
