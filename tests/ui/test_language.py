"""What a kernel draws in a cell, in the language of JupyterLab's user or of the setting: read and clicked, and nothing cut off."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.ui.accessibility import check_accessible
from tests.ui.lab import Page, lab_server, write_notebook
from tests.ui.test_extension import in_home, new_page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

LOCALE = '// chosen in the menu\n{"locale": "ru_RU"}'
LOAD = "%load_ext jupyter_mldeploy"
SPANISH = f"import os\nos.environ['MLDEPLOY_LANGUAGE'] = 'es'\n{LOAD}"
ECHO = "def init():\n    pass\n\ndef run(data):\n    return data\n"
LACKING = ECHO.replace("pass", "import importlib\n    importlib.import_module('inflection')")
CELLS = [f'%%deploy echo --sample {{"x": 1}}\n{ECHO}', f"%%deploy words\n{LACKING}", "%deploy", "%replicas"]

CUT_OFF = """cell => [...cell.querySelectorAll('.widget-label, .widget-button, .mld *, input')]
  .filter(one => one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).display !== 'inline')
  .filter(one => !['SMALL', 'PRE', 'STYLE'].includes(one.tagName) && !one.closest('.mld-scroll, pre'))
  .map(one => one.outerHTML.slice(0, 200))"""
"""Notes of stages end in an ellipsis and are whole in their title; lines of a log are scrolled."""
PLACEHOLDERS = """cell => [...cell.querySelectorAll('input')].filter(one => {
  const pen = document.createElement('canvas').getContext('2d');
  pen.font = getComputedStyle(one).font;
  return pen.measureText(one.placeholder).width > one.clientWidth;
}).map(one => one.placeholder)"""


def check_whole(cell: Any) -> None:
    """Nothing is cut off, whatever is said."""
    assert cell.evaluate(CUT_OFF) == []
    assert cell.evaluate(PLACEHOLDERS) == []


def test_cells_speak_the_users_language(browser: Any, tmp_path: Path) -> None:
    settings = tmp_path / "settings" / "@jupyterlab" / "translation-extension"
    settings.mkdir(parents=True)
    (settings / "plugin.jupyterlab-settings").write_text(LOCALE)
    (tmp_path / "work").mkdir()
    write_notebook(tmp_path / "work" / "ru.ipynb", [LOAD, *CELLS])
    write_notebook(tmp_path / "work" / "es.ipynb", [SPANISH, CELLS[0].replace("echo", "eco"), CELLS[2]])
    with lab_server(tmp_path) as address:
        page = new_page(browser, 1200, 1600)
        notebook = Page(page, address, "ru.ipynb")
        notebook.run(0)
        read_a_service(notebook, page)
        read_a_failure(notebook, page)
        read_the_forms(notebook, page)

        # A setting wins over JupyterLab.
        notebook = Page(page, address, "es.ipynb")
        notebook.run(0)
        notebook.run(1)
        service = notebook.cell(1)
        service.get_by_text("en marcha, 1 de 1 réplica lista").wait_for()
        service.get_by_role("button", name="Puntuar").wait_for()
        check_whole(service)
        notebook.run(2)
        notebook.cell(2).get_by_role("button", name="Desplegar").wait_for()
        assert notebook.cell(2).get_by_text("Muestra").is_visible()
        check_whole(notebook.cell(2))
        page.close()
        in_home(tmp_path, "[s.delete() for s in m.services()]")


def read_a_service(notebook: Page, page: Any) -> None:
    notebook.run(1)
    cell = notebook.cell(1)
    cell.get_by_text("работает, готово реплик: 1 из 1").wait_for()
    assert cell.locator("[lang=ru] .mld-rail").get_by_text("регистрация").is_visible()
    assert cell.locator(".mld-table th").all_inner_texts()[:3] == ["реплика", "состояние", "скрипт"]
    cell.get_by_role("button", name="Запросить оценку").click()
    cell.get_by_text("скрипт").last.wait_for()
    cell.get_by_role("button", name="Остановить").click()
    question = cell.get_by_text("Остановить echo? Запросы будут отклоняться")
    question.wait_for()
    check_whole(cell)
    check_accessible(page, ".jp-OutputArea-output .mld")
    cell.get_by_role("button", name="Оставить работать").click()
    question.wait_for(state="hidden")
    cell.get_by_role("button", name="Остановить").click()
    question.wait_for()
    cell.get_by_role("button", name="Остановить").last.click()
    # What the button does follows the state, not its word.
    cell.get_by_role("button", name="Запустить").click()
    cell.get_by_text("работает, готово реплик: 1 из 1").wait_for()


def read_a_failure(notebook: Page, page: Any) -> None:
    notebook.run(2)
    cell = notebook.cell(2)
    cell.get_by_text("причина: module-not-found").wait_for()
    steps = cell.locator(".mld-steps li").all_inner_texts()
    assert steps
    assert not any(step.startswith(("Add ", "Rebuild ")) for step in steps)
    assert "No module named 'inflection'" in cell.locator(".mld-hit").first.inner_text(), (
        "what is proved stays as it is"
    )
    cell.locator(".mld-panel").get_by_role("button", name="inflection").click()
    cell.get_by_text("--pip inflection").last.wait_for()
    cell.get_by_role("button", name="Оставить как есть").wait_for()
    check_whole(cell)


def read_the_forms(notebook: Page, page: Any) -> None:
    for position, labels in ((3, ["Модель", "Скрипт", "Имя", "Цель"]), (4, ["Запросов в с", "Секунд на один"])):
        notebook.run(position)
        cell = notebook.cell(position)
        cell.locator(".widget-label").first.wait_for()
        assert cell.locator(".widget-label").all_inner_texts()[: len(labels)] == labels
        check_whole(cell)
    check_accessible(page, ".mld-form")
