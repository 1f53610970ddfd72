"""How soon the side panel shows what has happened.

    uv run python benchmarks/lab_panel.py

A real JupyterLab in a real Chromium: a service is killed, and the time is taken until the panel says so.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from log_view import in_home, write_script  # noqa: E402 - lies beside it

RESTORED = "window.jupyterapp.restored.then(() => performance.now())"


def main() -> int:
    """Measure and print."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    from playwright.sync_api import sync_playwright

    from tests.ui.lab import CHROMIUM, CHROMIUM_ARGUMENTS, lab_server

    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        folder = Path(name)
        with lab_server(folder, extension=True) as address:
            in_home(folder, f"m.deploy({str(write_script(folder))!r}, 'loud', target='local')")
            print(f"killed, and shown after {told(browser, address, folder):.0f} ms")
            in_home(folder, "m.service('loud').delete()")
        browser.close()
    return 0


def told(browser: Any, address: str, folder: Path) -> float:
    """Milliseconds from a death to the word of it in the panel."""
    import json

    page = browser.new_page()
    page.goto(f"{address}&reset")
    page.wait_for_function("() => window.jupyterapp")
    page.evaluate(RESTORED)
    page.evaluate("window.jupyterapp.commands.execute('mldeploy:show-panel')")
    page.locator("[data-service=loud]").get_by_text("running").wait_for()
    page.evaluate(
        """() => { window.seen = new Promise(tell => new MutationObserver(() => {
             if (document.querySelector('[data-service=loud] [data-state=failed]')) tell(Date.now());
           }).observe(document.querySelector('.jp-MLDeploy-panel'), {subtree: true, childList: true, attributes: true})); }"""
    )
    record = json.loads((folder / "home" / "services" / "loud" / "service.json").read_text())
    began = time.time() * 1000
    os.kill(int(record["details"]["pid"]), signal.SIGKILL)
    seen = float(page.evaluate("window.seen"))
    page.close()
    return seen - began


if __name__ == "__main__":
    sys.exit(main())
