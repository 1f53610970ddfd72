"""``pip install`` of the built wheel is all: the extension, its server's part and the examples, in a clean environment."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.ui.lab import lab_server
from tests.ui.test_extension import new_page, show_panel

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
SCRIPT = "def init():\n    pass\n\ndef run(data):\n    return 42\n"


def test_the_wheel_alone_brings_the_extension(browser: Any, tmp_path: Path) -> None:
    uv = str(Path(sys.executable).with_name("uv"))
    subprocess.run([sys.executable, str(ROOT / "scripts" / "build_labextension.py"), "--if-stale"], check=True)
    subprocess.run([uv, "build", "--quiet", "--wheel", "--out-dir", str(tmp_path), str(ROOT)], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    environment = tmp_path / "environment"
    python = str(environment / "bin" / "python")
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(environment)], check=True)
    subprocess.run([uv, "pip", "install", "--quiet", "--python", python, str(wheel), "jupyterlab>=4.5.7"], check=True)
    elsewhere = {**os.environ, "MLDEPLOY_HOME": str(tmp_path / "lab" / "home")}
    with lab_server(tmp_path / "lab", python=python) as address:
        (tmp_path / "lab" / "work" / "answer.py").write_text(SCRIPT)
        page = new_page(browser, 1300, 1000)
        page.goto(f"{address}&reset")
        panel = show_panel(page)
        panel.get_by_role("button", name="Deploy a script…").click()
        form = page.get_by_role("form", name="Deploy a script")
        form.get_by_label("Script", exact=True).fill("answer.py")
        form.get_by_label("Name").fill("answer")
        form.get_by_role("button", name="Deploy").click()
        panel.locator("[data-service=answer]").get_by_text("local · running").wait_for()
        # The examples came along: one is copied to where the user is, and opened.
        panel.get_by_role("button", name="Delete… answer").click()
        page.get_by_role("button", name="Delete", exact=True).click()
        panel.get_by_role("button", name="Open an example").click()
        page.locator(".jp-Dialog").get_by_role("button", name="Choose").click()
        page.locator(".jp-Notebook .jp-Cell").first.wait_for()
        page.get_by_text("| Idle").wait_for()  # a server that ends while its kernel starts may wait for it for ever
        assert list((tmp_path / "lab" / "work").glob("*.ipynb"))
        page.close()
    left = subprocess.run(
        [python, "-c", "import jupyter_mldeploy as m; print(len(m.services()))"],
        env=elsewhere, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert left.stdout.strip() == "0"
