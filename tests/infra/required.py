"""What a test needs and may not find."""

from __future__ import annotations

import os
from typing import TypeVar

import pytest

__all__ = ["IN_CI", "required"]

T = TypeVar("T")
IN_CI = os.environ.get("CI") == "true"


def required(found: T | str) -> T:
    """What was found. A text says why nothing was: the test is skipped with it, and fails in CI, where everything is."""
    if not isinstance(found, str):
        return found
    if IN_CI:
        pytest.fail(found)
    pytest.skip(found)
