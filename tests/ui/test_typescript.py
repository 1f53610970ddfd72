"""The extension's own checks: strict types, unit tests, one version."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_mldeploy import __version__

EXTENSION = Path(__file__).parents[2] / "labextension"


@pytest.mark.timeout(300)
def test_types_and_units() -> None:
    if shutil.which("node") is None:
        reason = "there is no Node.js: apt-get install nodejs"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    jlpm = str(Path(sys.executable).with_name("jlpm"))
    if not (EXTENSION / "node_modules" / "typescript").exists():
        subprocess.run([jlpm, "install", "--immutable"], cwd=EXTENSION, check=True, capture_output=True)
    for script in ("check", "test"):
        told = subprocess.run([jlpm, "run", script], cwd=EXTENSION, capture_output=True, text=True, check=False)
        assert told.returncode == 0, told.stdout + told.stderr


def test_one_version() -> None:
    assert json.loads((EXTENSION / "package.json").read_text())["version"] == __version__
