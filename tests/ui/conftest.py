"""A browser for the tests, one for all of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ui.lab import CHROMIUM, CHROMIUM_ARGUMENTS

SCREENSHOTS = Path(__file__).parents[2] / "docs" / "screenshots"


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium. Where it is missing the tests are left out, but not in CI."""
    if not Path(CHROMIUM).exists():
        reason = "there is no Chromium: apt-get install chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        yield running
        running.close()


@pytest.fixture
def picture(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Any, str], None]:
    """Take a picture of an element; with ``--update-golden`` it is kept in ``docs/screenshots``."""

    def take(element: Any, name: str) -> None:
        folder = SCREENSHOTS if request.config.getoption("--update-golden") else tmp_path
        folder.mkdir(parents=True, exist_ok=True)
        element.screenshot(path=folder / f"{name}.png")

    return take
