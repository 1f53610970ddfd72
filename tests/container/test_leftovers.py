"""What is left on the engine of services that no record knows, and of builds that came to nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_mldeploy.errors import DeploymentFailed
from jupyter_mldeploy.images.engine import Engine

from .conftest import Deploy, Ran, once
from .under_test import ContainerUnderTest


def test_a_container_of_no_record_is_deleted_by_the_name_of_its_service(
    deployed: Deploy, home: Path, mldeploy: Callable[..., Ran], target: ContainerUnderTest
) -> None:
    deployed()
    deployed(name="other")
    shutil.rmtree(home / "services" / "adder")
    done = mldeploy("delete", "adder", "--yes")
    assert (done.code, done.out) == (0, "adder · deleted\n"), done.err
    assert [found["Labels"]["mldeploy.service"] for found in target.containers()] == ["other"]
    again = mldeploy("delete", "adder", "--yes")
    assert again.code == 1
    assert "There is no service 'adder'" in again.err


@pytest.mark.parametrize("builder", ["classic"], indirect=True)
def test_prune_removes_what_a_build_left_that_came_to_nothing(
    deployed: Deploy, engine: Engine, mldeploy: Callable[..., Ran], builder: str
) -> None:
    def nameless() -> set[str]:
        return set(engine.api.images(quiet=True, filters={"dangling": True}))

    assert builder == "classic"
    before = nameless()
    with pytest.raises(DeploymentFailed):
        deployed(pip=[once("no-such-package-anywhere-4711")])
    asked = mldeploy("prune").out
    shown = "image     {}, of a build that was not finished"
    left = {image for image in nameless() - before if shown.format(image.removeprefix("sha256:")[:12]) in asked}
    assert left
    done = mldeploy("prune", "--yes")
    assert done.code == 0, done.err
    assert not left & nameless()
