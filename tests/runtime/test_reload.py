"""Reload: nothing is lost, nothing half-changed, and the old script serves on when the new one is at fault."""

from __future__ import annotations

import signal
import threading
from typing import Any

import psutil
import pytest
from runtime_harness import Serve, Server

SCRIPT = """
import os
import time

def init():
    global made
    made = os.getpid(), time.time()

def run(data):
    return {"version": 1, "made": made}
"""


def edited(version: int, text: str = SCRIPT) -> str:
    return text.replace('"version": 1', f'"version": {version}')


@pytest.fixture(params=[1, 2], ids=["one replica", "forked replicas"])
def server(request: pytest.FixtureRequest, serve: Serve) -> Server:
    return serve(SCRIPT, min_replicas=request.param, max_replicas=request.param)


def test_an_edited_run_is_changed_in_place(server: Server) -> None:
    before = server.score().json
    answer = server.reload(script=edited(2))
    assert answer.status == 200
    done = answer.json
    assert (done["ok"], done["mode"]) == (True, "in-place")
    assert {replica["script"] for replica in done["replicas"]} == {done["script"]}
    after = server.score()
    assert after.json == {"version": 2, "made": before["made"]}
    assert after.headers["x-mldeploy-script"] == done["script"] == server.status()["script"]


def test_the_text_replaces_the_file_only_when_it_was_accepted(server: Server) -> None:
    file = server.log_path.parent / "score.py"
    assert server.reload(script="def init(:").status == 422
    assert file.read_text() == SCRIPT
    assert server.reload(script=edited(2)).status == 200
    assert file.read_text() == edited(2)


def test_the_file_is_read_again(server: Server) -> None:
    (server.log_path.parent / "score.py").write_text(edited(3))
    assert server.reload().json["mode"] == "in-place"
    assert server.score().json["version"] == 3
    assert server.reload().json["mode"] == "unchanged"


def test_keep_init_false_runs_it_again(server: Server) -> None:
    before = server.score().json["made"]
    done = server.reload(keep_init=False).json
    assert done["mode"] == "new-workers"
    assert server.score().json["made"] != before


def test_an_edited_init_needs_new_workers(server: Server) -> None:
    done = server.reload(script=edited(2).replace("global made", "global made, more")).json
    assert done["mode"] == "new-workers"
    assert server.score().json["version"] == 2


@pytest.mark.parametrize(
    ("text", "kind", "line"),
    [
        ("def init():\n    pass\n\ndef run(data)\n    return 1\n", "syntax", 4),
        ("def init():\n    raise ValueError('bad model')\n\ndef run(data):\n    return 1\n", "exception", 2),
        ("def init():\n    pass\n\ndef run(*data):\n    return 1\n", "contract", 4),
        ("def init():\n    pass\n\nasync def run(data):\n    return 1\n", "contract", 4),
        ("import os\n\ndef init():\n    os._exit(9)\n\ndef run(data):\n    return 1\n", "exit", None),
        ("import no_such_thing\n\ndef init(): pass\n\ndef run(data): pass\n", "exception", 1),
    ],
    ids=["syntax", "init raises", "contract", "coroutine", "init ends the process", "import"],
)
def test_a_script_at_fault_is_refused(server: Server, text: str, kind: str, line: int | None) -> None:
    before = server.status()
    answer = server.reload(script=text)
    assert answer.status == 422
    refused = answer.json
    assert refused["ok"] is False
    assert refused["script"] == before["script"]
    assert refused["failure"]["kind"] == kind
    assert refused["failure"]["line"] == line
    assert refused["message"]
    assert server.score().json["version"] == 1
    status = server.status()
    assert (status["state"], status["refused"]) == ("degraded", refused["message"])
    assert [r["pid"] for r in status["replicas"]] == [r["pid"] for r in before["replicas"]]
    assert server.reload(script=edited(2)).status == 200
    status = server.status()
    assert (status["state"], status["refused"]) == ("ready", "")


def test_another_worker_make(server: Server) -> None:
    folder = server.log_path.parent
    (folder / "other.py").write_text("import os\ndef init(): pass\ndef run(data): return os.environ['WHICH']\n")
    worker = {"entry_script": "other.py", "app_root": str(folder), "env": {"WHICH": "other"}}
    assert server.reload(worker=worker).json["mode"] == "new-workers"
    assert server.score().json == "other"


def test_one_reload_at_a_time(serve: Serve) -> None:
    server = serve(SCRIPT)
    slow = SCRIPT.replace("global made", "global made; time.sleep(1)")
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(server.reload(script=slow)))
    thread.start()
    server.wait_for("reload_started")
    assert server.reload(script=edited(2)).status == 409
    thread.join()
    assert answers[0].status == 200


def test_a_signal_during_a_reload_over_http_is_not_lost(serve: Serve) -> None:
    server = serve(SCRIPT)
    slow = SCRIPT.replace("global made", "global made; time.sleep(1)")
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(server.reload(script=slow)))
    thread.start()
    server.wait_for("reload_started")
    server.process.send_signal(signal.SIGHUP)
    thread.join()
    assert answers[0].status == 200
    (server.log_path.parent / "score.py").write_text(edited(2, slow))
    server.wait_for("reloaded", mode="unchanged")
    server.process.send_signal(signal.SIGHUP)
    server.wait_for("reloaded", mode="in-place")
    assert server.score().json["version"] == 2


def test_bad_orders(server: Server) -> None:
    assert server.request("POST", "/_mldeploy/reload", "{", {"X-MLDeploy-Token": "test-token"}).status == 400
    assert server.reload(script=7).status == 400
    assert server.reload(worker={"entry_script": 3}).status == 400


def test_a_request_under_way_ends_with_the_script_it_began_with(serve: Serve) -> None:
    text = SCRIPT.replace("return {", "time.sleep(0.5)\n    return {")
    server = serve(text)
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(server.score()))
    thread.start()
    while not any(replica["state"] == "busy" for replica in server.status()["replicas"]):
        pass
    assert server.reload(script=edited(2, text), keep_init=False).status == 200
    assert server.score().json["version"] == 2
    thread.join()
    assert answers[0].json["version"] == 1


@pytest.mark.timeout(300)
def test_no_request_is_lost_in_a_hundred_reloads_under_load(serve: Serve) -> None:
    server = serve(SCRIPT, min_replicas=2, max_replicas=2, max_request_wait_ms=20_000)
    front = psutil.Process(server.process.pid)
    going = True
    seen: list[tuple[int, int]] = []

    def load() -> None:
        while going:
            answer = server.score()
            seen.append((answer.status, answer.json.get("version", 0)))

    threads = [threading.Thread(target=load, daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    sizes = []
    for version in range(2, 102):
        answer = server.reload(script=edited(version), keep_init=version % 3 != 0, sample="{}")
        assert answer.status == 200, answer.body
        assert server.score().json["version"] == version
        if version in (40, 101):
            sizes.append((front.num_fds(), front.memory_info().rss))
    going = False
    for thread in threads:
        thread.join()
    assert {status for status, _ in seen} == {200}
    (descriptors, memory), (descriptors_now, memory_now) = sizes
    assert descriptors_now <= descriptors + 40  # old workers and a spare are on their way out
    assert memory_now < memory + 5_000_000


def test_reload_mends_a_service_that_could_not_start(serve: Serve) -> None:
    server = serve("def init(): raise RuntimeError('no')\ndef run(data): return 1\n", wait=False)
    server.wait_for("failure")
    assert server.reload(script=SCRIPT).json["mode"] == "new-workers"
    assert server.score().json["version"] == 1
    assert server.status()["failure"] is None


def test_sighup_reloads(server: Server) -> None:
    (server.log_path.parent / "score.py").write_text(edited(5))
    server.process.send_signal(1)
    server.wait_for("reloaded")
    assert server.score().json["version"] == 5


FAULTS = {
    "raises": ("return {", "raise KeyError('y')\n    return {", "exception", "KeyError"),
    "leaves": ("return {", "os._exit(9)\n    return {", "exit", "exit code 9"),
    "crashes": ("return {", "os.kill(os.getpid(), 11)\n    return {", "signal", "SIGSEGV"),
    "hangs": ("return {", "time.sleep(100)\n    return {", "timeout", "time-out"),
    "cannot be JSON": ("return {", 'return {"o": object()}\n    return {', "contract", "object"),
}
STARTS_A_THREAD = SCRIPT.replace(
    "    made =",
    "    import threading\n    threading.Thread(target=threading.Event().wait, daemon=True).start()\n    made =",
)


@pytest.mark.parametrize("keep_init", [True, False], ids=["in place", "new workers"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_script_that_fails_its_sample_is_refused(serve: Serve, fault: str, keep_init: bool) -> None:
    server = serve(SCRIPT, min_replicas=1, max_replicas=3, scoring_timeout_ms=1500)
    old, new, kind, words = FAULTS[fault]
    before = server.score().json
    pids = [replica["pid"] for replica in server.status()["replicas"]]
    answer = server.reload(script=SCRIPT.replace(old, new), sample='{"x": 1}', keep_init=keep_init)
    assert answer.status == 422, answer.body
    assert answer.json["failure"]["stage"] == "run"
    assert answer.json["failure"]["kind"] == kind
    assert words in answer.json["message"]
    assert server.score().json == before
    assert [replica["pid"] for replica in server.status()["replicas"]] == pids
    assert (server.log_path.parent / "score.py").read_text() == SCRIPT


@pytest.mark.parametrize("script", [SCRIPT, STARTS_A_THREAD], ids=["can be forked", "has a thread"])
@pytest.mark.parametrize("replicas", [1, 2])
def test_a_sample_is_tried_without_a_trace(serve: Serve, script: str, replicas: int) -> None:
    """The sample's failure names its line; nothing of the change stays, and the next one is taken in place."""
    server = serve(script, min_replicas=replicas, max_replicas=replicas)
    before = server.score().json
    wrong = script.replace("def run(data):\n", "LIMIT = 1\n\ndef run(data):\n    data['y']\n")
    answer = server.reload(script=wrong, sample="{}")
    assert answer.status == 422
    assert (answer.json["failure"]["source"], answer.json["failure"]["function"]) == ("data['y']", "run")
    for _ in range(6):
        assert server.score().json["version"] == 1
    done = server.reload(script=edited(2, script), sample='{"x": 1}')
    assert (done.status, done.json["mode"]) == (200, "in-place")
    after = server.score().json
    assert after["version"] == 2
    if replicas == 1:
        assert after["made"] == before["made"]


def test_a_sample_is_tried_on_new_workers_before_they_serve(serve: Serve) -> None:
    server = serve(SCRIPT, min_replicas=2, max_replicas=2)
    text = edited(2).replace("global made", "global made, more")
    assert server.reload(script=text, sample="{}").json["mode"] == "new-workers"
    assert server.score().json["version"] == 2


def test_scaling_down_is_told_when_it_is_done(serve: Serve) -> None:
    server = serve(SCRIPT, min_replicas=2, max_replicas=2)
    for least in (1, 3, 1, 2):
        since = server.status()["event"]
        status = server.control("POST", "scale", {"min_replicas": least, "max_replicas": least}).json
        events = server.events(since)
        while [replica["state"] for replica in status["replicas"]] != ["idle"] * least:
            next(events)
            status = server.status()


def test_what_is_scaled_during_a_reload_counts_after_it(serve: Serve) -> None:
    server = serve(SCRIPT, min_replicas=2, max_replicas=2)
    slow = edited(2).replace("global made", "global made; time.sleep(1)")
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(server.reload(script=slow)))
    thread.start()
    server.wait_for("reload_started")
    server.control("POST", "scale", {"min_replicas": 1, "max_replicas": 1})
    thread.join()
    assert answers[0].status == 200
    status = server.status()
    for _ in server.events(status["event"] - 1):
        if len(status["replicas"]) == 1:
            break
        status = server.status()
    assert server.score().json["version"] == 2


def test_calls_that_wait_outlive_the_workers_that_took_them(serve: Serve) -> None:
    """More clients than workers: a call may be taken by a worker that is being replaced before it could say so."""
    server = serve("X = 0\ndef init(): pass\ndef run(data): return data\n", min_replicas=2, max_replicas=2)
    ended = threading.Event()
    answers: list[int] = []

    def ask() -> None:
        while not ended.is_set():
            answers.append(server.score().status)

    clients = [threading.Thread(target=ask) for _ in range(8)]
    for client in clients:
        client.start()
    for _ in range(15):
        assert server.reload(keep_init=False).json["mode"] == "new-workers"
    ended.set()
    for client in clients:
        client.join(20)
        assert not client.is_alive(), "a request was never answered"
    assert set(answers) == {200}


def test_a_script_that_is_no_text(serve: Serve) -> None:
    server = serve("def init(): pass\ndef run(data): return 1\n")
    for order in ({"script": "\ud800"}, {"script": "def init(): pass\n", "sample": "\ud800"}):
        answer = server.reload(**order)
        assert (answer.status, "surrogate" in answer.message) == (400, True)
