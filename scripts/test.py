"""Set up and run every check and test.

    python3 scripts/test.py [arguments of pytest]

Needs Python and nothing else: uv is used from PATH, or installed into `.venv-tools`. The exit code is the worst of all.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".venv-tools"
SOME_FAILED = 1
"""What pytest ends with where tests failed, and nothing else was wrong."""


def main() -> int:
    """Check first, then test; a check that fails does not hide what the tests say."""
    uv = find_uv()
    if run("set up", [uv, "sync", "--locked", "--quiet"]) != 0:
        return 1
    python = [uv, "run", "--no-sync", "python"]
    return max(run("check", [*python, "scripts/check.py"]), test([*python, "-m", "pytest", *sys.argv[1:]]))


def test(words: list[str]) -> int:
    """Run the tests, and what failed once more by itself: what passes then met a slow machine, and stands in the log twice."""
    code = run("test", words)
    return run("test again what failed", [*words, "--last-failed"]) if code == SOME_FAILED else code


def find_uv() -> str:
    """A uv that works."""
    installed = TOOLS / "bin" / "uv"
    for candidate in (shutil.which("uv"), str(installed)):
        if candidate and works(candidate):
            return candidate
    print(f"installing uv into {TOOLS} …", flush=True)
    venv.create(TOOLS, with_pip=True)
    pip = [str(TOOLS / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "uv>=0.5"], check=True)
    return str(installed)


def works(uv: str) -> bool:
    """Whether it can be run: a shim on PATH may lead nowhere."""
    try:
        return subprocess.run([uv, "--version"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def run(what: str, words: list[str]) -> int:
    """Run one part, and say how it went."""
    began = time.monotonic()
    # The project's own environment, whatever is active where this was called.
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    code = subprocess.run(words, cwd=ROOT, env=environment, check=False).returncode
    print(f"{what}: {'ok' if code == 0 else f'FAILED ({code})'} in {time.monotonic() - began:.1f} s", flush=True)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
