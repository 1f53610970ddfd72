"""The container target's budgets, each against its yardstick in the same run. Needs a Docker engine.

uv run python benchmarks/container_target.py [--runs 5]
"""

from __future__ import annotations

import argparse
import http.client
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SCRIPT = """import json
def init():
    global model
    model = [0]
def run(data):
    return [{answer}, len(json.loads(data)["data"])]
"""
BODY = b'{"data": [1]}'


def timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


def row(what: str, measured: list[float], yardstick: float | None, budget: str) -> None:
    middle = statistics.median(measured)
    ratio = f"{middle / yardstick:8.2f} ×" if yardstick else " " * 10
    against = f"{yardstick:9.1f} ms" if yardstick else " " * 12
    print(
        f"{what:52}{middle:9.1f} ms {against} {ratio}   {budget}   (of {len(measured)}: {min(measured):.0f}–{max(measured):.0f})"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each measurement of throughput")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["MLDEPLOY_HOME"] = home
        os.chdir(home)
        print(f"{'what':52}{'measured':>12} {'yardstick':>12} {'ratio':>10}   budget")
        measure(Path(home) / "score.py", options.runs, options.seconds)


def measure(file: Path, runs: int, seconds: float) -> None:
    from jupyter_mldeploy import deploy

    marks = iter(range(1, 10_000))

    def write() -> int:
        mark = next(marks)
        # A text that no image has yet: a build is wanted, not a look at what is there.
        file.write_text(SCRIPT.format(answer=mark) + f"# {os.urandom(6).hex()}\n")
        return mark

    write()
    service = deploy(file, "bench", target="container", port=None)

    def rebuild() -> None:
        write()
        deploy(file, "bench", target="container", until="build")

    row("script-only edit, build", [timed(rebuild) for _ in range(runs)], None, "≤ 2000 ms")

    def reload() -> None:
        mark = write()
        service.reload()
        assert service.run(BODY)[0] == mark

    request = statistics.median(timed(lambda: service.run(BODY)) for _ in range(20))
    row("reload to the first new answer, against a request", [timed(reload) for _ in range(runs)], request, "≤ 200 ms")

    gaps = [gap_of_update(service, memory) for memory in ("300Mi", "310Mi", "320Mi")]
    row("update: the port is nobody's", gaps, None, "≤ 500 ms")

    deaths = [death(service) for _ in range(runs)]
    row("death of the container to its status", deaths, None, "≤ 1000 ms")
    service.delete()
    cached(file, runs, write)
    throughput(file, seconds)


def gap_of_update(service: Any, memory: str) -> float:
    """Milliseconds between the last answer before and the first one after somebody who asks all the time got none."""
    longest, last = 0.0, time.perf_counter()
    enough = threading.Event()

    def ask() -> None:
        nonlocal longest, last
        port = int(service.scoring_uri.rsplit(":", 1)[1].split("/")[0])
        while not enough.is_set():
            try:
                call = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
                call.request("POST", "/score", BODY)
                if call.getresponse().status == 200:
                    now = time.perf_counter()
                    longest, last = max(longest, now - last), now
                call.close()
            except OSError:
                continue

    asker = threading.Thread(target=ask)
    asker.start()
    service.update(memory=memory)
    service.run(BODY)
    enough.set()
    asker.join()
    return longest * 1000


def death(service: Any) -> float:
    """Milliseconds from SIGKILL until a watcher is told."""
    if service.state != "running":
        service.start()
    watcher = service.watch()
    next(watcher)
    pid = docker("inspect", "--format", "{{.Id}}", service.record.details["container"]).strip()
    began = time.perf_counter()
    subprocess.Popen(["docker", "kill", pid], stdout=subprocess.DEVNULL)
    for status in watcher:
        if status.state == "failed":
            break
    return (time.perf_counter() - began) * 1000


def cached(file: Path, runs: int, write: Callable[[], int]) -> None:
    """A deployment whose image is there, against `docker run` of that image until it answers."""
    from jupyter_mldeploy import deploy

    write()
    made = deploy(file, "bench", target="container")
    image = str(made.record.details["image"])
    made.delete()

    def by_hand() -> None:
        with running(image) as port:
            wait_for_answer(port)

    def by_us() -> None:
        service = deploy(file, "bench", target="container")
        service.run(BODY)
        done.append(service)

    done: list[Any] = []
    hand, us = [], []
    for _ in range(runs):
        hand.append(timed(by_hand))
        us.append(timed(by_us))
        done.pop().delete()
    row("cached deploy to the first answer, against docker run", us, statistics.median(hand), "≤ 1.5 ×")


@contextmanager
def running(image: str) -> Iterator[int]:
    """`docker run -p PORT:5001 IMAGE`; removing it is not measured by anybody."""
    container = docker("run", "--detach", "--publish", "127.0.0.1::5001", image).strip()
    port = int(docker("port", container, "5001").strip().rpartition(":")[2])
    try:
        yield port
    finally:
        subprocess.Popen(["docker", "rm", "--force", container], stdout=subprocess.DEVNULL)


def wait_for_answer(port: int) -> None:
    while True:
        try:
            call = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            call.request("POST", "/score", BODY)
            if call.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.01)


def throughput(file: Path, seconds: float) -> None:
    """Requests a second through the service's port, against the same image run by hand."""
    from jupyter_mldeploy import deploy

    service = deploy(file, "bench", target="container", replicas=1)
    image = str(service.record.details["image"])
    ours = int(service.scoring_uri.rsplit(":", 1)[1].split("/")[0])
    with running(image) as theirs:
        wait_for_answer(theirs)
        rounds = [(load(theirs, seconds), load(ours, seconds)) for _ in range(3)]
    hand, us = (statistics.median(side) for side in zip(*rounds, strict=True))
    print(
        f"{'throughput, 8 connections, against the image by hand':52}{us:8.0f} r/s {hand:9.0f} r/s {us / hand:8.2f} ×   ≥ 0.9 ×"
    )
    service.delete()


def load(port: int, seconds: float) -> float:
    """Requests a second of 8 connections that are kept open."""
    code = f"""
import http.client, sys, threading, time
counts = []
def ask():
    call, done = http.client.HTTPConnection("127.0.0.1", {port}), 0
    end = time.monotonic() + {seconds}
    while time.monotonic() < end:
        call.request("POST", "/score", {BODY!r}); call.getresponse().read(); done += 1
    counts.append(done)
threads = [threading.Thread(target=ask) for _ in range(8)]
[thread.start() for thread in threads]; [thread.join() for thread in threads]
print(sum(counts) / {seconds})
"""
    return float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)


def docker(*words: str) -> str:
    return subprocess.run(["docker", *words], check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
