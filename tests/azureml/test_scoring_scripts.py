"""Scoring scripts of those days: what they import of the SDK, and what they find in their environment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jupyter_mldeploy.azureml.core import Workspace
from jupyter_mldeploy.azureml.core.environment import Environment
from jupyter_mldeploy.azureml.core.model import InferenceConfig, Model
from jupyter_mldeploy.azureml.core.webservice import LocalWebservice, Webservice
from jupyter_mldeploy.azureml.exceptions import WebserviceException

pytestmark = [pytest.mark.timeout(300), pytest.mark.filterwarnings("ignore")]

COLLECTS = """\
from azureml.core.model import Model
from azureml.exceptions import ModelNotFoundException
from azureml.monitoring import ModelDataCollector


def init():
    global inputs, predictions, missing
    inputs = ModelDataCollector("best_model", designation="inputs", feature_names=["a", "b"])
    predictions = ModelDataCollector("best_model", designation="predictions")
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


def test_a_name_that_a_service_does_not_have_is_told_before(project: Path, process: None) -> None:
    script = "from azureml.core import Workspace\n\ndef init():\n    Workspace.from_config()\n\ndef run(data):\n    return 1\n"
    with pytest.raises(WebserviceException) as caught:
        deployed(script, Environment("plain"))
    assert "`azureml.core.Workspace` is not there in a service" in str(caught.value)
    assert "line 1" in str(caught.value)
    assert "Remove the import: a service has no workspace" in str(caught.value)
