"""The Podman of the tests: one that ``podman.sh`` has started, or a reason why there is none."""

from __future__ import annotations

import os
import subprocess
from functools import cache
from pathlib import Path

import pytest

from jupyter_mldeploy.errors import TargetUnavailable
from jupyter_mldeploy.images.engine import connect

from .engine import TestEngine
from .required import IN_CI, required

__all__ = ["the_podman"]

SCRIPT = Path(__file__).with_name("podman.sh")


def the_podman() -> TestEngine:
    """Podman's service; skips the test with the reason where there is none, and fails it in CI."""
    return required(_look())


@cache
def _look() -> TestEngine | str:
    if IN_CI:
        done = subprocess.run([SCRIPT, "up"], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            return f"tests/infra/podman.sh up failed: {done.stderr}"
    told = subprocess.run([SCRIPT, "env"], capture_output=True, text=True, check=True).stdout
    settings = dict(line.removeprefix("export ").split("=", 1) for line in told.splitlines())
    with pytest.MonkeyPatch.context() as elsewhere:
        elsewhere.setenv("DOCKER_HOST", os.environ.get("MLDEPLOY_TEST_PODMAN") or settings["MLDEPLOY_TEST_PODMAN"])
        try:
            engine = connect()
        except TargetUnavailable as error:
            return f"needs Podman's service (tests/infra/podman.sh up): {error.summary}"
    base = os.environ.get("MLDEPLOY_TEST_PODMAN_BASE") or settings["MLDEPLOY_TEST_PODMAN_BASE"]
    if not engine.has_image(base):
        return f"needs the image {base} (tests/infra/podman.sh up)"
    return TestEngine(engine, base)
