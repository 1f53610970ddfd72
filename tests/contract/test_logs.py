"""The log of a service: all of it, its end, a part, as it grows, and of its former life."""

from __future__ import annotations

import threading

import pytest

from jupyter_mldeploy.errors import NotFound
from jupyter_mldeploy.events import Cancel
from jupyter_mldeploy.targets.base import LogQuery

from .conftest import Deploy
from .target_under_test import TargetUnderTest


def test_what_the_script_prints_is_in_the_log(deployed: Deploy) -> None:
    made = deployed()
    made.run({"x": 5})
    text = made.logs()
    assert "init ran" in text
    assert "scored 5" in text


def test_the_last_lines(deployed: Deploy) -> None:
    made = deployed()
    for number in range(5):
        made.run({"x": number})
    whole = made.logs().splitlines()
    assert made.logs(lines=2).splitlines() == whole[-2:]
    assert made.logs(lines=0) == ""
    assert made.logs(lines=10_000).splitlines()[: len(whole)] == whole


def test_lines_that_contain_a_text(deployed: Deploy) -> None:
    made = deployed()
    for number in range(3):
        made.run({"x": number})
    found = made.logs(grep="SCORED").splitlines()
    assert len(found) == 3
    assert all("scored" in line for line in found)
    assert "scored 2" in made.logs(grep="scored", lines=1)
    assert made.logs(grep="nothing like this") == ""


def test_lines_of_the_last_minutes(deployed: Deploy) -> None:
    made = deployed()
    made.run({"x": 5})
    assert "scored 5" in made.logs(since=300)
    assert made.logs(since=300, grep="scored").count("scored") == 1


def test_lines_of_one_replica(deployed: Deploy) -> None:
    made = deployed()
    made.run({"x": 5})
    name = made.status().replicas[0].name
    lines = list(made.follow(LogQuery(replica=name)))
    assert any("scored 5" in line.text for line in lines)
    assert {line.replica for line in lines} == {f"adder/{name}"}


def test_a_replica_that_is_not_there(deployed: Deploy) -> None:
    made = deployed()
    [replica] = made.status().replicas
    with pytest.raises(NotFound, match="no replica 'nine'") as refused:
        made.logs(replica="nine")
    assert replica.name in refused.value.hint
    assert made.logs(replica=f"adder/{replica.name}") == made.logs(replica=replica.name) != ""


def test_following_sees_what_comes_and_ends_when_told(deployed: Deploy) -> None:
    made = deployed()
    cancel = Cancel()
    seen: list[str] = []
    first, found = threading.Event(), threading.Event()

    def follow() -> None:
        for line in made.follow(LogQuery(follow=True, grep="scored"), cancel):
            seen.append(line.text)
            (found if "scored 2" in line.text else first).set()

    made.run({"x": 1})
    thread = threading.Thread(target=follow)
    thread.start()
    assert first.wait(30)
    made.run({"x": 2})
    assert found.wait(30)
    cancel.set()
    thread.join(30)
    assert not thread.is_alive()
    assert [line.rpartition("scored ")[2] for line in seen] == ["1", "2"]


def test_following_ends_with_the_service(deployed: Deploy, target: TargetUnderTest) -> None:
    made = deployed()
    made.run({"x": 1})
    lines = made.follow(LogQuery(follow=True, grep="scored"))
    assert "scored 1" in next(lines).text
    target.kill(made)
    assert list(lines) == []


def test_the_log_of_the_former_life(deployed: Deploy) -> None:
    made = deployed()
    made.run({"x": 7})
    assert made.logs(previous=True) == ""
    made.stop()
    assert "scored 7" in made.logs()
    made.start()
    assert "scored 7" in made.logs(previous=True)
    assert "scored 7" not in made.logs()


def test_the_log_of_a_build(deployed: Deploy, target: TargetUnderTest) -> None:
    log = deployed().logs(build=True)
    if target.name == "local":
        assert log == ""  # the kernel's own environment is not built
    else:
        assert "Step 1/" in log or "nothing was built" in log
