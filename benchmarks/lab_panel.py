"""What the extension costs JupyterLab's start, and how soon the side panel shows what has happened.

    uv run python benchmarks/lab_panel.py [--runs N]

A real JupyterLab in a real Chromium, in turn without and with the extension: milliseconds until ``app.restored``, the quickest of
the runs. Then a service is killed, and the time is taken until the panel says so. The bytes are those of the built files,
gzipped, all languages and all that is fetched later included.
"""

from __future__ import annotations

import argparse
import gzip
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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    from playwright.sync_api import sync_playwright

    from tests.ui.lab import CHROMIUM, CHROMIUM_ARGUMENTS, lab_server

    files = (ROOT / "jupyter_mldeploy" / "labextension" / "static").glob("*.js")
    print(f"all files: {sum(len(gzip.compress(file.read_bytes())) for file in files) / 1000:.0f} kB gzipped")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        plain, ours = Path(name) / "plain", Path(name) / "ours"
        plain.mkdir()
        ours.mkdir()
        with lab_server(plain) as without, lab_server(ours, extension=True) as address:
            times: dict[str, list[float]] = {without: [], address: []}
            for _ in range(runs):
                for one, found in times.items():
                    found.append(start(browser, one))
            least = {one: min(found) for one, found in times.items()}
            added = least[address] - least[without]
            print(f"start without {least[without]:.0f} ms, with {least[address]:.0f} ms: {added:+.0f} ms")
            in_home(ours, f"m.deploy({str(write_script(ours))!r}, 'loud', target='local')")
            print(f"killed, and shown after {told(browser, address, ours):.0f} ms")
            in_home(ours, "m.service('loud').delete()")
        browser.close()
    return 0


def start(browser: Any, address: str) -> float:
    """Milliseconds of one start."""
    page = browser.new_page()
    page.goto(f"{address}&reset")
    page.wait_for_function("() => window.jupyterapp")
    took = float(page.evaluate(RESTORED))
    page.close()
    return took


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
