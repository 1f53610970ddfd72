"""Build the JupyterLab extension: ``labextension/`` → ``jupyter_mldeploy/labextension/``, which the wheel takes along.

    uv run python scripts/build_labextension.py [--if-stale] [--link]

Needs Node.js and ``jupyter-builder``, which comes with JupyterLab. ``--if-stale`` does nothing where the result is younger than
all sources. ``--link`` lets the JupyterLab of this environment load it from the checkout.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "labextension"
BUILT = ROOT / "jupyter_mldeploy" / "labextension"
NAME = "jupyter-mldeploy"
WATCHED = ("src", "style", "schema", "package.json", "tsconfig.json", "yarn.lock")


def main(arguments: list[str]) -> int:
    """Build."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--if-stale", action="store_true", help="only if a source is younger than the result")
    parser.add_argument("--link", action="store_true", help="let this environment's JupyterLab load it")
    options = parser.parse_args(arguments)
    if not (options.if_stale and is_fresh()):
        build()
    if options.link:
        link()
    return 0


def is_fresh() -> bool:
    """Whether the result is younger than all sources."""
    result = BUILT / "package.json"
    if not result.exists():
        return False
    files = [path for name in WATCHED for path in [SOURCE / name, *(SOURCE / name).rglob("*")] if path.is_file()]
    return max(path.stat().st_mtime for path in files) <= result.stat().st_mtime


def build() -> None:
    """Install what the build needs, compile, bundle."""
    if shutil.which("node") is None:
        raise SystemExit("The JupyterLab extension is built with Node.js 20 or later, which is not here.")
    jlpm = str(Path(sys.executable).with_name("jlpm"))
    if not Path(jlpm).exists():
        raise SystemExit("jlpm is not here: it comes with `jupyter-builder`.")
    # The bundler is found beside this Python, whether or not its environment is active.
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for command in (["install", "--immutable"], ["run", "build:prod"]):
        subprocess.run([jlpm, *command], cwd=SOURCE, env=environment, check=True)
    (BUILT / "package.json").touch()


def link() -> None:
    """As ``pip install`` of the wheel would, but by a link."""
    place = Path(sys.prefix) / "share" / "jupyter" / "labextensions" / NAME
    if place.is_symlink():
        place.unlink()
    elif place.exists():
        shutil.rmtree(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(BUILT)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
