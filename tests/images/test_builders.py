"""Which builder there is for which engine, and what BuildKit's words mean; without an engine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jupyter_mldeploy.config import MLDeploy, settings
from jupyter_mldeploy.errors import InvalidValue
from jupyter_mldeploy.images import engine as engine_module
from jupyter_mldeploy.images import plugin
from jupyter_mldeploy.images.dockerfile import secret_id
from jupyter_mldeploy.images.engine import Engine, _find, _has_buildkit
from jupyter_mldeploy.images.instructions import Instructions
from jupyter_mldeploy.images.plan import plan_image
from jupyter_mldeploy.images.plugin import builder_of, environment_for, find_buildx
from jupyter_mldeploy.images.surroundings import Surroundings

from .conftest import Make
from .test_dockerfile import check_golden

STAGED = """\
# syntax is a comment here
FROM --platform=linux/amd64 python:3.11-slim AS system
ENV A=1 \\
    # in the middle of an instruction
    B=2
RUN --mount=type=cache,id=a,target=/b  apt-get update \\
 && apt-get install gcc

RUN <<END
FROM nowhere
END
FROM system AS packages
COPY a b
from scratch
WORKDIR /x
COPY --from=packages /b /b
"""


def test_instructions_are_numbered_as_the_classic_builder_does_and_layers_as_buildkit_does() -> None:
    made = Instructions.of(STAGED)
    assert [(one.number, one.stage, one.layer, one.command) for one in made.listed] == [
        (1, 0, 1, "FROM --platform=linux/amd64 python:3.11-slim AS system"),
        (2, 0, 0, "ENV A=1 B=2"),
        (3, 0, 2, "RUN apt-get update && apt-get install gcc"),
        (4, 0, 3, "RUN <<END"),
        (5, 1, 0, "FROM system AS packages"),
        (6, 1, 1, "COPY a b"),
        (7, 2, 0, "from scratch"),
        (8, 2, 1, "WORKDIR /x"),
        (9, 2, 2, "COPY --from=packages /b /b"),
    ]


@pytest.mark.parametrize(
    ("vertex", "number"),
    [
        ("[system 1/3] FROM docker.io/library/python:3.11-slim@sha256:12", 1),
        ("[linux/amd64 system 2/3] RUN --mount=type=cache apt-get update", 3),
        ("[packages 1/1] COPY a b", 6),
        ("[stage-2 2/2] COPY --from=packages /b /b", 9),
        ("[internal] load metadata for docker.io/library/python:3.11-slim", 1),
        ("[internal] load remote build context", None),
        ("[system 9/9] RUN unheard of", None),
        ("copy /context /", None),
        ("exporting to image", None),
    ],
)
def test_what_buildkit_means_by_a_vertex(vertex: str, number: int | None) -> None:
    found = Instructions.of(STAGED).meant_by(vertex)
    assert (found and found.number) == number


def test_a_dockerfile_of_one_stage_has_no_name_in_its_vertices() -> None:
    made = Instructions.of("FROM a\nENV b=c\nCOPY d e\nLABEL f=g\n")
    found = made.meant_by("[2/2] COPY d e")
    assert found is not None
    assert found.number == 3
    assert [one.command for one in made.silent_before(found)] == ["ENV b=c"]


# -- the Dockerfile that BuildKit gets --------------------------------------------------------------------------------


def test_the_dockerfile_for_buildkit(inputs: Make, request: pytest.FixtureRequest) -> None:
    around = Surroundings(pip_conf=b"[global]\nindex-url = https://me:secret@index.example/simple\n")
    part = plan_image(inputs(surroundings=around)).parts[0]
    assert "pip.conf" in part.secrets
    assert "secret@" not in part.buildkit
    check_golden(request, "buildkit.dockerfile", part.buildkit)


def test_pips_cache_is_shared_by_those_that_have_the_same_system(inputs: Make) -> None:
    def cache(**changes: object) -> str:
        text = plan_image(inputs(**changes)).parts[0].buildkit
        return text.partition("type=cache,id=")[2].partition(",")[0]

    assert cache() == cache(requirements=("numpy",))
    assert cache() != cache(base="debian:12")


def test_another_index_is_another_secret_and_another_password_is_not() -> None:
    one = secret_id("pip.conf", b"index-url = https://me:one@index.example/simple")
    assert one == secret_id("pip.conf", b"index-url = https://me:two@index.example/simple")
    assert one != secret_id("pip.conf", b"index-url = https://me:one@other.example/simple")


# -- the plugin and the engine ----------------------------------------------------------------------------------------


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of Docker's configuration; nothing of this machine is found."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setattr(plugin, "_SYSTEM", (str(tmp_path / "system"),))
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def put(folder: Path, mode: int = 0o755) -> str:
    folder.mkdir(exist_ok=True)
    path = folder / "docker-buildx"
    path.write_text("#!/bin/sh\n")
    path.chmod(mode)
    return str(path)


@pytest.mark.skipif("os.name == 'nt'")
def test_the_plugin_is_found_where_docker_finds_it(docker: Path) -> None:
    assert find_buildx() == ""
    put(docker / "system", mode=0o644)  # no program
    assert find_buildx() == ""
    for folder in (docker / "system", docker / "cli-plugins", docker / "extra"):  # each wins over those before
        (docker / "config.json").write_text(json.dumps({"cliPluginsExtraDirs": [str(docker / "extra")]}))
        path = put(folder)
        assert find_buildx() == path


@pytest.mark.skipif("os.name == 'nt'")
@pytest.mark.parametrize("text", ["", "[]", '{"cliPluginsExtraDirs": 3}', '{"cliPluginsExtraDirs": null}'])
def test_a_broken_configuration_hides_no_plugin(docker: Path, text: str) -> None:
    (docker / "config.json").write_text(text)
    path = put(docker / "cli-plugins")
    assert find_buildx() == path


@pytest.mark.skipif("os.name == 'nt'")
def test_the_plugin_speaks_to_the_engine_that_was_found(docker: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def told() -> tuple[str, dict[str, str]]:
        address, _, origin, selected = _find(None)
        engine = Engine(None, address, origin, selected)
        given = environment_for(engine, "/folder", {"HTTP_PROXY": "http://proxy:1"})
        assert given["BUILDX_CONFIG"] == "/folder"
        assert given["HTTP_PROXY"] == "http://proxy:1"
        assert "BUILDX_BUILDER" not in given
        names = ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")
        return builder_of(engine), {name: given[name] for name in names if name in given}

    monkeypatch.setattr(engine_module, "_usual_socket", lambda: "/usual.sock")
    monkeypatch.setenv("BUILDX_BUILDER", "somewhere-else")
    builder, given = told()
    assert builder == "default"
    assert given == {"DOCKER_HOST": "unix:///usual.sock"}
    meta = docker / "contexts" / "meta" / "d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa"
    meta.mkdir(parents=True)
    endpoint = {"docker": {"Host": "unix:///elsewhere.sock", "SkipTLSVerify": False}}
    (meta / "meta.json").write_text(json.dumps({"Name": "other", "Metadata": {}, "Endpoints": endpoint}))
    (docker / "config.json").write_text(json.dumps({"currentContext": "other"}))
    assert told() == ("other", {"DOCKER_CONTEXT": "other"})
    monkeypatch.setenv("DOCKER_HOST", "tcp://engine:2375")
    assert told() == ("default", {"DOCKER_HOST": "tcp://engine:2375"})


@pytest.mark.parametrize(
    ("told", "has"),
    [
        ({"Api-Version": "1.41", "Builder-Version": "1"}, True),  # Docker 20.10: it has it, the switch is the client's
        ({"Api-Version": "1.41"}, True),
        ({"Api-Version": "1.39"}, False),
        ({"Api-Version": "1.43", "Builder-Version": "2", "OSType": "linux"}, True),
        ({"Api-Version": "1.43", "Builder-Version": "1", "OSType": "linux"}, False),
        ({"Api-Version": "1.47", "Builder-Version": "2", "OSType": "windows"}, False),
        ({"Api-Version": "1.41", "Libpod-API-Version": "4.3.1"}, False),
        ({}, False),
    ],
)
def test_which_engines_have_buildkit(told: dict[str, str], has: bool) -> None:
    assert _has_buildkit(told) is has


def test_a_builder_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLDEPLOY_BUILDER", "kaniko")
    MLDeploy.clear_instance()
    try:
        with pytest.raises(InvalidValue, match="choose classic or buildx"):
            _ = settings().builder
    finally:
        MLDeploy.clear_instance()
