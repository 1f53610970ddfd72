"""What is left on the engine of services that no record knows, and of builds that came to nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from .conftest import Deploy, Ran
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
