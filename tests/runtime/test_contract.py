"""The HTTP contract, line by line: routes, inputs, outputs, status codes, headers."""

from __future__ import annotations

import gzip
import json
import zlib
from urllib.parse import urlencode

import pytest
from runtime_harness import SCRIPTS, Serve, Server, in_background

from jupyter_mldeploy.runtime.worker.request import Request
from jupyter_mldeploy.runtime.worker.web import LightRequest


def test_health(plain: Server) -> None:
    head = plain.request("HEAD", "/")
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", "7")
    assert plain.request("POST", "/").status == 405


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "PATCH"])
def test_methods_that_score_does_not_know(plain: Server, method: str) -> None:
    answer = plain.request(method, "/score")
    assert answer.status == 405
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("path", ["/score/", "/nope", "/_mldeploy/status", "/_mldeploy/nothing", "/SCORE"])
def test_unknown_routes(plain: Server, path: str) -> None:
    answer = plain.request("GET", path)
    assert answer.status == 404
    assert "not found" in answer.message


def test_admin_routes_do_not_exist_without_the_token(plain: Server) -> None:
    unknown = plain.request("GET", "/_mldeploy/nothing").body
    assert plain.request("GET", "/_mldeploy/status", headers={"X-MLDeploy-Token": "wrong"}).body == unknown
    assert plain.control("GET", "nothing").status == 404
    assert plain.control("PUT", "status").status == 405


# ---- input


def test_a_body_that_is_not_utf8(plain: Server) -> None:
    answer = plain.request("POST", "/score", b"\xff\xfe")
    assert answer.status == 400
    assert "UTF-8" in answer.message


def test_a_form_arrives_whole(plain: Server) -> None:
    form = urlencode({"a": "1 2", "b": "ü"})
    answer = plain.request("POST", "/score", form, {"content-type": "application/x-www-form-urlencoded"})
    assert answer.json == {"raw": form}


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "raw deflate", "identity"])
def test_encoded_bodies(plain: Server, encoding: str) -> None:
    text = json.dumps({"a": "x" * 1000}).encode()
    raw = zlib.compressobj(wbits=-15)
    packed = {
        "gzip": gzip.compress(text),
        "deflate": zlib.compress(text),
        "raw deflate": raw.compress(text) + raw.flush(),
        "identity": text,
    }[encoding]
    answer = plain.request("POST", "/score", packed, {"content-encoding": encoding.rsplit(maxsplit=1)[-1]})
    assert answer.json == {"echo": {"a": "x" * 1000}}


def test_encodings_that_are_wrong(plain: Server) -> None:
    assert plain.request("POST", "/score", b"{}", {"content-encoding": "br"}).status == 415
    assert plain.request("POST", "/score", b"not gzip", {"content-encoding": "gzip"}).status == 400
    assert plain.request("POST", "/score", gzip.compress(b"{}")[:-4], {"content-encoding": "gzip"}).status == 400


def test_request_headers(serve: Serve) -> None:
    server = serve("def init(): pass\ndef run(data, request_headers): return request_headers\n")
    assert (
        server.request("POST", "/score", "", {"content-type": "text/plain", "x-mine": "1"}).json.items()
        >= {
            "Content-Type": "text/plain",
            "X-Mine": "1",
        }.items()
    ), "called as they always were, however the client wrote them"
    assert server.score(1, X_Test="yes").json["X-Test"] == "yes"


def test_extra_parameters_with_defaults(serve: Serve) -> None:
    server = serve("def init(): pass\ndef run(data, scale=3): return [data, scale]\n")
    assert server.request("POST", "/score", "x").json == ["x", 3]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("def run(data): pass", "init() is missing"),
        ("def init(): pass", "run() is missing"),
        ("init = 1\ndef run(data): pass", "init() is not a function"),
        ("def init(x): pass\ndef run(data): pass", "requires `x`"),
        ("def init(): pass\ndef run(*data): pass", "*data"),
        ("def init(): pass\ndef run(data, **more): pass", "**more"),
        ("def init(): pass\ndef run(data, /): pass", "positional-only"),
        ("def init(): pass\ndef run(): pass", "must take a parameter"),
        ("def init(): pass\ndef run(request_headers): pass", "must take a parameter"),
    ],
)
def test_scripts_that_are_refused(serve: Serve, script: str, reason: str) -> None:
    server = serve(script, wait=False)
    failure = server.wait_for("failure")["failure"]
    assert failure["kind"] == "contract"
    assert reason in failure["message"]
    server.wait_for("state", state="failed")
    answer = server.request("GET", "/")
    assert answer.status == 503
    assert reason in answer.message
    assert reason in server.score().message


# ---- output


@pytest.mark.parametrize(
    ("kind", "result"),
    [("set", [1, 2, 3]), ("bytes", "abc"), ("generator", [0, 1, 2])],
)
def test_results_that_are_converted(plain: Server, kind: str, result: object) -> None:
    assert plain.score({"k": kind}).json == result


def test_a_result_without_json_form_is_named(plain: Server) -> None:
    answer = plain.score({"k": "object"})
    assert answer.status == 500
    assert "an object, which has no JSON form" in answer.message
    assert answer.headers["x-ms-run-function-failed"] == "False"


def test_sys_exit_costs_a_request_not_the_worker(plain: Server) -> None:
    before = plain.score({"k": "pid"}).json
    answer = plain.score({"k": "sysexit"})
    assert (answer.status, answer.headers["x-ms-run-function-failed"]) == (500, "True")
    assert plain.score({"k": "pid"}).json == before


def test_the_traceback_is_only_in_the_log(plain: Server) -> None:
    answer = plain.score({"k": "raise"}, x_request_id="failing-one")
    assert b"boom" not in answer.body
    log = plain.wait_for_log("ValueError: boom")
    traceback = log[log.index("[failing-one] - Traceback") :]
    assert traceback.splitlines()[1].strip().startswith('File "')
    assert "score.py" in traceback.splitlines()[1]


def test_debug_puts_the_traceback_into_the_answer(serve: Serve) -> None:
    server = serve("plain.py", debug=True)
    answer = server.score({"k": "raise"}).json
    assert "boom" in answer["traceback"]
    assert answer["unsafe_for_production"] is True


# ---- headers


def test_ids_are_made_up(plain: Server) -> None:
    answer = plain.score(1)
    assert len(answer.headers["x-request-id"]) == 36
    assert answer.headers["x-ms-request-id"] == answer.headers["x-request-id"]
    assert "x-ms-client-request-id" not in answer.headers


@pytest.mark.parametrize("name", ["x-request-id", "x-ms-request-id", "x-ms-client-request-id"])
def test_long_ids(plain: Server, name: str) -> None:
    assert plain.request("POST", "/score", "1", {name: "a" * 100}).status == 200
    answer = plain.request("POST", "/score", "1", {name: "a" * 101})
    assert answer.status == 431
    assert name in answer.message
    assert answer.message.endswith(" must not exceed 100 characters")
    assert ("x-request-id" in answer.headers) == (name != "x-request-id"), "only what may be sent back is"
    assert answer.headers.get(name) is None or name == "x-request-id"


def test_ids_of_clients_are_sent_back(plain: Server) -> None:
    def ids(**sent: str) -> tuple[str | None, ...]:
        answer = plain.request("GET", "/", headers={name.replace("_", "-"): value for name, value in sent.items()})
        return tuple(answer.headers.get(f"x-{name}") for name in ("ms-request-id", "ms-client-request-id"))

    assert ids(x_request_id="r") == ("r", None)
    assert ids(x_ms_request_id="m") == ("m", "m")
    assert ids(x_ms_client_request_id="c") == ("c", "c")
    assert ids(x_ms_request_id="m", x_ms_client_request_id="c", x_request_id="r") == ("m", "c")


@pytest.mark.parametrize("path", ["/", "/swagger.json", "/metrics"])
def test_what_can_be_read_says_how(plain: Server, path: str) -> None:
    asked = plain.request("OPTIONS", path)
    assert (asked.status, asked.body, asked.headers["allow"]) == (200, b"", "GET, OPTIONS, HEAD")
    assert plain.request("POST", path, "").status == 405


def test_what_ran_and_where(plain: Server) -> None:
    headers = plain.score(1).headers
    assert headers["x-mldeploy-script"] == plain.status()["script"]
    assert headers["x-mldeploy-replica"] == "1"
    assert float(headers["x-ms-run-fn-exec-ms"]) >= 0
    assert len(headers["x-ms-run-fn-exec-ms"].partition(".")[2]) == 3


def test_cors(plain: Server) -> None:
    answer = plain.request("POST", "/score", "1", {"origin": "https://a.example.com"})
    assert answer.headers["access-control-allow-origin"] == "https://a.example.com"
    assert answer.headers["vary"] == "Origin"
    other = plain.request("POST", "/score", "1", {"origin": "https://evil.com"})
    assert "access-control-allow-origin" not in other.headers


def test_no_cors_unless_asked_for(serve: Serve) -> None:
    server = serve("plain.py")
    headers = server.request(
        "OPTIONS", "/score", headers={"origin": "x", "access-control-request-method": "POST"}
    ).headers
    assert not [name for name in headers if name.startswith("access-control")]


# ---- keys


def test_keys(serve: Serve) -> None:
    server = serve("plain.py", env={"MLDEPLOY_SCORING_KEYS": "one, two"})
    for authorization in (None, "Bearer three", "Basic one", "one", "Bearer"):
        headers = {} if authorization is None else {"authorization": authorization}
        answer = server.request("POST", "/score", "1", headers)
        assert answer.status == 401
        assert "key" in answer.message
    assert server.request("POST", "/score", "1", {"authorization": "Bearer one"}).status == 200
    assert server.request("POST", "/score", "1", {"authorization": "bearer two"}).status == 200
    assert server.request("GET", "/").status == 200
    assert server.control("POST", "score", {"a": 1}).json == {"echo": {"a": 1}}
    environment = server.control("POST", "score", {"k": "env"}).json
    assert not {"MLDEPLOY_ADMIN_TOKEN", "MLDEPLOY_SCORING_KEYS"} & set(environment)


def test_browsers_ask_for_leave_without_a_key(serve: Serve) -> None:
    text = (
        "from azureml.contrib.services.aml_request import rawhttp\ndef init(): pass\n"
        "@rawhttp\ndef run(request): return request.method\n"
    )
    server = serve(text, cors_origins=["https://a.example"], env={"MLDEPLOY_SCORING_KEYS": "one"})
    asked = {"Origin": "https://a.example", "Access-Control-Request-Method": "POST"}
    leave = server.request("OPTIONS", "/score", headers=asked)
    assert (leave.status, leave.body) == (200, b""), "the script sees nobody without a key"
    assert leave.headers["access-control-allow-origin"] == "https://a.example"
    assert server.request("OPTIONS", "/score").status == 401


# ---- status codes of a full or broken service


def test_no_free_replica(serve: Serve) -> None:
    server = serve("plain.py", service="iris", max_request_wait_ms=50)
    with in_background(lambda: server.score({"k": "sleep", "s": 4})) as slow:
        while server.control("GET", "utilization").json["busy"] == 0:
            pass
        answer = server.score(1)
    assert answer.status == 503
    assert answer.message == "Too many requests for service iris (overloaded)"
    assert answer.headers["retry-after"] == "1"
    assert slow[0].json == "slept"


def test_scoring_timeout(serve: Serve) -> None:
    server = serve("plain.py", scoring_timeout_ms=200)
    before = server.score({"k": "pid"}).json
    answer = server.score({"k": "sleep", "s": 60})
    assert answer.status == 504
    assert answer.message == "Scoring timeout after 200 ms"
    assert server.score({"k": "pid"}).json != before
    assert server.wait_for("failure")["failure"]["kind"] == "timeout"


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ({"k": "exit", "code": 7}, "exit code 7"),
        ({"k": "exit", "code": 0}, "exit code 0"),
        ({"k": "signal", "signal": 9}, "SIGKILL"),
        ({"k": "signal", "signal": 11}, "SIGSEGV"),
    ],
)
def test_a_worker_that_dies(serve: Serve, what: dict[str, object], words: str) -> None:
    server = serve("plain.py")
    answer = server.score(what, x_request_id="deadly")
    assert answer.status == 502
    assert words in answer.message
    assert server.wait_for("worker_died")["request_id"] == "deadly"
    assert server.score(1).status == 200


def test_body_limit(serve: Serve) -> None:
    server = serve("plain.py", max_body_bytes=1000)
    assert server.request("POST", "/score", "x" * 1000).status == 200
    assert server.request("POST", "/score", "x" * 1001).status == 413
    assert server.request("POST", "/score", gzip.compress(b"x" * 5000), {"content-encoding": "gzip"}).status == 413


# ---- swagger


@pytest.mark.parametrize(
    ("version", "key", "value"),
    [("2", "swagger", "2.0"), ("2.0", "swagger", "2.0"), ("3", "openapi", "3.0.3"), ("3.1", "openapi", "3.1.0")],
)
def test_swagger_versions(plain: Server, version: str, key: str, value: str) -> None:
    answer = plain.request("GET", f"/swagger.json?version={version}")
    assert answer.json[key] == value
    assert set(answer.json["paths"]) == {"/", "/score", "/swagger.json"}


HINTED = """
from dataclasses import dataclass
from typing import Dict, List, Literal, Optional, TypedDict


class Row(TypedDict):
    name: str
    values: List[float]


@dataclass
class Given:
    score: float
    kind: Literal["good", "bad"]
    note: Optional[str] = None
    parts: "tuple[int, ...]" = ()


def init():
    pass


def run(data: List[Row], request_headers: dict) -> Dict[str, Given]:
    return {"type": type(data).__name__}
"""


def test_type_hints_describe_input_and_output(serve: Serve) -> None:
    server = serve(HINTED)
    row = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "values": {"type": "array", "items": {"type": "number"}}},
        "required": ["name", "values"],
    }
    given = {
        "type": "object",
        "properties": {
            "score": {"type": "number"},
            "kind": {"enum": ["good", "bad"]},
            "note": {"type": "string"},
            "parts": {"type": "array", "items": {"type": "integer"}},
        },
        "required": ["score", "kind"],
    }
    schemas = server.request("GET", "/swagger.json?version=3").json["components"]["schemas"]
    assert schemas["ServiceInput"] == {"type": "array", "items": row}
    assert schemas["ServiceOutput"] == {"type": "object", "additionalProperties": given}
    assert server.request("GET", "/swagger.json").json["definitions"]["ServiceInput"] == schemas["ServiceInput"]
    assert server.request("POST", "/score", "[]").json == {"type": "str"}, "they convert nothing"


@pytest.mark.parametrize("hint", ["str", "bytes", "object", "Missing", "'Any'", "1 + 1"])
def test_hints_that_say_nothing_are_left_out(serve: Serve, hint: str) -> None:
    server = serve(f"from __future__ import annotations\ndef init():\n    pass\ndef run(data: {hint}):\n    return 1\n")
    schemas = server.request("GET", "/swagger.json?version=3").json["components"]["schemas"]
    assert schemas["ServiceInput"] == {"type": "object", "example": {}}


def test_a_swagger_file_wins(serve: Serve) -> None:
    server = serve("plain.py")
    folder = server.log_path.parent
    (folder / "swagger.json").write_text('{"swagger": "2.0", "mine": true}')
    (folder / "swagger3.1.json").write_text('{"openapi": "3.1.0", "mine": 31}')
    assert server.request("GET", "/swagger.json").json["mine"] is True
    assert server.request("GET", "/swagger.json?version=3.1").json["mine"] == 31
    assert "mine" not in server.request("GET", "/swagger.json?version=3").json


# ---- raw HTTP scripts


def test_raw_requests(serve: Serve) -> None:
    server = serve("raw.py")
    answer = server.request("POST", "/score?a=1&b=x%20y", b"\xff\x00", {"X-Test": "yes"})
    assert answer.json["method"] == "POST"
    assert answer.json["full_path"] == "/score?a=1&b=x%20y" or answer.json["flask"]
    assert answer.json["args"] == {"a": "1", "b": "x y"}
    assert answer.json["header"] == "yes"
    assert answer.json["body"] == "\xff\x00"
    assert server.request("OPTIONS", "/score").json["method"] == "OPTIONS"
    assert server.request("GET", "/score").json["method"] == "GET"

    teapot = server.request("GET", "/score?teapot=1", headers={"x-request-id": "mine"})
    assert (teapot.status, teapot.body) == (418, b"short and stout")
    assert teapot.headers["x-request-id"] == "mine"
    assert teapot.headers["content-type"] == "text/tea"
    assert teapot.headers["x-brew"] == "b"  # two headers; the harness keeps the last

    assert server.request("GET", "/score?json=1").json == {"a": 1}
    assert server.request("GET", "/score?none=1").json == {}
    failed = server.request("GET", "/score?failed=1")
    assert (failed.status, failed.headers["x-ms-run-function-failed"]) == (400, "True")


def test_raw_uploads(serve: Serve) -> None:
    server = serve("raw.py")
    body = (
        b'--B\r\nContent-Disposition: form-data; name="image"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\n'
        b'the file\r\n--B\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n--B--\r\n'
    )
    answer = server.request("POST", "/score", body, {"content-type": "multipart/form-data; boundary=B"})
    assert answer.json["files"] == {"image": "the file"}
    assert answer.json["form"] == {"note": "hello"}


def test_the_models_of_a_service(serve: Serve) -> None:
    script = (
        "from azureml.core.model import Model\ndef init(): pass\ndef run(data): return Model.get_model_path('iris')\n"
    )
    server = serve(script)
    folder = server.log_path.parent / "azureml-models" / "iris"
    for version in ("2", "10"):
        (folder / version).mkdir(parents=True)
        (folder / version / "model.pkl").touch()
    assert server.score().json == str(folder / "10" / "model.pkl")
    (folder / "10" / "second.pkl").touch()
    server.score(x_request_id="two-files")
    assert "can contain only 1 file or folder" in server.wait_for_log("[two-files] - Traceback")


def test_scripts_folder_is_complete() -> None:
    assert {path.name for path in SCRIPTS.glob("*.py")} >= {"plain.py", "raw.py"}


def test_tracebacks_of_results_begin_in_the_script(serve: Serve) -> None:
    text = """
def init(): pass
def values():
    yield 1
    raise KeyError("late")
def run(data): return values()
"""
    server = serve(text)
    assert server.score().status == 500
    log = server.wait_for_log("KeyError: 'late'")
    assert "During handling" not in log
    assert "not JSON serializable" not in log


def test_a_header_name_that_is_no_text(serve: Serve) -> None:
    text = """
from azureml.contrib.services.aml_response import AMLResponse
def init(): pass
def run(data): return AMLResponse("x", 200, {1: 2})
"""
    answer = serve(text).score()
    assert (answer.status, answer.headers["1"]) == (200, "2")


def test_a_request_without_flask() -> None:
    described = {
        "method": "POST",
        "target": "/score?a=1&a=x&b=2",
        "remote": "127.0.0.1",
        "headers": [
            ("host", "here:1"),
            ("content-type", "application/x-www-form-urlencoded"),
            ("cookie", "c=d; e=f"),
            ("authorization", "Basic dXNlcjpwYTpzcw=="),
            ("user-agent", "test/1"),
            ("accept", "text/html;q=0.5, application/json"),
        ],
    }
    request = LightRequest(Request("id", described, b"f=3&b=4"))
    assert (request.args.get("a", type=int), request.args.get("b", type=int)) == (1, 2)
    assert (request.args.get("no", 7, type=int), request.form.get("f", type=float)) == (7, 3.0)
    assert request.args.getlist("a", type=int) == [1]
    assert (request.args.to_dict(), request.args.to_dict(flat=False)) == (
        {"a": "1", "b": "2"},
        {"a": ["1", "x"], "b": ["2"]},
    )
    assert dict(request.form.lists()) == {"f": ["3"], "b": ["4"]}
    assert (request.values["b"], request.values.getlist("b")) == ("2", ["2", "4"])
    assert dict(request.cookies) == {"c": "d", "e": "f"}
    assert (request.scheme, request.is_secure, request.host_url, request.url_root) == (
        "http",
        False,
        "http://here:1/",
        "http://here:1/",
    )
    assert request.authorization is not None
    assert (request.authorization.type, request.authorization.username, request.authorization.password) == (
        "basic",
        "user",
        "pa:ss",
    )
    assert (str(request.user_agent), request.user_agent.string) == ("test/1", "test/1")
    assert request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"
    assert "image/png" not in request.accept_mimetypes
    assert request.environ["QUERY_STRING"] == "a=1&a=x&b=2"
    assert request.content_encoding is None
    with pytest.raises(AttributeError, match="with flask installed"):
        _ = request.max_form_parts
