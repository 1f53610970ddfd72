"""Scripts with schemas: they need the real inference-schema package, in an environment that these tests make."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from runtime_harness import Serve, Server

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="session")
def schema_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An interpreter with inference-schema and Flask; MLDEPLOY_TEST_SCHEMA_PYTHON names one that is there already."""
    known = os.environ.get("MLDEPLOY_TEST_SCHEMA_PYTHON")
    if known:
        return known
    uv = shutil.which("uv")
    place = tmp_path_factory.mktemp("schema") / "environment"
    python = place / "bin" / "python"
    try:
        assert uv is not None, "there is no uv"
        packages = ["inference-schema", "flask", "numpy", "pandas"]
        for command in (["venv", "-q", str(place)], ["pip", "install", "-q", "-p", str(python), *packages]):
            subprocess.run([uv, *command], check=True, capture_output=True, text=True, timeout=240)
    except (AssertionError, subprocess.SubprocessError) as error:
        reason = f"no environment with inference-schema: {getattr(error, 'stderr', None) or error}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    assert Path(python).exists()
    return str(python)


@pytest.fixture
def server(serve: Serve, schema_python: str) -> Server:
    return serve("schema.py", worker={"python": schema_python})


def test_arguments_come_from_the_object(server: Server) -> None:
    assert server.score({"data": [1, 2]}).json == [2, 4]
    assert server.score({"data": [1, 2], "scale": 3, "more": 1}).json == [3, 6]


def test_what_the_client_did_wrong(server: Server) -> None:
    assert server.score({"scale": 2}).status == 400
    assert "'data'" in server.score({}).message
    assert server.score([1]).status == 400
    assert server.request("POST", "/score", "{", {"content-type": "application/json"}).status == 400
    assert server.request("POST", "/score", "{}", {"content-type": "text/plain"}).status == 415


def test_a_default_counts_where_nothing_is_given(serve: Serve, schema_python: str) -> None:
    text = """
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema

def init(): pass

@input_schema("data", StandardPythonParameterType([1.0]))
@input_schema("scale", StandardPythonParameterType(2.0))
def run(data, scale=3.0):
    return [value * scale for value in data]
"""
    server = serve(text, worker={"python": schema_python})
    assert server.score({"data": [1.0]}).json == [3.0]
    assert server.score({"data": [1.0], "scale": 5.0}).json == [5.0]


def test_swagger_shows_the_schemas(server: Server) -> None:
    document = server.request("GET", "/swagger.json").json
    assert set(document["definitions"]["ServiceInput"]["properties"]) == {"data", "scale"}
    assert document["definitions"]["ServiceOutput"]["type"] == "array"
    assert server.request("GET", "/swagger.json?version=3.1").status == 200


def test_both_decorators_are_refused(serve: Serve, schema_python: str) -> None:
    text = (
        "from azureml.contrib.services.aml_request import rawhttp\n"
        "from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType\n"
        "from inference_schema.schema_decorators import input_schema\n"
        "def init(): pass\n"
        "@rawhttp\n@input_schema('data', StandardPythonParameterType(1))\ndef run(data): return 1\n"
    )
    server = serve(text, wait=False, worker={"python": schema_python})
    assert "@rawhttp together" in server.wait_for("failure")["failure"]["message"]


def test_an_edited_run_with_schemas_is_changed_in_place(server: Server) -> None:
    file = server.log_path.parent / "score.py"
    done = server.reload(script=file.read_text().replace("value * scale", "value * scale + 1")).json
    assert done["mode"] == "in-place"
    assert server.score({"data": [1, 2]}).json == [3, 5]


def test_raw_scripts_get_flask_where_it_is(serve: Serve, schema_python: str) -> None:
    server = serve("raw.py", worker={"python": schema_python})
    answer = server.request("POST", "/score?a=1", "x")
    assert answer.json["flask"] is True
    assert answer.json["body"] == "x"
    assert server.request("GET", "/score?teapot=1").status == 418
    assert server.request("GET", "/score?none=1").json == {}
