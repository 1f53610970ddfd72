"""Looking at a service, following its state, and its sudden end."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from jupyter_mldeploy import service, services
from jupyter_mldeploy.errors import Conflict, ScoringFailed
from jupyter_mldeploy.events import Cancel
from jupyter_mldeploy.targets.base import Status

from .conftest import Deploy
from .scripts import ADDING, edited
from .target_under_test import TargetUnderTest


def test_the_status_counts_requests_and_errors(deployed: Deploy) -> None:
    made = deployed()
    made.run({"x": 1})
    with pytest.raises(ScoringFailed):
        made.run({"fail": True})
    status = made.status()
    assert (status.requests, status.errors) == (2, 1)
    assert [request["status"] for request in status.recent] == [200, 500]
    assert status.recent[0]["request_id"]
    replica = status.replicas[0]
    assert (replica.requests, replica.errors) == (2, 1)
    assert replica.memory_bytes
    assert replica.p50_ms is not None


def test_watching_tells_of_a_change_and_of_the_end(deployed: Deploy) -> None:
    made = deployed()
    told: list[Status] = []
    first, scaled = threading.Event(), threading.Event()

    def watch() -> None:
        for status in made.watch():
            told.append(status)
            first.set()
            if len(status.replicas) == 2:
                scaled.set()

    thread = threading.Thread(target=watch)
    thread.start()
    assert first.wait(30)
    made.scale(2)
    assert scaled.wait(30)
    made.stop()
    thread.join(30)
    assert not thread.is_alive()
    assert told[0].state == "running"
    assert told[-1].state == "stopped"


def test_watching_ends_when_told(deployed: Deploy) -> None:
    cancel = Cancel()
    watched = deployed().watch(cancel)
    assert next(watched).state == "running"
    cancel.set()
    assert all(status.state == "running" for status in watched)


def test_a_killed_server_is_shown_as_dead_with_what_is_known(deployed: Deploy, target: TargetUnderTest) -> None:
    made = deployed(sample={"x": 1})
    pid = made.record.details["pid"] if target.name == "local" else None
    target.kill(made)
    status = service("adder").status()
    assert status.state == "failed"
    assert status.scoring_uri == ""
    assert "is gone" in status.message
    if pid:
        assert str(pid) in status.message
    assert [known.name for known in services()] == ["adder"]
    assert "init ran" in made.logs()
    assert made.diagnose().cause


def test_workers_end_with_a_killed_server(deployed: Deploy, target: TargetUnderTest) -> None:
    made = deployed(replicas=2)
    target.kill(made)
    target.await_no_workers(made)
    assert target.leftovers() == []


def test_a_killed_service_refuses_what_needs_it_running(deployed: Deploy, target: TargetUnderTest) -> None:
    made = deployed()
    target.kill(made)
    with pytest.raises(ScoringFailed) as failed:
        made.run({"x": 1})
    assert failed.value.status is None
    for change in (made.reload, lambda: made.scale(2)):
        with pytest.raises(Conflict, match="'adder': it is failed"):
            change()


def test_a_killed_service_is_started_again(deployed: Deploy, target: TargetUnderTest) -> None:
    made = deployed(sample={"x": 1})
    uri = made.scoring_uri
    target.kill(made)
    made.start()
    assert made.state == "running"
    assert made.scoring_uri == uri
    assert made.run({"x": 1})["sum"] == 2
    assert "init ran" in made.logs(previous=True)


def test_a_killed_service_is_deployed_again(deployed: Deploy, target: TargetUnderTest) -> None:
    target.kill(deployed())
    again = deployed(edited(ADDING, 'given["x"] + 1', 'given["x"] + 100'))
    assert again.run({"x": 1})["sum"] == 101
    assert again.outcome is not None
    assert again.outcome.change.kind == "created"


def test_a_killed_service_is_stopped_and_deleted(deployed: Deploy, target: TargetUnderTest, home: Path) -> None:
    made = deployed()
    target.kill(made)
    target.await_no_workers(made)
    made.stop()
    assert made.state == "stopped"
    made.delete()
    assert list((home / "services").iterdir()) == []


def test_another_process_of_the_same_number_is_not_taken_for_the_server(
    deployed: Deploy, target: TargetUnderTest, home: Path
) -> None:
    if target.name != "local":
        pytest.skip("only processes have numbers that are given again")
    made = deployed()
    target.kill(made)
    path = home / "services" / "adder" / "service.json"
    pid = made.record.details["pid"]
    path.write_text(path.read_text().replace(f'"pid": {pid}', f'"pid": {os.getpid()}'))
    assert made.record.details["pid"] == os.getpid()
    assert made.state == "failed"
    made.delete()  # must end nobody else: this test goes on


def test_a_deployment_whose_process_was_killed_is_shown_as_broken_off(
    target: TargetUnderTest, deployed: Deploy, script: Path, gate: object
) -> None:
    import subprocess
    import sys

    from .scripts import Gate

    assert isinstance(gate, Gate)
    script.write_text(gate.script)
    words = [sys.executable, "-m", "jupyter_mldeploy.cli", "deploy", "score.py", "--name", "adder"]
    words += ["--target", target.name]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as process:
        gate.await_init()
        process.kill()
    assert service("adder").state in {"failed", "deploying"}
    again = deployed(ADDING)
    assert again.run({"x": 1})["sum"] == 2
    again.delete()
    assert target.leftovers() == []


def test_a_server_whose_deployer_was_killed_ends_with_the_service(script: Path, home: Path) -> None:
    code = f"""
import os
from jupyter_mldeploy import deploy
from jupyter_mldeploy.targets.local.process import ServiceProcess

start = ServiceProcess.start.__func__

def start_and_die(cls, *arguments):
    start(cls, *arguments)
    os.kill(os.getpid(), 9)  # before anything is written down of what was started

ServiceProcess.start = classmethod(start_and_die)
deploy({str(script)!r}, "left")
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    (server,) = _servers_below(home)
    assert service("left").state == "failed"
    service("left").delete()
    assert not server.is_running()
    assert _servers_below(home) == []


def _servers_below(home: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if any(word.startswith(str(home)) for word in process.cmdline()):
                found.append(process)
    return found
