"""The extension in a real JupyterLab: the side panel, the button on cells, the mark, logs, saved bundles."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ui.accessibility import check_accessible
from tests.ui.lab import Page, lab_server, write_notebook
from tests.ui.test_in_jupyterlab import CELL, FAILING, FIT

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

CHATTY = """def init():
    print("ready to talk")

def run(data):
    return "first"
"""

Picture = Callable[[Any, str], None]
CONTRAST = """element => {
  const style = getComputedStyle(element);
  const light = color => {
    const [r, g, b] = color.match(/[\\d.]+/g).map(Number)
      .map(part => part / 255).map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
  };
  const [ink, paper] = [light(style.color), light(style.backgroundColor)];
  return Math.max(ink, paper) / Math.min(ink, paper);
}"""


@pytest.fixture(scope="module", params=["light", "dark"])
def lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, Path]]:
    """A JupyterLab with the extension, in one of its themes: its name, its address, its folder."""
    folder = tmp_path_factory.mktemp(f"extension-{request.param}")
    with lab_server(folder, f"JupyterLab {request.param.capitalize()}", extension=True) as address:
        yield request.param, address, folder
        in_home(folder, "for s in m.services(): s.delete()")


def in_home(folder: Path, program: str) -> None:
    """Run something with the services of the lab's home folder."""
    environment = {**os.environ, "MLDEPLOY_HOME": str(folder / "home")}
    subprocess.run([sys.executable, "-c", f"import jupyter_mldeploy as m\n{program}"], env=environment, check=True)


def new_page(browser: Any, width: int, height: int) -> Any:
    """One that has time: machines that run tests are busy."""
    page = browser.new_page(viewport={"width": width, "height": height})
    page.set_default_timeout(60_000)
    return page


def show_panel(page: Any) -> Any:
    """Open the side panel."""
    page.locator("[data-id=jp-mldeploy-panel]").wait_for()  # the extension is there
    page.evaluate("window.jupyterapp.restored.then(app => window.jupyterapp.commands.execute('mldeploy:show-panel'))")
    panel = page.locator(".jp-MLDeploy-panel")
    panel.wait_for()
    return panel


def test_deploy_by_the_button_fail_mend_and_read_it_again(
    browser: Any, lab: tuple[str, str, Path], picture: Picture
) -> None:
    theme, address, folder = lab
    write_notebook(folder / "work" / "iris.ipynb", [FIT, CELL, FAILING])
    browser_page = new_page(browser, 1300, 1000)
    page = Page(browser_page, address, "iris.ipynb")
    panel = show_panel(browser_page)
    panel.get_by_text("Nothing is deployed yet").wait_for()
    check_accessible(browser_page, ".jp-MLDeploy-panel")
    picture(browser_page, f"lab-empty-{theme}")
    page.run(0)

    # Deployed by the button of its cell; the panel follows.
    page.cell(1).locator(".cm-content").click()
    button = page.cell(1).locator(".jp-MLDeploy-cellButton button")
    assert button.inner_text() == "Deploy"
    before = page.prompt(1)
    button.click()
    panel.locator("[data-service=iris]").get_by_text("local · running · replicas: 1 of 1").wait_for()
    page.wait_done(1, before)
    page.cell(1).locator(".mld-panel, .jp-MLDeploy-card").first.wait_for()
    button.filter(has_text="Reload").wait_for()
    assert not page.cell(0).locator(".jp-MLDeploy-cellButton button").is_visible()

    # A cell that was changed since is marked; typed back, it is not.
    page.cell(1).locator(".cm-line").last.click()
    browser_page.keyboard.press("End")
    browser_page.keyboard.type("  # x")
    page.cell(1).locator(".jp-MLDeploy-cellButton .jp-mod-edited").wait_for()
    for _ in range(5):
        browser_page.keyboard.press("Backspace")
    page.cell(1).locator(".jp-MLDeploy-cellButton .jp-mod-edited").wait_for(state="detached")

    # A failure: the line that it names is marked in the cell, and the panel says why.
    page.run(2)
    marked = page.cell(2).locator(".jp-MLDeploy-markedLine")
    assert '["pipeline"]' in marked.inner_text()
    failed = page.cell(2).locator(".jp-MLDeploy-bundle .jp-MLDeploy-card")
    assert "is not subscriptable" in failed.locator(".jp-MLDeploy-proof").inner_text()
    broken = panel.locator("[data-service=broken]")
    broken.get_by_role("button", name="Why? broken").click()
    broken.locator(".jp-MLDeploy-steps").wait_for()
    check_accessible(browser_page, ".jp-MLDeploy-panel")
    check_accessible(browser_page, ".jp-MLDeploy-bundle")
    page.cell(2).scroll_into_view_if_needed()
    picture(browser_page, f"lab-failed-{theme}")

    # Saved and opened again, with a kernel that knows nothing of it, it reads as before.
    page.save()
    browser_page.close()
    again = new_page(browser, 1300, 1000)
    page = Page(again, address, "iris.ipynb")
    saved = page.cell(2).locator(".jp-MLDeploy-bundle")
    saved.locator(".jp-MLDeploy-steps").wait_for()
    picture(saved, f"lab-saved-{theme}")

    # Mended, the mark goes.
    page.run(0)
    page.run(2)
    page.cell(2).locator(".jp-MLDeploy-markedLine").wait_for()
    page.cell(2).locator(".cm-line", has_text="pipeline").click()
    again.keyboard.press("End")
    for _ in '["pipeline"]':
        again.keyboard.press("Backspace")
    page.run(2)
    page.cell(2).locator(".jp-MLDeploy-markedLine").wait_for(state="detached")
    again.close()
    in_home(folder, "for s in m.services(): s.delete()")


def test_a_service_from_the_panel(browser: Any, lab: tuple[str, str, Path], picture: Picture) -> None:
    theme, address, folder = lab
    script = folder / "work" / "talk.py"
    script.write_text(CHATTY)
    in_home(folder, f"m.deploy({str(script)!r}, 'talk', target='local')")
    page = new_page(browser, 1100, 900)
    page.goto(address)
    panel = show_panel(page)
    talk = panel.locator("[data-service=talk]")
    talk.get_by_text("local · running").wait_for()
    # Whoever has asked for the panel by a command goes on in it with the keyboard.
    # What was open, or the launcher, takes the focus when it comes.
    page.locator("#jp-main-dock-panel > .lm-DockPanel-widget:visible").first.wait_for()
    page.evaluate("window.jupyterapp.commands.execute('mldeploy:show-panel')")
    page.wait_for_function("() => document.activeElement?.classList.contains('jp-MLDeploy-panel')")
    page.keyboard.press("Tab")
    assert panel.get_by_role("button", name="Deploy a script…").evaluate("e => e === document.activeElement")

    script.write_text(CHATTY.replace("first", "second"))
    talk.get_by_text("edited, not reloaded").wait_for()
    picture(talk, f"lab-edited-{theme}")
    talk.get_by_role("button", name="Reload talk").click()
    talk.get_by_text("edited, not reloaded").wait_for(state="detached")

    # With the keyboard alone: open the form, write a sample, send it.
    talk.get_by_role("button", name="Score talk").focus()
    page.keyboard.press("Enter")
    talk.get_by_label("Sample for talk").focus()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text("{}")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    talk.locator(".jp-MLDeploy-answer", has_text='"second"').wait_for()
    check_accessible(page, ".jp-MLDeploy-panel")

    talk.get_by_role("button", name="Scale… talk").click()
    page.locator(".jp-Dialog input").fill("2")
    page.get_by_role("button", name="Scale", exact=True).click()
    talk.get_by_text("replicas: 2 of 2").wait_for()
    talk.get_by_text("Replicas", exact=True).click()
    assert talk.locator("tbody tr").count() == 2

    talk.get_by_role("button", name="Stop talk").click()
    page.get_by_role("button", name="Stop", exact=True).click()
    talk.get_by_text("local · stopped").wait_for()
    talk.get_by_role("button", name="Start talk").click()
    talk.get_by_text("local · running").wait_for()

    # What is told to be deleted is asked for first.
    talk.get_by_role("button", name="Delete… talk").click()
    page.get_by_role("button", name="Cancel", exact=True).click()
    talk.get_by_role("button", name="Delete… talk").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    panel.get_by_text("Nothing is deployed yet").wait_for()
    page.close()


def test_a_log_of_a_hundred_thousand_lines(browser: Any, lab: tuple[str, str, Path], picture: Picture) -> None:
    theme, address, folder = lab
    script = folder / "work" / "loud.py"
    script.write_text(CHATTY)
    in_home(folder, f"m.deploy({str(script)!r}, 'loud', target='local')")
    page = new_page(browser, 1100, 800)
    page.goto(address)
    panel = show_panel(page)
    panel.locator("[data-service=loud]").get_by_role("button", name="Logs loud").click()
    log = page.locator(".jp-MLDeploy-log")
    log.locator(".jp-MLDeploy-logLine", has_text="ready to talk").wait_for()
    with (folder / "home" / "services" / "loud" / "run.log").open("a") as file:
        file.writelines(f"line {i}{' ERROR: too hot' if i % 1000 == 0 else ''}\n" for i in range(100_000))

    log.locator(".jp-MLDeploy-logLine", has_text="line 99999").wait_for()
    assert log.locator(".jp-MLDeploy-logLine").count() < 200, "only what is in sight is in the page"
    count = log.get_by_role("status")
    total = int(re.sub(r"\D", "", count.inner_text()))
    assert total >= 100_000

    log.get_by_role("searchbox").fill("line 5000")
    log.locator("mark", has_text="line 5000").first.wait_for()
    assert log.locator(".jp-MLDeploy-logLine").count() == 11
    # What stands over what scrolls is nothing that axe judges.
    assert log.locator("mark").first.evaluate(CONTRAST) >= 4.5
    picture(log, f"lab-log-search-{theme}")
    log.get_by_role("searchbox").fill("")
    log.get_by_label("Level").select_option("error")
    count.filter(has_text="100 /").wait_for()
    assert log.get_by_label("Follow").is_checked(), "fewer lines are no scrolling"
    picture(log, f"lab-log-{theme}")
    check_accessible(page, ".jp-MLDeploy-log")
    log.get_by_label("Level").select_option("all")

    # Who scrolls up stays there, though more is printed; at the end it follows again.
    scroller = log.get_by_role("log")
    scroller.focus()
    page.keyboard.press("Home")
    log.locator(".jp-MLDeploy-logLine", has_text="ready to talk").wait_for()
    assert not log.get_by_label("Follow").is_checked()
    with (folder / "home" / "services" / "loud" / "run.log").open("a") as file:
        file.write("the very last\n")
    count.filter(has_text=re.compile(str((total + 1) % 1000))).wait_for()
    assert not log.get_by_text("the very last").is_visible()
    page.keyboard.press("End")
    log.get_by_text("the very last").wait_for()
    page.close()
    in_home(folder, "for s in m.services(): s.delete()")
