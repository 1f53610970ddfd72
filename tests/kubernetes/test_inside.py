"""Into a pod of a service: a command, and a shell in a terminal."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_mldeploy.errors import Conflict, TargetUnavailable
from jupyter_mldeploy.records import Records
from jupyter_mldeploy.targets.entering import enter
from jupyter_mldeploy.targets.kubernetes.inside import PodInside

from ..contract.conftest import Deploy
from .under_test import KubernetesUnderTest

MLDEPLOY = [sys.executable, "-m", "jupyter_mldeploy.cli"]


def test_a_command_runs_where_the_script_runs(deployed: Deploy, target: KubernetesUnderTest, home: Path) -> None:
    made = deployed(env={"LEVEL": "3"})
    code = "import os, sys; print(os.environ['LEVEL'], os.path.exists('score.py')); sys.stderr.write('é' * 70000); sys.exit(3)"
    words = [*MLDEPLOY, "exec", "--format", "json", "adder", "--", "python", "-c", code]
    ran = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 3, ran.stderr
    told = json.loads(ran.stdout)
    assert (told["stdout"], told["stderr"]) == ("3 True\n", "é" * 70000)
    missing = subprocess.run(
        [*MLDEPLOY, "exec", "adder", "--", "no-such"], capture_output=True, timeout=60, check=False
    )
    assert missing.returncode == 127
    debug = subprocess.run([*MLDEPLOY, "debug", "adder"], capture_output=True, text=True, timeout=60, check=False)
    assert "runs in pods, which take no debugger" in debug.stderr
    gone = PodInside(target.cluster, "adder-gone")
    with pytest.raises(TargetUnavailable, match="The API server lets no command run in the pod 'adder-gone': HTTP 404"):
        gone.run(["true"], lambda _piece, _is_error: None)
    made.stop()
    with pytest.raises(Conflict, match="No pod of 'adder' runs"):
        enter(Records(home), made.record)


def test_a_shell_has_the_terminal(deployed: Deploy) -> None:
    deployed()
    ours, theirs = pty.openpty()
    with subprocess.Popen([*MLDEPLOY, "shell", "adder"], stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        os.write(ours, b"stty size >/dev/null && pwd && exit 5\n")
        heard = b""
        while b"/var/mldeploy/app\r\n" not in heard:
            heard += os.read(ours, 4096)
        assert process.wait(60) == 5
    os.close(ours)
