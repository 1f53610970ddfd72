"""A source directory keeps its name in the app root, as it did: what scripts open, import and read of their environment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jupyter_mldeploy.azureml.core import Webservice, Workspace
from jupyter_mldeploy.azureml.core.compute import AksCompute
from jupyter_mldeploy.azureml.core.environment import Environment
from jupyter_mldeploy.azureml.core.model import InferenceConfig, Model
from jupyter_mldeploy.azureml.core.webservice import AksWebservice, LocalWebservice
from jupyter_mldeploy.azureml.exceptions import WebserviceException
from jupyter_mldeploy.capture import check_script
from jupyter_mldeploy.spec import Environment as EnvironmentSpec
from jupyter_mldeploy.spec import Script

from ..infra.cluster import TestCluster

pytestmark = [pytest.mark.timeout(300), pytest.mark.filterwarnings("ignore")]

SCORE = """\
import json
import os

from shop import prices
from shop.sub.more import MORE
import words


def init():
    global told
    with open("./shop/data.json") as file:
        data = json.load(file)
    with open(os.path.join(os.getenv("AZUREML_MODEL_DIR"), "my_model.pkl")) as file:
        weights = json.load(file)
    beside = os.path.join(os.path.dirname(os.path.realpath(__file__)), "beside.txt")
    with open(beside) as file:
        near = file.read()
    told = {
        "data": data, "weights": weights, "near": near, "imported": [prices.NAME, MORE, words.HELLO],
        "source": os.environ["AZUREML_SOURCE_DIRECTORY"], "entry": os.environ["AZUREML_ENTRY_SCRIPT"],
    }


def run(data):
    return told
"""
TOLD = {
    "data": [7],
    "weights": [1, 10, 100],
    "near": "here",
    "imported": ["prices", "more", "hello"],
    "source": "shop",
    "entry": "shop/x/y/score.py",
}


@pytest.fixture
def inference(project: Path) -> InferenceConfig:
    """A script two folders down, with files and modules at several places."""
    for name, text in {
        "x/y/score.py": SCORE,
        "x/y/beside.txt": "here",
        "data.json": "[7]",
        "prices.py": "NAME = 'prices'\n",
        "words.py": "HELLO = 'hello'\n",
        "sub/more.py": "MORE = 'more'\n",
    }.items():
        file = project / "shop" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return InferenceConfig("x/y/score.py", source_directory="shop", environment=Environment("plain"))


def deployed(inference: InferenceConfig, config: Any, target: Any = None) -> Webservice:
    ws = Workspace.from_config()
    model = Model.register(ws, "my_model.pkl", "my_best_model")
    service = Model.deploy(ws, "mysvc", [model], inference, config, target)
    service.wait_for_deployment()
    return service


def test_in_a_process(inference: InferenceConfig, process: None) -> None:
    service = deployed(inference, LocalWebservice.deploy_configuration())
    assert service.run("{}") == TOLD
    (Path("shop/x/y/score.py")).write_text(SCORE.replace("return told", "return 'edited'"))
    service.reload()
    assert service.run("{}") == "edited"
    Path("shop/data.json").write_text("[8]")
    service.update(inference_config=inference)
    service.wait_for_deployment()
    service.service.update(replicas=1)  # by the package's own names: the folder keeps its name
    assert service.run("{}") == "edited"
    Path("shop/x/y/score.py").write_text(SCORE)
    service.reload()
    assert service.run("{}") == {**TOLD, "data": [8]}


@pytest.mark.engine
def test_in_a_container(inference: InferenceConfig, engine: Any) -> None:
    service = deployed(inference, LocalWebservice.deploy_configuration())
    assert service.run("{}") == TOLD
    Path("shop/x/y/score.py").write_text(SCORE.replace("return told", "return 'edited'"))
    service.reload()
    assert service.run("{}") == "edited"


@pytest.mark.cluster
def test_in_a_cluster(inference: InferenceConfig, cluster: TestCluster) -> None:
    config = AksWebservice.deploy_configuration(autoscale_enabled=False, num_replicas=1, auth_enabled=False)
    service = deployed(inference, config, AksCompute(Workspace.from_config(), cluster.context))
    assert service.run("{}") == TOLD


def test_what_is_not_there_is_said_before(project: Path, inference: InferenceConfig) -> None:
    def problems(text: str) -> list[str]:
        script = Script(f"{text}\n\ndef init():\n    pass\n\ndef run(data):\n    return data\n")
        found = check_script(
            script, environment=EnvironmentSpec.kernel(), source_directory=project / "shop", source_name="shop"
        )
        return [f"{problem.message} {problem.hint}" for problem in found]

    assert problems("open('shop/data.json')\nopen('./shop/x/../data.json')\nimport shop.words") == []
    [flat] = problems("open('data.json')")
    assert "is the folder 'shop'. Write 'shop/data.json'." in flat
    [absent] = problems("open('shop/other.json')")
    assert "which is not in the source directory" in absent


def test_a_folder_that_hides_the_models(project: Path) -> None:
    (project / "azureml-models").mkdir()
    (project / "azureml-models/score.py").write_text("def init(): pass\ndef run(data): return data\n")
    made = InferenceConfig("score.py", source_directory="azureml-models", environment=Environment("plain"))
    with pytest.raises(WebserviceException, match="rename yours"):
        Model.deploy(Workspace.from_config(), "mysvc", [], made, LocalWebservice.deploy_configuration())


def test_what_is_kept_of_it_is_read_again(inference: InferenceConfig, process: None) -> None:
    deployed(inference, LocalWebservice.deploy_configuration())
    kept = json.loads((Path("home") / "services/mysvc/service.json").read_text())
    assert kept["spec"]["inference"]["source_name"] == "shop"
