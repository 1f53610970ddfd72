"""Real fronts with real workers over loopback, started and stopped for the tests."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TOKEN = "test-token"
SCRIPTS = Path(__file__).parent / "scripts"
DEADLINE_S = 30.0
OTHER_PYTHON = {"python": found} if (found := os.environ.get("MLDEPLOY_TEST_WORKER_PYTHON")) else {}


@dataclass
class Answer:
    """An HTTP answer; header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def message(self) -> str:
        return str(self.json["message"])


@dataclass
class Server:
    """A running front."""

    process: subprocess.Popen[bytes]
    port: int
    log_path: Path
    _connections: list[http.client.HTTPConnection] = field(default_factory=list)

    def request(
        self,
        method: str,
        path: str,
        body: bytes | str | None = None,
        headers: dict[str, str] | None = None,
        timeout: float = DEADLINE_S,
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def score(self, value: Any = None, **headers: str) -> Answer:
        sent = {"content-type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}}
        return self.request("POST", "/score", json.dumps(value), sent)

    def control(self, method: str, name: str, value: Any = None, token: str = TOKEN) -> Answer:
        body = None if value is None else json.dumps(value)
        return self.request(method, f"/_mldeploy/{name}", body, {"X-MLDeploy-Token": token})

    def status(self) -> dict[str, Any]:
        return self.control("GET", "status").json  # type: ignore[no-any-return]

    def reload(self, **order: Any) -> Answer:
        return self.control("POST", "reload", order)

    def events(self, since: int = 0) -> Iterator[dict[str, Any]]:
        """Follow the events; stops with an error when none comes for a while."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        try:
            connection.request("GET", f"/_mldeploy/events?since={since}", headers={"X-MLDeploy-Token": TOKEN})
            for line in connection.getresponse():
                yield json.loads(line)
        finally:
            connection.close()

    def wait_for(self, kind: str, since: int = 0, **fields: Any) -> dict[str, Any]:
        """The first event of a kind, and with these values, after `since`."""
        for event in self.events(since):
            if event["kind"] == kind and all(event.get(k) == v for k, v in fields.items()):
                return event
        raise AssertionError(f"the event stream ended without {kind}")

    def wait_ready(self) -> Server:
        self.wait_for("state", state="ready")
        return self

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def wait_for_log(self, text: str) -> str:
        """The log, once it holds `text`."""
        deadline = time.monotonic() + DEADLINE_S
        while text not in self.log:
            assert time.monotonic() < deadline, f"{text!r} did not appear in:\n{self.log}"
            time.sleep(0.01)
        return self.log

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


def start_server(
    folder: Path,
    config: dict[str, Any],
    environment: dict[str, str] | None = None,
    python: str = sys.executable,
) -> Server:
    """Start a front as a target does and wait until it listens."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "service.json"
    # A long wait: on a slow machine a worker may take seconds to be replaced, and only some tests are about that.
    usual = {"port": 0, "min_replicas": 1, "max_replicas": 1, "max_request_wait_ms": 20_000}
    file.write_text(json.dumps({**usual, **config}))
    read, write = os.pipe()
    log_path = folder / "log.txt"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [
                python,
                "-m",
                "jupyter_mldeploy.runtime",
                "--service_config",
                str(file),
                "--announce_fd",
                str(write),
            ],
            stdout=log,
            stderr=log,
            pass_fds=[write],
            env={**os.environ, "MLDEPLOY_ADMIN_TOKEN": TOKEN, **(environment or {})},
        )
    os.close(write)
    with os.fdopen(read, "rb") as stream:
        assert select.select([stream], [], [], DEADLINE_S)[0], "the front did not announce its port"
        line = stream.readline()
    assert line, log_path.read_text()
    return Server(process, json.loads(line)["port"], log_path)


Serve = Callable[..., Server]
ByHand = Callable[..., Server]


def make_config(folder: Path, script: str, config: dict[str, Any]) -> dict[str, Any]:
    """A service object whose app root is `folder` and whose script is a text or one of `scripts/`.

    MLDEPLOY_TEST_WORKER_PYTHON names another interpreter for the workers of all tests that do not choose one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = (SCRIPTS / script).read_text() if script.endswith(".py") else script
    (folder / "score.py").write_text(text)
    worker = {"entry_script": "score.py", "app_root": str(folder), **OTHER_PYTHON, **config.pop("worker", {})}
    return {**config, "worker": worker}


@contextlib.contextmanager
def in_background(action: Callable[[], Any]) -> Iterator[list[Any]]:
    """Run an action in a thread; its result is in the list after the block."""
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(action()))
    thread.start()
    yield results
    thread.join(DEADLINE_S)
    assert not thread.is_alive()
