"""What all tests share: the switch that writes golden files anew."""

from __future__ import annotations

import os
import signal

import pytest

# Images are built by the engine's own builder, also on a machine with docker buildx, except in the tests of builders.
os.environ["MLDEPLOY_BUILDER"] = "classic"

# A shell that starts the tests in the background lets them ignore interrupts, and what they start inherits that.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    """``pytest --update-golden`` writes what was made in the place of what was expected; look at the difference."""
    parser.addoption("--update-golden", action="store_true", help="write golden files anew")
