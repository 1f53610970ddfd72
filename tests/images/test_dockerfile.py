"""The Dockerfile: as a person would have written it, and nothing that a user writes stands in a command."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from jupyter_mldeploy._version import __version__
from jupyter_mldeploy.errors import InvalidValue
from jupyter_mldeploy.images.dockerfile import environment_yml, quoted
from jupyter_mldeploy.images.inputs import check_reference, check_registry, default_base
from jupyter_mldeploy.images.plan import plan_image
from jupyter_mldeploy.images.surroundings import Surroundings
from jupyter_mldeploy.spec import Environment

from .conftest import Make

GOLDEN = Path(__file__).with_name("golden")
CONDA = Environment(name="conda", python="3.11", conda=("openmpi=5",), channels=("defaults",), apt=("libgomp1",))


def check_golden(request: pytest.FixtureRequest, name: str, text: str) -> None:
    path = GOLDEN / name
    text = text.replace(__version__, "VERSION")
    if request.config.getoption("--update-golden"):
        path.write_text(text)
    assert text == path.read_text()


def test_the_dockerfile_of_a_pip_environment(inputs: Make, request: pytest.FixtureRequest) -> None:
    check_golden(request, "pip.dockerfile", plan_image(inputs()).dockerfile)


def test_the_dockerfile_of_a_conda_environment(inputs: Make, request: pytest.FixtureRequest) -> None:
    made = inputs(environment=CONDA, conda=CONDA.conda)
    check_golden(request, "conda.dockerfile", plan_image(made).dockerfile)


def test_the_dockerfile_behind_a_proxy_with_an_index_and_certificates(
    inputs: Make, request: pytest.FixtureRequest
) -> None:
    around = Surroundings(
        proxies={"HTTPS_PROXY": "http://me:secret@proxy:3128"},
        ca_bundle=b"a certificate",
        pip_conf=b"[global]\nindex-url = https://me:secret@index.example/simple\n",
        notes=("HTTPS_PROXY=http://[redacted]@proxy:3128 (from the environment)",),
    )
    plan = plan_image(inputs(surroundings=around))
    assert "secret" not in plan.dockerfile
    assert "secret" not in json.dumps(plan.labels)
    assert "secret" not in plan.reference
    check_golden(request, "network.dockerfile", plan.dockerfile)


def test_layers_go_from_slow_to_fast(inputs: Make) -> None:
    environment = Environment(name="e", python="3.11", apt=("libgomp1",), requirements=("six",))
    text = plan_image(inputs(environment=environment)).dockerfile
    order = [
        "FROM python",
        "apt-get install",
        "front.txt",
        "COPY requirements.txt",
        "COPY runtime/",
        "COPY models/",
        "app/",
    ]
    places = [text.index(what) for what in order]
    assert places == sorted(places)


def test_it_runs_as_nobody_that_matters_on_the_documented_port(inputs: Make) -> None:
    text = plan_image(inputs()).dockerfile
    assert "USER 10001:10001" in text
    assert "EXPOSE 5001" in text
    assert "WORKDIR /var/azureml-app" in text
    assert "HEALTHCHECK" in text
    assert not re.search(r"^USER (root|0)", text, re.MULTILINE)


@pytest.mark.parametrize(
    "nasty",
    [
        "$(reboot)",
        '"; RUN reboot; #',
        "one\nRUN reboot",
        "back\\slash",
        "`reboot`",
        "${PATH}",
        "tab\tand\x00zero",
        "it's",
        "ünïcode 🤖",
    ],
)
def test_a_value_stays_one_value(nasty: str) -> None:
    text = quoted(nasty)
    assert "\n" not in text
    assert text.startswith('"')
    assert text.endswith('"')
    # Docker's own quoting is the shell's, without substitution: what a shell would read is what was meant.
    (read,) = shlex.split(text.replace("\\$", "$"))
    assert read == re.sub(r"[\x00-\x1f\x7f]+", " ", nasty)
    assert not re.search(r"(?<!\\)\$", text)


def test_what_users_write_stands_in_files_not_in_commands(inputs: Make) -> None:
    nasty = "six; extra == '$(reboot)'"
    made = inputs(requirements=(nasty, "one\nRUN reboot"), entry_script="a $(reboot).py")
    plan = plan_image(made)
    for part in plan.parts:
        for line in part.dockerfile.splitlines():
            assert not line.startswith("RUN reboot")
            if line.startswith(("RUN", " &&")):
                assert "reboot" not in line
    requirements = next(entry for entry in plan.entries if entry.path == "requirements.txt")
    assert requirements.content.decode().splitlines() == [nasty, "one RUN reboot"]


@pytest.mark.parametrize(
    "base", ["python:3.11\nRUN reboot", "python AS x", "", "-x", "a b", "a;b", "@sha256:1", "a@sha256:12"]
)
def test_a_base_image_is_a_reference_or_refused(base: str) -> None:
    with pytest.raises(InvalidValue, match=r"write an image reference such as python:3\.11-slim"):
        check_reference("base_image", base)


@pytest.mark.parametrize("base", ["python:3.11-slim", "127.0.0.1:5000/a/b_c:1.0", f"x@sha256:{'0' * 64}"])
def test_references_as_registries_have_them(base: str) -> None:
    assert check_reference("base_image", base) == base


@pytest.mark.parametrize(
    "registry",
    ["http://127.0.0.1:5000/zz", "UPPER/x", "UPPER", "127.0.0.1:5000/ü", "ü.example", "a b", " ", "/x", "../x",
     "a:5000:1", "host.example/A", "host.example/a..b", "host.example//a", "/", "//"],
)  # fmt: skip
def test_a_registry_is_host_and_path_or_refused(registry: str) -> None:
    with pytest.raises(InvalidValue, match=r"write host and path in small letters, such as registry\.example/team"):
        check_registry(registry)


@pytest.mark.parametrize(
    "registry",
    ["", "somebody", "127.0.0.1:5000", "localhost:5000/a/b", "Registry.Example/team_x/a-b/", "a/b__c.d/e---f"],
)
def test_registries_as_images_are_named_for_them(registry: str) -> None:
    assert check_registry(registry) == registry.rstrip("/")


def test_the_default_base_has_the_environments_python() -> None:
    assert default_base(Environment(name="e", python="3.9")) == "python:3.9-slim"


def test_a_chosen_base_is_asked_for_its_python(inputs: Make) -> None:
    text = plan_image(inputs(base="corp/python:1")).dockerfile
    assert "The base image has Python {v}, but the environment asks for 3.11." in text
    assert "environment asks for" not in plan_image(inputs()).dockerfile


def test_the_conda_file_holds_python_packages_and_what_pip_installs(inputs: Make) -> None:
    told = json.loads(environment_yml(inputs(environment=CONDA, conda=CONDA.conda)))
    assert told["channels"] == ["defaults"]
    assert told["dependencies"] == ["python=3.11", "pip", "openmpi=5", {"pip": ["-r /opt/mldeploy/requirements.txt"]}]
