"""A script of the file browser becomes a service; what is not right is told with its field."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import jupyter_mldeploy
from tests.server.conftest import SCRIPT
from tests.server.jupyter import Client


@pytest.fixture
def work(server: Client) -> Path:
    """The folder that the file browser shows."""
    folder = server.log.parent / "work"
    (folder / "scores").mkdir(exist_ok=True)
    (folder / "scores" / "score.py").write_text(SCRIPT)
    return folder


@pytest.fixture
def settings(server: Client) -> Iterator[Client]:
    """Taken back at the end."""
    yield server
    assert server.call("PUT", "/settings", {}).status == 200


def test_a_script_of_the_file_browser(server: Client, home: Path, work: Path) -> None:
    (work / "weights.bin").write_bytes(b"1234")
    body = {"script": "scores/score.py", "models": ["weights.bin"], "sample": '{"data": 5}', "replicas": 2}
    with closing(server.events("/events")) as events:
        answer = server.call("POST", "/services/filed/deploy", body)
        assert answer.status == 201, answer.data
        view = answer.data["service"]
        assert (view["state"], view["kind"], view["minimum"], view["models"]) == ("running", "local", 2, ["weights:1"])
        assert view["path"] == str(work / "scores" / "score.py")
        for kind, _, data in events:
            if kind == "operation" and data["service"] == "filed" and data["state"] == "done":
                assert data["verb"] == "deploy"
                break
    assert json.loads(server.call("POST", "/services/filed/score", {"text": '{"data": 5}'}).data["text"]) == 5
    # The same name again is the same service: brought to what is asked.
    answer = server.call("POST", "/services/filed/deploy", {**body, "models": ["weights"], "replicas": 1})
    assert answer.data["service"]["minimum"] == 1
    assert server.call("DELETE", "/services/filed").status == 204
    assert server.call("DELETE", "/models/weights/1").status == 204


@pytest.mark.parametrize(
    ("name", "body", "field", "says"),
    [
        ("Filed", {}, "name", "'filed' would do"),
        ("filed", {"script": "scores/nothing.py"}, "script", "there is no such file"),
        ("filed", {"script": "../home"}, "script", "not below the folder"),
        ("filed", {"script": "scores/../../../etc/passwd"}, "script", "not below the folder"),
        ("filed", {"script": "scores"}, "script", "name a Python file"),
        ("filed", {"script": "half.py"}, "script", "run"),
        ("filed", {"models": ["nothing"]}, "models", "nothing"),
        ("filed", {"models": ["no/such/file.bin"]}, "models", "there is no such file"),
        ("filed", {"models": ["a b"]}, "model", "'a b'"),
        ("filed", {"environment": "conda.yml"}, "environment", "there is no such file"),
        ("filed", {"target": "moon"}, "target", "is not one of"),
        ("filed", {"memory": "plenty"}, "memory", "write a size"),
        ("filed", {"namespace": "here"}, "namespace", "has no namespaces"),
        ("filed", {"replicas": 0}, "replicas", "0 is less than"),
        ("filed", {"autoscale": "4:1"}, "autoscale", "the maximum"),
        ("filed", {"script": 5}, "script", "5"),
        ("filed", {"script": "scores/score.py", "shell": "rm"}, "body", "shell"),
    ],
)
def test_what_is_not_right_names_its_field(
    server: Client, home: Path, work: Path, name: str, body: dict[str, Any], field: str, says: str
) -> None:
    (work / "half.py").write_text("def init():\n    pass\n")
    path = f"/services/{urllib.parse.quote(name)}/deploy"
    answer = server.call("POST", path, {"script": "scores/score.py", **body})
    assert answer.status == 400, answer.data
    assert answer.data["field"] == field
    assert says in f"{answer.data['summary']} {answer.data['hint']}"
    assert "filed" not in [service.name for service in jupyter_mldeploy.services()]


def test_a_script_that_fails_is_told_with_its_diagnosis(server: Client, home: Path, work: Path) -> None:
    (work / "broken.py").write_text("def init():\n    raise OSError('no weights')\n\ndef run(data):\n    return 1\n")
    answer = server.call("POST", "/services/broken/deploy", {"script": "broken.py"})
    assert answer.status == 502
    assert "no weights" in json.dumps(answer.data["diagnosis"])
    assert server.call("GET", "/services/broken").data["state"] == "failed"
    server.call("DELETE", "/services/broken")


def test_settings_hold_for_what_the_server_does(settings: Client, home: Path, work: Path) -> None:
    def values() -> dict[str, str]:
        return {row["setting"]: row["value"] for row in settings.call("GET", "/settings").data["settings"]}

    nothing = {"registry": "", "docker_context": "", "kube_context": "", "context": "", "namespace": ""}
    assert values() == {"target": "local", **nothing}
    wish = {"target": "container", **nothing, "registry": "registry.example/team", "docker_context": "no-such-context"}
    told = settings.call("PUT", "/settings", wish).data["settings"]
    assert {row["setting"]: row["value"] for row in told} == wish
    assert {row["setting"]: row["from"] for row in told}["registry"] == "the front end's settings"

    # A deployment that names no target goes there, with that context.
    answer = settings.call("POST", "/services/far/deploy", {"script": "scores/score.py"})
    assert answer.status >= 400
    assert "no-such-context" in json.dumps(answer.data)
    settings.call("DELETE", "/services/far")
    # The other target has its own.
    settings.call("PUT", "/settings", {**wish, "target": "kubernetes", "kube_context": "no-such-cluster"})
    answer = settings.call("POST", "/services/far/deploy", {"script": "scores/score.py"})
    assert answer.status >= 400
    assert "no-such-context" not in json.dumps(answer.data)
    settings.call("DELETE", "/services/far")

    # What is left empty goes back to the server's own configuration.
    assert settings.call("PUT", "/settings", {"registry": " "}).status == 400
    assert settings.call("PUT", "/settings", {"target": "moon"}).data["field"] == "target"
    settings.call("PUT", "/settings", {})
    assert values() == {"target": "local", **nothing}


def test_what_a_script_lacks_is_told_in_the_words_of_the_form(server: Client, home: Path, work: Path) -> None:
    (work / "scores" / "lacking.py").write_text("import nowhere_to_be_found\n" + SCRIPT)
    answer = server.call("POST", "/services/lacking/deploy", {"script": "scores/lacking.py", "environment": "current"})
    assert answer.status == 400, answer.data
    assert "is not installed in the server's Python" in answer.data["summary"]
    told = "Install it there, or name nowhere-to-be-found in a requirements file, and that under Environment."
    assert answer.data["hint"].replace("_", "-") == told
    assert "pip" not in str(answer.data)
