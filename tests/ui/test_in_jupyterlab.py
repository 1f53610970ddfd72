"""The notebook's side in a real JupyterLab: deploy, edit, fail, follow; light and dark; saved and opened again."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ui.accessibility import check_accessible
from tests.ui.lab import Page, lab_server, write_notebook

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

FIT = """%load_ext jupyter_mldeploy
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

X, y = load_iris(return_X_y=True)
clf = LogisticRegression(max_iter=500).fit(X, y)"""
CELL = """%%deploy iris --model clf --sample {"data": [[5.1, 3.5, 1.4, 0.2]]}
import json
import joblib
from azureml.core.model import Model

def init():
    global model
    model = joblib.load(Model.get_model_path("clf"))

def run(data):
    return model.predict(json.loads(data)["data"]).tolist()"""
FAILING = CELL.replace("%%deploy iris", "%%deploy broken").replace('("clf"))', '("clf"))["pipeline"]')
SLOW = CELL.replace("%%deploy iris", "%%deploy slow").replace(
    "global model", "global model; import time; time.sleep(90)"
)
STREAMED = """%service_logs iris -f"""
WIDGET = "application/vnd.jupyter.widget-view+json"

Picture = Callable[[Any, str], None]


@pytest.fixture(scope="module", params=["light", "dark"])
def lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, Path]]:
    """A JupyterLab in one of its themes: its name, its address, its folder."""
    folder = tmp_path_factory.mktemp(request.param)
    with lab_server(folder, f"JupyterLab {request.param.capitalize()}") as address:
        yield request.param, address, folder
    _delete_services(folder / "home")


def _delete_services(home: Path) -> None:
    import subprocess
    import sys

    program = "import jupyter_mldeploy as m\nfor s in m.services(): s.delete()"
    subprocess.run([sys.executable, "-c", program], env={**os.environ, "MLDEPLOY_HOME": str(home)}, check=True)


def notebook(path: Path) -> list[list[list[str]]]:
    """Of each cell, of each output, the MIME types (or fields) that were saved."""
    cells = json.loads(path.read_text())["cells"]
    return [[list(output.get("data", output)) for output in cell["outputs"]] for cell in cells]


def test_deploy_score_fail_interrupt_and_save(browser: Any, lab: tuple[str, str, Path], picture: Picture) -> None:
    theme, address, folder = lab
    path = folder / "work" / "iris.ipynb"
    write_notebook(path, [FIT, CELL, FAILING, SLOW, "%services"])
    browser_page = browser.new_page(viewport={"width": 1100, "height": 1700})
    page = Page(browser_page, address, "iris.ipynb")

    page.run(0)
    page.run(1)
    deployed = page.cell(1)
    deployed.get_by_role("button", name="Score").click()
    deployed.get_by_text("script ").last.wait_for()
    assert deployed.locator(".mld-rail li.mld-done").count() == 5
    assert "[0]" in deployed.locator(".mld-line code").inner_text()
    picture(deployed, f"deployed-{theme}")

    page.run(2)
    failed = page.cell(2)
    failed.locator(".mld-steps").wait_for()
    assert failed.locator(".mld-rail li.mld-failed").inner_text().startswith("✕")
    assert "is not subscriptable" in failed.locator(".mld-proof").inner_text()
    assert failed.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr']").count() == 1
    picture(failed, f"failed-{theme}")

    page.run(3, wait=False)
    slow = page.cell(3)
    slow.get_by_text("in init()").wait_for()
    picture(slow, f"deploying-{theme}")
    page.interrupt()
    slow.get_by_text("what was begun has been cleaned up").wait_for()
    page.run(4)
    assert "slow" not in page.cell(4).locator(".jp-OutputArea").inner_text()

    page.shut_down_kernel()
    deployed.get_by_role("button", name="Score").wait_for(state="detached")
    page.save()
    saved = notebook(path)
    assert not any(WIDGET in output for cell in saved for output in cell), "a saved notebook needs no kernel"
    browser_page.close()


def test_an_edited_file_is_seen_and_reloaded(browser: Any, lab: tuple[str, str, Path], picture: Picture) -> None:
    theme, address, folder = lab
    script = folder / "work" / "score.py"
    script.write_text(CELL.partition("\n")[2])
    write_notebook(folder / "work" / "edit.ipynb", [FIT, "%deploy edited --model clf --script score.py", STREAMED])
    browser_page = browser.new_page(viewport={"width": 1100, "height": 1400})
    page = Page(browser_page, address, "edit.ipynb")
    page.run(0)
    page.run(1)
    panel = page.cell(1).locator(".mld-panel")
    panel.wait_for()
    script.write_text(script.read_text().replace(".tolist()", ".tolist()  # edited"))
    panel.get_by_text("edited, not reloaded").wait_for()
    picture(panel, f"edited-{theme}")
    panel.get_by_role("button", name="Reload").click()
    panel.get_by_text("reloaded, init() kept").wait_for()
    panel.get_by_text("edited, not reloaded").wait_for(state="detached")

    # Every control can be reached and used with the keyboard.
    panel.locator("textarea").click()
    browser_page.keyboard.insert_text('{"data": [[6.7, 3.0, 5.2, 2.3]]}')
    browser_page.keyboard.press("Tab")
    browser_page.keyboard.press("Enter")
    panel.locator(".mld-line code").get_by_text("[2]").wait_for()
    browser_page.close()


def test_the_forms_deploy_compute_and_compare(browser: Any, lab: tuple[str, str, Path], picture: Picture) -> None:
    theme, address, folder = lab
    script = folder / "work" / "echo.py"
    script.write_text("def init():\n    pass\n\ndef run(data):\n    return data\n")
    cells = [FIT, "%deploy", "%deploy second --script echo.py --sample 1", "%service_compare", "%replicas"]
    write_notebook(folder / "work" / "forms.ipynb", cells)
    page = Page(browser.new_page(viewport={"width": 1100, "height": 1500}), address, "forms.ipynb")
    page.run(0)
    page.run(1)
    form = page.cell(1)
    form.get_by_label("Model").fill("clf")
    form.get_by_label("Script").fill("echo.py")
    form.get_by_label("Name").fill("first")
    form.get_by_label("Sample").fill('{"data": [[1, 2]]}')
    form.get_by_label("Sample").press("Tab")
    form.get_by_text('%deploy first --script echo.py --model clf --sample {"data": [[1, 2]]}').wait_for()
    picture(form, f"form-{theme}")
    form.get_by_role("button", name="Deploy").click()
    form.get_by_role("button", name="Score").wait_for()
    assert form.locator(".mld-rail li.mld-done").count() == 5

    page.run(2)
    page.run(3)
    comparison = page.cell(3)
    comparison.get_by_label("One").select_option("first")
    comparison.get_by_label("Other").select_option("second")
    comparison.get_by_role("button", name="Compare").click()
    comparison.get_by_text("the answers are the same").wait_for()
    page.run(4)
    calculator = page.cell(4)
    calculator.get_by_label("Seconds of one").fill("10")
    calculator.get_by_label("Seconds of one").press("Tab")
    calculator.get_by_text("286 replicas").wait_for()
    for place in (1, 3, 4):
        page.cell(place).evaluate("cell => { cell.dataset.checked = 'now' }")
        check_accessible(page.page, "[data-checked=now] .mld-panel")
        page.cell(place).evaluate("cell => { delete cell.dataset.checked }")
    page.page.close()
