"""Where the engine is looked for, in which order, and what is said when none is there. No engine is needed."""

from __future__ import annotations

import json
import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from jupyter_mldeploy.config import MLDeploy
from jupyter_mldeploy.errors import TargetUnavailable
from jupyter_mldeploy.images import engine as module

Listen = Callable[[str], str]
USUAL = (
    "var/run/docker.sock",
    "runtime/docker.sock",
    "home/.docker/run/docker.sock",
    "home/.docker/desktop/docker.sock",
    "runtime/podman/podman.sock",
    "run/podman/podman.sock",
)
"""In the order in which they are tried."""


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A machine without an engine: its folders are in a short one, because a socket's path must be."""
    with tempfile.TemporaryDirectory(prefix="mld") as name:
        root = Path(name)
        for variable in ("HOST", "CONTEXT", "CONFIG"):
            monkeypatch.delenv(f"DOCKER_{variable}", raising=False)
        for setting in ("CONTEXT", "DOCKER_CONTEXT"):
            monkeypatch.delenv(f"MLDEPLOY_{setting}", raising=False)
        monkeypatch.setenv("HOME", str(root / "home"))
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(root / "runtime"))
        usual = module._sockets
        monkeypatch.setattr(
            module,
            "_sockets",
            lambda: [path if path.startswith(name) else f"{name}{path}" for path in usual()],
        )
        MLDeploy.clear_instance()
        yield root
        MLDeploy.clear_instance()


@pytest.fixture
def listen(machine: Path) -> Iterator[Listen]:
    """Let somebody listen at a socket of that machine; returns its address."""
    with ExitStack() as open_ones:

        def make(path: str) -> str:
            (machine / path).parent.mkdir(parents=True, exist_ok=True)
            server = open_ones.enter_context(socket.socket(socket.AF_UNIX))
            server.bind(str(machine / path))
            server.listen()
            return f"unix://{machine / path}"

        yield make


def found() -> str:
    return module._find(None)[0]


@pytest.mark.parametrize("first", range(len(USUAL)))
def test_the_first_usual_socket_where_somebody_listens_is_taken(listen: Listen, first: int) -> None:
    addresses = [listen(path) for path in USUAL[first:]]
    assert found() == addresses[0]


def test_a_socket_that_an_engine_has_left_is_passed_over(machine: Path, listen: Listen) -> None:
    (machine / "var/run").mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as gone:
        gone.bind(str(machine / USUAL[0]))
    assert (machine / USUAL[0]).is_socket()
    address = listen(USUAL[4])
    assert found() == address


def test_a_context_comes_before_the_usual_sockets_and_the_environment_before_both(
    machine: Path, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    import hashlib

    listen(USUAL[0])
    elsewhere = f"unix://{machine}/elsewhere.sock"
    docker = machine / "home/.docker"
    meta = docker / "contexts/meta" / hashlib.sha256(b"mine").hexdigest()
    meta.mkdir(parents=True)
    endpoints = {"docker": {"Host": elsewhere, "SkipTLSVerify": False}}
    (meta / "meta.json").write_text(json.dumps({"Name": "mine", "Metadata": {}, "Endpoints": endpoints}))
    (docker / "config.json").write_text(json.dumps({"currentContext": "mine"}))
    assert found() == elsewhere
    monkeypatch.setenv("DOCKER_HOST", "unix:///named.sock")
    assert module._find(None)[2] == "DOCKER_HOST"
    assert module._find("mine")[0] == elsewhere


def test_without_an_engine_one_sentence_says_where_it_was_looked_for(machine: Path) -> None:
    with pytest.raises(TargetUnavailable) as refused:
        module.connect()
    said = str(refused.value)
    assert all(f"{machine}/{path}" in said for path in USUAL)
    assert "DOCKER_HOST is not set, no Docker context is chosen" in said
    assert "systemctl --user start podman.socket" in said


def test_a_socket_that_one_may_not_use_is_named_where_there_is_no_other(machine: Path, listen: Listen) -> None:
    address = listen(USUAL[0])
    (machine / USUAL[0]).chmod(0)
    with ordinary_user(machine), pytest.raises(TargetUnavailable, match="You may not use the Docker engine") as refused:
        module.connect()
    assert address in str(refused.value)
    own = listen(USUAL[4])
    (machine / USUAL[4]).chmod(0o777)
    with ordinary_user(machine):
        assert found() == own


@contextmanager
def ordinary_user(folder: Path) -> Iterator[None]:
    """Not root, who may use every socket."""
    if os.geteuid() != 0:
        yield
        return
    import docker
    import docker.errors
    import docker.tls

    assert docker  # while it can be read
    folder.chmod(0o755)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.skipif(find_spec("paramiko") is not None, reason="SSH works here")
def test_an_engine_over_ssh_names_the_package_that_it_needs(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del machine
    monkeypatch.setenv("DOCKER_HOST", "ssh://somebody@nowhere.example")
    with pytest.raises(TargetUnavailable, match=r"ssh://somebody@nowhere.example .* is reached over SSH") as failed:
        module.connect()
    assert "pip install paramiko" in failed.value.hint
