"""A server started by hand goes on: only a script that cannot start at all ends it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from runtime_harness import DEADLINE_S, ByHand

SCRIPT = """
import time
def init(): pass
def run(data):
    if data == "hang": time.sleep(60)
    return 1
"""


@pytest.mark.parametrize("count", ["1", "2", "auto"])
def test_a_first_request_that_hangs_costs_itself_only(by_hand: ByHand, count: str) -> None:
    server = by_hand(SCRIPT, "--scoring_timeout_ms", "500", "--worker_count", count)
    assert server.request("POST", "/score", "hang").status == 504
    assert server.request("POST", "/score", "go").body == b"1"


@pytest.mark.parametrize("count", ["1", "2"])
def test_workers_that_are_killed_before_any_request_are_replaced(by_hand: ByHand, count: str) -> None:
    server = by_hand(SCRIPT, "--worker_count", count)
    while server.request("GET", "/").status != 200:
        pass
    for child in psutil.Process(server.process.pid).children(recursive=True):
        child.send_signal(signal.SIGKILL)
    answers = [server.request("POST", "/score", "go") for _ in range(4)]  # some may still meet one that has just died
    assert answers[-1].body == b"1"


def test_a_reload_that_hangs_gives_way_to_the_next(by_hand: ByHand, tmp_path: Path) -> None:
    server = by_hand(SCRIPT)
    assert server.request("POST", "/score", "go").body == b"1"
    (tmp_path / "score.py").write_text(SCRIPT.replace("def init(): pass", "def init(): time.sleep(1000)"))
    server.process.send_signal(signal.SIGHUP)
    server.wait_for_log("New workers are needed")
    (tmp_path / "score.py").write_text(SCRIPT.replace("return 1", "return 2"))
    server.process.send_signal(signal.SIGHUP)
    server.wait_for_log("Reloaded (")
    assert "the one that runs is given up" in server.log
    assert server.request("POST", "/score", "go").body == b"2"


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--scoring_timeout_ms", "0"), "scoring_timeout_ms must be above 0, not 0."),
        (("--threads", "0"), "threads must be above 0, not 0."),
        (("--entry_script", "."), "is a folder"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, flags: tuple[str, ...], words: str) -> None:
    (tmp_path / "score.py").write_text(SCRIPT)
    command = [sys.executable, "-m", "jupyter_mldeploy.runtime", "--entry_script", "score.py", "--port", "0", *flags]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert done.returncode != 0
    assert words in done.stderr
