"""The runtime beside other servers: medians of three rounds, every server once a round.

uv run python benchmarks/runtime_table.py [--rounds 3] [--seconds 4] [--environments FOLDER] [--only iris,one,...]

Makes an environment for each server with uv the first time, and prints Markdown.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import platform
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import runtime_life
from runtime_servers import BODY, COMMON, LIMIT, OTHERS, OURS, STARLETTE, TRAIN, Contestant, Launch, write_scripts

LOAD = str(Path(__file__).with_name("runtime_load.py"))
START_S = 180.0


@dataclass
class Workload:
    """One line of load against several servers."""

    key: str
    title: str
    script: str
    connections: int
    workers: int | None
    contestants: list[Contestant]
    warm_up: float = 1.0


WORKLOADS = [
    Workload(
        "iris", "iris, logistic regression, 10 rows, 64 connections, 2 workers", "iris", 64, 2, [LIMIT, OURS, *OTHERS]
    ),
    Workload("one", "the same, one connection", "iris", 1, 2, [LIMIT, OURS]),
    Workload("echo", "echo, 64 connections, 2 workers", "echo", 64, 2, [LIMIT, OURS, STARLETTE]),
    Workload("forest", "random forest, 64 connections, each server's default", "forest", 64, None, [LIMIT, OURS], 4.0),
    Workload("sleep", "sleep(0.05), 32 connections, each server's default", "sleep", 32, None, [LIMIT, OURS], 6.0),
]


def python_of(environments: Path, contestant: Contestant) -> Path:
    """The interpreter of a server's environment, which is made when it is not there."""
    name = contestant.version_of or "limit"
    place = environments / name
    python = place / "bin" / "python"
    if not (place / "complete").exists():
        print(f"installing {name} …", file=sys.stderr)
        subprocess.run(["uv", "venv", "-q", "--clear", "-p", "3.11", str(place)], check=True)
        subprocess.run(["uv", "pip", "install", "-q", "-p", str(python), *COMMON, *contestant.packages], check=True)
        (place / "complete").touch()
    return python


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(launch: Launch, folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Start a server, wait for its first good answer, and end all of it afterwards."""
    with (folder / "server.log").open("wb") as log:
        path = f"{Path(launch.command[0]).parent}:{os.environ['PATH']}"  # MLflow looks for uvicorn there
        environment = {**os.environ, "PATH": path, **(launch.environment or {})}
        process = subprocess.Popen(
            launch.command, cwd=folder, stdout=log, stderr=log, env=environment, start_new_session=True
        )
    try:
        deadline = time.monotonic() + START_S
        while not answers(port, launch):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((folder / "server.log").read_text()[-2000:])
            time.sleep(0.1)
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def answers(port: int, launch: Launch) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("POST", launch.path, launch.body, {"content-type": "application/json"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def loaded(port: int, launch: Launch, folder: Path, workload: Workload, seconds: float) -> dict[str, Any]:
    body = folder / "body"
    body.write_bytes(launch.body)
    command = [sys.executable, LOAD, str(port), str(workload.connections), str(seconds), str(body), launch.path]
    told = subprocess.run([*command, str(workload.warm_up)], check=True, capture_output=True, text=True)
    return json.loads(told.stdout)  # type: ignore[no-any-return]


def measure(
    workload: Workload, environments: Path, folder: Path, rounds: int, seconds: float
) -> dict[str, dict[str, Any]]:
    """Medians of every contestant."""
    found: dict[str, list[dict[str, Any]]] = {contestant.name: [] for contestant in workload.contestants}
    broken: set[str] = set()
    for number in range(rounds):
        for contestant in workload.contestants:
            if contestant.name in broken:
                continue
            port = free_port()
            try:
                python = python_of(environments, contestant)
                launch = contestant.launch(python, folder, workload.script, port, workload.workers)
                with running(launch, folder, port) as process:
                    before = cpu_seconds(process.pid)
                    figures = loaded(port, launch, folder, workload, seconds)
                    spent = cpu_seconds(process.pid) - before
                    found[contestant.name].append({**figures, "cpu_ms": spent * 1000 / max(1, figures["all"])})
            except (RuntimeError, subprocess.CalledProcessError) as error:
                broken.add(contestant.name)
                print(f"{contestant.name} failed: {error}", file=sys.stderr)
            else:
                print(f"{workload.key} {number + 1}: {contestant.name} {found[contestant.name][-1]}", file=sys.stderr)
    return {
        name: {key: statistics.median(one[key] for one in runs) for key in runs[0]}
        for name, runs in found.items()
        if runs
    }


def cpu_seconds(pid: int) -> float:
    """What a server and everything that it started has spent."""
    whole = 0.0
    for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
        with contextlib.suppress(psutil.Error):
            whole += sum(process.cpu_times()[:4])
    return whole


def version(environments: Path, contestant: Contestant) -> str:
    if not contestant.version_of:
        return ""
    code = f"import importlib.metadata as m; print(m.version({contestant.version_of!r}))"
    told = subprocess.run(
        [str(python_of(environments, contestant)), "-c", code], capture_output=True, text=True, check=False
    )
    return " " + told.stdout.strip()


def show(workload: Workload, medians: dict[str, dict[str, Any]], environments: Path) -> None:
    best = medians.get(LIMIT.name)
    print(
        f"\n### {workload.title}\n\n| server | requests/s | of the limit | p50 ms | p99 ms | CPU ms a request | failed |"
    )
    print("|---|--:|--:|--:|--:|--:|--:|")
    for contestant in workload.contestants:
        figures = medians.get(contestant.name)
        name = contestant.name + version(environments, contestant)
        if figures is None:
            print(f"| {name} | did not run | | | | | |")
            continue
        share = f"{figures['rate'] / best['rate']:.2f}" if best else ""
        cells = (
            f"{figures['rate']:.0f}",
            share,
            f"{figures['p50_ms']:.2f}",
            f"{figures['p99_ms']:.2f}",
            f"{figures['cpu_ms']:.3f}",
        )
        print(f"| {name} | {' | '.join(cells)} | {figures['failed']:.0f} |")


def machine() -> str:
    model = platform.processor()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), model)
    cpus = len(os.sched_getaffinity(0))
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    return f"{model}, {cpus} CPUs, {system}; load before the run: {load}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--environments", type=Path, default=Path("~/.cache/mldeploy-benchmarks").expanduser())
    parser.add_argument("--only", default="", help="workloads: iris, one, echo, forest, sleep, life")
    parser.add_argument("--servers", default="", help="beginnings of the names of the servers to measure")
    flags = parser.parse_args()
    only = set(flags.only.split(",")) - {""}
    environments = flags.environments.resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "body").write_bytes(BODY)
        write_scripts(folder)
        python = python_of(environments, LIMIT)
        subprocess.run([str(python), "-c", TRAIN, str(folder)], check=True)
        print(f"{machine()}. Medians of {flags.rounds} rounds of {flags.seconds:g} s.", flush=True)
        wanted = tuple(flags.servers.split(","))
        for workload in WORKLOADS:
            workload.contestants = [one for one in workload.contestants if one.name.startswith(wanted)]
            if not only or workload.key in only:
                show(workload, measure(workload, environments, folder, flags.rounds, flags.seconds), environments)
                sys.stdout.flush()
        if not only or "life" in only:
            runtime_life.show(python, folder, flags.rounds)


if __name__ == "__main__":
    main()
