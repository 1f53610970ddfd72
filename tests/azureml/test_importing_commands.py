"""``mldeploy import`` on commands, configurations and notebooks as people wrote them; each was missed or misjudged once."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from jupyter_mldeploy.azureml.importing import CHANGES, RUNS, Report, read_project
from jupyter_mldeploy.azureml.use_tables import COMMON_OPTIONS, OPTIONS
from jupyter_mldeploy.cli import main
from jupyter_mldeploy.cli.v1_parser import add_v1_models, add_v1_services


def shell(folder: Path, text: str) -> list[tuple[str, int, str]]:
    (folder / "run.sh").write_text(text)
    return [(found.what, found.line, found.why) for found in read_project(folder / "run.sh").findings]


def cell(folder: Path, text: str) -> Report:
    (folder / "old.ipynb").write_text(json.dumps({"cells": [{"cell_type": "code", "source": text}]}))
    return read_project(folder / "old.ipynb")


def test_the_options_are_the_parsers() -> None:
    for group, add in (("model", add_v1_models), ("service", add_v1_services)):
        parser = argparse.ArgumentParser()
        add(parser)
        [actions] = [each for each in parser._actions if isinstance(each, argparse._SubParsersAction)]
        for name, made in actions.choices.items():
            assert set(made._option_string_actions) == OPTIONS[f"{group} {name}"] | COMMON_OPTIONS, name
            assert (f"{group} {name}") in OPTIONS
    assert len(OPTIONS) == 15


def test_a_command_goes_on_in_the_next_line(tmp_path: Path) -> None:
    assert shell(tmp_path, "az ml service get-logs \\\n  --verbose \\\n  --bogus 1 -n x\naz ml \\\n  service update -n y\n") == [
        ("az ml service get-logs", 1, "write mldeploy service get-logs, without --bogus: it takes --name, --num-lines, --num_lines."),
        ("az ml service update", 4, "write mldeploy service update, with the same options."),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "what", "why"),
    [
        ("az ml model profile -n x", "az ml model profile", "send requests to a service of it: mldeploy status"),
        ("az ml service create realtime -f score.py", "az ml service create", "mldeploy model deploy does it."),
        ("az ml folder attach -w ws -g g", "az ml folder attach", "put a config.json into the folder"),
        ("az ml model vote", "az ml model vote", "mldeploy model has register, list, show, "),
    ],
)
def test_a_command_that_there_is_not_has_an_answer_of_its_own(tmp_path: Path, text: str, what: str, why: str) -> None:
    [(found, _, told)] = shell(tmp_path, f"{text}\n")
    assert found == what
    assert told.startswith(why)


def test_an_option_that_there_is_not_is_named(tmp_path: Path) -> None:
    [(_, _, why)] = shell(tmp_path, "az ml service update -n x --bogus\n")
    assert why.startswith("write mldeploy service update, without --bogus: it takes --add-property, --add-tag, ")
    [(_, _, why)] = shell(tmp_path, "URI=$(az ml service show -n x -g g) | grep --color uri\n")
    assert why == "write mldeploy service show, with the same options."


@pytest.mark.parametrize(
    ("text", "what", "why"),
    [
        ("!azmlinfsrv --entry_script score.py", "azmlinfsrv", "write mldeploy serve, with the same options."),
        ("x = !az ml service list", "az ml service list", "write mldeploy service list, with the same options."),
        ("!az ml \\\n  service list", "az ml service list", "write mldeploy service list, with the same options."),
        ("!pip install azureml-core==1.20", "pip install azureml-core==1.20", "leave the line out: "),
        ("%pip install -U azureml-sdk[notebooks]", "pip install azureml-sdk[notebooks]", "leave the line out: "),
        ("!python -m pip install azureml-core pandas", "pip install azureml-core", "leave azureml-core out: "),
    ],
)
def test_lines_of_a_notebook_for_a_shell(tmp_path: Path, text: str, what: str, why: str) -> None:
    [found] = cell(tmp_path, f"a = 1\n{text}\n").findings
    assert (found.what, found.line, found.verdict) == (what, 2, CHANGES)
    assert found.why.startswith(why)
    assert cell(tmp_path, "!pip install pandas\n%pip install azureml-mlflow\nb = 'pip'\n").findings == []


def test_an_inference_configuration_is_held_against_the_project(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code/score.py").touch()
    (tmp_path / "env.yml").write_text("name: e\n")
    well = {"entryScript": "code/score.py", "condaFile": "env.yml", "runtime": "python"}
    (tmp_path / "code/inferenceconfig.json").write_text(json.dumps(well))
    [found] = read_project(tmp_path).of(RUNS)
    assert found.what == "an inference configuration"
    wrong = {"entryScript": "none.py", "condaFile": "none.yml", "runtime": "spark-py"}
    (tmp_path / "code/inferenceconfig.json").write_text(json.dumps(wrong))
    [found] = read_project(tmp_path).of(CHANGES)
    for text in ("there is no Spark here", "entryScript: there is no file 'none.py'", "condaFile: there is no file"):
        assert text in found.why
    (tmp_path / "train.py").write_text("open('none.yml', 'w').write(text)\n")
    [found] = read_project(tmp_path).of(CHANGES)
    assert "condaFile" not in found.why


def test_a_deployment_configuration_is_judged_in_all_its_lines(tmp_path: Path) -> None:
    content = {"computeType": "ACI", "sslEnabled": True, "containerResourceRequirements": {"cpu": -1, "memoryInGB": 1}}
    (tmp_path / "deploymentconfig.json").write_text(json.dumps(content))
    [found] = read_project(tmp_path).of(CHANGES)
    assert "cpu_cores must be positive" in found.why
    assert "SSL is enabled" in found.why
    content |= {"computeType": "AKS"}
    (tmp_path / "deploymentconfig.json").write_text(json.dumps(content))
    [found] = read_project(tmp_path).of(CHANGES)
    assert "cpu_cores must be greater than zero" in found.why
    assert "sslEnabled is left out" in found.why


def test_notebooks_of_version_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cells = [{"cell_type": "code", "input": ["from azureml.core import Workspace\n", "ws = Workspace.from_config()"]}]
    (tmp_path / "old.ipynb").write_text(json.dumps({"nbformat": 3, "worksheets": [{"cells": cells}]}))
    assert [found.what for found in read_project(tmp_path).findings] == [
        "azureml.core.Workspace", "Workspace.from_config",
    ]  # fmt: skip


def test_what_cannot_be_read_is_no_all_clear(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "old.py").write_text("print 'two'\n")
    assert main(["import", str(tmp_path)]) == 1
    said = capsys.readouterr().out
    assert "not read: old.py" in said
    assert "Nothing of azureml-core is used in what could be read." in said
    (tmp_path / "old.py").write_text("print('three')\n")
    assert main(["import", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "Nothing of azureml-core is used here.\n"


def test_a_service_is_of_the_kind_of_its_configuration(tmp_path: Path) -> None:
    (tmp_path / "old.py").write_text(
        "from azureml.core.model import Model\n"
        "from azureml.core.webservice import AciWebservice, AksWebservice\n"
        "aci = AciWebservice.deploy_configuration(cpu_cores=1)\n"
        "one = Model.deploy(ws, 'x', [m], ic, aci)\n"
        "one.update(memory_gb=2)\n"
        "one.update(tags={})\n"
        "two = Model.deploy(ws, 'y', [m], ic, deployment_config=AksWebservice.deploy_configuration())\n"
        "two.update(memory_gb=2, num_replicas=3)\n"
        "Model.deploy(ws, 'z', [m], ic, config_of_another_file).update(memory_gb=2)\n"
    )
    [found] = read_project(tmp_path / "old.py").of(CHANGES)
    assert (found.what, found.line) == ("AciWebservice.update(memory_gb=)", 5)
    assert found.why.startswith(
        "there is no such argument; it takes image, tags, properties, description, auth_enabled,"
    )
