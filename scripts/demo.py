"""Set up and run the main job end to end: deploy a model as a local process, score, edit, reload, break, explain, delete.

    python3 scripts/demo.py

Needs Python 3.11 or newer and nothing else. Installs this checkout into `.venv-demo`; the second time that is there already.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv-demo"
PYTHON = ENVIRONMENT / "bin" / "python"
INSTALLED = ENVIRONMENT / "installed"


def main() -> int:
    """Set up what is missing, then run `mldeploy demo` with the arguments of this script."""
    if sys.version_info < (3, 11):  # noqa: UP036 - older ones get a sentence, not a traceback
        sys.stderr.write(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}.\n")
        return 1
    # Of what an installation depends on: the code itself is used from where it stands.
    wanted = hashlib.sha256(
        (ROOT / "pyproject.toml").read_bytes() + str(ROOT).encode() + sys.version.encode()
    ).hexdigest()
    if not (PYTHON.exists() and INSTALLED.exists() and INSTALLED.read_text() == wanted):
        try:
            set_up()
        except subprocess.CalledProcessError as error:
            sys.stderr.write(f"{ENVIRONMENT.name} could not be set up: {error}\n")
            return 1
        INSTALLED.write_text(wanted)
    return subprocess.run([PYTHON, "-m", "jupyter_mldeploy.cli", "demo", *sys.argv[1:]], check=False).returncode


def set_up() -> None:
    """Make the environment and install the checkout with what the demo trains its model with."""
    print(f"installing into {ENVIRONMENT} …", flush=True)
    venv.create(ENVIRONMENT, with_pip=True, clear=True)
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--editable", f"{ROOT}[demo]"], check=True)


if __name__ == "__main__":
    sys.exit(main())
