"""Start, reload and memory of the runtime, beside the script on its own. Used by runtime_table.py."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil

TOKEN = "benchmark"
ALONE = (
    "import time; began = time.perf_counter(); import iris_score; iris_score.init(); print(time.perf_counter() - began)"
)
WEIGHT = "import iris_score, resource, os; iris_score.init(); print(open('/proc/self/statm').read().split()[1])"


class Running:
    """Our server with one replica."""

    def __init__(self, python: Path, folder: Path, script: str = "iris_score.py") -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.body = (folder / "body").read_bytes()
        worker = {"python": str(python), "entry_script": script, "app_root": str(folder)}
        file = folder / "life.json"
        file.write_text(
            json.dumps({"port": self.port, "worker": worker, "max_replicas": 1, "max_request_wait_ms": 60_000})
        )
        self.began = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "jupyter_mldeploy.runtime", "--service_config", str(file)],
            env={**os.environ, "MLDEPLOY_ADMIN_TOKEN": TOKEN},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def ask(self, method: str, path: str, body: bytes | None = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        try:
            connection.request(method, path, body, {"X-MLDeploy-Token": TOKEN, "content-type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 200:
                raise RuntimeError(text)
            return json.loads(text)
        finally:
            connection.close()

    def first_answer(self) -> float:
        """Seconds from the start to the first answer; the port is tried until it listens."""
        while True:
            try:
                self.ask("POST", "/score", self.body)
            except OSError:
                time.sleep(0.001)
            else:
                return time.perf_counter() - self.began

    def reload(self, text: str) -> tuple[float, str]:
        """Seconds from the order to the first answer of the new script, and the mode."""
        began = time.perf_counter()
        mode = self.ask("POST", "/_mldeploy/reload", json.dumps({"script": text}).encode())["mode"]
        self.ask("POST", "/score", self.body)
        return time.perf_counter() - began, mode

    def await_spare(self) -> None:
        """Wait until the warm worker has made its imports."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.request("GET", "/_mldeploy/events?since=0", headers={"X-MLDeploy-Token": TOKEN})
        answer = connection.getresponse()
        while json.loads(answer.readline())["kind"] != "spare_ready":
            pass
        connection.close()

    def memory(self) -> tuple[int, int]:
        """Resident bytes of the front and of the worker."""
        worker = self.ask("GET", "/_mldeploy/status")["replicas"][0]["pid"]
        return psutil.Process(self.process.pid).memory_info().rss, psutil.Process(worker).memory_info().rss

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def small(python: Path, folder: Path) -> dict[str, float]:
    """Start to first answer of a script that imports nothing, where the server's own start shows, and its processor time."""
    (folder / "small_score.py").write_text("def init(): pass\ndef run(data): return 1\n")
    began = time.perf_counter()
    subprocess.run([str(python), "-c", "import small_score; small_score.init()"], cwd=folder, check=True)
    alone = time.perf_counter() - began
    server = Running(python, folder, "small_score.py")
    try:
        started = server.first_answer()
        front = psutil.Process(server.process.pid)
        worker = psutil.Process(server.ask("GET", "/_mldeploy/status")["replicas"][0]["pid"])
        spent = [sum(process.cpu_times()[:2]) for process in (front, worker)]
        return {"small": started, "small alone": alone, "front cpu": spent[0], "worker cpu": spent[1]}
    finally:
        server.stop()


def once(python: Path, folder: Path) -> dict[str, float]:
    """Every figure once."""
    began = time.perf_counter()
    init = subprocess.run([str(python), "-c", ALONE], cwd=folder, check=True, capture_output=True, text=True)
    alone = time.perf_counter() - began
    pages = subprocess.run([str(python), "-c", WEIGHT], cwd=folder, check=True, capture_output=True, text=True)
    text = (folder / "iris_score.py").read_text()
    server = Running(python, folder)
    try:
        found = {"start": server.first_answer(), "alone": alone, "script": float(init.stdout)}
        for number in range(5):
            spent, mode = server.reload(text.replace(".tolist()", f".tolist()[:{number + 1}]"))
            assert mode == "in-place", mode
            found["kept"] = min(found.get("kept", spent), spent)
        server.await_spare()
        spent, mode = server.reload(text.replace("global model", "global model; more = 1"))
        assert mode == "new-workers", mode
        found["again"] = spent
        front, worker = server.memory()
        found |= small(python, folder)
        return {**found, "front": front / 1e6, "worker": worker / 1e6, "weight": int(pages.stdout) * 4096 / 1e6}
    finally:
        (folder / "iris_score.py").write_text(text)
        server.stop()


def show(python: Path, folder: Path, rounds: int) -> None:
    """Print the medians."""
    runs = [once(python, folder) for _ in range(rounds)]
    found = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
    rows = [
        (
            "start to first answer",
            found["start"] * 1000,
            found["alone"] * 1000,
            "ms",
            "+150 ms over `import score; init()`",
        ),
        ("reload, init() kept", found["kept"] * 1000, 50.0, "ms", "≤ 50 ms"),
        (
            "start to first answer, script without imports",
            found["small"] * 1000,
            found["small alone"] * 1000,
            "ms",
            "+150 ms over the script alone",
        ),
        (
            "its processor time: front, beside the worker's",
            found["front cpu"] * 1000,
            found["worker cpu"] * 1000,
            "ms",
            "",
        ),
        (
            "reload, init() again, with the warm worker",
            found["again"] * 1000,
            found["script"] * 1000,
            "ms",
            "init() alone + 50 ms",
        ),
        ("memory of the front", found["front"], 40.0, "MB", "≤ 40 MB"),
        ("memory of a worker", found["worker"], found["weight"], "MB", "+15 MB over the script alone"),
    ]
    print("\n### start, reload, memory (iris script)\n\n| what | measured | yardstick | budget |\n|---|--:|--:|---|")
    for what, measured, yardstick, unit, budget in rows:
        print(f"| {what} | {measured:.1f} {unit} | {yardstick:.1f} {unit} | {budget} |")
