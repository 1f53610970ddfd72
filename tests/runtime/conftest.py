"""Fixtures that start real fronts; what they hand out is in runtime_harness.py."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from runtime_harness import ByHand, Serve, Server, make_config, start_server


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Start servers for one test: `serve(script_text_or_name, **config)`."""
    started: list[Server] = []

    def start(script: str, *, wait: bool = True, env: dict[str, str] | None = None, **config: Any) -> Server:
        folder = tmp_path / f"service{len(started)}"
        server = start_server(folder, make_config(folder, script, config), env)
        started.append(server)
        return server.wait_ready() if wait else server

    yield start
    for server in started:
        server.stop()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server of the plain script, shared by the tests of a module that do not break it."""
    folder = tmp_path_factory.mktemp("plain")
    origins = ["www.bing.com", "https://*.example.com"]
    server = start_server(
        folder, make_config(folder, "plain.py", {"cors_origins": origins, "max_request_wait_ms": 20_000})
    )
    yield server.wait_ready()
    assert server.stop() == 0


@pytest.fixture
def by_hand(tmp_path: Path) -> Iterator[ByHand]:
    """Start a server in the test's folder, and end it afterwards."""
    started: list[Server] = []

    def start(script: str, *flags: str) -> Server:
        (tmp_path / "score.py").write_text(script)
        log_path = tmp_path / "log.txt"
        with log_path.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "jupyter_mldeploy.runtime", "--entry_script", "score.py", "--port", "0", *flags],
                cwd=tmp_path,
                stdout=log,
                stderr=log,
            )
        server = Server(process, 0, log_path)
        started.append(server)
        line = next(line for line in server.wait_for_log("Listening on").splitlines() if "Listening on" in line)
        server.port = int(line.rpartition(":")[2])
        return server

    yield start
    for server in started:
        server.stop()
