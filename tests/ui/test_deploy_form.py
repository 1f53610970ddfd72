"""A script of the file browser is deployed by the panel's form; the settings say where to; menus lead there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ui.accessibility import check_accessible
from tests.ui.lab import lab_server
from tests.ui.test_extension import Picture, in_home, new_page, show_panel

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

SCRIPT = """import json

def init():
    print("ready")

def run(data):
    return [number * 2 for number in json.loads(data)["data"]]
"""


@pytest.fixture(scope="module", params=["light", "dark", "dark-high-contrast"])
def lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, Path]]:
    """A JupyterLab with the extension, in one of its themes: its name, its address, its folder."""
    folder = tmp_path_factory.mktemp(f"form-{request.param}")
    name = " ".join(word.capitalize() for word in request.param.split("-"))
    with lab_server(folder, f"JupyterLab {name}", extension=True) as address:
        (folder / "work" / "double.py").write_text(SCRIPT)
        yield request.param, address, folder
        in_home(folder, "for s in m.services(): s.delete()")


def open_lab(browser: Any, address: str) -> Any:
    page = new_page(browser, 1100, 950)
    page.goto(f"{address}&reset")
    page.locator("[data-id=jp-mldeploy-panel]").wait_for()
    page.evaluate("window.jupyterapp.restored.then(() => null)")
    return page


def test_a_script_of_the_file_browser(browser: Any, lab: tuple[str, str, Path], picture: Picture) -> None:
    theme, address, _ = lab
    page = open_lab(browser, address)
    page.locator(".jp-DirListing-item", has_text="double.py").click(button="right")
    page.locator(".lm-Menu-itemLabel", has_text="Deploy a script…").click()
    form = page.get_by_role("form", name="Deploy a script")
    assert form.get_by_label("Script", exact=True).input_value() == "double.py"
    assert form.get_by_label("Name").input_value() == "double"

    # What can be seen here is told at once, at its field; the first of them has the focus.
    form.get_by_label("Name").fill("")
    form.get_by_label("Sample").fill('{"data": ')
    form.get_by_role("button", name="Deploy").click()
    form.get_by_text("Give the service a name.").wait_for()
    form.get_by_text("This is not JSON.").wait_for()
    assert form.get_by_label("Name").evaluate("e => e === document.activeElement && e.ariaInvalid === 'true'")

    # What only the server knows is told at its field too, and goes when the field is changed.
    form.get_by_label("Name").fill("double")
    form.get_by_label("Sample").fill('{"data": [1, 2]}')
    form.get_by_label("Models").fill("nothing")
    form.get_by_role("button", name="Deploy").click()
    form.get_by_text("There is no model 'nothing'.").wait_for()
    assert form.get_by_label("Models").evaluate("e => e === document.activeElement")
    picture(form, f"lab-form-{theme}")
    check_accessible(page, ".jp-MLDeploy-panel")
    form.get_by_label("Models").fill("")
    assert not form.get_by_text("There is no model").is_visible()
    magic = "%deploy double --script double.py --replicas 2 --sample '{\"data\":[1,2]}'"
    form.get_by_label("Replicas").fill("2")
    assert form.locator(".jp-MLDeploy-magic").inner_text() == magic
    form.get_by_role("button", name="Deploy").click()
    form.wait_for(state="detached")
    page.locator("[data-service=double]").get_by_text("local · running · replicas: 2 of 2").wait_for()
    page.close()


def test_a_script_that_fails_leaves_the_form_open(browser: Any, lab: tuple[str, str, Path]) -> None:
    _, address, folder = lab
    (folder / "work" / "broken.py").write_text(SCRIPT.replace('print("ready")', "raise OSError('no weights here')"))
    page = open_lab(browser, address)
    panel = show_panel(page)
    panel.get_by_role("button", name="Deploy a script…").click()
    form = page.get_by_role("form", name="Deploy a script")
    form.get_by_label("Script", exact=True).fill("broken.py")
    form.get_by_label("Name").fill("broken")
    form.get_by_label("Name").press("Enter")
    panel.locator("[data-service=broken] .jp-MLDeploy-proof", has_text="no weights here").first.wait_for()
    form.get_by_role("alert").wait_for()
    (folder / "work" / "broken.py").write_text(SCRIPT)
    form.get_by_role("button", name="Deploy").click()
    panel.locator("[data-service=broken]").get_by_text("local · running").wait_for()
    page.close()


def test_menus_settings_and_what_helps_to_decide(browser: Any, lab: tuple[str, str, Path], picture: Picture) -> None:
    theme, address, folder = lab
    script = folder / "work" / "double.py"
    in_home(
        folder,
        f"for name in ('one', 'two'): m.deploy({str(script)!r}, name, target='local', sample='{{\"data\": [3]}}')",
    )
    page = open_lab(browser, address)
    page.locator(".lm-MenuBar-item", has_text="Run").click()
    page.locator(".lm-Menu-itemLabel", has_text="Deployed models").hover()
    page.locator(".lm-Menu-itemLabel", has_text="Settings of deployed models").click()

    # The settings editor; the server is told, and what deploys through it goes there.
    def setting(name: str) -> Any:
        return page.locator(f'[id="jp-SettingsEditor-jupyter-mldeploy:plugin_{name}"]')

    with page.expect_response(
        lambda answer: answer.request.method == "PUT" and "mldeploy/settings" in answer.url
    ) as told:
        setting("registry").fill("registry.example/team")
    assert told.value.status == 200
    rows = {row["setting"]: row for row in json.loads(told.value.text())["settings"]}
    assert rows["registry"]["value"].startswith("r")
    assert rows["registry"]["from"] == "the front end's settings"
    setting("target").select_option(label="container")
    # Docker and clusters have a context each; the one setting that was both is offered to nobody who has not set it.
    with page.expect_response(
        lambda answer: answer.request.method == "PUT" and "mldeploy/settings" in answer.url
    ) as told:
        setting("dockerContext").fill("desk")
    assert told.value.status == 200
    assert setting("kubeContext").is_visible()
    assert not setting("context").is_visible()
    panel = show_panel(page)
    panel.get_by_role("button", name="Deploy a script…").click()
    form = page.get_by_role("form", name="Deploy a script")
    form.locator("option", has_text="as in the settings: container").wait_for(state="attached")
    form.locator(".jp-MLDeploy-magic", has_text="--target container --context desk").wait_for()
    form.get_by_label("Target").select_option("kubernetes")
    assert "--context" not in form.locator(".jp-MLDeploy-magic").inner_text()
    form.get_by_role("button", name="Close").click()
    setting("dockerContext").fill("")
    setting("target").select_option(index=0)

    # The palette knows the commands.
    page.evaluate("window.jupyterapp.commands.execute('apputils:activate-command-palette')")
    page.locator(".lm-CommandPalette-input, .jp-ModalCommandPalette input").first.fill("Deploy a script")
    page.locator(".lm-CommandPalette-itemLabel", has_text="Deploy a script…").first.wait_for()
    page.keyboard.press("Escape")

    panel.get_by_text("How many replicas?").click()
    panel.get_by_label("Seconds of one request").fill("10")
    panel.get_by_text("Replicas: 286").wait_for()
    panel.get_by_label("Utilisation, %").fill("0")
    panel.get_by_text("Write numbers above 0").wait_for()

    panel.get_by_text("Compare two services").click()
    comparison = panel.locator("details", has_text="Compare two services")
    comparison.get_by_label("Service 1").select_option("one")
    comparison.get_by_label("Service 2").select_option("two")
    comparison.get_by_role("button", name="Compare").click()
    comparison.get_by_text("The answers are the same.").wait_for()
    comparison.locator(".jp-MLDeploy-answer", has_text=re.compile(r"one · 200 .*\n\[6\]")).wait_for()
    picture(comparison, f"lab-compare-{theme}")
    check_accessible(page, ".jp-MLDeploy-panel")
    script.write_text(SCRIPT.replace("* 2", "* 3"))
    two = panel.locator("[data-service=two]")
    two.get_by_text("edited, not reloaded").wait_for()
    two.get_by_role("button", name="Reload two").click()
    two.get_by_text("edited, not reloaded").wait_for(state="detached")
    comparison.get_by_role("button", name="Compare").click()
    comparison.get_by_text("The answers differ.").wait_for()

    # The second log is a tab beside the first, not one more slice of the page.
    for name in ("one", "two"):
        panel.get_by_role("button", name=f"Logs {name}").click()
        page.locator(".lm-TabBar-tabLabel", has_text=f"Log of {name}").wait_for()
    bar = page.locator(".lm-DockPanel-tabBar", has_text="Log of one")
    assert bar.locator(".lm-TabBar-tabLabel").all_inner_texts() == ["Log of one", "Log of two"]
    page.close()
    in_home(folder, "for s in m.services(): s.delete()")
    script.write_text(SCRIPT)
