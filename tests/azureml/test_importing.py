"""``mldeploy import`` on the ways in which old projects were really written; each test is of something that was missed once, or
of an alarm that was false."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_mldeploy.azureml.importing import CHANGES, REFUSED, RUNS, Finding, Report, read_project

Read = Callable[[str], Report]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read a text as a Python file."""

    def reading(text: str) -> Report:
        (tmp_path / "old.py").write_text(text)
        return read_project(tmp_path / "old.py")

    return reading


def notebook(folder: Path, *cells: str) -> Report:
    content = {"cells": [{"cell_type": "code", "source": cell.splitlines(keepends=True)} for cell in cells]}
    (folder / "old.ipynb").write_text(json.dumps(content))
    return read_project(folder / "old.ipynb")


def alarms(report: Report) -> list[tuple[str, int]]:
    return [(finding.what, finding.line) for finding in report.findings if finding.verdict != RUNS]


def only(report: Report, what: str) -> Finding:
    [found] = [finding for finding in report.findings if finding.what == what]
    return found


# -- what was missed -----------------------------------------------------------------------------------------------------


def test_names_with_dots(read: Read) -> None:
    report = read(
        "import azureml.core\n"
        "import azureml.core.model as m\n"
        "from azureml.core import webservice\n"
        "data = azureml.core.Dataset.get_by_name(ws, 'x')\n"
        "ws = azureml.core.Workspace.from_config()\n"
        "ws.get_default_datastore()\n"
        "run = azureml.core.Experiment(ws, 'x').start_logging()\n"
        "run.take_snapshot('.')\n"
        "m.InferenceConfig(nonsense=1)\n"
        "webservice.AksEndpoint\n"
        "print(azureml.core.VERSION, azureml.core.__version__)\n"
        "azureml.train.dnn.PyTorch()\n"
    )
    assert alarms(report) == [
        ("azureml.core.Dataset", 4),
        ("Workspace.get_default_datastore", 6),
        ("Run.take_snapshot", 8),
        ("InferenceConfig(nonsense=)", 9),
        ("azureml.core.webservice.AksEndpoint", 10),
        ("azureml.train.dnn", 12),
    ]
    assert "read the files with pandas or pathlib" in only(report, "azureml.core.Dataset").why
    runs = {finding.what for finding in report.of(RUNS)}
    assert {
        "azureml.core.Workspace",
        "Workspace.from_config",
        "Experiment.start_logging",
        "azureml.core.VERSION",
    } <= runs


def test_what_a_star_would_have_brought(read: Read) -> None:
    report = read(
        "from azureml.core import *\n"
        "ws = Workspace.from_config()\n"
        "ws.get_default_datastore()\n"
        "data = Dataset.get_by_name(ws, 'x')\n"
        "def of(Datastore):\n    return Datastore.get()\n"
    )
    assert alarms(report) == [("Workspace.get_default_datastore", 3), ("azureml.core.Dataset", 4)]
    assert alarms(read("from azureml.core import *\nfrom torch.utils.data import Dataset\nDataset()\n")) == []


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (
            "AksWebservice.deploy_configuration(autoscale_enabled=True, num_replicas=3, tags=mine)",
            "Invalid configuration, autoscale enabled and num_replicas provided.",
        ),
        ("AciWebservice.deploy_configuration(-1)", "Invalid configuration, cpu_cores must be positive."),
        ("LocalWebservice.deploy_configuration(port=0)", "Invalid configuration, port must be an integer in range"),
        ("AksWebservice.deploy_configuration(autoscale_enabled=True, num_replicas=some)", ""),
        ("AksWebservice.deploy_configuration(**given)", ""),
        ("AksWebservice.deploy_configuration(True, 1, 3)", ""),
    ],
)
def test_values_that_are_written_out(read: Read, call: str, why: str) -> None:
    found = [each for each in read(f"from azureml.core.webservice import *\nc = {call}\n").findings if each.line == 2]
    assert [each.why for each in found if each.verdict == CHANGES and each.why.startswith(why)] == [
        each.why for each in found if each.verdict != RUNS
    ]
    assert bool(why) == any(each.verdict == CHANGES for each in found)


# -- alarms that were false ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", ["azureml.core", "azureml.core.webservice"])
def test_a_service_takes_what_any_of_its_kinds_takes(read: Read, module: str) -> None:
    report = read(
        f"from {module} import Webservice\n"
        "from azureml.core.model import Model\n"
        "service = Model.deploy(ws, 'x', [])\n"
        "service.run(input_data='{}')\n"
        "Webservice(ws, name='x').update(models=[], inference_config=None, image=None)\n"
        "service.update(deployment_config=None, nonsense=1)\n"
    )
    assert alarms(report) == [("Webservice.update(nonsense=)", 6)]
    assert "self" not in only(report, "Webservice.update(nonsense=)").why


def test_arguments_and_other_variables_hide_names(read: Read) -> None:
    report = read(
        "from azureml.core.model import Model\n"
        "model = Model(ws, 'm')\n"
        "def score(model):\n"
        "    return model.predict(1)\n"
        "best = max(models, key=lambda model: model.score)\n"
        "names = [model.coef_ for model in others]\n"
        "with opened() as model:\n"
        "    model.predict(2)\n"
        "for model in others:\n"
        "    model.predict(3)\n"
        "model, other = load()\n"
        "model.predict(4)\n"
        "Model = 3\n"
        "Model.real\n"
    )
    assert alarms(report) == []


def test_a_text_that_is_a_comment_is_no_use(read: Read) -> None:
    assert alarms(read('"""\naz ml model deploy -n x\n"""\n')) == []


# -- what was missed -----------------------------------------------------------------------------------------------------


def test_what_comes_of_a_workspace_and_of_lists_is_known(read: Read) -> None:
    report = read(
        "from azureml.core import Workspace, Model\n"
        "def first(ws: Workspace, other: 'Workspace'):\n"
        "    ws.models['m'].profile()\n"
        "    other.datastores\n"
        "    for image in ws.images.values():\n"
        "        image.frobnicate()\n"
        "    return [model.get_sas_urls() for model in Model.list(ws)]\n"
    )
    assert alarms(report) == [
        ("Model.profile", 3),
        ("Workspace.datastores", 4),
        ("Image.frobnicate", 6),
        ("Model.get_sas_urls", 7),
    ]
    assert only(report, "Image.frobnicate").verdict == CHANGES


def test_private_members_have_a_public_one_nearby(read: Read) -> None:
    report = read("from azureml.core import Webservice\nWebservice(ws, 'x')._wait_for_operation_to_complete()\n")
    found = only(report, "Webservice._wait_for_operation_to_complete")
    assert (found.verdict, found.line) == (CHANGES, 2)
    assert "'wait_for_deployment'" in found.why


def test_a_name_of_another_module_is_told_its_place(read: Read) -> None:
    found = only(read("from azureml.core.webservice import AksCompute\n"), "azureml.core.webservice.AksCompute")
    assert (found.verdict, found.why) == (
        CHANGES,
        "AksCompute is in azureml.core.compute: write from azureml.core.compute import AksCompute.",
    )


def test_the_line_is_that_of_the_argument(read: Read) -> None:
    report = read(
        "from azureml.core.model import InferenceConfig\n"
        "InferenceConfig(\n    entry_script='s.py',\n    extra_docker_file_step='steps.txt',\n)\n"
    )
    assert alarms(report) == [("InferenceConfig(extra_docker_file_step=)", 4)]


def test_a_dockerfile_in_an_environment(read: Read) -> None:
    report = read(
        "from azureml.core import Environment\nenvironment = Environment('e')\n"
        "environment.docker.base_image = None\nenvironment.docker.base_dockerfile = 'FROM x\\nRUN y'\n"
        "environment.docker.base_dockerfile = 'FROM x\\nCOPY . .'\n"
    )
    assert alarms(report) == [("docker.base_dockerfile", 5)]
    assert "there is nothing to copy from" in only(report, "docker.base_dockerfile").why


def test_what_is_asked_of_a_clusters_configuration(read: Read) -> None:
    report = read(
        "from azureml.core.compute import AksCompute\nconfig = AksCompute.attach_configuration(cluster_name='c')\n"
        "config.enable_ssl(ssl_cname='c')\nconfig.validate_configuration()\n"
    )
    assert alarms(report) == [("AksAttachConfiguration.enable_ssl", 3)]


def test_what_numpy_no_longer_has(read: Read) -> None:
    report = read("import numpy as np\nfrom azureml.core import Model\nx = np.array([], dtype=np.object)\n")
    assert alarms(report) == [("numpy.object", 3)]


# -- notebooks -----------------------------------------------------------------------------------------------------------


def test_ipythons_own_lines_hide_nothing(tmp_path: Path) -> None:
    report = notebook(
        tmp_path,
        "%matplotlib inline\nfiles = !ls\nModel?\nif True:\n    !ls\nfrom azureml.core import Dataset\n",
        "%%time\nfrom azureml.core import Datastore\n",
        "def broken(:\n",
        "from azureml.train.dnn import PyTorch\n",
        "%%html\n<b>az ml model list</b>\n",
    )
    assert [(finding.what, finding.cell, finding.line) for finding in report.findings] == [
        ("azureml.core.Dataset", 1, 6),
        ("azureml.core.Datastore", 2, 2),
        ("azureml.train.dnn.PyTorch", 4, 1),
    ]
    [unread] = report.unread
    assert unread.startswith("old.ipynb, cell 3 (line 1: Syntax: ")
    assert not unread.endswith(".)")


def test_commands_of_the_azure_cli(tmp_path: Path) -> None:
    report = notebook(
        tmp_path,
        "!az login\n!az ml model register -n m -p m.pkl\n",
        "%%bash\naz ml service get-logs -n x\naz ml computetarget list\n",
        "import os\nos.popen('az ml model list --query \"[0].id\" -o tsv')\n",
    )
    assert [(finding.what, finding.verdict, finding.cell, finding.line) for finding in report.findings] == [
        ("az login", CHANGES, 1, 1),
        ("az ml model register", CHANGES, 1, 2),
        ("az ml service get-logs", CHANGES, 2, 2),
        ("az ml computetarget list", REFUSED, 2, 3),
        ("az ml model list", CHANGES, 3, 2),
    ]
    assert only(report, "az ml model register").why == "write mldeploy model register, with the same options."
    assert "--format json" in only(report, "az ml model list").why
    (tmp_path / "deploy.sh").write_text("#!/bin/sh\naz ml model deploy -n x\n")
    assert only(read_project(tmp_path), "az ml model deploy").place == "deploy.sh, line 2"


# -- scoring scripts -----------------------------------------------------------------------------------------------------

SCRIPT = "{}\ndef init():\n    pass\n\ndef run(data):\n    return data\n"


def test_a_scoring_script_is_judged_by_what_a_service_has(read: Read) -> None:
    report = read(
        SCRIPT.format(
            "from azureml.core import Model, Workspace\nfrom azureml.monitoring import ModelDataCollector\n"
            "from azureml.contrib.services.aml_request import rawhttp\n"
            "model = Model(None, 'm')\npath = Model.get_model_path('m')\nall = Model.list(None)\n"
            "if __name__ == '__main__':\n    from azureml.core import Run\n"
        )
    )
    assert {finding.what: finding.verdict for finding in report.findings} == {
        "azureml.core.Model": RUNS,
        "azureml.core.Workspace": REFUSED,
        "azureml.monitoring.ModelDataCollector": CHANGES,
        "azureml.contrib.services.aml_request.rawhttp": RUNS,
        "Model.get_model_path": RUNS,
        "Model.list": REFUSED,
    }
    assert "a service has no workspace" in only(report, "azureml.core.Workspace").why
    assert report.scripts == ["old.py"]
    assert "scoring scripts to change first: old.py" in report.to_lines()


def test_only_scripts_without_findings_run_as_they_are(tmp_path: Path) -> None:
    for name, head in (
        ("well", "from azureml.core.model import Model"),
        ("old", "from sklearn.externals import joblib  # which is lent"),
        ("six", "from sklearn.externals import six"),
    ):
        (tmp_path / f"{name}.py").write_text(SCRIPT.format(head))
    lines = read_project(tmp_path).to_lines()
    assert "scoring scripts, which run as they are: old.py, well.py" in lines
    assert "scoring scripts to change first: six.py" in lines
    # Scripts need no %load_ext: the name is lent inside of a service.
    assert not any("%load_ext" in line for line in lines)


# -- configurations ------------------------------------------------------------------------------------------------------


def test_configurations_in_yaml(tmp_path: Path) -> None:
    (tmp_path / "aks.yml").write_text("computeType: AKS\nautoScaler:\n  autoscaleEnabled: true\nsslEnabled: true\n")
    (tmp_path / "inference.yaml").write_text("entryScript: s.py\nschemaFile:\nbaseImage:\n")
    (tmp_path / "s.py").touch()
    (tmp_path / "named.yml").write_text("entryScript: s.py\nenvironment: my_environment\n")
    (tmp_path / "other.yml").write_text("a: [1, 2]\n")
    (tmp_path / "template.yml").write_text("{{ not yaml\n")
    report = read_project(tmp_path)
    assert {(finding.file, finding.verdict) for finding in report.findings} == {
        ("aks.yml", RUNS),
        ("inference.yaml", RUNS),
        ("named.yml", CHANGES),
    }
    assert "sslEnabled is left out" in only(report, "a deployment configuration (AKS)").why
    assert "Environment.get(ws, NAME)" in only(report, "a configuration").why
    assert report.unread == []


def test_a_file_that_is_no_json_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "list.json").write_text("[1]")
    [unread] = read_project(tmp_path).unread
    assert unread.startswith("broken.json (")
