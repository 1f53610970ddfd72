"""The engine of the tests: one that runs already, or a reason why there is none."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jupyter_mldeploy.errors import TargetUnavailable
from jupyter_mldeploy.images.engine import Engine, connect

from .required import IN_CI, required

__all__ = ["TestEngine", "the_engine"]

SCRIPT = Path(__file__).with_name("engine.sh")
BASES = ("mldeploy-test/python:3.11", "python:3.11-slim")


@dataclass(frozen=True)
class TestEngine:
    """An engine that answers, and an image with Python that it has."""

    __test__ = False

    engine: Engine
    base: str


def the_engine() -> TestEngine:
    """The engine; skips the test with the reason where there is none, and fails it in CI."""
    return required(_look())


@cache
def _look() -> TestEngine | str:
    if IN_CI:
        done = subprocess.run([SCRIPT, "up"], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            return f"tests/infra/engine.sh up failed: {done.stderr}"
    try:
        engine = connect()
    except TargetUnavailable as error:
        return f"needs a Docker engine (tests/infra/engine.sh up): {error.summary}"
    base = next(
        (name for name in (os.environ.get("MLDEPLOY_TEST_BASE", ""), *BASES) if name and engine.has_image(name)), ""
    )
    if not base:
        return f"needs one of the images {', '.join(BASES)} (tests/infra/engine.sh up makes the first)"
    return TestEngine(engine, base)
