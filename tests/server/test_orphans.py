"""Containers that no service owns: listed, and removed one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from docker.errors import NotFound

from jupyter_mldeploy.records import Records
from jupyter_mldeploy.targets.container.identity import HOME, SERVICE, home_id
from tests.infra.engine import the_engine
from tests.server.jupyter import Client

Make = Callable[..., str]


@pytest.fixture
def make(home: Path) -> Iterator[Make]:
    """Start a container that says it is a service's; returns its id."""
    found = the_engine()
    made = []

    def start(service: str, of: Path = home) -> str:
        labels = {HOME: home_id(of), SERVICE: service}
        container: dict[str, Any] = found.engine.api.create_container(found.base, ["sleep", "600"], labels=labels)
        found.engine.api.start(container)
        made.append(container["Id"])
        return str(container["Id"])

    yield start
    for container in made:
        if exists(container):
            found.engine.api.remove_container(container, force=True, v=True)


def exists(container: str) -> bool:
    try:
        the_engine().engine.api.inspect_container(container)
    except NotFound:
        return False
    return True


def test_an_orphan_is_removed_and_nothing_else(server: Client, home: Path, make: Make, tmp_path: Path) -> None:
    lost, other, strange = make("lost"), make("lost-too"), make("lost", tmp_path)
    orphans = {orphan["container"]: orphan for orphan in server.call("GET", "/orphans").data["orphans"]}
    assert set(orphans) == {lost[:12], other[:12]}
    assert (orphans[lost[:12]]["service"], orphans[lost[:12]]["leftover"]) == ("lost", False)

    # Somebody is deploying under that name: what the container is to become is not known yet.
    with Records(home).operation("lost", "deployment"):
        assert server.call("DELETE", f"/orphans/{lost[:12]}").status == 404
    assert server.call("DELETE", f"/orphans/{lost[:12]}").status == 204
    assert (exists(lost), exists(other), exists(strange)) == (False, True, True)
    again = server.call("DELETE", f"/orphans/{lost[:12]}")
    assert (again.status, again.data["summary"]) == (
        404,
        f"There is no orphan {lost[:12]!r}: it is gone, or it is a service's.",
    )
    # One of another home folder is somebody else's.
    assert server.call("DELETE", f"/orphans/{strange[:12]}").status == 404
    assert exists(strange)
