"""The service's process: started detached, found again by number and start time, ended with all it started."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from jupyter_mldeploy.errors import PortInUse, StorageError
from jupyter_mldeploy.events import Cancel
from jupyter_mldeploy.records import write_aside

__all__ = ["ServiceProcess", "StartFailed", "end_servers_of", "find_port_owner"]

COMMAND = (sys.executable, "-m", "jupyter_mldeploy.runtime")
PORT_TAKEN = 98
"""Exit code of the runtime for a port that is taken."""
SHUTDOWN_SECONDS = 10.0
# What belongs to the kernel and would mislead the scoring script's own process.
_KERNEL_ONLY = ("JPY_", "JUPYTER_SERVER", "MPLBACKEND", "PYTHONSTARTUP", "IPY", "KERNEL_")


class StartFailed(Exception):
    """The runtime ended before its port listened."""

    def __init__(self, exit_code: int) -> None:
        super().__init__(f"the server ended with exit code {exit_code} before it listened")
        self.exit_code = exit_code


@dataclass(frozen=True)
class ServiceProcess:
    """A running server process.

    Attributes:
        pid: Its number, which the system may give to another process later,
        create_time: and its start in seconds since the epoch, which tells them apart.
    """

    pid: int
    create_time: float

    @classmethod
    def of(cls, details: Mapping[str, Any]) -> ServiceProcess | None:
        """From a record's details."""
        return cls(details["pid"], details["create_time"]) if "pid" in details else None

    @classmethod
    def start(
        cls, config: Mapping[str, Any], config_file: Path, log: Path, secrets: Mapping[str, str], cancel: Cancel
    ) -> tuple[ServiceProcess, int]:
        """Start the runtime in a session of its own and wait until its port listens. Returns process and port.

        Raises:
            PortInUse: The port that was asked for is taken.
            StartFailed: It ended before it listened.
            Cancelled: It was ended.
        """
        import psutil

        try:
            write_aside(config_file, json.dumps(config, indent=1).encode(), mode=0o600)  # with the values of variables
            output = log.open("ab")
        except OSError as error:
            raise StorageError(f"{str(config_file.parent)!r} could not be written: {error.strerror}.") from error
        read_end, write_end = os.pipe()
        with output, os.fdopen(read_end, "rb") as announcement:
            try:
                process = subprocess.Popen(
                    [*COMMAND, "--service_config", str(config_file), "--announce_fd", str(write_end)],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    cwd=config_file.parent,
                    env=_environment(secrets),
                    start_new_session=True,
                    pass_fds=(write_end,),
                )
            finally:
                os.close(write_end)
            forget = cancel.on_cancel(process.kill)
            try:
                line = announcement.readline()
            finally:
                forget()
        if not line:
            exit_code = process.wait()
            cancel.check()
            if exit_code == PORT_TAKEN:
                raise PortInUse(*_port_taken(config["port"]))
            raise StartFailed(exit_code)
        try:
            started = cls(process.pid, psutil.Process(process.pid).create_time())
        except psutil.NoSuchProcess:
            raise StartFailed(process.wait()) from None
        # A process that ends must be waited for by its parent, or it stays in the process table while this kernel lives.
        threading.Thread(target=process.wait, name=f"mldeploy-wait-{process.pid}", daemon=True).start()
        return started, int(json.loads(line)["port"])

    def is_running(self) -> bool:
        """Whether this very process is alive."""
        return self._find() is not None

    def stop(self, patience: float = SHUTDOWN_SECONDS) -> None:
        """End it and its workers: first by asking (requests that run are finished), then by force."""
        import psutil

        process = self._find()
        if process is None:
            return
        family = [process, *_children(process)]
        try:
            process.terminate()
            process.wait(patience)
        except psutil.NoSuchProcess:
            pass
        except psutil.TimeoutExpired:
            process.kill()
        for member in family:
            try:
                member.kill()
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(family, timeout=patience)

    def _find(self) -> Any:
        import psutil

        try:
            process = psutil.Process(self.pid)
            # Start times are counted from the boot time, which moves when the clock is set; numbers are not reused this fast.
            same = abs(process.create_time() - self.create_time) < 2.0
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None


def end_servers_of(folder: Path) -> int:
    """End the servers that were started with a configuration in a service's folder, and return how many there were.

    For a service whose record is lost: the process is the only thing that still knows of itself.
    """
    import psutil

    if not any(folder.glob("serve-*.json")):
        return 0
    found = []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
            if "--service_config" in words and any(Path(word).parent == folder for word in words):
                found.append(ServiceProcess(process.pid, process.create_time()))
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    for server in found:
        server.stop()
    return len(found)


def _children(process: Any) -> list[Any]:
    import psutil

    try:
        return list(process.children(recursive=True))
    except psutil.NoSuchProcess:
        return []


def _environment(secrets: Mapping[str, str]) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_KERNEL_ONLY)}
    return {**inherited, **secrets}


def _port_taken(port: int) -> tuple[str, str]:
    owner = find_port_owner(port)
    summary = f"Port {port} is in use" + (f" by {owner}." if owner else ".")
    return summary, "Ask for another port with --port, or leave it out to get a free one."


def _service_of(command: list[str]) -> str:
    """``the service 'iris'`` if the process is a server of one: its configuration's folder has the service's name."""
    configured = next((Path(word) for word in command if fnmatch(Path(word).name, "serve-*.json")), None)
    return f"the service {configured.parent.name!r}" if configured else ""


def find_port_owner(port: int) -> str:
    """Who listens on a port of this machine: a service, else a process by name and number; ``""`` if the system does not tell."""
    import psutil

    try:
        connections = psutil.net_connections("tcp")
    except (psutil.AccessDenied, OSError):
        return ""
    for connection in connections:
        if (
            connection.status == psutil.CONN_LISTEN
            and connection.laddr
            and connection.laddr.port == port
            and connection.pid
        ):
            try:
                process = psutil.Process(connection.pid)
                return _service_of(process.cmdline()) or f"{process.name()} (process {connection.pid})"
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                return ""
    return ""
