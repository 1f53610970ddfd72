"""Find uv, and run it: its lines streamed, its whole process group ended when the operation is cancelled."""

from __future__ import annotations

import configparser
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from jupyter_mldeploy.errors import TargetUnavailable
from jupyter_mldeploy.events import Cancel

__all__ = ["find_uv", "installer_environment", "run_streamed"]

_GRACE = 3.0
"""Seconds that a process group has between being asked to end and being killed."""
_PIP_TO_UV = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "timeout": "UV_HTTP_TIMEOUT",
    "default-timeout": "UV_HTTP_TIMEOUT",
}


def find_uv() -> str:
    """The path of the uv binary: the installed package's, else the one on PATH.

    Raises:
        TargetUnavailable: There is none.
    """
    try:
        from uv import find_uv_bin

        return str(find_uv_bin())
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv")
    if found is None:
        raise TargetUnavailable(
            "Environments other than the kernel's own are made by uv, which is not installed.",
            "Install it with `pip install 'jupyter-mldeploy[environments]'`, or deploy with --environment current.",
        )
    return found


def installer_environment(base: Mapping[str, str] | None = None) -> dict[str, str]:
    """Environment variables for uv: ours, and what pip is configured to where uv is not.

    Company indexes and certificates are mostly configured for pip, whose configuration uv does not read.
    """
    environment = dict(os.environ if base is None else base)
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONHOME", "PYTHONPATH", "__PYVENV_LAUNCHER__"):
        environment.pop(name, None)
    settings = _pip_configuration(environment)
    settings |= {key: value for key in _PIP_TO_UV if (value := environment.get(f"PIP_{key.upper().replace('-', '_')}"))}
    if "UV_INDEX_URL" in environment:
        settings.pop("index-url", None)
    for key, value in settings.items():
        separator = "," if _PIP_TO_UV[key] == "UV_FIND_LINKS" else " "
        environment.setdefault(_PIP_TO_UV[key], separator.join(value.split()))
    environment |= {"NO_COLOR": "1", "UV_NO_PROGRESS": "1", "PYTHONUNBUFFERED": "1"}
    return environment


def _pip_configuration(environment: Mapping[str, str]) -> dict[str, str]:
    home = Path(environment.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    files = [Path("/etc/pip.conf"), Path.home() / ".pip/pip.conf", home / "pip/pip.conf", Path(sys.prefix) / "pip.conf"]
    if configured := environment.get("PIP_CONFIG_FILE"):
        files = [] if configured == os.devnull else [*files, Path(configured)]
    parser = configparser.RawConfigParser(strict=False)
    for file in files:
        with suppress(OSError, configparser.Error, UnicodeDecodeError):
            parser.read(file, encoding="utf-8")
    found = {}
    for section in ("global", "install"):
        for key in _PIP_TO_UV:
            if parser.has_option(section, key) and (value := parser.get(section, key).strip()):
                found[key] = value
    return found


def run_streamed(
    command: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    log: Callable[[str], None],
    cancel: Cancel,
    keep_open: int,
) -> int:
    """Run a command, give each line of its output to ``log``, and return its exit code.

    Args:
        keep_open: Descriptor that the command inherits.

    Raises:
        Cancelled: The process group was ended.
        TargetUnavailable: The command could not be started.
    """
    cancel.check()
    alive, kept_by_children = os.pipe()  # at its end once nobody of them lives
    try:
        process = subprocess.Popen(
            list(command),
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=(keep_open, kept_by_children),
            text=True,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as error:
        os.close(alive)
        raise TargetUnavailable(f"{command[0]} could not be started: {error.strerror or error}.") from error
    finally:
        os.close(kept_by_children)
    timers: list[threading.Timer] = []

    def end() -> None:
        _signal_group(process.pid, signal.SIGTERM)
        timers.append(threading.Timer(_GRACE, _signal_group, (process.pid, signal.SIGKILL)))
        timers[-1].start()

    forget = cancel.on_cancel(end)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            log(line.rstrip("\r\n"))
        code = process.wait()
        cancel.check()
        return code
    finally:
        forget()
        # Whatever the command has started and left, and the command itself if this thread was interrupted.
        _signal_group(process.pid, signal.SIGKILL)
        process.wait()
        for timer in timers:
            timer.cancel()
        if process.stdout is not None:
            process.stdout.close()
        # Killed is not gone: what they hold open, the lock too, they hold until then.
        select.select([alive], [], [], _GRACE)
        os.close(alive)


def _signal_group(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
