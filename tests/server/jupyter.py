"""A real Jupyter Server with the extension, and a client that checks every answer against the description."""

from __future__ import annotations

import json
import os
import re
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from jupyter_mldeploy.server.contract import check, description

ROOT = Path(__file__).parents[2]


@contextmanager
def jupyter_server(folder: Path, home: Path, *options: str) -> Iterator[Client]:
    """Start one whose configuration is the package's own; ends it."""
    config = folder / "config"
    config.mkdir(parents=True, exist_ok=True)
    if not (config / "jupyter_server_config.d").exists():
        (config / "jupyter_server_config.d").symlink_to(ROOT / "jupyter-config" / "server-config")
    others = dict.fromkeys(("jupyterlab", "jupyter_lsp", "notebook_shim", "jupyter_server_terminals"), False)
    (config / "jupyter_server_config.json").write_text(json.dumps({"ServerApp": {"jpserver_extensions": others}}))
    (folder / "work").mkdir(exist_ok=True)
    token = secrets.token_hex(16)
    environment = {
        **os.environ,
        "MLDEPLOY_HOME": str(home),
        "JUPYTER_CONFIG_DIR": str(config),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "PYTHONPATH": str(folder),
    }
    command = [sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root", f"--IdentityProvider.token={token}",
               "--ServerApp.port=0", "--ServerApp.ip=127.0.0.1", f"--ServerApp.root_dir={folder / 'work'}",
               "--ServerApp.allow_unauthenticated_access=False", "--ServerApp.terminals_enabled=False", *options]  # fmt: skip
    log = folder / "server.log"
    with log.open("w") as file:
        server = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, stdout=file, text=True)
        try:
            assert server.stderr is not None
            port = 0
            for line in server.stderr:
                file.write(line)
                if found := re.search(r"http://127\.0\.0\.1:(\d+)/\S*\?token", line):
                    port = int(found[1])
                    break
            assert port, f"the server did not start: {log.read_text()}"
            file.flush()
            drain = subprocess.Popen(["cat"], stdin=server.stderr, stdout=file)
            _wait_until_it_listens(port)
            yield Client(port, token, log)
        finally:
            server.terminate()
            server.wait(timeout=60)
    drain.wait(timeout=10)


def _wait_until_it_listens(port: int) -> None:
    """It tells its address a moment before it listens there, and nothing afterwards."""
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, "the server does not listen"
            time.sleep(0.02)
        else:
            return


@dataclass(frozen=True)
class Answer:
    status: int
    data: Any


@dataclass(frozen=True)
class Client:
    """Speaks with the server as a front end does."""

    port: int
    token: str
    log: Path

    def open(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        """Send a request; the answer is not read yet."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        if self.token:
            headers["Authorization"] = f"token {self.token}"
        data = None if body is None else (body if isinstance(body, bytes) else json.dumps(body).encode())
        connection.request(method, f"/mldeploy{path}", data, headers)
        return connection.getresponse()

    def call(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """Send a request; its answer must be as the description says."""
        response = self.open(method, path, body, **headers)
        text = response.read()
        data = json.loads(text) if text else None
        check_answer(method, path, response.status, data)
        return Answer(response.status, data)

    def events(self, path: str, last: str = "") -> Iterator[tuple[str, str, Any]]:
        """Kind, id and data of each event of a stream; ends with it, or by ``close``."""
        response = self.open("GET", path, **({"Last-Event-ID": last} if last else {}))
        assert response.status == 200, response.read()
        kind, identity = "", ""
        try:
            while line := response.readline().decode().rstrip("\n"):
                field, _, value = line.partition(": ")
                if field == "event":
                    kind = value
                elif field == "id":
                    identity = value
                elif field == "data":
                    yield kind, identity, json.loads(value)
                    response.readline()
        finally:
            response.close()


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and description of all that is described."""
    for path, item in description()["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                yield path, method.upper(), operation


def example_of(path: str) -> str:
    """An address of a described path, of things that may or may not be there."""
    return path.replace("{name}", "echo").replace("{version}", "1").replace("{container}", "0123456789ab")


def check_answer(method: str, path: str, status: int, data: object) -> None:
    """An answer must be described: its status, or an error of the one form."""
    path = path.partition("?")[0]
    for described, verb, operation in operations():
        if verb == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", described), path):
            answer = operation["responses"].get(str(status)) or operation["responses"]["default"]
            break
    else:
        assert status in {404, 405}, f"{method} {path} is not described"
        check("Error", data)
        return
    if "$ref" in answer:
        answer = description()["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    if "content" not in answer:
        assert data is None
        return
    schema = answer["content"]["application/json"]["schema"]
    if "$ref" in schema:
        check(schema["$ref"].rpartition("/")[2], data)
