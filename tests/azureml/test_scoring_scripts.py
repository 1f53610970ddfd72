"""Scoring scripts of those days: what they import of the SDK, and what they find in their environment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jupyter_mldeploy.azureml.core import Workspace
from jupyter_mldeploy.azureml.core.compute import AksCompute
from jupyter_mldeploy.azureml.core.environment import Environment
from jupyter_mldeploy.azureml.core.model import InferenceConfig, Model
from jupyter_mldeploy.azureml.core.webservice import AciWebservice, AksWebservice, LocalWebservice, Webservice
from jupyter_mldeploy.azureml.exceptions import WebserviceException

from ..infra.cluster import TestCluster

pytestmark = [pytest.mark.timeout(300), pytest.mark.filterwarnings("ignore")]

COLLECTS = """\
from azureml.core.model import Model
from azureml.exceptions import ModelNotFoundException
from azureml.monitoring import ModelDataCollector


def init():
    global inputs, predictions, missing
    inputs = ModelDataCollector("best_model", designation="inputs", feature_names=["a", "b"])
    predictions = ModelDataCollector("best_model", identifier="predictions", feature_names=["c"])
    try:
        Model.get_model_path("no-such-model" + "!")
    except ModelNotFoundException as error:
        missing = type(error).__name__


def run(data):
    headers = inputs.collect(data)
    predictions.collect(predictions.add_correlations(data, headers))
    return {"got": data, "missing": missing}
"""


def deployed(script: str, environment: Environment) -> Webservice:
    Path("old.py").write_text(script)
    config = InferenceConfig("old.py", environment=environment)
    service = Model.deploy(Workspace.from_config(), "mysvc", [], config, LocalWebservice.deploy_configuration())
    service.wait_for_deployment()
    return service


def _collects() -> None:
    service = deployed(COLLECTS, Environment("plain"))
    assert service.run(json.dumps([1, 2])) == {"got": "[1, 2]", "missing": "ModelNotFoundException"}
    assert "ModelDataCollector keeps nothing here" in service.get_logs()


def test_a_script_that_collects_data(project: Path, process: None) -> None:
    _collects()


@pytest.mark.engine
def test_a_script_that_collects_data_in_a_container(project: Path, engine: Any) -> None:
    _collects()


JOBLIB = """\
from azureml.core.model import Model
from sklearn.externals import joblib


def init():
    global model
    model = joblib.load(Model.get_model_path("weights"))


def run(data):
    return model
"""


def test_joblib_by_the_name_that_scikit_learn_had_for_it(project: Path, process: None) -> None:
    import joblib

    joblib.dump([1, 2], "weights.pkl")
    Path("old.py").write_text(JOBLIB)
    ws = Workspace.from_config()
    model = Model.register(ws, "weights.pkl", "weights")
    config = InferenceConfig("old.py", environment=Environment("plain"))
    service = Model.deploy(ws, "mysvc", [model], config, LocalWebservice.deploy_configuration())
    service.wait_for_deployment()
    assert service.run("{}") == [1, 2]
    assert "write `import joblib`" in service.get_logs()


TELLS = """\
import os

def init():
    global level
    level = os.environ["LEVEL"]

def run(data):
    return [level, os.environ.get("MORE"), os.environ.get("EXAMPLE_ENV_VAR")]
"""


def with_variables(**variables: str) -> InferenceConfig:
    Path("tells.py").write_text(TELLS)
    environment = Environment("plain")
    environment.environment_variables = {"EXAMPLE_ENV_VAR": "EXAMPLE_VALUE", **variables}
    return InferenceConfig("tells.py", environment=environment)


def _variables(config: Any, target: Any = None) -> Webservice:
    ws = Workspace.from_config()
    service = Model.deploy(ws, "mysvc", [], with_variables(LEVEL="3", MORE="hush"), config, target)
    service.wait_for_deployment()
    assert service.run("{}") == ["3", "hush", None]
    service.update(inference_config=with_variables(LEVEL="4"))
    service.wait_for_deployment()
    assert service.run("{}") == ["4", None, None]
    return service


def test_environment_variables(project: Path, process: None) -> None:
    service = _variables(LocalWebservice.deploy_configuration())
    config = LocalWebservice.deploy_configuration(port=service.port)
    service.update(deployment_config=config)  # without an inference configuration they stay
    service.wait_for_deployment()
    assert service.run("{}") == ["4", None, None]
    assert '"4"' not in (project / "home/services/mysvc/service.json").read_text()


@pytest.mark.engine
def test_environment_variables_in_a_container(project: Path, engine: Any) -> None:
    service = _variables(LocalWebservice.deploy_configuration())
    config = AciWebservice.deploy_configuration(cpu_cores=0.5, memory_gb=0.5)
    other = service.deploy_to_cloud("mysvc-cloud", config)
    other.wait_for_deployment()
    assert other.run("{}") == ["4", None, None]


@pytest.mark.cluster
def test_environment_variables_in_a_cluster(project: Path, cluster: TestCluster) -> None:
    config = AksWebservice.deploy_configuration(autoscale_enabled=False, num_replicas=1, primary_key="first-key")
    service = _variables(config, AksCompute(Workspace.from_config(), cluster.context))
    assert service.get_keys()[0] == "first-key"


def test_a_name_that_a_service_does_not_have_is_told_before(project: Path, process: None) -> None:
    script = "from azureml.core import Workspace\n\ndef init():\n    Workspace.from_config()\n\ndef run(data):\n    return 1\n"
    with pytest.raises(WebserviceException) as caught:
        deployed(script, Environment("plain"))
    assert "`azureml.core.Workspace` is not there in a service" in str(caught.value)
    assert "line 1" in str(caught.value)
    assert "Remove the import: a service has no workspace" in str(caught.value)
