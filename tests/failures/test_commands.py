"""Tools that really fail, and the cause that must be named for what they print."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from jupyter_mldeploy.diagnosis import diagnose
from jupyter_mldeploy.evidence import Evidence

from ..infra.engine import TestEngine, the_engine
from .gallery.commands import ENGINE, HERE, Command

LONGEST = 120


def needs(tool: str) -> None:
    """Skip where a tool is absent; in CI that is a failure."""
    if shutil.which(tool) is None:
        reason = f"needs {tool}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


def check(command: Command, folder: Path, environ: Mapping[str, str], target: str) -> None:
    """Run it in a folder with its files, and diagnose what it prints and how it ends."""
    for name, text in command.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("latin-1"))
    known = {**os.environ, "PY": sys.executable, "LC_ALL": "C.UTF-8", **environ}
    if command.prepare:
        _sh(command.prepare, folder, known).check_returncode()
    done = _sh(command.line, folder, known)
    assert done.returncode != 0, done.stdout
    evidence = Evidence(stage=command.stage, target=target, log=done.stdout, exit_code=done.returncode)
    answer = diagnose(evidence)
    assert answer.cause in (command.cause, *command.also), f"{answer.causes} of {done.returncode}: {done.stdout}"
    assert answer.steps


def _sh(line: str, folder: Path, environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", line], cwd=folder, env=environ, text=True, errors="replace", timeout=LONGEST, check=False,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def _id(command: Command) -> str:
    return f"{command.cause}-{command.line.split()[0].strip('$')}"


@pytest.mark.timeout(LONGEST * 2)
@pytest.mark.parametrize("command", HERE, ids=[_id(command) for command in HERE])
def test_it_fails_here(command: Command, tmp_path: Path) -> None:
    for tool in ("uv", "docker", "kubectl"):
        if f"{tool} " in command.line:
            needs(tool)
    check(command, tmp_path, {}, "local")


@pytest.fixture(scope="module")
def engine() -> TestEngine:
    needs("docker")
    return the_engine()


@pytest.fixture
def name() -> Iterator[str]:
    """A name for a container or image that nothing else has; what has it afterwards is removed."""
    name = f"gallery-{uuid.uuid4().hex[:12]}"
    yield name
    for remove in (["docker", "rm", "-f", name], ["docker", "rmi", "-f", f"mldeploy-gallery:{name}"]):
        subprocess.run(remove, capture_output=True, check=False)


@pytest.mark.engine
@pytest.mark.timeout(LONGEST * 2)
@pytest.mark.parametrize("command", ENGINE, ids=[_id(command) for command in ENGINE])
def test_it_fails_on_the_engine(command: Command, tmp_path: Path, engine: TestEngine, name: str) -> None:
    check(command, tmp_path, {"BASE": engine.base, "NAME": name}, "docker")
