"""A script under a debugger, as the documents attach it to a server started by hand."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import psutil
import pytest
from runtime_harness import ByHand

from tests.debugger import Debugger

pytest.importorskip("debugpy")

SCRIPT = """
def init():
    print("init ran")

def run(data):
    doubled = int(data) * 2
    return doubled
"""


def test_a_breakpoint_in_run_stops_the_request(by_hand: ByHand, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    server = by_hand(SCRIPT, "--debug_port", str(port))
    server.wait_for_log(f"Waiting for a debugger on port {port}")
    assert "init ran" not in server.log
    debugger = Debugger(port)
    debugger.send("initialize", adapterID="test", clientID="test")
    assert debugger.wait_for("initialize")["success"]
    debugger.send("attach", connect={"host": "127.0.0.1", "port": port})
    debugger.wait_for("initialized")
    line = 1 + SCRIPT.splitlines().index("    return doubled")
    source = {"path": str(tmp_path / "score.py")}
    debugger.send("setBreakpoints", source=source, breakpoints=[{"line": line}])
    debugger.send("configurationDone")
    answers: list[bytes] = []
    asking = threading.Thread(target=lambda: answers.append(server.request("POST", "/score", "21").body))
    asking.start()
    stopped = debugger.wait_for("stopped")["body"]
    debugger.send("stackTrace", threadId=stopped["threadId"])
    frame = debugger.wait_for("stackTrace")["body"]["stackFrames"][0]
    assert (frame["name"], frame["line"]) == ("run", line)
    debugger.send("evaluate", expression="doubled", frameId=frame["id"])
    assert debugger.wait_for("evaluate")["body"]["result"] == "42"
    debugger.send("continue", threadId=stopped["threadId"])
    asking.join(60)
    assert answers == [b"42"]
    debugger.close()
    assert server.stop() == 0
    assert not [p for p in psutil.process_iter() if f"{port}" in _words(p) and "adapter" in " ".join(_words(p))]


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
