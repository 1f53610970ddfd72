"""One service, two machines: what one changed the other sees and keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jupyter_mldeploy import Service, service, services
from jupyter_mldeploy.config import MLDeploy

from ..contract.conftest import Deploy
from ..contract.scripts import ADDING, edited
from .under_test import KubernetesUnderTest

SCRIPT = edited(ADDING, 'given["x"] + 1', '[given["x"] + 1, __import__("os").environ.get("LEVEL")]')


@pytest.fixture
def at(target: KubernetesUnderTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Go to machine ``one`` or ``other``: each has a home folder of its own."""
    homes = {"one": target.home, "other": tmp_path / "other"}

    def go(which: str) -> None:
        monkeypatch.setenv("MLDEPLOY_HOME", str(homes[which]))
        MLDeploy.clear_instance()

    yield go
    go("one")


def limits(target: KubernetesUnderTest, name: str) -> dict[str, str]:
    pods = target.cluster.get("Deployment", name)["spec"]["template"]["spec"]
    return dict(pods["containers"][0]["resources"].get("limits") or {})


def answer(made: Service) -> object:
    return made.run({"x": 1})["sum"]


def test_what_the_other_changed_stays(
    deployed: Deploy, target: KubernetesUnderTest, script: Path, at: Callable[[str], None]
) -> None:
    script.write_text(SCRIPT)
    made = deployed(env={"LEVEL": "1"}, sample={"x": 1})
    at("other")
    service("adder").update(env={"LEVEL": "2"}, memory="300Mi")
    at("one")
    made.update(cpu="0.2")
    assert answer(made) == [2, "2"]
    assert limits(target, "adder") == {"cpu": "200m", "memory": str(300 * 2**20)}

    # A reload is a change like any other.
    at("other")
    script.write_text(SCRIPT.replace('given["x"] + 1', 'given["x"] + 100'))
    service("adder").reload(script)
    at("one")
    made.update(memory="320Mi")
    assert answer(made) == [101, "2"]

    # And back to what was before, which is the other's.
    assert len(made.history()) >= 3
    made.rollback(1)
    assert answer(made) == [2, "1"]


def test_a_service_that_the_other_started_is_not_taken_for_stopped(
    deployed: Deploy, target: KubernetesUnderTest, script: Path, at: Callable[[str], None]
) -> None:
    made = deployed(sample={"x": 1})
    made.stop()
    at("other")
    service("adder").start()
    at("one")
    script.write_text(edited(ADDING, 'print("init ran")', "raise RuntimeError('no weights')"))
    with pytest.raises(Exception, match="no weights"):
        made.update(script=script, memory="300Mi")
    assert made.state == "running"
    assert answer(made) == 2


def test_a_number_of_replicas_set_by_hand_is_seen(deployed: Deploy, target: KubernetesUnderTest) -> None:
    made = deployed()
    target.cluster.merge("Deployment", "adder", {"spec": {"replicas": 2}})
    assert made.update(timeout="50s").spec.autoscale.minimum == 2  # it stays so if nobody says otherwise
    deployed()
    assert target.cluster.get("Deployment", "adder")["spec"]["replicas"] == 1
    assert [one.name for one in services()] == ["adder"]
