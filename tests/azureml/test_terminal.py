"""The documents' commands with ``mldeploy`` in the place of ``az ml``, and the other verbs that go with the v1 names."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from jupyter_mldeploy.azureml.core import Experiment, Workspace
from jupyter_mldeploy.azureml.core.webservice import AksWebservice
from jupyter_mldeploy.cli import main

pytestmark = [pytest.mark.usefixtures("process"), pytest.mark.timeout(300), pytest.mark.filterwarnings("ignore")]


PLAIN = "import os\n\ndef init(): pass\n\ndef run(data): return os.environ['AZUREML_MODEL_DIR']\n"


@pytest.fixture
def mldeploy(project: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command; its output, and what it said on stderr."""

    def run(*words: str, code: int = 0) -> str:
        capsys.readouterr()
        found = main(list(words))
        captured = capsys.readouterr()
        assert found == code, captured.out + captured.err
        return captured.out if code == 0 else captured.err

    return run


@pytest.fixture
def configurations(project: Path) -> None:
    """``inferenceconfig.json`` and ``deploymentconfig.json`` as the CLI's documentation has them."""
    inference = {
        "entryScript": "score.py",
        "runtime": "python",
        "condaFile": "myenv.yml",
        "sourceDirectory": None,
        "enableGpu": None,
    }
    (project / "inferenceconfig.json").write_text(json.dumps(inference))
    (project / "deploymentconfig.json").write_text('{"computeType": "local", "port": null}')


def test_from_register_to_delete(mldeploy: Any, configurations: None, project: Path) -> None:
    where = ("--workspace-name", "myworkspace", "--resource-group", "group")
    assert mldeploy(
        "model", "register", "-n", "my_best_model", "-p", "my_model.pkl", "--tag", "area=iris", *where[2:]
    ) == ("Registering model my_best_model\nmy_best_model:1\n")
    assert "my_best_model" in mldeploy("model", "list", *where)
    assert json.loads(mldeploy("model", "show", "-i", "my_best_model:1"))["tags"] == {"area": "iris"}
    told = mldeploy(
        "model",
        "deploy",
        "-n",
        "mysvc",
        "-m",
        "my_best_model:1",
        "--ic",
        "inferenceconfig.json",
        "--dc",
        "deploymentconfig.json",
        "--overwrite",
    )
    assert "mysvc · Local · running · http://127.0.0.1:" in told

    (project / "sample.json").write_text('{"data": [[1, 2, 3]]}')
    for command in (
        ("score", "mysvc", "--data", "@sample.json"),
        ("service", "run", "-n", "mysvc", "-d", "@sample.json"),
    ):
        assert json.loads(mldeploy(*command)) == {"result": [321.0]}

    # The documents' command, with its options.
    logs = mldeploy("service", "get-logs", "--verbose", "--workspace-name", "myworkspace", "--name", "mysvc")
    assert "POST /score 200" in logs
    assert "mysvc" in mldeploy("service", "list", *where)
    assert json.loads(mldeploy("service", "list", "--format", "json"))[0]["computeType"] == "Local"
    assert json.loads(mldeploy("service", "show", "--name", "mysvc"))["state"] == "running"
    assert mldeploy("service", "delete", "--name", "mysvc").endswith("deleted mysvc\n")
    assert mldeploy("model", "delete", "-i", "my_best_model:1") == "deleted my_best_model:1\n"


def test_a_metadata_file_goes_from_command_to_command(mldeploy: Any, configurations: None, project: Path) -> None:
    """``az ml model register … -t FILE``, then ``deploy -f FILE`` and ``update -f FILE``; of a run's files, too."""
    begun = Experiment(Workspace.from_config(), "exp").start_logging()
    begun.upload_file("outputs/my_model.pkl", "outputs/my_model.pkl")
    begun.complete()
    run = begun.id
    told = mldeploy(
        "model", "register", "-n", "best", "--asset-path", "outputs/my_model.pkl", "--experiment-name", "exp",
        "--run-id", run, "--output-metadata-file", "modelinfo.json", "-o", "json",
    )  # fmt: skip
    assert json.loads(told)["runId"] == run
    assert json.loads((project / "modelinfo.json").read_text())["modelId"] == "best:1"
    assert mldeploy("model", "register", "-n", "plain", "--asset-path", "my_model.pkl").endswith("plain:1\n")
    (project / "score.py").write_text(PLAIN)
    deploying = ("-n", "mysvc", "--ic", "inferenceconfig.json")
    mldeploy("model", "deploy", *deploying, "-f", "modelinfo.json", "--dc", "deploymentconfig.json")
    assert mldeploy("service", "run", "-n", "mysvc", "-d", "{}") == "azureml-models/best/1\n"
    mldeploy("model", "register", "-n", "best", "-p", "my_model.pkl", "-t", "modelinfo.json")
    mldeploy("service", "update", *deploying, "--model-metadata-file", "modelinfo.json")
    assert mldeploy("service", "run", "-n", "mysvc", "-d", "{}") == "azureml-models/best/2\n"

    assert "was not written by" in mldeploy("model", "deploy", *deploying, "-f", "deploymentconfig.json", code=1)
    assert "--model-path" in mldeploy("model", "register", "-n", "x", code=1)
    assert "--experiment-name" in mldeploy("model", "register", "-n", "x", "-p", "score.py", "--run-id", run, code=1)
    assert "take --format json" in mldeploy("model", "list", "--query", "[0].id", code=2)


def test_refusals_are_one_line(mldeploy: Any, configurations: None, project: Path) -> None:
    assert mldeploy("service", "get-logs", "--workspace-name", "yours", "--name", "x", code=1).startswith(
        "mldeploy: Workspace not found: there is no workspace 'yours' on this machine."
    )
    assert "Webservice with name none not found" in mldeploy("service", "show", "--name", "none", code=1)
    assert "ModelNotFound" in mldeploy("model", "show", "-n", "none", code=1)
    (project / "deploymentconfig.json").write_text('{"computeType": "aks", "autoScaler": {"minReplica": 1}}')
    said = mldeploy(
        "model", "deploy", "-n", "mysvc", "--ic", "inferenceconfig.json", "--dc", "deploymentconfig.json", code=1
    )
    assert "deploymentconfig.json: autoScaler has no 'minReplica'; the nearest that works is 'minReplicas'." in said
    (project / "deploymentconfig.json").write_text(
        '{"computeType": "aks", "numReplicas": 1, "autoScaler": {"autoscaleEnabled": true}}'
    )
    said = mldeploy(
        "model", "deploy", "-n", "mysvc", "--ic", "inferenceconfig.json", "--dc", "deploymentconfig.json", code=1
    )
    assert "Invalid configuration, autoscale enabled and num_replicas provided." in said
    (project / "deploymentconfig.json").write_text('{"computeType": "iot"}')
    assert "it is aci, aks or local" in mldeploy(
        "model", "deploy", "-n", "mysvc", "--dc", "deploymentconfig.json", code=1
    )


def test_the_files_of_the_cli_are_specifications(project: Path, configurations: None) -> None:
    from jupyter_mldeploy.azureml.config_files import deployment_config_of, inference_config_of

    aci = {"computeType": "ACI", "containerResourceRequirements": {"cpu": 0.5, "memoryInGB": 1.0}, "authEnabled": True}
    (project / "aci.json").write_text(json.dumps(aci))
    made = deployment_config_of("aci.json")
    assert (made.cpu_cores, made.memory_gb, made.auth) == (0.5, 1.0, True)
    aks = {
        "computeType": "aks", "autoScaler": {"autoscaleEnabled": True, "minReplicas": 2, "maxReplicas": 4, "targetUtilization": 50},
        "containerResourceRequirements": {"cpu": 1, "memoryInGB": 2}, "scoringTimeoutMs": 1000, "maxQueueWaitMs": 100,
        "livenessProbeRequirements": {"periodSeconds": 10}, "namespace": "models",
    }  # fmt: skip
    (project / "aks.json").write_text(json.dumps(aks))
    values = deployment_config_of("aks.json").spec_values()
    assert (values["autoscale"].minimum, values["autoscale"].maximum) == (2, 4)
    assert (values["scoring_timeout"], values["max_request_wait"]) == (1.0, 0.1)
    environment = {"name": "e", "python": {"condaDependencies": {"dependencies": ["python=3.11", {"pip": ["numpy"]}]}}}
    (project / "second.json").write_text(json.dumps({"entryScript": "score.py", "environment": environment}))
    spec = inference_config_of("second.json").to_spec()
    assert (spec.environment.python, spec.environment.requirements) == ("3.11", ("numpy",))


def test_the_inference_server(project: Path, free_port: int) -> None:
    """``azmlinfsrv --entry_script score.py`` and ``curl -p 127.0.0.1:5001/score``, with a port that is free."""
    (project / "plain.py").write_text("def init():\n    pass\n\ndef run(data):\n    return {'got': data}\n")
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyter_mldeploy.cli", "serve", "--entry_script", "plain.py", "--port", str(free_port)],
        cwd=project, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ},
    )  # fmt: skip
    try:
        assert server.stdout is not None
        curl = ["curl", "--silent", "--retry", "30", "--retry-all-errors", "--retry-delay", "1", "--fail"]
        done = subprocess.run(
            [*curl, "-p", f"127.0.0.1:{free_port}/score"], capture_output=True, text=True, check=False
        )
        assert json.loads(done.stdout) == {"got": "{}"}
    finally:
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=60)


def test_the_bad_script_is_located(project: Path) -> None:
    """ "Where the script has an error, an exception says where": the documents' promise of the inference server."""
    (project / "wrong.py").write_text("def init():\n    raise KeyError('weights')\n\ndef run(data):\n    return data\n")
    done = subprocess.run(
        [sys.executable, "-m", "jupyter_mldeploy.cli", "serve", "--entry_script", "wrong.py", "--dry_run"],
        cwd=project, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "wrong.py" in done.stdout + done.stderr
    assert "weights" in done.stdout + done.stderr


def test_importing_an_old_project(mldeploy: Any, configurations: None, project: Path) -> None:
    old = project / "old"
    old.mkdir()
    (old / "score.py").write_text((project / "score.py").read_text())
    (old / "deploy.py").write_text(
        "import os\n"
        "from azureml.core import Workspace, Dataset\n"
        "from azureml.core.model import Model\n"
        "from azureml.core.webservice import AksWebservice, AksEndpoint\n"
        "from azureml.train.dnn import PyTorch\n"
        "\n"
        "ws = Workspace.from_config()\n"
        "store = ws.get_default_datastore()\n"
        "model = Model.register(ws, model_path='m.pkl', model_name='m', child_paths=['a'])\n"
        "config = AksWebservice.deploy_configuration(autoscale_enabled=True, replicas=3)\n"
        "service = Model.deploy(ws, 'x', [model], None, config)\n"
        "service.wait_for_deployment(True)\n"
    )
    notebook = {"cells": [
        {"cell_type": "markdown", "source": ["# words"]},
        {"cell_type": "code", "source": ["%matplotlib inline\n", "import azureml.core\n", "from azureml.widgets import RunDetails\n"]},
        {"cell_type": "code", "source": ["%%time\n", "from azureml.core.compute import ComputeTarget\n", "ComputeTarget.create(None, 'a', None)\n"]},
        {"cell_type": "code", "source": ["%%writefile src/score.py\n", "from sklearn.externals import six\n", "def init(): pass\n", "def run(d): pass\n"]},
        {"cell_type": "code", "source": ["%%bash\n", "echo no python here\n"]},
    ], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}  # fmt: skip
    (old / "train.ipynb").write_text(json.dumps(notebook))
    (old / "inferenceconfig.json").write_text((project / "inferenceconfig.json").read_text())
    (old / "myenv.yml").write_text((project / "myenv.yml").read_text())
    (old / "broken.py").write_text("def f(:\n")
    assert main(["import", str(old), "--format", "json"]) == 1
    found = {}
    from jupyter_mldeploy.azureml.importing import read_project

    report = read_project(old)
    for finding in report.findings:
        found.setdefault(finding.verdict, {})[finding.what] = finding
    refused = found["does not run"]
    assert set(refused) == {
        "azureml.core.Dataset", "azureml.core.webservice.AksEndpoint", "azureml.train.dnn.PyTorch",
        "Workspace.get_default_datastore", "azureml.widgets.RunDetails", "ComputeTarget.create",
    }  # fmt: skip
    assert refused["Workspace.get_default_datastore"].place == "deploy.py, line 8"
    assert refused["azureml.widgets.RunDetails"].place == "train.ipynb, cell 2, line 3"
    assert "wait_for_deployment(show_output=True)" in refused["azureml.widgets.RunDetails"].why
    assert set(found["to change"]) == {
        "Model.register(child_paths=)",
        "AksWebservice.deploy_configuration(replicas=)",
        "sklearn.externals.six",
    }
    assert found["to change"]["sklearn.externals.six"].place == "train.ipynb, cell 4, line 2"
    assert {"Model.deploy", "AksWebservice.wait_for_deployment", "an inference configuration"} <= set(found["runs"])
    assert report.scripts == ["score.py", "src/score.py (written by train.ipynb, cell 4)"]
    assert len(report.unread) == 1
    assert report.unread[0].startswith("broken.py (")
    assert mldeploy("import", str(old / "score.py")).startswith("runs as it is")
    assert "There is no folder or file 'nowhere'." in mldeploy("import", "nowhere", code=1)


def test_settings_are_options_where_the_kind_takes_them(
    mldeploy: Any, configurations: None, project: Path, process: None
) -> None:
    (project / "plain.py").write_text("def init():\n    pass\n\ndef run(data):\n    return data\n")
    (project / "inferenceconfig.json").write_text('{"entryScript": "plain.py", "runtime": "python"}')
    files = ("--ic", "inferenceconfig.json", "--dc", "deploymentconfig.json")
    assert mldeploy("model", "deploy", "-n", "mysvc", *files, "--cc", "2", code=1) == (
        "mldeploy: --cpu-cores=2.0 is not valid: a deployment of the kind Local does not take it.\n"
    )
    assert "of the kind Local" in mldeploy("model", "deploy", "-n", "mysvc", *files, "-d", "text", code=1)
    mldeploy("model", "deploy", "-n", "mysvc", *files)
    ws = Workspace.from_config()
    assert mldeploy("service", "update", "-n", "mysvc", "--memory-gb", "2", code=1) == (
        "mldeploy: --memory-gb=2.0 is not valid: of 'mysvc', which is of the kind Local, it cannot be changed.\n"
    )
    assert "has no tags" in mldeploy("service", "update", "-n", "mysvc", "--add-tag", "a=b", code=1)
    given = AksWebservice.deploy_configuration(num_replicas=1, auth_enabled=False)
    with ws.book.change() as content:
        content["services"]["mysvc"].update(type="AKS", auth=False, settings=given.settings())
    words = (
        "--memory-gb",
        "2",
        "--cc",
        "1",
        "-d",
        "text",
        "--add-property",
        "p=q",
        "--add-tag",
        "a=b",
        "--format",
        "json",
    )
    told = json.loads(mldeploy("service", "update", "-n", "mysvc", *words))
    assert told["containerResourceRequirements"]["cpu"] == 1
    assert (told["containerResourceRequirements"]["memoryInGB"], told["description"]) == (2, "text")
    assert (told["properties"], told["tags"]) == ({"p": "q"}, {"a": "b"})
    assert mldeploy("service", "update", "-n", "mysvc", "--autoscale-max-replicas", "2", "--nr", "-1", code=1) == (
        "mldeploy: Error, num_replicas must be greater than zero. "
        "Error, autoscale_max_replicas provided without enabling autoscaling.\n"
    )
    (project / "deploymentconfig.json").write_text('{"computeType": "aks", "numReplicas": 1}')
    said = mldeploy("model", "deploy", "-n", "other", *files, "--as", "true", code=1)
    assert "autoscale enabled and num_replicas provided" in said


def test_an_option_that_there_is_not_is_told_under_the_usage_of_its_verb(mldeploy: Any) -> None:
    said = mldeploy("service", "update", "-n", "x", "--bogus", "1", code=2)
    assert said.startswith("usage: mldeploy service update ")
    assert said.endswith("mldeploy service update: error: unrecognized arguments: --bogus 1\n")
    assert "'yes' is neither true nor false" in mldeploy("service", "update", "-n", "x", "--ae", "yes", code=2)


def test_what_is_missing_to_choose_a_workspace_is_named(mldeploy: Any, project: Path) -> None:
    (project / "config.json").unlink()
    Workspace.create("one", resource_group="g")
    Workspace.create("two", resource_group="g")
    Workspace.create("two", resource_group="h")
    assert "Say which one is meant with --workspace-name." in mldeploy("service", "show", "-n", "x", code=1)
    assert "with --resource-group." in mldeploy("service", "show", "-n", "x", "-w", "two", code=1)
