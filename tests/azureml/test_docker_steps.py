"""Dockerfile lines of both generations are carried out where they can be, and refused by their line where they cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jupyter_mldeploy.azureml.core import Environment, Workspace
from jupyter_mldeploy.azureml.core.image import ContainerImage
from jupyter_mldeploy.azureml.core.model import InferenceConfig, Model
from jupyter_mldeploy.azureml.core.webservice import AciWebservice, LocalWebservice, Webservice
from jupyter_mldeploy.azureml.exceptions import UserErrorException, WebserviceException
from jupyter_mldeploy.errors import InvalidValue
from jupyter_mldeploy.spec import Environment as EnvironmentSpec
from jupyter_mldeploy.spec.docker_steps import read_dockerfile

pytestmark = [pytest.mark.timeout(300), pytest.mark.filterwarnings("ignore")]

STEPS = """\
# what the documents of those days had
RUN echo "this is test" > /opt/made.txt \\
 && chmod 644 /opt/made.txt

ENV MADE_BY=steps
"""
SCORE = """\
import os

def init():
    pass

def run(data):
    return [open("/opt/made.txt").read().strip(), os.environ["MADE_BY"]]
"""
TOLD = ["this is test", "steps"]


@pytest.fixture
def folder(project: Path) -> Path:
    (project / "made").mkdir()
    (project / "made/tells.py").write_text(SCORE)
    (project / "tells.py").write_text(SCORE)
    (project / "made/steps.txt").write_text(STEPS)
    (project / "steps.txt").write_text(STEPS)
    return project


@pytest.mark.engine
def test_of_both_generations(folder: Path, engine: Any) -> None:
    ws = Workspace.from_config()
    first = InferenceConfig("tells.py", "python", extra_docker_file_steps="steps.txt", source_directory="made")
    second = InferenceConfig(
        "tells.py", environment=Environment.from_dockerfile("e", f"FROM mldeploy-test/python:3.11\n{STEPS}")
    )
    for config in (first, second):
        service = Model.deploy(ws, "mysvc", [], config, LocalWebservice.deploy_configuration())
        service.wait_for_deployment()
        assert service.run("{}") == TOLD

    with_steps = ContainerImage.image_configuration("tells.py", "python", docker_file="steps.txt")
    image = ContainerImage.create(ws, "myimg", [], with_steps)
    image.wait_for_creation()
    aci = Webservice.deploy_from_image(ws, "from-image", image, AciWebservice.deploy_configuration())
    aci.wait_for_deployment()
    assert aci.run("{}") == TOLD


def test_a_process_has_no_image(folder: Path, process: None) -> None:
    config = InferenceConfig("tells.py", "python", extra_docker_file_steps="steps.txt", source_directory="made")
    with pytest.raises(WebserviceException, match="need an image"):
        Model.deploy(Workspace.from_config(), "mysvc", [], config, LocalWebservice.deploy_configuration())


def test_what_is_not_there(folder: Path) -> None:
    with pytest.raises(WebserviceException, match=r"extra docker file steps none.txt doesn't exist"):
        InferenceConfig("tells.py", extra_docker_file_steps="none.txt")
    with pytest.raises(WebserviceException, match=r"Docker file none.txt doesn't exist"):
        ContainerImage.image_configuration("tells.py", "python", docker_file="none.txt")
    (folder / "copies.txt").write_text("RUN true\nCOPY data /data\n")
    config = InferenceConfig("tells.py", extra_docker_file_steps="copies.txt")
    with pytest.raises(UserErrorException, match=r"line 2: there is nothing to copy from"):
        Model.deploy(Workspace.from_config(), "mysvc", [], config, AciWebservice.deploy_configuration())


def test_reading() -> None:
    assert read_dockerfile(STEPS, "it") == (
        None,
        ('RUN echo "this is test" > /opt/made.txt \\\n && chmod 644 /opt/made.txt', "ENV MADE_BY=steps"),
    )
    assert read_dockerfile("FROM a/b:1\nUSER root\nrun x\n", "it") == ("a/b:1", ("run x",))
    assert read_dockerfile("", "it") == (None, ())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("RUN x\nFROM a", "line 2: an image has one base"),
        ("FROM a AS b", "line 1 names no image"),
        ("FROM --platform=linux/amd64 a", "line 1 names no image"),
        ("FROM", "line 1 names no image"),
        ('CMD ["x"]', "the scoring server is what an image starts"),
        ("RUN <<END\nx\nEND", "write the commands with &&"),
        ("RUN --mount=type=cache <<END\nx\nEND", "write the commands with &&"),
        ("apt-get install x", "it is one of RUN, ENV, ARG, LABEL"),
    ],
)
def test_what_cannot_be_carried_out(text: str, words: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        read_dockerfile(text, "it")
    assert words in str(caught.value)


def test_a_step_is_one_instruction_and_part_of_the_hash() -> None:
    with pytest.raises(InvalidValue, match="more than one instruction"):
        EnvironmentSpec(steps=("RUN x\nCOPY a b",))
    assert EnvironmentSpec().hash != EnvironmentSpec(steps=("RUN x",)).hash
