"""How the number of replicas follows the load, and what a forked replica shares with its parent."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from runtime_harness import Serve, Server

from jupyter_mldeploy.runtime.scaling import Demand, replicas_for, usable_cpus


@pytest.mark.parametrize(
    ("load", "target", "replicas"),
    [(0, 0.7, 1), (1, 0.7, 2), (21, 0.7, 30), (200, 0.7, 286), (10, 1.0, 10), (1, 1.0, 1), (3, 0.3, 10)],
)
def test_replicas_for_a_load(load: float, target: float, replicas: int) -> None:
    assert replicas_for(load, target) == replicas


def test_demand_remembers_a_minute() -> None:
    demand = Demand(window_s=60)
    assert demand.note(0, 5) == 5
    assert demand.note(30, 1) == 5
    assert demand.note(59, 2) == 5
    assert demand.note(61, 1) == 2
    assert demand.note(200, 1) == 1


BLOCKS = """
import os, time
def init():
    global block
    block = bytearray(os.urandom(1)) * 100_000_000
def run(data):
    time.sleep(0.1)
    return os.getpid()
"""


def hammer(server: Server, clients: int, requests: int) -> list[Any]:
    def client(_: int) -> list[int]:
        return [server.score().status for _ in range(requests)]

    with ThreadPoolExecutor(clients) as pool:
        return [status for part in pool.map(client, range(clients)) for status in part]


def test_a_run_that_waits_gets_more_replicas_than_cpus_which_share_their_memory(serve: Serve) -> None:
    server = serve(BLOCKS, max_replicas=None, max_request_wait_ms=20_000)
    load = threading.Thread(target=hammer, args=(server, 12, 15))
    load.start()
    for event in server.events():
        if event["kind"] == "scaled" and event["to"] > usable_cpus():
            break
    load.join()
    replicas = server.status()["replicas"]
    assert len(replicas) > usable_cpus()
    assert max(replica["memory_bytes"] for replica in replicas) < 50_000_000


def test_a_run_that_computes_gets_one_replica_for_each_cpu(serve: Serve) -> None:
    text = "import time\ndef init(): pass\ndef run(data):\n    end = time.process_time() + 0.05\n"
    server = serve(text + "    while time.process_time() < end: pass\n", max_replicas=None, max_request_wait_ms=20_000)
    assert set(hammer(server, 6, 10)) == {200}
    assert len(server.status()["replicas"]) == usable_cpus()


def test_a_fixed_number_is_kept(serve: Serve) -> None:
    server = serve(BLOCKS, min_replicas=2, max_replicas=2, max_request_wait_ms=20_000)
    hammer(server, 6, 5)
    assert len(server.status()["replicas"]) == 2


def test_scale_by_order(serve: Serve) -> None:
    server = serve(BLOCKS)
    answer = server.control("POST", "scale", {"min_replicas": 3, "max_replicas": 3})
    assert answer.status == 200
    assert answer.json["max_replicas"] == 3
    event = server.status()["event"]
    if len([r for r in server.status()["replicas"] if r["state"] == "idle"]) < 3:
        server.wait_for("state", since=0, state="ready")
    assert server.wait_for("scaled", to=3)["from"] == 1
    server.control("POST", "scale", {"min_replicas": 1, "max_replicas": 1})
    assert server.wait_for("scaled", since=event, to=1)["from"] == 3
    for order in ({"min_replicas": 0}, {"min_replicas": 3, "max_replicas": 2}, {"max_replicas": "x"}):
        assert server.control("POST", "scale", order).status == 400


@pytest.mark.parametrize("started", ["init", "import"])
def test_a_script_with_threads_is_not_forked(serve: Serve, started: str) -> None:
    start = "threading.Thread(target=threading.Event().wait, daemon=True).start()"
    at_import, in_init = (start, "pass") if started == "import" else ("", start)
    text = f"import os, threading\n{at_import}\ndef init(): {in_init}\ndef run(data): return os.getpid()\n"
    server = serve(text, min_replicas=2, max_replicas=2)
    assert "started a Python thread" in server.wait_for_log("not forked")
    assert len(server.status()["replicas"]) == 2
    assert server.score().status == 200


def test_a_killed_parent_costs_nothing(serve: Serve) -> None:
    import os
    import signal

    server = serve(BLOCKS, min_replicas=2, max_replicas=2)
    (parent,) = [e["pid"] for e in [server.wait_for("worker_started", replica=None)]]
    os.kill(parent, signal.SIGKILL)
    server.wait_for("worker_died", replica=None)
    assert server.score().status == 200
    victim = server.status()["replicas"][0]["pid"]
    os.kill(victim, signal.SIGKILL)
    since = server.status()["event"]
    assert server.score().status == 200
    del since
    server.wait_for("state", state="degraded")
    for event in server.events():
        if event["kind"] == "replica_ready" and event["replica"] == 3:
            break
    assert len(server.status()["replicas"]) == 2


SLEEPS = "import time\ndef init(): pass\ndef run(data): time.sleep(float(data)); return 1\n"


def test_time_limits_change_under_the_calls_that_run_and_wait(serve: Serve) -> None:
    server = serve(SLEEPS, max_request_wait_ms=60_000)
    with ThreadPoolExecutor(2) as pool:
        runs = pool.submit(server.score, 60)
        while server.control("GET", "utilization").json["busy"] < 1:
            threading.Event().wait(0.01)
        waits = pool.submit(server.score, 0)
        while server.control("GET", "utilization").json["queued"] < 1:
            threading.Event().wait(0.01)
        assert server.control("POST", "settings", {"max_request_wait_ms": 100}).status == 200
        assert waits.result(30).status == 503
        assert server.control("POST", "settings", {"scoring_timeout_ms": 200}).status == 200
        assert runs.result(30).status == 504
    server.wait_for("replica_ready", replica=2)
    assert "200 ms" in server.score(60).message


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"port": 1}, "port cannot be changed while the service runs; scoring_timeout_ms, "),
        ({"scoring_timeout_ms": 0}, "scoring_timeout_ms must be above 0, not 0."),
        ({"scoring_timeout_ms": "soon"}, "scoring_timeout_ms of the settings must be int, not 'soon'."),
        ([1], "The body must be a JSON object."),
    ],
)
def test_settings_that_a_running_service_cannot_take(serve: Serve, settings: Any, said: str) -> None:
    server = serve(SLEEPS)
    before = server.status()
    refused = server.control("POST", "settings", settings)
    assert refused.status == 400
    assert said in refused.message
    assert server.status()["target_utilization"] == before["target_utilization"]
    assert server.score(0).status == 200
