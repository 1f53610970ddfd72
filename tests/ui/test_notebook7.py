"""Notebook 7 loads the same extension: the button on a cell, the side panel, the diagnosis with its mark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ui.accessibility import check_accessible
from tests.ui.lab import lab_server, write_notebook
from tests.ui.test_extension import Picture, in_home, new_page
from tests.ui.test_in_jupyterlab import CELL, FAILING, FIT

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def notebook7(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A Notebook 7 with the extension: its address, its folder."""
    folder = tmp_path_factory.mktemp("notebook7")
    with lab_server(folder, extension=True, app="notebook") as address:
        yield address, folder
        in_home(folder, "for s in m.services(): s.delete()")


def test_deploy_and_fail_in_notebook_7(browser: Any, notebook7: tuple[str, Path], picture: Picture) -> None:
    address, folder = notebook7
    write_notebook(folder / "work" / "iris.ipynb", [FIT, CELL, FAILING])
    page = new_page(browser, 1300, 1000)
    page.goto(address.replace("/tree?", "/notebooks/iris.ipynb?"))
    cell = page.locator(".jp-Notebook .jp-Cell")
    cell.nth(2).wait_for()
    page.evaluate("window.jupyterapp.restored.then(() => window.jupyterapp.commands.execute('mldeploy:show-panel'))")
    panel = page.locator(".jp-MLDeploy-panel")
    panel.get_by_text("Nothing is deployed yet").wait_for()

    cell.nth(0).locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    cell.nth(0).locator(".jp-InputPrompt", has_text="[1]").wait_for()
    cell.nth(1).locator(".cm-content").click()
    cell.nth(1).get_by_role("button", name="Deploy").click()
    panel.locator("[data-service=iris]").get_by_text("local · running · replicas: 1 of 1").wait_for()
    cell.nth(1).get_by_role("button", name="Reload").first.wait_for()
    cell.nth(1).locator(".jp-MLDeploy-bundle .jp-MLDeploy-rail").wait_for()

    cell.nth(2).locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    assert '["pipeline"]' in cell.nth(2).locator(".jp-MLDeploy-markedLine").inner_text()
    cell.nth(2).locator(".jp-MLDeploy-bundle .jp-MLDeploy-steps").wait_for()
    check_accessible(page, ".jp-MLDeploy-panel")
    cell.nth(1).scroll_into_view_if_needed()
    picture(page, "notebook7-light")
    page.close()
