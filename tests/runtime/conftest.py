"""Fixtures that start real fronts; what they hand out is in runtime_harness.py."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from runtime_harness import Serve, Server, make_config, start_server


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
