"""Operations that were killed: what they have left is told as what it is, and can be removed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from jupyter_mldeploy import service

from .conftest import Deploy, Ran
from .under_test import ContainerGate


def killed_in_init(folder: Path, *words: str) -> None:
    """Run a command with the script ``gate.py``, kill it while ``init()`` runs, and let that go on."""
    gate = ContainerGate(folder)
    (folder / "gate.py").write_text(gate.script)
    process = subprocess.Popen(
        [sys.executable, "-m", "jupyter_mldeploy.cli", *words],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    gate.await_init()
    process.kill()
    process.wait()
    gate.open()


def test_a_deployment_that_was_killed(deployed: Deploy, tmp_path: Path, mldeploy: Callable[..., Ran]) -> None:
    killed_in_init(tmp_path, "deploy", "gate.py", "--name", "adder", "--target", "container")
    assert next(status for status in service("adder").watch() if status.ready)
    assert "Its deployment was broken off; deploy it again." in mldeploy("status", "adder").out
    outcome = deployed().outcome
    assert outcome is not None
    assert str(outcome.change) == "created (its deployment was broken off)"
    assert service("adder").status().message == ""


def test_an_update_that_was_killed(deployed: Deploy, tmp_path: Path, mldeploy: Callable[..., Ran]) -> None:
    made = deployed()
    killed_in_init(tmp_path, "update", "adder", "--script", "gate.py")
    told = mldeploy("services").err
    assert "was left by an operation on 'adder' that was killed: `mldeploy prune` removes it." in told
    assert "takes it back" not in told
    assert made.run({"x": 1})["sum"] == 2
    assert mldeploy("prune", "--yes").code == 0
    assert mldeploy("services").err == ""
    assert made.run({"x": 1})["sum"] == 2
