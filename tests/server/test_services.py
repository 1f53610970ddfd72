"""A service's life over the interface, with what the stream of events tells of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import jupyter_mldeploy
from jupyter_mldeploy import Service, deploy
from jupyter_mldeploy.server.contract import check
from tests.server.jupyter import Client

EDITED = 'def init():\n    pass\n\ndef run(data):\n    return "edited"\n'
Event = tuple[str, str, Any]


def until(events: Iterator[Event], found: Callable[[str, Any], bool]) -> Event:
    """Read until one is found. What is told must be as described."""
    for event in events:
        kind, _, data = event
        if kind in {"service", "operation"}:
            check(kind.capitalize(), data)
        if found(kind, data):
            return event
    raise AssertionError("the stream ended")


def test_look_score_edit_reload_scale_stop_start(server: Client, echo: Service, script: Path) -> None:
    (view,) = server.call("GET", "/services").data["services"]
    assert (view["name"], view["state"], view["kind"], view["edited"]) == ("echo", "running", "local", False)
    assert view["replicas"][0]["script"] == view["script"] == echo.spec.inference.script.hash

    answer = server.call("POST", "/services/echo/score", {"text": '{"data": [1, 2]}'}).data
    assert (answer["status"], answer["text"], answer["script"]) == (200, "[1, 2]", view["script"])
    failed = server.call("POST", "/services/echo/score", {"text": "{"}).data
    assert failed["status"] == 500

    with closing(server.events("/events")) as events:
        assert next(events)[::2] == ("hello", {"resumed": False})
        until(events, lambda kind, data: kind == "services" and data["names"] == ["echo"])
        until(events, lambda kind, data: kind == "service" and data["state"] == "running")
        script.write_text(EDITED)
        until(events, lambda kind, data: kind == "service" and data["edited"])

        reloaded = server.call("POST", "/services/echo/reload").data
        assert reloaded["service"]["edited"] is False
        assert reloaded["receipt"]["script"] == reloaded["service"]["script"] != view["script"]
        until(events, lambda kind, data: kind == "operation" and data["state"] == "done" and data["verb"] == "reload")
        until(events, lambda kind, data: kind == "service" and not data["edited"])
        assert server.call("POST", "/services/echo/score", {"text": "{}"}).data["text"] == '"edited"'

        scaled = server.call("POST", "/services/echo/scale", {"replicas": 2}).data
        assert (scaled["service"]["minimum"], scaled["service"]["maximum"]) == (2, 2)
        until(events, lambda kind, data: kind == "service" and data["ready"] == 2)

        assert server.call("POST", "/services/echo/stop").data["service"]["state"] == "stopped"
        _, last, _ = until(events, lambda kind, data: kind == "service" and data["state"] == "stopped")

    # Whoever comes back hears what it missed, and of each service only how it is now.
    assert server.call("POST", "/services/echo/start").data["service"]["state"] == "running"
    with closing(server.events("/events", last)) as events:
        assert next(events)[::2] == ("hello", {"resumed": True})
        until(events, lambda kind, data: kind == "service" and data["state"] == "running")
        echo.delete()
        until(events, lambda kind, data: kind == "services" and data["names"] == [])
    with closing(server.events("/events", "0123abcd-7")) as events:
        assert next(events)[2] == {"resumed": False}, "a number of another server's life"
    deploy(script, "echo", target="local")


def test_a_death_is_told(server: Client, echo: Service) -> None:
    import psutil

    with closing(server.events("/events")) as events:
        until(events, lambda kind, data: kind == "service" and data["state"] == "running")
        front = psutil.Process(echo.record.details["pid"])
        for process in [front, *front.children(recursive=True)]:
            process.kill()
        until(events, lambda kind, data: kind == "service" and data["state"] == "failed")
    diagnosis = server.call("GET", "/services/echo/diagnosis").data
    assert diagnosis["cause"]
    assert diagnosis["steps"]


def test_a_refused_reload_is_told_with_its_diagnosis(server: Client, echo: Service, script: Path) -> None:
    script.write_text("import nowhere_to_be_found\n" + EDITED)
    answer = server.call("POST", "/services/echo/reload")
    assert answer.status in {400, 422}
    assert "nowhere_to_be_found" in str(answer.data)
    view = server.call("GET", "/services/echo").data
    assert (view["state"], view["edited"]) == ("running", True), "the old script goes on serving"
    assert server.call("GET", "/services/echo/diagnosis").data["cause"] == ""


def test_a_second_operation_is_refused(server: Client, echo: Service) -> None:
    from jupyter_mldeploy.config import settings
    from jupyter_mldeploy.records import Records

    with Records(settings().home_path).operation("echo", "deployment"):
        answer = server.call("POST", "/services/echo/stop")
        assert (answer.status, answer.data["code"]) == (409, "operation-in-progress")
        assert server.call("GET", "/services/echo").data["busy"] is True
    assert server.call("GET", "/services/echo").data["busy"] is False


def test_a_long_operation_can_be_interrupted(server: Client, home: Path, tmp_path: Path) -> None:
    slow, script = tmp_path / "slow", tmp_path / "score.py"
    waits = f"import os, time\n    while os.path.exists({str(slow)!r}): time.sleep(0.1)"
    script.write_text(f"def init():\n    {waits}\n\ndef run(data):\n    return 1\n")
    service = deploy(script, "lazy", target="local")
    service.stop()
    slow.touch()
    answers: list[Any] = []
    starting = threading.Thread(target=lambda: answers.append(server.call("POST", "/services/lazy/start")))
    with closing(server.events("/events")) as events:
        starting.start()
        until(events, lambda kind, data: kind == "operation" and "init" in [s["stage"] for s in data["stages"]])
        assert server.call("DELETE", "/services/lazy/operation").status == 202
        until(events, lambda kind, data: kind == "operation" and data["state"] == "cancelled")
    starting.join(60)
    assert (answers[0].status, answers[0].data["code"]) == (499, "cancelled")
    slow.unlink()
    assert server.call("POST", "/services/lazy/start").data["service"]["state"] == "running"
    service.delete()


def test_models_are_listed_and_deleted(server: Client, home: Path, tmp_path: Path) -> None:
    (tmp_path / "weights.bin").write_bytes(b"1234")
    jupyter_mldeploy.register_model("weights", tmp_path / "weights.bin")
    (model,) = server.call("GET", "/models").data["models"]
    assert (model["name"], model["version"], model["size"], model["services"]) == ("weights", 1, 4, [])
    assert "path" not in model
    assert server.call("DELETE", "/models/weights/1").status == 204
    assert server.call("GET", "/models").data["models"] == []
    assert server.call("GET", "/images").data == {"images": []}
