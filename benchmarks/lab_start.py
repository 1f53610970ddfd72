"""What the extension costs JupyterLab's start: wall time, processor time, its own share of it, bytes.

    uv run python benchmarks/lab_start.py [--rounds N] [--cold N] [--language es_ES]

Two JupyterLabs, one with the extension and one without, opened in turn in a real Chromium. Each has a browser profile of its own
that has been there before, as a person's has; the first rounds, which fill it, are not counted. Of each start: milliseconds
until ``app.restored``, and of the page's main thread the processor time until then. ``--cold`` does the same in profiles that
have never been there. Then the page's profiler says how much of the start is spent in our modules, or in what they call.
"""

from __future__ import annotations

import argparse
import gzip
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

STATIC = ROOT / "jupyter_mldeploy" / "labextension" / "static"
MARK = "/extensions/jupyter-mldeploy/"
RESTORED = "window.jupyterapp.restored.then(() => performance.now())"
FETCHED = f"""performance.getEntriesByType('resource').filter(e => e.name.includes('{MARK}'))
    .map(e => e.name.split('/').pop().split('?')[0])"""
INTERVAL = 200
"""Microseconds between two looks of the profiler."""
WARM_UP = 2


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--cold", type=int, default=5)
    parser.add_argument("--language", default="", help="of JupyterLab, such as es_ES")
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright

    from tests.ui.lab import CHROMIUM, CHROMIUM_ARGUMENTS, lab_server

    print(f"{os.cpu_count()} CPUs, load average {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        plain, ours = Path(name) / "plain", Path(name) / "ours"
        for folder in (plain, ours):
            folder.mkdir()
            choose(folder, options.language)
        with lab_server(plain) as without, lab_server(ours, extension=True) as address:
            profiles = {one: browser.new_context() for one in (without, address)}
            starts = {one: [] for one in profiles}
            for number in range(WARM_UP + options.rounds):
                for one in list(profiles)[:: 1 if number % 2 else -1]:
                    found = start(profiles[one], one)
                    if number >= WARM_UP:
                        starts[one].append(found)
            report("in a profile that was there before", starts[without], starts[address])
            shares = [share(profiles[address], address) for _ in range(options.rounds)]
            print(f"in our modules and what they call: {spread(shares)}")
            names = fetched(profiles[address], address)
            for context in profiles.values():
                context.close()
            starts = {one: [] for one in profiles}
            for _ in range(options.cold):
                for one, kept in starts.items():
                    context = browser.new_context()
                    kept.append(start(context, one))
                    context.close()
            if options.cold:
                report("in a profile that was never there", starts[without], starts[address])
        browser.close()
    sizes = {file.name: len(gzip.compress(file.read_bytes())) for file in STATIC.glob("*.js")}
    print(f"fetched at the start: {len(names)} files, {sum(sizes[name] for name in names) / 1000:.0f} kB gzipped")
    print(f"all files, five languages: {sum(sizes.values()) / 1000:.0f} kB gzipped")
    return 0


def choose(folder: Path, language: str) -> None:
    """The language of a JupyterLab."""
    if language:
        settings = folder / "settings" / "@jupyterlab" / "translation-extension" / "plugin.jupyterlab-settings"
        settings.parent.mkdir(parents=True)
        settings.write_text(f'{{"locale": "{language}"}}')


def start(context: Any, address: str) -> tuple[float, float]:
    """Of one start: milliseconds, and those of the processor."""
    page = context.new_page()
    asks = context.new_cdp_session(page)
    asks.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.goto(f"{address}&reset")
    page.wait_for_function("() => window.jupyterapp")
    took = float(page.evaluate(RESTORED))
    told = {row["name"]: row["value"] for row in asks.send("Performance.getMetrics")["metrics"]}
    page.close()
    return took, told["TaskDuration"] * 1000


def share(context: Any, address: str) -> float:
    """Milliseconds of one start in which one of our functions was running, or had called what was."""
    page = context.new_page()
    asks = context.new_cdp_session(page)
    asks.send("Profiler.enable")
    asks.send("Profiler.setSamplingInterval", {"interval": INTERVAL})
    asks.send("Profiler.start")
    page.goto(f"{address}&reset")
    page.wait_for_function("() => window.jupyterapp")
    page.evaluate(RESTORED)
    profile = asks.send("Profiler.stop")["profile"]
    page.close()
    nodes = {node["id"]: node for node in profile["nodes"]}
    ours: set[int] = set()
    waiting = [(profile["nodes"][0]["id"], False)]
    while waiting:
        number, below = waiting.pop()
        below = below or MARK in nodes[number]["callFrame"]["url"]
        if below:
            ours.add(number)
        waiting += [(child, below) for child in nodes[number].get("children", ())]
    return (
        sum(step for number, step in zip(profile["samples"], profile["timeDeltas"], strict=True) if number in ours)
        / 1000
    )


def fetched(context: Any, address: str) -> list[str]:
    """Our files that one start takes."""
    page = context.new_page()
    page.goto(f"{address}&reset")
    page.wait_for_function("() => window.jupyterapp")
    page.evaluate(RESTORED)
    names: list[str] = page.evaluate(FETCHED)
    page.close()
    return [name for name in names if (STATIC / name).exists()]


def report(title: str, without: list[tuple[float, float]], ours: list[tuple[float, float]]) -> None:
    """Medians and quartiles of both, and of what one start has more than the one beside it."""
    print(title)
    for place, what in enumerate(("until restored", "processor time of the page until then")):
        bare, full = [one[place] for one in without], [one[place] for one in ours]
        more = [one - other for one, other in zip(full, bare, strict=True)]
        ratio = statistics.median(full) / statistics.median(bare)
        print(f"  {what}: without {spread(bare)}, with {spread(full)}: {ratio:.3f} ×; in pairs {spread(more)} more")


def spread(values: list[float]) -> str:
    """Median, and between which values the middle half lies."""
    low, middle, high = statistics.quantiles(values, n=4) if len(values) > 1 else values * 3
    return f"{middle:.0f} ms ({low:.0f} to {high:.0f})"


if __name__ == "__main__":
    sys.exit(main())
