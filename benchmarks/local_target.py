"""The local target's budgets: imports, cell to first answer, reload, death to diagnosis. Medians of several runs.

uv run python benchmarks/local_target.py [--runs 5]
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

SCRIPT = """# %%deploy
import json
def init():
    global model
    model = [0]
def run(data):
    return [{answer}, len(json.loads(data)["data"])]
"""
LOAD_EXT = """
import time
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
began = time.perf_counter()
shell.run_line_magic("load_ext", "jupyter_mldeploy")
print((time.perf_counter() - began) * 1000)
"""


def interpreter(code: str) -> float:
    """Milliseconds of a fresh interpreter that runs ``code``."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - began) * 1000


def load_extension() -> float:
    """Milliseconds of ``%load_ext`` in a shell that runs already."""
    told = subprocess.run([sys.executable, "-c", LOAD_EXT], check=True, capture_output=True, text=True)
    return float(told.stdout.split()[-1])


def median(measure: Callable[[], float], runs: int) -> float:
    measure()  # warm the file cache
    return statistics.median(measure() for _ in range(runs))


def row(what: str, measured: float, yardstick: float, budget: str) -> None:
    print(f"{what:44}{measured:9.1f} ms {yardstick:9.1f} ms {measured / yardstick:7.2f} ×   {budget}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as home:
        os.environ["MLDEPLOY_HOME"] = home
        print(f"{'what':44}{'measured':>12} {'yardstick':>12} {'ratio':>9}   budget")
        bare = median(lambda: interpreter("pass"), runs)
        row(
            "import jupyter_mldeploy",
            median(lambda: interpreter("import jupyter_mldeploy"), runs),
            bare,
            "bare + 60 ms",
        )
        row("%load_ext jupyter_mldeploy", median(load_extension, runs), bare, "60 ms")
        services(runs, Path(home))


def services(runs: int, home: Path) -> None:
    from jupyter_mldeploy import deploy
    from jupyter_mldeploy.spec import Script

    script_file = home / "score.py"
    script_file.write_text(SCRIPT.format(answer=0))
    alone = median(lambda: interpreter(f"import runpy; runpy.run_path({str(script_file)!r})['init']()"), runs)

    def cell_to_answer() -> float:
        began = time.perf_counter()
        made = deploy(Script(SCRIPT.format(answer=1)), "bench")
        made.run({"data": [1]})
        taken = (time.perf_counter() - began) * 1000
        made.delete()
        return taken

    row("cell to first answer, against init() alone", median(cell_to_answer, runs), alone, "init() alone + 500 ms")

    made = deploy(Script(SCRIPT.format(answer=1)), "bench")
    answers = iter(range(2, 1000))

    def edit_to_answer() -> float:
        wanted = next(answers)
        began = time.perf_counter()
        edited = deploy(Script(SCRIPT.format(answer=wanted)), "bench")
        assert edited.run({"data": [1]})[0] == wanted
        return (time.perf_counter() - began) * 1000

    request = median(lambda: timed(lambda: made.run({"data": [1]})), runs)
    row("edit of run() to new answer, against a request", median(edit_to_answer, runs), request, "50 ms")
    row("death of the server to its status, ditto", median(lambda: death(made), runs), request, "1000 ms")
    made.delete()


def timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


def death(made: object) -> float:
    """Milliseconds from SIGKILL of the server until a watcher is told, with the diagnosis made."""
    from jupyter_mldeploy.api import Service

    assert isinstance(made, Service)
    made.start()
    watcher = made.watch()
    next(watcher)
    began = time.perf_counter()
    os.kill(made.record.details["pid"], signal.SIGKILL)
    for status in watcher:
        if status.state == "failed":
            break
    made.diagnose()
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    main()
