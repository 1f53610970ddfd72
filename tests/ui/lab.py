"""A real JupyterLab with a real browser before it."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SETTINGS = {
    "apputils-extension/notification.jupyterlab-settings": '{"fetchNews": "false", "checkForUpdates": false}',
    "apputils-extension/themes.jupyterlab-settings": '{"theme": "THEME"}',
}


@contextmanager
def lab_server(
    folder: Path,
    theme: str = "JupyterLab Light",
    *,
    extension: bool = False,
    app: str = "jupyterlab",
    again: str = "",
    python: str = sys.executable,
) -> Iterator[str]:
    """A server whose files are in ``folder / "work"``; yields its address. Ends it and its kernels.

    With ``extension`` it has our own, built and configured as the wheel brings them. ``app`` may be ``notebook`` (version 7).
    ``python`` is that of another environment; ``again`` is the address of one that ended: the new one is there.
    """
    for name, text in SETTINGS.items():
        path = folder / "settings" / "@jupyterlab" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("THEME", theme))
    (folder / "work").mkdir(exist_ok=True)
    port, token = re.findall(r":(\d+)/.*token=(\w+)", again)[0] if again else ("0", secrets.token_hex(16))
    environment = {
        **os.environ,
        "MLDEPLOY_HOME": str(folder / "home"),
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
    }
    if extension:
        environment["JUPYTER_PATH"] = str(_install_extension(folder))
    command = [python, "-m", app, "--no-browser", "--allow-root", f"--IdentityProvider.token={token}",
               f"--ServerApp.port={port}", "--ServerApp.port_retries=0", "--ServerApp.ip=127.0.0.1", f"--ServerApp.root_dir={folder / 'work'}",
               "--LabApp.expose_app_in_browser=True", "--JupyterNotebookApp.expose_app_in_browser=True"]  # fmt: skip
    with (folder / "lab.log").open("w+") as log:
        server = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, stdout=log, text=True)
        try:
            assert server.stderr is not None
            found = next(_ports(server.stderr, log))
            drain = subprocess.Popen(["cat"], stdin=server.stderr, stdout=log)
            yield f"http://127.0.0.1:{found}/{'lab' if app == 'jupyterlab' else 'tree'}?token={token}"
            assert server.poll() is None, f"{app} ended by itself with exit code {server.returncode}"
        finally:
            server.terminate()
            server.wait(timeout=60)
            drain.wait(timeout=5)


def _install_extension(folder: Path) -> Path:
    """Put the extension where this server looks for it, built anew if a source is younger; returns the data folder."""
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, str(root / "scripts" / "build_labextension.py"), "--if-stale"], check=True)
    place = folder / "share" / "labextensions" / "jupyter-mldeploy"
    place.parent.mkdir(parents=True, exist_ok=True)
    (folder / "config").mkdir(exist_ok=True)
    if not place.exists():
        place.symlink_to(root / "jupyter_mldeploy" / "labextension")
        (folder / "config" / "jupyter_server_config.d").symlink_to(root / "jupyter-config" / "server-config")
    return folder / "share"


def _ports(lines: Any, log: Any) -> Iterator[int]:
    for line in lines:
        log.write(line)
        if match := re.search(r"http://127\.0\.0\.1:(\d+)/(?:lab|tree)\?token", line):
            yield int(match[1])
    raise AssertionError("JupyterLab did not start")


def write_notebook(path: Path, cells: list[str]) -> None:
    """A notebook of code cells that were not run."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, path)


class Page:
    """One notebook open in the browser."""

    def __init__(self, page: Any, address: str, name: str) -> None:
        self.page = page
        base, _, token = address.partition("?")
        page.goto(f"{base}/tree/{name}?{token}&reset")
        page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
        page.get_by_text("| Idle").wait_for(timeout=60_000)

    def cell(self, position: int) -> Any:
        """A cell, by its position."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(position)

    def run(self, position: int, wait: bool = True) -> None:
        """Run one cell."""
        before = self.prompt(position)
        self.cell(position).locator(".cm-content").click()
        self.page.keyboard.press("Control+Enter")
        if wait:
            self.wait_done(position, before)

    def prompt(self, position: int) -> str:
        """The number beside the cell."""
        return str(self.cell(position).locator(".jp-InputPrompt").first.inner_text())

    def wait_done(self, position: int, before: str = "[ ]:") -> None:
        """Until the cell's prompt shows a new number."""
        prompt = self.cell(position).locator(".jp-InputPrompt").first
        prompt.filter(has_text=re.compile(r"\[\d+\]")).filter(has_not_text=before).wait_for(timeout=60_000)

    def interrupt(self) -> None:
        """As with the Stop button of the toolbar."""
        self.page.evaluate("window.jupyterapp.commands.execute('notebook:interrupt-kernel')")

    def shut_down_kernel(self) -> None:
        """As from the Kernel menu."""
        self.page.evaluate("window.jupyterapp.commands.execute('kernelmenu:shutdown')")

    def save(self) -> None:
        """Save, and wait until it is on disk."""
        with self.page.expect_response(
            lambda response: response.request.method == "PUT" and "/api/contents" in response.url
        ):
            self.page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
