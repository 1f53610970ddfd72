"""``mldeploy debug``: a real debugger is attached through the port, stops before ``init()``, and lets the script go on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from jupyter_mldeploy.spec import Environment

from ..debugger import Debugger
from .conftest import Deploy, Ran


def test_a_debugger_is_let_in(deployed: Deploy, script: Path, free_port: int) -> None:
    made = deployed(environment=Environment(name="e", requirements=("debugpy",)), sample={"x": 1})
    words = [sys.executable, "-m", "jupyter_mldeploy.cli", "debug", "adder", "--port", str(free_port)]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        shown = ""
        for line in process.stdout:
            shown += line
            if line.rstrip() == "}":
                break
        (attach,) = json.loads(shown)["configurations"]
        assert attach["connect"] == {"host": "127.0.0.1", "port": free_port}
        assert attach["pathMappings"] == [{"localRoot": str(script.parent), "remoteRoot": "/var/azureml-app"}]
        debugger = Debugger(free_port)
        debugger.send("initialize", adapterID="test", clientID="test")
        assert debugger.wait_for("initialize")["success"]
        debugger.send("attach", **attach)
        debugger.wait_for("initialized")
        assert "init ran" not in made.logs()  # it has waited for us
        source = {"path": str(script)}
        (line,) = (number for number, text in enumerate(script.read_text().splitlines(), 1) if "init ran" in text)
        debugger.send("setBreakpoints", source=source, breakpoints=[{"line": line}])
        assert debugger.wait_for("setBreakpoints")["body"]["breakpoints"][0]["verified"]
        debugger.send("configurationDone")
        stopped = debugger.wait_for("stopped")["body"]
        assert stopped["reason"] == "breakpoint"
        debugger.send("stackTrace", threadId=stopped["threadId"])
        frame = debugger.wait_for("stackTrace")["body"]["stackFrames"][0]
        assert (frame["name"], frame["line"], frame["source"]["path"]) == ("init", line, str(script))
        debugger.send("setBreakpoints", source=source, breakpoints=[])
        debugger.send("continue", threadId=stopped["threadId"])
        assert next(status for status in made.watch() if status.ready).state == "running"
        assert made.run({"x": 1})["sum"] == 2
        debugger.close()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode in {0, 130}, said
    assert next(status for status in made.watch() if status.ready).state == "running"
    assert made.run({"x": 1})["sum"] == 2


def test_a_service_that_was_left_waiting_for_a_debugger_says_so(
    deployed: Deploy, free_port: int, mldeploy: Callable[..., Ran]
) -> None:
    made = deployed(environment=Environment(name="e", requirements=("debugpy",)))
    words = [sys.executable, "-m", "jupyter_mldeploy.cli", "debug", "adder", "--port", str(free_port)]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        process.kill()
    waiting = next(status for status in made.watch() if "waits for a debugger" in status.message)
    assert waiting.state == "deploying"
    assert "`mldeploy start adder` starts it without" in mldeploy("status", "adder").out
    made.start()
    assert made.run({"x": 1})["sum"] == 2
    assert made.status().message == ""


def test_debugpy_must_be_there(deployed: Deploy, mldeploy: Callable[..., Ran]) -> None:
    deployed()
    told = mldeploy("debug", "adder")
    assert told.code == 1
    assert "has no debugpy" in told.err
    assert "mldeploy update adder --pip debugpy" in told.err
