"""Files and values that are not of their form get one sentence that names file and key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jupyter_mldeploy.azureml.config_files import deployment_config_of, inference_config_of
from jupyter_mldeploy.azureml.core import Image, Webservice, Workspace
from jupyter_mldeploy.azureml.core.compute import ComputeTarget
from jupyter_mldeploy.azureml.core.conda_dependencies import CondaDependencies
from jupyter_mldeploy.azureml.core.environment import Environment
from jupyter_mldeploy.azureml.core.experiment import Experiment
from jupyter_mldeploy.azureml.core.model import InferenceConfig, Model
from jupyter_mldeploy.azureml.core.webservice import AciWebservice, AksWebservice
from jupyter_mldeploy.azureml.exceptions import AzureMLException, ModelNotFoundException
from jupyter_mldeploy.azureml.importing import CHANGES, RUNS, read_project
from jupyter_mldeploy.cli import main
from jupyter_mldeploy.config import MLDeploy

pytestmark = [pytest.mark.filterwarnings("ignore")]


@pytest.fixture
def ws(project: Path) -> Workspace:
    return Workspace.from_config()


@pytest.mark.parametrize(
    "content",
    [
        {"cells": 5}, [], None, {"cells": [None]}, {"cells": [{"cell_type": "code", "source": 5}]}, {"worksheets": [5]},
        {"cells": [{"cell_type": "code", "source": ["a", 5]}]}, {"worksheets": [{"cells": 5}]},
    ],
)  # fmt: skip
def test_what_is_no_notebook_hides_nothing_of_the_folder(tmp_path: Path, content: Any) -> None:
    (tmp_path / "a.ipynb").write_text(json.dumps(content))
    (tmp_path / "b.py").write_text("from azureml.core import Workspace\n")
    found = read_project(tmp_path)
    [unread] = found.unread
    assert unread.startswith("a.ipynb (it is no notebook: ")
    assert [finding.file for finding in found.findings] == ["b.py"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"environment": {"python": 5}}, "python is an object, not 5"),
        ({"environment": {"python": {"condaDependencies": "x"}}}, "python: condaDependencies is an object, not 'x'"),
        ({"environment": {"python": {"condaDependencies": {"dependencies": "numpy"}}}}, "dependencies is a list, not 'numpy'"),
        ({"environment": {"python": {"condaDependencyFile": "x"}}}, "python has no 'condaDependencyFile'; the nearest"),
        ({"environment": {"python": {"condaDependenciesFile": "nono.yml"}}}, "there is no file 'nono.yml'"),
        ({"environment": {"docker": 5}}, "docker is an object, not 5"),
        ({"environment": {"docker": {"baseImage": 5}}}, "docker: baseImage is a text, not 5"),
        ({"environment": {"docker": {"baseImageRegistry": {"address": 5}}}}, "baseImageRegistry: address is a text"),
        ({"environment": {"environmentVariables": ["a"]}}, "environmentVariables is an object, not ['a']"),
        ({"environment": 5}, "environment is a file or an object, not 5"),
        ({"runtime": 5}, "runtime is a text, not 5"),
        ({"sourceDirectory": ["a"]}, "sourceDirectory is a text, not ['a']"),
        ({"condaFile": {"a": 1}}, "condaFile is a text, not {'a': 1}"),
        ({"entryScript": 5}, "entryScript is a text, not 5"),
        ({"enableGpu": "yes"}, "enableGpu is true or false, not 'yes'"),
        ({"baseImageRegistry": "x"}, "baseImageRegistry is an object, not 'x'"),
    ],
)  # fmt: skip
def test_an_inference_configuration(project: Path, changes: dict[str, Any], expected: str) -> None:
    Path("inferenceconfig.json").write_text(json.dumps({"entryScript": "score.py", **changes}))
    with pytest.raises(AzureMLException) as caught:
        inference_config_of("inferenceconfig.json")
    assert caught.value.message.startswith("inferenceconfig.json: ")
    assert expected in caught.value.message
    [finding] = [each for each in read_project(project).findings if each.file == "inferenceconfig.json"]
    assert (finding.verdict, expected in finding.why) == (CHANGES, True)


def test_a_conda_file_of_an_inference_configuration_is_read(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = {"entryScript": "score.py", "environment": {"python": {"condaDependenciesFile": "myenv.yml"}}}
    Path("inferenceconfig.json").write_text(json.dumps(content))
    conda = inference_config_of("inferenceconfig.json").environment.python.conda_dependencies
    assert "numpy" in list(conda.pip_packages)
    monkeypatch.chdir("/")
    assert [each.verdict for each in read_project(project).findings if each.file == "inferenceconfig.json"] == [RUNS]


def test_a_configuration_that_holds_a_list_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "inferenceconfig.json").write_text("[]")
    assert read_project(tmp_path).unread == ["inferenceconfig.json (it is not an object with keys)"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"computeType": "aks", "namespace": 5}, "namespace must be a text, not 5"),
        ({"computeType": "aci", "keys": {"primaryKey": 5}}, "primary_key must be a text"),
        ({"computeType": "aks", "numReplicas": 1.5}, "num_replicas must be a whole number, not 1.5"),
    ],
)
def test_a_deployment_configuration(project: Path, content: dict[str, Any], expected: str) -> None:
    Path("deploymentconfig.json").write_text(json.dumps(content))
    with pytest.raises(AzureMLException) as caught:
        deployment_config_of("deploymentconfig.json")
    assert caught.value.message.startswith("deploymentconfig.json: ")
    assert expected in caught.value.message


def test_a_key_that_is_not_known_hides_nothing_else(project: Path) -> None:
    scaler = {"autoscaleEnabled": True, "minReplicas": 5, "maxReplicas": 2}
    Path("deploymentconfig.json").write_text(json.dumps({"computeType": "aks", "nope": 1, "autoScaler": scaler}))
    [finding] = [each for each in read_project(project).findings if each.file == "deploymentconfig.json"]
    assert "has no 'nope'" in finding.why
    assert "autoscale_min_replicas cannot be greater than autoscale_max_replicas" in finding.why


@pytest.mark.parametrize("home", ["a_file", "/proc/foo"])
def test_a_home_that_cannot_be_written(project: Path, monkeypatch: pytest.MonkeyPatch, home: str) -> None:
    Path("a_file").touch()
    monkeypatch.setenv("MLDEPLOY_HOME", str(Path(home).absolute()))
    MLDeploy.clear_instance()
    with pytest.raises(AzureMLException, match="The workspace cannot be kept in ") as caught:
        Workspace.from_config()
    assert "MLDEPLOY_HOME" in caught.value.hint
    assert main(["service", "list"]) == 1


@pytest.mark.parametrize("content", ["[]", '{"images": 5}', "{"])
def test_what_is_kept_of_a_workspace(ws: Workspace, content: str) -> None:
    (ws.book.folder / "workspace.json").write_text(content)
    with pytest.raises(AzureMLException, match=r"workspace.json' cannot be read: "):
        Webservice.list(ws)


@pytest.mark.parametrize("content", ["[]", "null"])
def test_a_config_json_that_holds_no_object(project: Path, content: str) -> None:
    Path("config.json").write_text(content)
    with pytest.raises(AzureMLException, match="it holds no object with keys"):
        Workspace.from_config()


def conda() -> CondaDependencies:
    return CondaDependencies()


def deployed(ws: Workspace, **changes: Any) -> Any:
    """With an environment that somebody has changed."""
    environment = Environment("e")
    for name, value in changes.items():
        owner, _, last = name.rpartition("__")
        setattr({"": environment, "docker": environment.docker, "python": environment.python}[owner], last, value)
    return Model.deploy(ws, "mysvc", [], InferenceConfig("score.py", environment=environment))


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda ws: conda().add_pip_package(None), "pip_package must be a text that is not empty, not None"),
        (lambda ws: conda().add_pip_package(["a"]), "pip_package must be a text that is not empty, not ['a']"),
        (lambda ws: conda().remove_pip_package(5), "pip_package must be a text"),
        (lambda ws: conda().add_conda_package(5), "conda_package must be a text"),
        (lambda ws: conda().remove_conda_package(None), "conda_package must be a text"),
        (lambda ws: conda().set_pip_option(5), "pip_option must be a text"),
        (lambda ws: conda().set_pip_index_url(None), "index_url must be a text"),
        (lambda ws: CondaDependencies.create(pip_packages=[None]), "Each of pip_packages must be a text"),
        (lambda ws: CondaDependencies.create(pip_packages=5), "pip_packages must be a list of texts, not 5"),
        (lambda ws: conda().save_to_file("newdir/aa"), "'newdir/aa/auto_conda_dependencies.yml' cannot be used: "),
        (lambda ws: deployed(ws, environment_variables=["a"]), "environment_variables must be a dict, not ['a']"),
        (lambda ws: deployed(ws, python=None), "python must be a PythonSection, not None"),
        (lambda ws: deployed(ws, docker=None), "docker must be a DockerSection, not None"),
        (lambda ws: deployed(ws, docker__base_image=5), "docker.base_image must be a text, not 5"),
        (lambda ws: deployed(ws, python__conda_dependencies="x"), "conda_dependencies must be a CondaDependencies"),
        (lambda ws: AciWebservice.deploy_configuration(auth_enabled=True, primary_key=5), "primary_key must be a text"),
        (lambda ws: Model.deserialize(ws, {"a": 1}), "Model.deserialize(): this is not what serialize() returns"),
        (lambda ws: Image.deserialize(ws, {"a": 1}), "it has no 'id'"),
        (lambda ws: Webservice.deserialize(ws, [1]), "it has no 'name'"),
        (lambda ws: ComputeTarget.deserialize(ws, {"a": 1}), "it has no 'name'"),
        (lambda ws: ws.write_config("/proc/zz"), "cannot be used: No such file or directory"),
        (
            lambda ws: Experiment(ws, "e").start_logging().upload_file("o", "nono.pkl"),
            "'nono.pkl' cannot be used: No such file or directory",
        ),
        (lambda ws: Webservice.list(ws, image_digest="x"), "digests of images are not kept here"),
        (
            lambda ws: Model.deploy(ws, "mysvc", [], None, AksWebservice.deploy_configuration(), "my-context"),
            "deployment_target must be an AksCompute, not 'my-context'",
        ),
        (
            lambda ws: AksWebservice.deploy_configuration(autoscale_enabled=True, autoscale_target_utilization=150),
            "autoscale_target_utilization must be at most 100 percent, not 150.",
        ),
        (
            lambda ws: AksWebservice.deploy_configuration(autoscale_enabled=True, autoscale_target_utilization=0.7),
            "autoscale_target_utilization must be a whole number of percent, not 0.7.",
        ),
        (lambda ws: AksWebservice.deploy_configuration(num_replicas=1.5), "num_replicas must be a whole number, not 1.5."),
        (
            lambda ws: AksWebservice.deploy_configuration(scoring_timeout_ms=400000),
            "scoring_timeout_ms must be at most 300000 milliseconds, not 400000.",
        ),
        (lambda ws: Model.package(ws, [], "x"), "must be of type InferenceConfig"),
        (lambda ws: Model.package(ws, [], InferenceConfig("score.py"), image_label="a b"), "image_label='a b' is not valid"),
    ],
)  # fmt: skip
def test_the_sentence(ws: Workspace, call: Any, expected: str) -> None:
    with pytest.raises(AzureMLException) as caught:
        call(ws)
    assert expected in caught.value.message


def test_a_conda_file_whose_packages_are_a_text(tmp_path: Path) -> None:
    path = tmp_path / "c.yml"
    path.write_text("dependencies: numpy\n")
    with pytest.raises(AzureMLException, match="not of conda's form: dependencies is a list, not 'numpy'"):
        CondaDependencies(str(path))
    path.write_text("dependencies:\n  - pip:\n")
    assert list(CondaDependencies(str(path)).pip_packages) == []


def test_a_workspace_is_deleted_with_its_models(ws: Workspace) -> None:
    Model.register(ws, "my_model.pkl", "secret-model")
    with pytest.raises(AzureMLException, match="has models: secret-model:1"):
        ws.delete()
    ws.delete(delete_dependent_resources=True)
    other = Workspace.create("other", resource_group="g")
    with pytest.raises(ModelNotFoundException):
        Model.get_model_path("secret-model", _workspace=other)


def test_a_model_that_was_deleted_tells_of_its_own_workspace_only(ws: Workspace) -> None:
    model = Model.register(ws, "my_model.pkl", "mine")
    Model.register(Workspace.create("other", resource_group="g"), "my_model.pkl", "theirs")
    model.delete()
    with pytest.raises(ModelNotFoundException) as caught:
        Model.deploy(ws, "mysvc", [model], InferenceConfig("score.py"))
    assert "theirs" not in str(caught.value)


def test_a_package_is_saved_twice(ws: Workspace, project: Path) -> None:
    model = Model.register(ws, "my_model.pkl", "mine")
    Path("plain.py").write_text("def init():\n    pass\n\ndef run(data):\n    return data\n")
    package = Model.package(ws, [model], InferenceConfig("plain.py"), generate_dockerfile=True)
    for _ in range(2):
        package.save("saved")
    assert (project / "saved/Dockerfile").is_file()
    with pytest.raises(AzureMLException, match="output path is not a directory: 'plain"):
        package.save("plain.py")


def test_a_model_is_deleted_and_downloaded_in_a_terminal(ws: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        Model.register(ws, "my_model.pkl", "cli")
    assert main(["model", "delete", "-i", "cli"]) != 0
    assert "cli:2, cli:1" in capsys.readouterr().err
    assert main(["model", "delete", "-i", "cli:2"]) == 0
    assert main(["model", "download", "-i", "cli", "-t", "here"]) == 0
    capsys.readouterr()
    assert main(["model", "download", "-i", "cli", "-t", "here"]) != 0
    assert "--overwrite" in capsys.readouterr().err
    assert main(["model", "delete", "-i", "cli"]) == 0
    assert "deleted cli:1" in capsys.readouterr().out
