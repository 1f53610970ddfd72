"""``docker buildx`` for the tests: one that is on this machine, or the one that ``engine.sh buildx`` makes."""

from __future__ import annotations

import os
import subprocess
from functools import cache
from pathlib import Path

import pytest

from jupyter_mldeploy.images.plugin import find_buildx

from .engine import SCRIPT
from .required import IN_CI, required

__all__ = ["plug_in"]

WITHOUT_GO = 4
"""What ``engine.sh buildx`` ends with where it can make none; that is no failure of the machine."""


def plug_in(folder: Path) -> None:
    """Let a folder of Docker's configuration have it; skips the test with the reason where there is none, fails it in CI."""
    plugin = folder / "cli-plugins" / "docker-buildx"
    plugin.parent.mkdir(parents=True, exist_ok=True)
    plugin.symlink_to(required(_look()))


@cache
def _look() -> Path | str:
    if given := os.environ.get("MLDEPLOY_TEST_BUILDX"):
        return Path(given)
    if IN_CI:  # it may be in the making; then this waits for its end
        done = subprocess.run([SCRIPT, "buildx"], capture_output=True, text=True, check=False)
        if done.returncode == WITHOUT_GO:
            pytest.skip(f"needs docker buildx: {done.stderr}")
        return Path(done.stdout.strip()) if done.returncode == 0 else f"tests/infra/engine.sh buildx: {done.stderr}"
    made = Path(os.environ.get("MLDEPLOY_INFRA_DIR", "/var/tmp/mldeploy-infra")) / "bin"
    found = max((str(path) for path in made.glob("docker-buildx-v*[0-9]")), default="") or find_buildx()
    return Path(found) if found else "needs docker buildx (tests/infra/engine.sh buildx makes one where Go is)"
