"""A browser for the tests, one for all of them."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ui.lab import CHROMIUM, CHROMIUM_ARGUMENTS

STREAMS = re.compile(r"/mldeploy/(events|services/[^/]+/log)\b")
SCREENSHOTS = Path(__file__).parents[2] / "docs" / "screenshots"


class SteadyBrowser:
    """A browser whose requests outlive a change of the machine's network.

    Chromium gives up every connection that is being made when an interface comes or goes, as they do with each container and
    pod that other tests start. What it asks for is fetched from outside of it, but for what never ends.
    """

    def __init__(self, browser: Any) -> None:
        self._browser = browser

    def new_page(self, **options: Any) -> Any:
        """A page of its own context, as Playwright's."""
        page = self._browser.new_page(**options)
        page.route(lambda url: url.startswith("http") and not STREAMS.search(url), _fetch_outside)
        return page


def _fetch_outside(route: Any) -> None:
    from playwright.sync_api import Error

    if route.request.is_navigation_request():
        route.continue_()  # what a page comes from says what it may connect to
        return
    try:
        # A deployment is answered when it is done, on a busy machine later than the 30 seconds that would be waited for here.
        route.fulfill(response=route.fetch(max_retries=3, timeout=0))
    except Error:  # the page is gone, or the server: the page is told as it would be without us
        with contextlib.suppress(Error):
            route.abort()


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
        yield SteadyBrowser(running)
        running.close()


@pytest.fixture
def picture(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Any, str], None]:
    """Take a picture of an element; with ``--update-golden`` it is kept in ``docs/screenshots``."""

    def take(element: Any, name: str) -> None:
        folder = SCREENSHOTS if request.config.getoption("--update-golden") else tmp_path
        folder.mkdir(parents=True, exist_ok=True)
        element.screenshot(path=folder / f"{name}.png")

    return take
