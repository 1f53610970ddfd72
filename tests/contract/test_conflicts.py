"""One operation a service at a time, and one service a name."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_mldeploy import deploy, service, services
from jupyter_mldeploy.errors import (
    Conflict,
    DeploymentFailed,
    InvalidValue,
    NotFound,
    OperationInProgress,
    TargetUnavailable,
)
from jupyter_mldeploy.records import Records

from .conftest import Deploy, Result
from .scripts import ADDING, Gate, edited
from .target_under_test import TargetUnderTest

InThread = Callable[[Callable[[], object]], Result]


def test_a_second_deployment_while_one_runs_is_refused_with_whose_it_is(
    deployed: Deploy, gate: Gate, in_thread: InThread
) -> None:
    first = in_thread(lambda: deployed(gate.script))
    gate.await_init()
    with pytest.raises(OperationInProgress, match=r"Another operation on 'adder' is running \(deployment, begun"):
        deployed()
    with pytest.raises(OperationInProgress):
        service("adder").delete()
    with pytest.raises(OperationInProgress):
        service("adder").stop()
    assert service("adder").state == "deploying"
    gate.open()
    assert first.get().run("{}") == "through"


def test_a_second_deployment_of_another_process_is_refused(deployed: Deploy, gate: Gate, in_thread: InThread) -> None:
    first = in_thread(lambda: deployed(gate.script))
    gate.await_init()
    words = [sys.executable, "-m", "jupyter_mldeploy.cli", "deploy", "score.py", "--name", "adder"]
    refused = subprocess.run(words, capture_output=True, text=True, timeout=50, check=False)
    assert refused.returncode == 1
    assert "Another operation on 'adder' is running (deployment" in refused.stderr
    gate.open()
    assert first.get().state == "running"


def test_two_services_are_deployed_at_once(deployed: Deploy, gate: Gate, in_thread: InThread) -> None:
    first = in_thread(lambda: deployed(gate.script))
    gate.await_init()
    assert deployed(name="other", text="def init(): pass\ndef run(data): return 1\n").run("{}") == 1
    gate.open()
    assert first.get().run("{}") == "through"


def test_a_service_is_found_again_from_another_process(deployed: Deploy) -> None:
    made = deployed()
    before = made.run({"x": 1})
    code = "from jupyter_mldeploy import service; s = service('adder'); print(s.state, s.run({'x': 1}), s.scoring_uri)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=50, check=True)
    assert told.stdout.strip() == f"running {before} {made.scoring_uri}"


def test_a_service_outlives_the_process_that_deployed_it(target: TargetUnderTest, script: Path) -> None:
    code = f"from jupyter_mldeploy import deploy; deploy('score.py', 'adder', target={target.name!r})"
    subprocess.run([sys.executable, "-c", code], timeout=50, check=True)
    assert script.exists()
    assert service("adder").run({"x": 1})["sum"] == 2


def test_a_name_on_another_target_is_taken(target: TargetUnderTest, deployed: Deploy, script: Path) -> None:
    made = deployed()
    with pytest.raises((Conflict, TargetUnavailable)) as refused:
        deploy(script, "adder", target=target.other, environment=_empty(script))
    assert isinstance(refused.value, Conflict), refused.value
    assert f"The name 'adder' is taken by a service on the {target.name} target" in refused.value.summary
    assert "--overwrite" in refused.value.hint
    assert made.run({"x": 1})["sum"] == 2


def _empty(script: Path) -> Path:
    path = script.parent / "requirements.txt"
    path.write_text("")
    return path


def test_what_is_not_there_is_named_with_the_nearest_name(deployed: Deploy) -> None:
    deployed()
    with pytest.raises(NotFound, match=r"There is no service 'addr'\. Did you mean 'adder'\?"):
        service("addr")


def test_a_lock_ends_with_its_process(deployed: Deploy, home: Path) -> None:
    code = (
        "import os, pathlib\nfrom jupyter_mldeploy.records import Records\n"
        f"with Records(pathlib.Path({str(home)!r})).operation('adder', 'deployment'):\n    os._exit(9)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=50, check=False).returncode == 9
    assert not Records(home).is_busy("adder")
    assert deployed().state == "running"


def test_a_service_on_another_target_serves_until_the_new_one_is_ready(
    deployed: Deploy, target: TargetUnderTest, script: Path
) -> None:
    """Only a machine's own process is used as the other service: it needs no engine."""
    if target.name == "local":
        pytest.skip("the other service is a local one")
    old = deploy(script, "adder", target="local")
    assert old.run({"x": 1})["sum"] == 2
    script.write_text(edited(ADDING, '    print("init ran")', '    raise RuntimeError("no such luck")'))
    with pytest.raises(DeploymentFailed):
        deployed(overwrite=True)
    assert (old.record.spec.target.kind, old.run({"x": 1})["sum"]) == ("local", 2)
    deployed(until="build", overwrite=True)
    assert (old.record.spec.target.kind, old.run({"x": 1})["sum"]) == ("local", 2)
    script.write_text(ADDING)
    uri = old.scoring_uri
    new = deployed(overwrite=True)
    assert new.record.spec.target.kind == target.name
    assert new.run({"x": 1})["sum"] == 2
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(uri, timeout=5)


def test_preparing_leaves_a_running_service_as_it_is(deployed: Deploy, script: Path) -> None:
    made = deployed(replicas=1)
    started = made.run({"x": 1})["started"]
    script.write_text(edited(ADDING, 'given["x"] + 1', 'given["x"] + 2'))
    prepared = deployed(memory="700Mi", until="build")
    assert prepared.outcome is not None
    assert prepared.outcome.change.kind == "prepared"
    assert made.run({"x": 1}) == {"sum": 2, "started": started}
    assert made.edited


def test_a_stage_in_the_middle_is_refused(deployed: Deploy) -> None:
    with pytest.raises(InvalidValue, match="register, build, push, ready"):
        deployed(until="init")
    assert services() == []


def test_a_name_that_another_script_has_is_taken(deployed: Deploy, target: TargetUnderTest, tmp_path: Path) -> None:
    made = deployed()
    other = tmp_path / "other.py"
    other.write_text(edited(ADDING, 'given["x"] + 1', 'given["x"] + 100'))
    with pytest.raises(Conflict, match=r"The name 'adder' is taken by a service that runs .*score\.py") as refused:
        deploy(other, "adder", target=target.name)
    assert "--overwrite" in refused.value.hint
    assert made.run({"x": 1})["sum"] == 2
    assert deploy(other, "adder", target=target.name, overwrite=True).run({"x": 1})["sum"] == 101
    assert made.update(script=tmp_path / "score.py").run({"x": 1})["sum"] == 2
