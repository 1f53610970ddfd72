"""Every code block of the five documents, in the order in which they are read, with what it comes to."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, url2pathname, urlopen

import pytest

from jupyter_mldeploy.diagnosis import diagnose
from jupyter_mldeploy.evidence import Evidence

from . import blocks
from .blocks import execute

pytestmark = [pytest.mark.usefixtures("lent"), pytest.mark.timeout(300), pytest.mark.filterwarnings("ignore")]


@pytest.fixture
def names(project: Path) -> dict[str, Any]:
    """What the blocks take for granted: a workspace and a run that has kept its model."""
    from azureml.core import Experiment, Workspace
    from azureml.core.image import ContainerImage, Image
    from azureml.core.webservice import AciWebservice, Webservice

    ws = Workspace.from_config()
    best_run = Experiment(ws, "train").start_logging()
    best_run.upload_file("outputs/my_model.pkl", "outputs/my_model.pkl")
    best_run.complete()
    return {"ws": ws, "best_run": best_run, "ContainerImage": ContainerImage, "Image": Image,
            "AciWebservice": AciWebservice, "Webservice": Webservice}  # fmt: skip


def test_registering_from_a_run_and_from_a_file(names: dict[str, Any]) -> None:
    execute(blocks.REGISTER, names)
    ws, model = names["ws"], names["model"]
    assert (model.name, model.version, model.id) == ("my_best_model", 2, "my_best_model:2")
    first = names["Model"](ws, "my_best_model", version=1)
    assert first.run_id == names["best_run"].id
    assert json.loads(Path(first.download("first")).read_text()) == [1, 1, 1]
    assert list(ws.models) == ["my_best_model"]
    assert ws.models["my_best_model"].version == 2


@pytest.mark.parametrize("where", ["process", pytest.param("engine", marks=pytest.mark.engine)])
def test_local_deployment(
    where: str, names: dict[str, Any], project: Path, free_port: int, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue(where)
    execute(blocks.REGISTER, names)
    execute(blocks.LOCAL_2020.replace("8890", str(free_port)), names)
    service = names["service"]
    assert service.port == free_port
    assert service.state == "running"
    assert service.service.target == {"process": "local", "engine": "container"}[where]

    execute(blocks.RUN_2020, names)
    assert json.loads(names["prediction"])["result"] == [321.0, 900.0]
    assert json.loads(service.run(b'{"nothing": 0}')) == {"error": "'data'"}  # the documents' except branch

    script = project / "score.py"
    script.write_text(script.read_text().replace('"result"', '"edited"'))
    execute(blocks.RELOAD_2020, names)
    assert json.loads(service.run(names["test_sample"])) == {"edited": [321.0, 900.0]}

    names["different_model"] = names["Model"](names["ws"], "my_best_model", version=1)
    execute(blocks.UPDATE_2020, names)
    service.wait_for_deployment()
    assert json.loads(service.run(names["test_sample"])) == {"edited": [6.0, 27.0]}
    assert service.port == free_port

    assert "POST /score 200" in service.get_logs()
    service.delete()
    assert service.state == "deleted"
    assert names["ws"].webservices == {}


@pytest.mark.engine
def test_one_container_with_limits(names: dict[str, Any], engine: Any, capsys: pytest.CaptureFixture[str]) -> None:
    execute(blocks.REGISTER, names)
    execute(blocks.INFERENCE_2020, names)
    execute(blocks.ACI_2020, names)
    service = names["aci_service"]
    assert service.state == "Healthy"
    limits = engine.api.inspect_container(service.service.record.details["container"])["HostConfig"]
    assert limits["NanoCpus"] == 1_000_000_000
    assert limits["Memory"] >= 10**9
    assert "ACI service creation operation finished" in capsys.readouterr().out

    execute(blocks.REMOTE_2021.replace("<insert name of webservice>", "my-service"), names)
    assert type(names["service"]).__name__ == "AciWebservice"
    printed = capsys.readouterr().out
    assert "'my-service': AciWebservice" in printed
    assert "Listening" in printed
    execute(blocks.LOGS.replace("'mysvc'", "'my-service'"), names)
    assert capsys.readouterr().out.strip()


@pytest.mark.engine
def test_images_of_2019(names: dict[str, Any], engine: Any, capsys: pytest.CaptureFixture[str]) -> None:
    execute(blocks.REGISTER, names)
    execute(blocks.IMAGE_2019, names)
    image = names["image"]
    assert (image.creation_state, image.id) == ("Succeeded", "myimg:1")

    capsys.readouterr()
    execute(blocks.IMAGE_LOGS_2019, names)
    by_object, by_name, listed = capsys.readouterr().out.splitlines()
    assert by_object == by_name
    assert listed == f"myimg 1 {by_object}"
    log = Path(url2pathname(urlsplit(by_object).path)).read_text()
    execute(blocks.IMAGE_LOCATION_2019, names)
    location = capsys.readouterr().out.strip()
    assert engine.has_image(location)
    assert location in log  # built, or on the engine already
    assert engine.has_image("mldeploy/myimg:1")

    execute(blocks.IMAGE_DEPLOY_2019, names)
    assert "the image was built before; it stays where it is" in capsys.readouterr().out  # why nothing is pushed
    service = names["service"] = names["aci_service"]
    assert service.image_id == "myimg:1"
    assert json.loads(service.run('{"data": [[1, 2, 3]]}'))["result"] == [321.0]
    execute(blocks.LOGS, names)

    names["ws"].images["myimg"].delete()
    assert names["ws"].images == {}
    execute(blocks.IMAGE_CREATE_2019, names)
    names["image"].wait_for_creation()
    assert names["image"].id == "myimage:1"


@pytest.mark.engine
def test_an_image_by_hand(names: dict[str, Any], engine: Any, free_port: int) -> None:
    """``docker run -it IMAGE /bin/bash`` with the commands that are given there, and ``docker run -p 8000:5001 IMAGE``."""
    execute(blocks.REGISTER, names)
    execute(blocks.IMAGE_2019, names)
    image = names["image"].image_location
    api = engine.api

    def in_shell(script: str) -> str:
        made = api.create_container(image, ["/bin/bash", "-c", script], entrypoint="")
        try:
            api.start(made["Id"])
            code = api.wait(made["Id"])["StatusCode"]
            text = api.logs(made["Id"]).decode()
            assert code == 0, text
            return str(text)
        finally:
            api.remove_container(made["Id"], force=True)

    listed = in_shell("cd /var/azureml-app && ls && pip freeze && python score.py && echo fine")
    assert "score.py" in listed
    assert "numpy==" in listed
    assert listed.rstrip().endswith("fine")
    for block in (blocks.MODEL_PATH_2019, blocks.MODEL_PATH_2020):
        told = in_shell(
            f"cd /var/azureml-app && python - <<'END'\n{block.replace('my-best-model', 'my_best_model')}END"
        )
        assert "azureml-models/my_best_model/2/my_model.pkl" in told
        assert "DEBUG" in told

    ports = api.create_host_config(port_bindings={5001: ("127.0.0.1", free_port)})
    made = api.create_container(image, ports=[5001], host_config=ports)
    try:
        api.start(made["Id"])
        lines = api.logs(made["Id"], stream=True, follow=True)
        assert any(b"Listening" in line for line in lines)
        done = subprocess.run(
            ["curl", "--silent", "--fail", "--retry", "20", "--retry-all-errors", "--retry-delay", "1", "--data", '{"data": [[1, 2, 3]]}',
             "--header", "Content-Type: application/json", f"http://localhost:{free_port}/score"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert json.loads(json.loads(done.stdout))["result"] == [321.0]
    finally:
        api.remove_container(made["Id"], force=True)


def test_the_path_of_a_model_outside_of_a_service(names: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    from azureml.exceptions import ModelNotFoundException

    execute(blocks.REGISTER, names)
    for block in (blocks.MODEL_PATH_2019, blocks.MODEL_PATH_2020):
        with pytest.raises(
            ModelNotFoundException, match=r"my-best-model not found in cache at .* current working directory"
        ):
            execute(block, names)
        capsys.readouterr()
        execute(block.replace("my-best-model", "my_best_model"), names)
        assert json.loads(Path(capsys.readouterr().out.strip()).read_text()) == [1, 10, 100]


def test_the_number_of_replicas(names: dict[str, Any]) -> None:
    from jupyter_mldeploy.spec.resources import replicas_for

    execute(blocks.REPLICAS, names)
    assert names["replicas"] == replicas_for(20, 10) == 286


def test_the_printed_failure_of_2019_is_known() -> None:
    """The document prints what ``Image.create`` raises after a key vault lost its access policies."""
    for printed in (
        'Create image "myimage": An internal server error occurred. Please try again. If the problem persists, contact support.',
        (
            "azureml.exceptions._azureml_exception.WebserviceException: Received bad response from Model Management Service:\n"
            "Response Code: 500\n"
            'Content: b\'{"code":"InternalServerError","statusCode":500,"message":"An internal server error occurred. '
            "Please try again. If the problem persists, contact support\"}'"
        ),
        (  # the command line's, all on one line
            "ERROR: {'Azure-cli-ml Version': None, 'Error': WebserviceException('Received bad response from Model Management "
            'Service:\\nResponse Code: 500\\nContent: b\\\'{"code":"InternalServerError","statusCode":500}\\\'\',)}'
        ),
        (
            "requests.exceptions.HTTPError: 500 Server Error: Internal Server Error for url: https://eastus.modelmanagement.azureml.net/"
            "api/subscriptions/1/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w/images?api-version=2018-11-19"
        ),
    ):
        found = diagnose(Evidence(stage="build", target="container", service="myimage", build_log=printed))
        assert found.cause == "key-vault-access-policy", printed


def test_a_script_as_of_those_days_is_answered_over_http(names: dict[str, Any], process: None, free_port: int) -> None:
    execute(blocks.REGISTER, names)
    execute(blocks.LOCAL_2020.replace("8890", str(free_port)), names)
    request = Request(names["service"].scoring_uri, b'{"data": [[1, 2, 3]]}', {"Content-Type": "application/json"})
    with urlopen(request) as answer:
        assert json.loads(json.loads(answer.read())) == {"result": [321.0]}
    with urlopen(names["service"].swagger_uri) as answer:
        assert "/score" in json.loads(answer.read())["paths"]
