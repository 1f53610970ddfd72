"""Request by request beside the server that these scripts were written for, where it can be had: the same answers."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from runtime_harness import Serve, Server

pytestmark = pytest.mark.timeout(300)

PACKAGE = "azureml-inference-server-http==1.5.1"
ORIGINS = ["www.bing.com", "https://*.example.com"]
OF_ONE_RUN = {"x-ms-run-fn-exec-ms", "x-ms-server-version", "date", "server", "connection", "keep-alive"}
MADE_UP = {"x-request-id", "x-ms-request-id"}
ONLY_WITH_ORIGIN = {"access-control-allow-origin", "vary"}
"""The reference sends them to everybody."""

JSON = {"content-type": "application/json"}
LONG = "a" * 101
Case = tuple[str, str, str | bytes, dict[str, str]]

PLAIN: list[Case] = [
    ("GET", "/", "", {}),
    ("HEAD", "/", "", {}),
    ("POST", "/", "", {}),
    ("GET", "/?a=1", "", {}),
    ("DELETE", "/score", "", {}),
    ("PATCH", "/score", "x", {}),
    ("GET", "/score/", "", {}),
    ("GET", "/Score", "", {}),
    ("POST", "/score?x=1", "{}", JSON),
    ("GET", "/score?a=%20b&c=%2B+d&e", "", {}),
    ("GET", "/score?a[]=1&a[]=2", "", {}),
    ("GET", "/score?a=true&b=1e3&c=%22q%22&d={}", "", {}),
    ("GET", "/score?a=1&a=x", "", {}),
    ("POST", "/score", b"\xff\xfe", JSON),
    ("POST", "/score", '"é"'.encode(), JSON),
    ("POST", "/score", "[1]", {}),
    ("POST", "/score", '{"k": "cwd"}', {**JSON, "x-request-id": "R"}),
    ("POST", "/score", '{"k": "nope"}', JSON),
    ("POST", "/score", '{"k": "raise"}', {**JSON, "Origin": "www.bing.com"}),
    *[
        ("GET", "/score", "", sent)
        for sent in (
            {"x-request-id": "R"},
            {"x-ms-request-id": "M"},
            {"x-ms-client-request-id": "C"},
            {"x-ms-request-id": "M", "x-request-id": "R"},
            {"x-ms-request-id": "M", "x-ms-client-request-id": "C"},
            {"TraceId": "T"},
            {"x-request-id": LONG, "TraceId": "T"},
            {"x-ms-client-request-id": LONG, "x-request-id": "R"},
            {"x-ms-request-id": LONG},
            {"x-request-id": LONG, "x-ms-client-request-id": LONG, "x-ms-request-id": LONG},
        )
    ],
    ("OPTIONS", "/score", "", {}),
    ("OPTIONS", "/score", "", {"Origin": "www.bing.com", "Access-Control-Request-Method": "POST"}),
    ("OPTIONS", "/score", "", {"Origin": "https://a.example.com", "Access-Control-Request-Method": "GET"}),
    ("OPTIONS", "/score", "", {"Origin": "evil.com", "Access-Control-Request-Method": "POST"}),
    ("POST", "/score", "{}", {"Origin": "evil.com", **JSON}),
    ("GET", "/", "", {"Origin": "www.bing.com"}),
    *[
        ("GET", f"/swagger.json{query}", "", {})
        for query in ("", "?version=2.0", "?version=3", "?version=3.1", "?version=")
    ],
    ("HEAD", "/swagger.json", "", {}),
    ("POST", "/swagger.json", "", {}),
]

RAW_SCRIPT = """
from azureml.contrib.services.aml_request import AMLRequest, rawhttp
from azureml.contrib.services.aml_response import AMLResponse

def init(): pass

ANSWERS = {
    "json": lambda: AMLResponse({"a": 1}, 200, json_str=True),
    "none": lambda: AMLResponse(None, 200),
    "headers": lambda: AMLResponse("x", 404, {"X-A": "1,2", "Content-Type": "text/plain", "x-request-id": "mine"}),
    "bytes": lambda: AMLResponse(b"\\x00\\xff", 200, {"Content-Type": "application/octet-stream"}),
    "failed": lambda: AMLResponse("bad", 500),
    "empty": lambda: AMLResponse("", 204),
    "dict": lambda: {"a": 1},
    "text": lambda: "text",
    "raise": lambda: 1 / 0,
}

@rawhttp
def run(request):
    if "k" in request.args:
        return ANSWERS[request.args["k"]]()
    return {
        "method": request.method, "path": request.path, "full": request.full_path, "type": request.content_type,
        "args": {key: request.args.getlist(key) for key in request.args}, "form": dict(request.form),
        "length": request.content_length, "json": request.get_json(silent=True), "mine": request.headers.get("X-Mine"),
        "names": sorted(name for name, _ in request.headers.items() if name.lower() in ("x-mine", "content-type")),
        "data": request.get_data(cache=True).decode("latin-1"),
    }
"""
KINDS = ("json", "none", "headers", "bytes", "failed", "empty", "dict", "text", "raise")
RAW: list[Case] = [
    *[("POST", f"/score?k={kind}", "{}", JSON) for kind in KINDS],
    ("GET", "/score?a=1&a=2&b=%C3%A9", "", {"x-mine": "1"}),
    ("OPTIONS", "/score", "", {"Origin": "www.bing.com", "Access-Control-Request-Method": "POST"}),
    ("POST", "/score", "x", {"content-type": "text/plain", "x-mine": "1"}),
    ("POST", "/score", '{"z": 1}', JSON),
    ("PUT", "/score", "", {}),
]

SCHEMA_SCRIPT = """
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema

def init(): pass

@input_schema("data", StandardPythonParameterType([1.0]))
@input_schema("scale", StandardPythonParameterType(2.0))
@output_schema(StandardPythonParameterType([1.0]))
def run(data, scale=3.0, request_headers=None):
    return [value * scale for value in data] + [request_headers.get("X-Mine")]
"""
SCHEMA: list[Case] = [
    *[
        ("POST", "/score", body, JSON)
        for body in (
            '{"data": [1.0]}', '{"data": [1.0], "scale": 4.0}', '{"data": [1.0], "more": 1}', '{"scale": 4.0}', "{}", "[]",
            "null", "x", "",
        )
    ],
    ("POST", "/score", '{"data": [1.0]}', {"content-type": "application/json; charset=utf-8", "x-mine": "1"}),
    ("POST", "/score", '{"data": [1.0]}', {"content-type": "text/plain"}),
    ("POST", "/score", '{"data": [1.0]}', {}),
    ("GET", "/score?data=[1.0]", "", {}),
    ("GET", "/score", "", {}),
    *[("GET", f"/swagger.json?version={version}", "", {}) for version in ("2", "3", "3.1")],
]  # fmt: skip


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the programs of an environment with the reference server."""
    uv = shutil.which("uv")
    place = tmp_path_factory.mktemp("reference") / "environment"
    try:
        assert uv is not None, "there is no uv"
        for command in (["venv", "-q", str(place)], ["pip", "install", "-q", "-p", str(place), PACKAGE, "flask-cors"]):
            subprocess.run([uv, *command], check=True, capture_output=True, text=True, timeout=240)
    except (AssertionError, subprocess.SubprocessError) as error:
        reason = f"no environment with {PACKAGE}: {getattr(error, 'stderr', None) or error}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return place / "bin"


@pytest.fixture
def theirs(reference: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Server]:
    """The reference server with the script of the test, on a free port."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    folder = tmp_path / "reference"
    folder.mkdir()
    (folder / "score.py").write_text(request.getfixturevalue("text"))
    log = folder / "log.txt"
    environment = {**os.environ, "AML_CORS_ORIGINS": ",".join(ORIGINS)}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(reference / "azmlinfsrv"), "--entry_script", "score.py", "--port", str(port)],
            cwd=folder, env=environment, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    server = Server(process, port, log)
    try:
        server.wait_for_log("ready for serving traffic")
        yield server
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.parametrize(
    ("text", "cases"),
    [
        pytest.param((Path(__file__).parent / "scripts" / "plain.py").read_text(), PLAIN, id="plain"),
        pytest.param(RAW_SCRIPT, RAW, id="raw"),
        pytest.param(SCHEMA_SCRIPT, SCHEMA, id="schema"),
    ],
)
def test_the_answers_are_the_same(text: str, cases: list[Case], theirs: Server, serve: Serve, reference: Path) -> None:
    ours = serve(text, worker={"python": str(reference / "python")}, cors_origins=ORIGINS)
    differences = []
    for method, path, body, sent in cases:
        wanted, given = (server.request(method, path, body, dict(sent)) for server in (theirs, ours))
        here, there = str(ours.log_path.parent).encode(), str(theirs.log_path.parent).encode()
        told = [(wanted.status, wanted.body.replace(there, b"")), (given.status, given.body.replace(here, b""))]
        asked = {name.lower() for name in sent}
        passing = OF_ONE_RUN | (set() if asked & (MADE_UP | {"x-ms-client-request-id"}) else MADE_UP)
        passing |= set() if "origin" in asked else ONLY_WITH_ORIGIN
        passing |= {"x-request-id"} if "x-request-id" not in asked else set()
        passing |= {"content-length"} if there in wanted.body else set()
        for name, value in wanted.headers.items():
            if name not in passing and given.headers.get(name) != value:
                told[0] += (f"{name}: {value}",)
                told[1] += (f"{name}: {given.headers.get(name)}",)
        if told[0] != told[1]:
            differences.append(f"{method} {path} {body!r} {sent}\n  reference: {told[0]}\n  here:      {told[1]}")
    assert not differences, "\n".join(differences)
