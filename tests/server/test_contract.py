"""The description and the routes are one; what is not as described is refused in one sentence."""

from __future__ import annotations

import re
from typing import Any

import pytest

from jupyter_mldeploy import Service
from jupyter_mldeploy.server.routes import ROUTES
from tests.server.jupyter import Client, example_of, operations


def test_every_route_is_described_and_every_description_has_a_route() -> None:
    described: dict[str, set[str]] = {}
    for path, verb, _ in operations():
        described.setdefault(path, set()).add(verb)
    found: dict[str, set[str]] = {}
    for path in described:
        handler = next(handler for pattern, handler in ROUTES if re.fullmatch(pattern, example_of(path)))
        found[path] = {verb for verb in ("GET", "POST", "DELETE", "PUT", "PATCH") if verb.lower() in vars(handler)}
    assert found == described
    for pattern, _ in ROUTES:
        assert any(re.fullmatch(pattern, example_of(path)) for path in described), pattern


def test_it_is_served(server: Client) -> None:
    assert server.call("GET", "/openapi.json").data["openapi"] == "3.1.0"


@pytest.mark.parametrize(
    ("verb", "path", "body", "status", "says"),
    [
        ("GET", "/services/nobody", None, 404, "There is no service 'nobody'"),
        ("GET", "/services/Not%20a%20name", None, 400, "name='Not a name'"),
        ("GET", "/services/..%2f..%2fetc", None, 400, "is not valid"),
        ("DELETE", "/services/nobody", None, 404, "nobody"),
        ("POST", "/services/echo/scale", {"replicas": 0}, 400, "replicas=0 is not valid: 0 is less than"),
        ("POST", "/services/echo/scale", {}, 400, "body="),
        ("POST", "/services/echo/scale", {"autoscale": "many"}, 400, "autoscale='many'"),
        ("POST", "/services/echo/scale", {"autoscale": "4:1"}, 400, "autoscale='4:1'"),
        ("POST", "/services/echo/update", {"memory": "plenty"}, 400, "memory='plenty'"),
        ("POST", "/services/echo/update", {"script": "/etc/passwd"}, 400, "script"),
        ("POST", "/services/echo/update", [1], 400, "send a JSON object."),
        ("POST", "/services/echo/score", b"{", 400, "it is not JSON"),
        ("POST", "/services/echo/score", {"text": 5}, 400, "text=5"),
        ("DELETE", "/services/echo/operation", None, 404, "runs no operation"),
        ("GET", "/services/echo/log?lines=0", None, 400, "lines='0'"),
        ("GET", "/services/echo/log?follow=maybe", None, 400, "follow='maybe'"),
        ("GET", "/images/log?reference=../../secrets", None, 404, "No image"),
        ("GET", "/images/log", None, 400, "reference"),
        ("DELETE", "/models/nothing/3", None, 404, "nothing"),
        ("POST", "/examples", {"name": "../../etc/passwd"}, 404, "There is no example"),
        ("POST", "/services", {}, 405, "Method Not Allowed"),
        (
            "POST",
            "/examples",
            {"name": "quickstart", "folder": "not/there"},
            400,
            "folder='not/there' is not valid: there is no",
        ),
        ("DELETE", "/models/nope/abc", None, 404, "There is nothing at '/mldeploy/models/nope/abc'."),
        ("GET", "/bogus", None, 404, "There is nothing at '/mldeploy/bogus'."),
        ("PUT", "/settings", {"registry": "a b"}, 400, "registry='a b' is not valid: it has no spaces."),
        ("POST", "/services/echo/deploy", b"null", 400, "body='null' is not valid: send a JSON object."),
        ("POST", "/services/echo/deploy", {"script": "a.py", "pip": ["--index-url=http://x"]}, 400, "name a package"),
        ("POST", "/services/echo/update", {"pip": ["-r x"]}, 400, "pip.0='-r x' is not valid: name a package"),
    ],
)
def test_bad_input(server: Client, shared: Service, verb: str, path: str, body: Any, status: int, says: str) -> None:
    answer = server.call(verb, path, body)
    assert (answer.status, says in answer.data["summary"]) == (status, True), answer
    assert "Traceback" not in str(answer.data)


def test_an_example_is_copied_beside_the_users_own(server: Client) -> None:
    names = server.call("GET", "/examples").data["examples"]
    first = server.call("POST", "/examples", {"name": names[0]})
    second = server.call("POST", "/examples", {"name": names[0]})
    assert first.status == second.status == 201
    assert first.data["path"] != second.data["path"], "what the user has is not overwritten"
    work = server.log.parent / "work"
    assert (work / first.data["path"]).read_text() == (work / second.data["path"]).read_text()
