"""Scripts that misbehave: only what they break themselves breaks."""

from __future__ import annotations

import concurrent.futures
from typing import Any

import psutil
import pytest
from runtime_harness import Serve, Server


@pytest.mark.parametrize(
    "body",
    [
        "os.fork() or os._exit(0); return 1",
        "threading.Thread(target=time.sleep, args=(100,)).start(); return 1",
        "os.chdir('/'); return 1",
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.signal(signal.SIGINT, signal.SIG_IGN); return 1",
        "sys.setrecursionlimit(10**6); return 1",
        "sys.stdout = sys.stderr = None; return 1",
        "sys.modules.clear(); return 1",
        "gc.disable(); return 1",
        "os.environ.clear(); return 1",
        "import builtins; del builtins.print; return 1",
        "return recursive()",
        "raise BaseException('base')",
        "raise KeyboardInterrupt",
        "raise GeneratorExit",
        "raise Nasty()",
        "raise SystemExit(3)",
        "return Nasty()",
        "return {Nasty(): 1}",
        "return loop()",
        "return float('nan')",
        "return '\\ud800'",
        "return iter(lambda: 1 / 0, None)",
    ],
)
def test_what_run_can_do(serve: Serve, body: str) -> None:
    text = f"""
import gc, os, signal, sys, threading, time
class Nasty(BaseException):
    def __str__(self): raise RuntimeError("no text")
    __repr__ = __hash__ = __str__
def recursive(): return recursive()
def loop():
    x = []
    x.append(x)
    return x
def init(): pass
def run(data):
    if data == "1": return "fine"
    {body}
"""
    server = serve(text, scoring_timeout_ms=5000)
    answer = server.request("POST", "/score", "2")
    assert answer.status in (200, 500)
    if answer.status == 500:
        assert answer.message
    again = server.request("POST", "/score", "1")
    assert (again.status, again.body) == (200, b'"fine"') or again.status == 502
    assert server.request("POST", "/score", "1").body == b'"fine"'


def test_a_child_that_comes_back_from_run_serves_nothing(serve: Serve) -> None:
    server = serve("import os\ndef init(): pass\ndef run(data):\n    os.fork()\n    return os.getpid()\n")
    (worker,) = {server.score(number).json for number in range(20)}
    assert psutil.Process(server.process.pid).children()[0].pid == worker


@pytest.mark.parametrize("stage", ["init", "run"])
def test_out_of_memory(serve: Serve, stage: str) -> None:
    grow = "return len(bytearray(2_000_000_000))"
    text = f"def init(): {grow if stage == 'init' else 'pass'}\ndef run(data): {grow if stage == 'run' else 'pass'}\n"
    server = serve(text, wait=stage == "run", worker={"memory_bytes": 500_000_000})
    if stage == "run":
        answer = server.score()
        assert answer.status == 502
        assert "out of memory" in answer.message
        died = server.wait_for("worker_died")
        assert died["oom"] is True
        server.wait_for("replica_ready", replica=2)
    else:
        failure = server.wait_for("failure")["failure"]
        assert (failure["stage"], failure["oom"]) == ("init", True)
    assert server.status()["limits"] == {"memory": "enforced", "cpu": "none"}


def test_out_of_memory_between_two_requests(serve: Serve) -> None:
    text = """
import threading
def init(): pass
def run(data):
    threading.Timer(0.05, lambda: len(bytearray(2_000_000_000))).start()
    return 1
"""
    server = serve(text, worker={"memory_bytes": 500_000_000})
    assert server.score().status == 200
    server.wait_for_log("MemoryError")
    assert server.score().status == 200


def test_a_worker_that_ignores_its_time_out(serve: Serve) -> None:
    text = """
import signal
def init(): pass
def run(data):
    if data == "1": return "fine"
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM): signal.signal(number, signal.SIG_IGN)
    while True:
        try:
            while True: pass
        except BaseException: pass
"""
    server = serve(text, scoring_timeout_ms=300)
    assert server.request("POST", "/score", "2").status == 504
    assert server.request("POST", "/score", "1").json == "fine"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("AMLResponse('x', 100)", "the HTTP status 100"),
        ("AMLResponse('x', 1000)", "the HTTP status 1000"),
        ("AMLResponse('x', 200, {'Bad\\r\\nInjected': '1'})", "a header 'Bad\\r\\nInjected'"),
        ("AMLResponse('x', 200, {'': '1'})", "a header ''"),
    ],
)
def test_answers_that_http_does_not_know(serve: Serve, answer: str, words: str) -> None:
    text = f"from azureml.contrib.services.aml_response import AMLResponse\ndef init(): pass\ndef run(data): return {answer}\n"
    refused = serve(text).score()
    assert refused.status == 500
    assert words in refused.message
    assert not {name for name in refused.headers if "inject" in name.lower()}


def test_only_the_request_in_a_dying_worker_fails(serve: Serve) -> None:
    server = serve("plain.py", min_replicas=2, max_replicas=2, max_request_wait_ms=20_000)

    def ask(number: int) -> tuple[int, int]:
        return number, server.score({"k": "exit"} if number % 10 == 0 else number).status

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        statuses = dict(pool.map(ask, range(100)))
    assert {number for number, status in statuses.items() if status == 502} == set(range(0, 100, 10))
    assert {status for number, status in statuses.items() if number % 10} == {200}


def test_no_growth_in_many_requests_and_reloads(serve: Serve) -> None:
    text = "def init(): pass\ndef run(data): return 1\n"
    server = serve(text, min_replicas=2, max_replicas=2)
    front = psutil.Process(server.process.pid)

    def busy(count: int) -> None:
        def client(_: int) -> None:
            for _ in range(count):
                assert server.score().status == 200

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(client, range(4)))

    def reload(version: int) -> None:
        edited = text.replace("return 1", f"return {version}")
        assert server.reload(script=edited, keep_init=version % 4 != 0).status == 200

    for version in range(2, 10):
        reload(version)
    busy(100)
    descriptors, memory = front.num_fds(), front.memory_info().rss
    for version in range(10, 30):
        reload(version)
    busy(300)
    server.wait_for("reloaded", since=server.status()["event"] - 3) if server.status()["event"] < 3 else None
    assert front.num_fds() <= descriptors + 12  # a spare may be coming or going
    assert front.memory_info().rss < memory + 4_000_000


def test_threads_of_one_replica(serve: Serve) -> None:
    text = """
import threading
def init():
    global barrier
    barrier = threading.Barrier(3)
def run(data):
    barrier.wait(30)
    print("met", data)
    return data
"""
    server = serve(text, threads=3)

    def ask(number: int) -> Any:
        return server.request("POST", "/score", str(number), {"x-request-id": f"r{number}"}).json

    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        assert list(pool.map(ask, range(3))) == ["0", "1", "2"]
    log = server.wait_for_log("[r2] - POST")
    for number in range(3):
        assert f"print [r{number}] - met {number}" in log


def test_module_state_never_leaks_into_the_next_load(serve: Serve) -> None:
    raw = "from azureml.contrib.services.aml_request import rawhttp\ndef init(): pass\n@rawhttp\ndef run(request): return request.method\n"
    server = serve(raw)
    assert server.score().json == "POST"
    assert server.reload(script="def init(): pass\ndef run(data): return type(data).__name__\n").status == 200
    assert server.score().json == "str"
    assert server.reload(script=raw).status == 200
    assert server.score().json == "POST"


def server_of(server: Server) -> int:
    return server.process.pid


def test_out_of_memory_while_a_body_is_received(serve: Serve) -> None:
    text = "def init(): pass\ndef run(data): return len(data)\n"
    server = serve(text, worker={"memory_bytes": 100_000_000})
    answer = server.request("POST", "/score", b"1" * 100_000_000)
    assert answer.status == 502
    assert "ran out of memory while it received the request" in answer.message
    assert server.wait_for("worker_died")["oom"] is True
    assert server.score(1).json == 1
    assert "Traceback" not in server.log
    assert "while it waited" not in server.log


def test_a_script_that_replaces_parts_of_json(serve: Serve) -> None:
    text = """
import json
whole = json.dumps
json.dumps = lambda value, *_, **__: whole(str(value))
json.loads = None
def init(): pass
def run(data): return {"data": data}
"""
    server = serve(text)
    assert server.score([1]).json == {"data": "[1]"}
    assert server.request("GET", "/score?a=1").json == {"data": '{"a": 1}'}


@pytest.mark.parametrize("stroke", ["os.closerange(3, 64)", "os.write(3, b'nonsense' * 10); time.sleep(60)"])
def test_a_script_that_breaks_the_connection_of_its_worker(serve: Serve, stroke: str) -> None:
    server = serve(f"import os, time\ndef init(): pass\ndef run(data):\n    if data == '1': {stroke}\n    return 2\n")
    answer = server.score(1)
    assert answer.status == 502
    assert "closed or changed the worker's connection" in answer.message
    assert server.score(2).json == 2
