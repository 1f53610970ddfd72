"""What is seen outlives kernels and servers; one click mends a failure; the panel speaks the user's language."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jupyter_mldeploy.events import Event, EventKind, Stage
from jupyter_mldeploy.notebook.render.bundle import DEPLOYMENT
from jupyter_mldeploy.notebook.timeline import Timeline
from tests.ui.accessibility import check_accessible
from tests.ui.lab import Page, lab_server, write_notebook
from tests.ui.test_extension import Picture, in_home, new_page, show_panel
from tests.ui.test_in_jupyterlab import CELL, FIT

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

LACKING = """import importlib

def init():
    global inflection
    inflection = importlib.import_module("inflection")

def run(data):
    return inflection.pluralize("octopus")
"""
LOCALE = '{"locale": "es_ES"}'


def deploy_what_lacks_a_package(folder: Path) -> None:
    """The service ``words``, whose ``init()`` fails."""
    script = folder / "work" / "words.py"
    script.write_text(LACKING)
    program = f"import jupyter_mldeploy as m; m.deploy({str(script)!r}, 'words', target='local')"
    environment = {**os.environ, "MLDEPLOY_HOME": str(folder / "home")}
    failed = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, check=False)
    assert failed.returncode != 0


def test_a_restarted_kernel_and_a_restarted_server(browser: Any, tmp_path: Path) -> None:
    write_notebook(tmp_path / "iris.ipynb", [FIT, CELL])
    (tmp_path / "work").mkdir()
    (tmp_path / "iris.ipynb").rename(tmp_path / "work" / "iris.ipynb")
    with lab_server(tmp_path, extension=True) as address:
        browser_page = new_page(browser, 1300, 1000)
        page = Page(browser_page, address, "iris.ipynb")
        panel = show_panel(browser_page)
        page.run(0)
        page.run(1)
        iris = panel.locator("[data-service=iris]")
        iris.get_by_text("local · running").wait_for()

        # The kernel that deployed it is gone; the service runs, and the next kernel takes it up.
        browser_page.evaluate("void window.jupyterapp.commands.execute('kernelmenu:restart')")
        browser_page.locator(".jp-Dialog .jp-mod-accept").click()
        browser_page.get_by_text("| Idle").wait_for()
        iris.get_by_text("local · running").wait_for()
        page.run(0, wait=False)  # [1] again, as it was
        page.run(0)
        page.cell(1).locator(".cm-content").click()
        before = page.prompt(1)
        page.cell(1).locator(".jp-MLDeploy-cellButton button", has_text="Reload").click()
        page.wait_done(1, before)

    # The server is gone: the panel says so, and what it showed last stays.
    panel.get_by_role("alert").get_by_text("The server does not answer.", exact=True).wait_for()
    assert iris.get_by_role("button", name="Reload iris").is_disabled(), "nothing can be done now"
    in_home(tmp_path, "m.service('iris').stop()")
    with lab_server(tmp_path, extension=True, again=address):
        iris.get_by_text("local · stopped").wait_for()
        panel.get_by_text("The server does not answer").wait_for(state="detached")
        # JupyterLab's own dialog about the lost server may lie above the page.
        iris.get_by_role("button", name="Start iris").evaluate("button => button.click()")
        iris.get_by_text("local · running").wait_for()
        browser_page.close()
        in_home(tmp_path, "m.service('iris').delete()")


def test_the_button_of_a_cell_needs_no_load_ext(browser: Any, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    write_notebook(tmp_path / "work" / "plain.ipynb", ["%%deploy plain\ndef init(): pass\ndef run(data): return 1"])
    with lab_server(tmp_path, extension=True) as address:
        browser_page = new_page(browser, 1300, 1000)
        page = Page(browser_page, address, "plain.ipynb")
        panel = show_panel(browser_page)
        page.cell(0).locator(".cm-content").click()
        before = page.prompt(0)
        page.cell(0).locator(".jp-MLDeploy-cellButton button", has_text="Deploy").click()
        page.wait_done(0, before)
        panel.locator("[data-service=plain]").get_by_text("local · running").wait_for()
        browser_page.close()
        in_home(tmp_path, "m.service('plain').delete()")


def test_one_click_mends_a_failure(browser: Any, tmp_path: Path, picture: Picture) -> None:
    with lab_server(tmp_path, "JupyterLab Dark", extension=True) as address:
        deploy_what_lacks_a_package(tmp_path)
        page = new_page(browser, 1300, 1300)
        page.goto(f"{address}&reset")
        panel = show_panel(page)
        words = panel.locator("[data-service=words]")
        words.get_by_role("button", name="Why? words").click()
        mend = words.get_by_role("button", name="Add inflection and rebuild")
        mend.wait_for()
        picture(words, "lab-mend-dark")
        mend.click()
        # What it does is shown before it is done.
        page.locator(".jp-Dialog", has_text="--pip inflection").get_by_role("button", name="Update").click()
        words.get_by_text("local · running").wait_for(timeout=180_000)
        words.get_by_role("button", name="Score words").click()
        words.get_by_role("button", name="Send").click()
        words.locator(".jp-MLDeploy-answer", has_text="octopi").wait_for()
        page.close()
        in_home(tmp_path, "m.service('words').delete()")


def find_one_of_many(page: Any, panel: Any, folder: Path) -> None:
    """Among eight and more there is a field to look for some; a name of 63 letters is whole, with its dot beside it."""
    services = folder / "home" / "services"
    long = "-".join(["a-name", "that", "is", "as", "long", "as", "one", "may", "be", "x" * 26])
    assert len(long) == 63
    for name in (long, *(f"other-{number}" for number in range(7))):
        copy = services / f".{name}"
        shutil.copytree(services / "words", copy, symlinks=True)
        record = copy / "service.json"
        record.write_text(record.read_text().replace('"words"', f'"{name}"'))
        copy.rename(services / name)
    box = panel.get_by_label("Mostrar solo los servicios que tengan")
    box.wait_for()
    panel.get_by_text("servicios: 9 de 9").wait_for()
    box.fill("error long")
    panel.get_by_text("servicios: 1 de 9").wait_for()
    assert panel.locator("[data-service]").count() == 1
    dot, name = (
        panel.locator(f"[data-service] .jp-MLDeploy-name {part}").bounding_box() for part in (".jp-MLDeploy-dot", "b")
    )
    assert name["y"] <= dot["y"] + dot["height"] / 2 <= name["y"] + 24
    assert panel.evaluate("panel => panel.scrollWidth <= panel.clientWidth")
    check_accessible(page, ".jp-MLDeploy-panel")
    box.fill("")
    for name in services.iterdir():
        if name.name != "words":
            shutil.rmtree(name)
    panel.get_by_text("servicios: 9 de 9").wait_for(state="detached")


def read_a_saved_deployment(page: Any, address: str, folder: Path, picture: Picture) -> None:
    """The stages of a notebook that was saved elsewhere, their notes and what it came to."""
    timeline = Timeline.begin("iris", "container")
    for stage, kind, said in (
        (Stage.REGISTER, EventKind.FINISHED, "no model"),
        (Stage.BUILD, EventKind.FINISHED, "iris:1a2b, nothing to build"),
        (Stage.PUSH, EventKind.SKIPPED, "no registry is set"),
        (Stage.INIT, EventKind.FINISHED, "2 replicas"),
    ):
        timeline = timeline.after(Event(service="iris", stage=stage, kind=kind, message=said, seconds=0.5))
    saved = timeline.ended("deployed to container in 2.0 s", uri="http://127.0.0.1:1/score")
    write_notebook(folder / "work" / "saved.ipynb", ["%%deploy iris"])
    notebook = nbformat.read(folder / "work" / "saved.ipynb", as_version=4)
    notebook.cells[0].outputs = [nbformat.v4.new_output("display_data", data={DEPLOYMENT: saved.to_json()})]
    nbformat.write(notebook, folder / "work" / "saved.ipynb")
    base, _, token = address.partition("?")
    page.goto(f"{base}/tree/saved.ipynb?{token}&reset")
    bundle = page.locator(".jp-MLDeploy-bundle")
    bundle.get_by_text("desplegado en container en 2.0 s").wait_for()
    rail = bundle.locator(".jp-MLDeploy-rail li").all_inner_texts()
    assert [re.sub(r"\s+", " ", step).strip() for step in rail] == [
        "✓ registro 0.5 s · sin modelo",
        "✓ compilación 0.5 s · iris:1a2b, nada que compilar",
        "subida no hay ningún registro definido",
        "arranque no hizo falta",
        "✓ init 0.5 s · 2 réplicas",
        "listo no hizo falta",
    ]
    check_accessible(page, ".jp-MLDeploy-bundle")
    picture(bundle, "lab-saved-spanish-light")


def test_the_diagnosis_is_in_the_users_language(browser: Any, tmp_path: Path, picture: Picture) -> None:
    settings = tmp_path / "settings" / "@jupyterlab" / "translation-extension" / "plugin.jupyterlab-settings"
    settings.parent.mkdir(parents=True)
    settings.write_text(LOCALE)
    with lab_server(tmp_path, extension=True) as address:
        deploy_what_lacks_a_package(tmp_path)
        page = new_page(browser, 1300, 1300)
        page.goto(f"{address}&reset")
        panel = show_panel(page)
        panel.get_by_role("button", name="Desplegar un script…").wait_for()
        words = panel.locator("[data-service=words]")
        words.get_by_role("button", name="¿Por qué? words").click()
        words.get_by_text("El paquete inflection no está instalado").wait_for()
        words.get_by_text("Vuelva a compilar el entorno").wait_for()
        words.get_by_role("button", name="Agregar inflection y compilar de nuevo").wait_for()
        # What is made from patterns too; what Python said in it is as it was.
        words.locator(".jp-MLDeploy-message", has_text=re.compile("words falló en la etapa .*inflection")).wait_for()
        check_accessible(page, ".jp-MLDeploy-panel")
        picture(words, "lab-spanish-light")
        read_a_saved_deployment(page, address, tmp_path, picture)
        page.goto(f"{address}&reset")
        panel = show_panel(page)
        find_one_of_many(page, panel, tmp_path)
        page.evaluate("void window.jupyterapp.commands.execute('mldeploy:open-settings')")
        page.get_by_text("Registro y ruta a los que se suben las imágenes").wait_for()
        page.close()
        in_home(tmp_path, "m.service('words').delete()")
