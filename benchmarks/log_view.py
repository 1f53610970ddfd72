"""The log view of JupyterLab under load: lines a second into the page, and how long the page was ever busy.

    uv run python benchmarks/log_view.py [--lines N] [--rate LINES_A_SECOND]

A real JupyterLab in a real Chromium follows the log of a service. First N lines are there at once: how fast do they come. Then
lines are printed at a rate for five seconds: does the view keep up, how far is it behind, and what is the longest time between
two frames of the page. The machine draws without a graphics card.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

SCRIPT = """def init():
    print("ready to talk")

def run(data):
    return 1
"""
LINE = "2026-11-21 10:00:00 I [1] line {} of a log, about as long as such lines are\n"
SECONDS = 5
FRAMES = """() => { window.gaps = []; let last = performance.now();
  const frame = now => { window.gaps.push(now - last); last = now; requestAnimationFrame(frame); };
  requestAnimationFrame(frame); }"""
SHOWN = "() => document.querySelector('.jp-MLDeploy-logBar [role=status]').textContent.replace(/\\D/g, '')"


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=200_000)
    parser.add_argument("--rate", type=int, default=20_000)
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright

    from tests.ui.lab import CHROMIUM, CHROMIUM_ARGUMENTS, lab_server

    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        with lab_server(folder, extension=True) as address:
            in_home(folder, f"m.deploy({str(write_script(folder))!r}, 'loud', target='local')")
            try:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
                page = browser.new_page(viewport={"width": 1200, "height": 900})
                measure(page, address, folder / "home" / "services" / "loud" / "run.log", options.lines, options.rate)
                browser.close()
            finally:
                in_home(folder, "m.service('loud').delete()")
    return 0


def measure(page: Any, address: str, log: Path, lines: int, rate: int) -> None:
    """Both cases with one page."""
    page.set_default_timeout(120_000)
    page.goto(f"{address}&reset")
    page.locator("[data-id=jp-mldeploy-panel]").wait_for()
    page.evaluate("window.jupyterapp.restored.then(() => null)")
    page.evaluate("window.jupyterapp.commands.execute('mldeploy:open-log', {name: 'loud'})")
    page.locator(".jp-MLDeploy-logLine", has_text="ready to talk").wait_for()
    page.evaluate(FRAMES)

    known = int(page.evaluate(SHOWN))
    page.evaluate("window.gaps.length = 0")
    began = time.perf_counter()
    with log.open("a") as file:
        file.writelines(LINE.format(i) for i in range(lines))
    wait_for(page, known + lines)
    took = time.perf_counter() - began
    print(f"{lines} lines at once: {lines / took:,.0f} lines/s, longest time between frames {longest(page):.0f} ms")

    known += lines
    page.evaluate("window.gaps.length = 0")
    writer = threading.Thread(target=write_steadily, args=(log, rate))
    began = time.perf_counter()
    writer.start()
    writer.join()
    written = time.perf_counter() - began
    behind = known + rate * SECONDS - int(page.evaluate(SHOWN))
    wait_for(page, known + rate * SECONDS)
    took = time.perf_counter() - began
    print(
        f"{rate * SECONDS / written:,.0f} lines/s for {written:.1f} s: all shown after {took:.1f} s ({behind} lines late), "
        f"longest time between frames {longest(page):.0f} ms"
    )


def longest(page: Any) -> float:
    """Milliseconds between two frames."""
    return float(page.evaluate("Math.max(...window.gaps)"))


def wait_for(page: Any, total: int) -> None:
    """Until the view counts so many lines."""
    page.wait_for_function(f"() => Number(({SHOWN})()) >= {total}", polling=20)


def write_steadily(log: Path, rate: int) -> None:
    """As a service that prints a lot: twenty times a second."""
    begin = time.perf_counter()
    with log.open("a") as file:
        for step in range(SECONDS * 20):
            file.writelines(LINE.format(i) for i in range(rate // 20))
            file.flush()
            time.sleep(max(0.0, begin + (step + 1) / 20 - time.perf_counter()))


def write_script(folder: Path) -> Path:
    """Of the service."""
    path = folder / "score.py"
    path.write_text(SCRIPT)
    return path


def in_home(folder: Path, program: str) -> None:
    """Run something with the services of the lab's home folder."""
    environment = {**os.environ, "MLDEPLOY_HOME": str(folder / "home")}
    subprocess.run([sys.executable, "-c", f"import jupyter_mldeploy as m\n{program}"], env=environment, check=True)


if __name__ == "__main__":
    sys.exit(main())
