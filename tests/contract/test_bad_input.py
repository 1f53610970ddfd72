"""What bad input gets: one clear sentence each, and nothing half-done behind it."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from jupyter_mldeploy import deploy, register_model, services
from jupyter_mldeploy.errors import (
    DeploymentFailed,
    InvalidScript,
    InvalidValue,
    MLDeployError,
    NotFound,
    PortInUse,
    ScoringFailed,
)

from .conftest import Deploy
from .scripts import ADDING, edited
from .target_under_test import TargetUnderTest


def sentence(error: MLDeployError) -> str:
    """Its summary, which must be one line that ends as a sentence or names what follows."""
    assert "\n" not in error.summary
    assert "Traceback" not in str(error)
    return error.summary


def test_a_name_that_no_target_takes(deployed: Deploy) -> None:
    with pytest.raises(InvalidValue) as refused:
        deployed(name="Iris_1")
    assert "name='Iris_1' is not valid: use lower-case letters" in sentence(refused.value)
    assert refused.value.hint == "'iris-1' would do."
    with pytest.raises(InvalidValue, match="it has 64 characters, the limit is 63"):
        deployed(name="a" * 64)
    assert services() == []


def test_a_model_that_is_not_there(deployed: Deploy, tmp_path: Path) -> None:
    (tmp_path / "w.txt").write_text("one")
    register_model("words", tmp_path / "w.txt")
    with pytest.raises(NotFound) as refused:
        deployed(models=["wrods"])
    assert sentence(refused.value) == "There is no model 'wrods'."
    assert "Did you mean 'words'?" in refused.value.hint
    assert services() == []


def test_a_version_that_is_not_there(deployed: Deploy, tmp_path: Path) -> None:
    (tmp_path / "w.txt").write_text("one")
    register_model("words", tmp_path / "w.txt")
    with pytest.raises(NotFound) as refused:
        deployed(models=["words:7"])
    assert sentence(refused.value) == "The model 'words' has no version 7."
    assert refused.value.hint == "It has 1."
    assert services() == []


def test_a_model_file_that_is_not_there(deployed: Deploy) -> None:
    with pytest.raises(NotFound, match=r"There is no model file './nowhere.pkl'"):
        deployed(models=["./nowhere.pkl"])
    assert services() == []


def test_a_script_that_is_not_there(target: TargetUnderTest) -> None:
    with pytest.raises(NotFound, match=r"There is no scoring script 'nowhere.py'"):
        deploy("nowhere.py", "adder", target=target.name)
    assert services() == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def init():\n    pass\n", r"run\(data\)"),
        ("def run(data):\n    return 1\n", "init"),
        ("def init():\n    pass\ndef run():\n    return 1\n", "run"),
        ("def init(:\n    pass\n", "line 1"),
        ("def init():\n    import not_a_module_of_anybody\ndef run(data):\n    return 1\n", "not_a_module_of_anybody"),
    ],
    ids=["without run", "without init", "run takes nothing", "not Python", "import that is nowhere"],
)
def test_a_script_that_cannot_work(deployed: Deploy, target: TargetUnderTest, text: str, said: str) -> None:
    with pytest.raises(InvalidScript, match=said) as refused:
        deployed(text)
    sentence(refused.value)
    assert services() == []
    assert target.leftovers() == []


def test_all_problems_of_a_script_at_once(deployed: Deploy) -> None:
    with pytest.raises(InvalidScript) as refused:
        deployed("import not_a_module_of_anybody\ndef init(a, b):\n    pass\n")
    assert len(refused.value.problems) == 3
    assert refused.value.to_json()["problems"] == list(refused.value.problems)


def test_a_sample_that_is_not_json(deployed: Deploy) -> None:
    with pytest.raises(InvalidValue) as refused:
        deployed(sample='{"x": ')
    assert "it is not JSON: " in sentence(refused.value)
    assert "line 1, column" in refused.value.summary
    assert services() == []


def test_a_sample_file_that_is_not_there(deployed: Deploy) -> None:
    with pytest.raises(NotFound, match=r"There is no sample file 'nowhere.json'"):
        deployed(sample="@nowhere.json")
    assert services() == []


def test_a_sample_on_which_run_raises(deployed: Deploy, target: TargetUnderTest) -> None:
    with pytest.raises(DeploymentFailed) as failed:
        deployed(sample={"fail": True})
    assert failed.value.stage == "ready"
    assert "adder failed in ready: run() did not answer the sample" in sentence(failed.value)
    assert failed.value.diagnosis is not None
    assert any("run was told to fail" in line.shown for line in failed.value.diagnosis.proof)
    assert target.leftovers() == []
    assert [made.state for made in services()] == ["failed"]


def test_an_init_that_raises(deployed: Deploy, target: TargetUnderTest) -> None:
    with pytest.raises(DeploymentFailed) as failed:
        deployed(edited(ADDING, '    print("init ran")', '    raise RuntimeError("no such luck")'))
    assert failed.value.stage == "init"
    assert "no such luck" in sentence(failed.value)
    assert "line 6" in failed.value.summary
    assert failed.value.diagnosis is not None
    assert target.leftovers() == []
    made = services()[0]
    assert made.state == "failed"
    assert "no such luck" in made.logs()
    assert made.diagnose().cause


def test_a_failed_deployment_is_mended_by_deploying_again(deployed: Deploy) -> None:
    with pytest.raises(DeploymentFailed):
        deployed(edited(ADDING, '    print("init ran")', '    raise RuntimeError("no such luck")'))
    mended = deployed(ADDING)
    assert mended.run({"x": 1})["sum"] == 2
    assert mended.diagnose().cause == ""


def test_an_update_that_fails_leaves_the_old_version_whole(deployed: Deploy, script: Path) -> None:
    made = deployed()
    before, uri = made.run({"x": 1}), made.scoring_uri
    broken = script.with_name("broken.py")
    broken.write_text(edited(ADDING, '    print("init ran")', '    raise RuntimeError("no such luck")'))
    with pytest.raises(DeploymentFailed, match="no such luck"):
        made.update(script=broken, memory="400Mi")
    assert made.run({"x": 1}) == before
    assert made.scoring_uri == uri
    assert made.spec.inference.script.file_name == "score.py"


@pytest.mark.skipif(os.getuid() != 0 and os.uname().sysname != "Linux", reason="the owner is not told here")
def test_a_port_in_use_is_named_with_its_owner(deployed: Deploy, target: TargetUnderTest) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(PortInUse) as refused:
            deployed(port=port)
        assert f"Port {port} is in use by " in sentence(refused.value)
        assert f"(process {os.getpid()})" in refused.value.summary
        assert target.leftovers() == []
        assert services() == []
    assert deployed(port=port).scoring_uri == f"http://127.0.0.1:{port}/score"


def test_a_port_of_another_service_is_named_with_that_service(deployed: Deploy, target: TargetUnderTest) -> None:
    if target.name != "local":
        pytest.skip("the owner of a container's port is the engine's proxy")
    port = int(deployed(name="first").scoring_uri.rpartition(":")[2].partition("/")[0])
    with pytest.raises(PortInUse, match=rf"Port {port} is in use by the service 'first'\."):
        deployed(name="second", port=port)


def test_an_update_to_a_port_in_use_leaves_the_old_version_whole(deployed: Deploy) -> None:
    made = deployed()
    uri = made.scoring_uri
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(PortInUse):
        made.update(port=server.getsockname()[1])
    assert made.scoring_uri == uri
    assert made.run({"x": 1})["sum"] == 2
    assert made.spec.port is None


def test_a_request_on_which_run_raises(deployed: Deploy) -> None:
    made = deployed()
    with pytest.raises(ScoringFailed) as failed:
        made.run({"fail": True})
    assert failed.value.status == 500
    assert "adder answered HTTP 500" in sentence(failed.value)
    assert failed.value.diagnosis is not None
    assert any("run was told to fail" in line.shown for line in failed.value.diagnosis.proof)
    told = failed.value.to_json()
    assert told["status"] == 500
    assert told["diagnosis"]["cause"]
    assert made.run({"x": 1})["sum"] == 2


@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        ({"replicas": 0}, "replicas=0 is not valid"),
        ({"autoscale": "4"}, "write MIN:MAX"),
        ({"replicas": 1, "autoscale": "1:2"}, "not both"),
        ({"memory": "lots"}, "memory='lots' is not valid: write a size such as 512Mi"),
        ({"cpu": "0"}, "cpu='0' is not valid"),
        ({"port": 70000}, "port=70000 is not valid"),
        ({"timeout": "soon"}, "timeout='soon' is not valid"),
        ({"environment": "nowhere.yml"}, "There is no environment file 'nowhere.yml'"),
        ({"environment": "place"}, "environment='place' is not valid"),
        ({"source_directory": "nowhere"}, "There is no source directory 'nowhere'"),
        ({"until": "lunch"}, "until='lunch' is not valid: choose one of register"),
        ({"pip": ["not a requirement!"]}, "pip would refuse it"),
        ({"namespace": "team"}, "has no namespaces"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_values_that_cannot_be_right(deployed: Deploy, wishes: dict[str, object], said: str) -> None:
    with pytest.raises(MLDeployError) as refused:
        deployed(**wishes)
    assert said in sentence(refused.value)
    assert services() == []
