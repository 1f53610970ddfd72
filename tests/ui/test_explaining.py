"""What goes wrong later than a deployment, or before one, is explained where it is seen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ui.accessibility import check_accessible
from tests.ui.lab import Page, lab_server, write_notebook
from tests.ui.test_extension import Picture, in_home, new_page, show_panel

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

FAILING = """def init():
    pass

def run(data):
    raise RuntimeError("the scales are off")
"""
BROKEN_CELL = """%%deploy wrong
import nowhere_to_be_found
from neither_here import something

def init():
    pass

def run(data):
    return data"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A JupyterLab with the extension: its address, its folder."""
    folder = tmp_path_factory.mktemp("explaining")
    with lab_server(folder, extension=True) as address:
        yield address, folder
        in_home(folder, "for s in m.services(): s.delete()")


def test_requests_that_fail_and_changes_that_are_refused(browser: Any, lab: tuple[str, Path], picture: Picture) -> None:
    address, folder = lab
    script = folder / "work" / "scales.py"
    script.write_text(FAILING)
    in_home(folder, f"m.deploy({str(script)!r}, 'scales', target='local')")
    page = new_page(browser, 1100, 1000)
    page.goto(f"{address}&reset")
    scales = show_panel(page).locator("[data-service=scales]")
    scales.get_by_text("local · running").wait_for()
    why = scales.get_by_role("button", name="Why? scales")
    assert not why.is_visible(), "nothing has failed yet"
    scales.get_by_role("button", name="Score scales").click()
    scales.get_by_role("button", name="Send").click()
    scales.locator(".jp-MLDeploy-answer", has_text="500").wait_for()
    why.click()
    scales.locator(".jp-MLDeploy-proof", has_text="the scales are off").wait_for()
    why.click()

    # A version that is refused leaves the old one, and the card says so.
    script.write_text(FAILING.replace("    pass", "    raise OSError('no weights')"))
    scales.get_by_role("button", name="Reload scales").click()
    refused = scales.locator(".jp-MLDeploy-message", has_text="The version that serves is whole")
    refused.filter(has_text="no weights").wait_for()
    check_accessible(page, ".jp-MLDeploy-panel")
    picture(scales, "lab-refused-light")
    page.close()
    in_home(folder, "m.service('scales').delete()")


def test_an_update_asks_for_what_can_be_changed(browser: Any, lab: tuple[str, Path], picture: Picture) -> None:
    address, folder = lab
    script = folder / "work" / "plain.py"
    script.write_text(FAILING.replace('raise RuntimeError("the scales are off")', "return data"))
    in_home(folder, f"m.deploy({str(script)!r}, 'plain', target='local')")
    page = new_page(browser, 1100, 900)
    page.goto(f"{address}&reset")
    plain = show_panel(page).locator("[data-service=plain]")
    plain.get_by_text("local · running").wait_for()
    plain.get_by_role("button", name="Update… plain").click()
    dialog = page.locator(".jp-Dialog")
    dialog.get_by_text("The old version serves until the new one is ready.").wait_for()
    dialog.get_by_label("Memory").fill("lots")
    dialog.get_by_label("Replicas").fill("0")
    dialog.get_by_role("button", name="Update").click()

    # What is not right is told at its field, and nothing that was written is lost.
    dialog.get_by_text("Write a size, such as 512Mi or 2Gi.").wait_for()
    dialog.get_by_text("Write a whole number from 1, or MIN:MAX.").wait_for()
    assert dialog.get_by_label("Memory").input_value() == "lots"
    page.wait_for_function("() => document.activeElement?.ariaInvalid === 'true'")
    check_accessible(page, ".jp-Dialog")
    picture(page.locator(".jp-Dialog-content"), "lab-update-light")
    dialog.get_by_label("Memory").fill("3000Gi")
    dialog.get_by_label("Replicas").fill("2")
    dialog.get_by_label("CPU").fill("0.5")
    dialog.get_by_role("button", name="Update").click()
    plain.get_by_text("replicas: 2 of 2").wait_for()
    dialog.wait_for(state="detached")
    in_home(folder, "r = m.service('plain').spec.resources; assert (r.memory, r.cpu) == (3000 * 1024**3, 0.5), r")

    plain.get_by_role("button", name="Scale… plain").click()
    assert dialog.get_by_label("Replicas").input_value() == "2"
    dialog.get_by_label("Replicas").fill("0")
    dialog.get_by_role("button", name="Scale").click()
    dialog.get_by_text("Write a whole number from 1, or MIN:MAX.").wait_for()
    dialog.get_by_role("button", name="Cancel").click()
    page.close()
    in_home(folder, "m.service('plain').delete()")


def test_every_line_with_a_problem_is_marked(browser: Any, lab: tuple[str, Path]) -> None:
    address, folder = lab
    write_notebook(folder / "work" / "wrong.ipynb", ["%load_ext jupyter_mldeploy", BROKEN_CELL])
    page = Page(new_page(browser, 1300, 1000), address, "wrong.ipynb")
    page.run(0)
    page.run(1)
    marked = page.cell(1).locator(".jp-MLDeploy-markedLine")
    marked.nth(1).wait_for()
    assert marked.all_inner_texts() == ["import nowhere_to_be_found", "from neither_here import something"]
    assert "neither_here" in marked.nth(1).get_attribute("title")
    page.page.close()
