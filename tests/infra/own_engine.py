"""A Docker engine of a test's own, which it may restart, kill and fill: the one that others use is never touched."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from jupyter_mldeploy.errors import TargetUnavailable
from jupyter_mldeploy.images.engine import Engine, connect

__all__ = ["OwnEngine", "needs_own_engine"]

CONTAINERD = "/run/containerd/containerd.sock"
PROGRAMS = ("dockerd", "ip", "mount")


def needs_own_engine() -> None:
    """Skip where no second engine can be started; fail in CI."""
    lacking = [program for program in PROGRAMS if shutil.which(program) is None]
    if sys.platform == "linux" and os.geteuid() == 0 and not lacking and Path(CONTAINERD).exists():
        return
    why = f"a second Docker engine needs Linux, root, {CONTAINERD} and {', '.join(PROGRAMS)}"
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


class OwnEngine:
    """One dockerd with a root, a socket, a bridge and a containerd namespace of its own.

    Args:
        folder: For its files; short, because the socket is in it.
        number: From 0 to 9; the bridge's name and network.
        disk: Bytes of a disk of its own, or ``None`` for the folder's.
    """

    def __init__(self, folder: Path, number: int, disk: int | None = None) -> None:
        self.folder = folder
        self.socket = folder / "d.sock"
        self.address = f"unix://{self.socket}"
        self._bridge = f"mldt{number}"
        self._network = f"10.231.{number}.1/24"
        self._namespace = f"mldeploy-test-{number}-{os.getpid()}"
        self._process: subprocess.Popen[bytes] | None = None
        (folder / "root").mkdir(parents=True)
        self._disk = disk
        if disk:
            _run("mount", "-t", "tmpfs", "-o", f"size={disk}", "tmpfs", str(folder / "root"))
        with suppress(subprocess.CalledProcessError):  # left over from a run that was killed
            _run("ip", "link", "delete", self._bridge)
        _run("ip", "link", "add", self._bridge, "type", "bridge")
        _run("ip", "address", "add", self._network, "dev", self._bridge)
        _run("ip", "link", "set", self._bridge, "up")

    def start(self) -> Engine:
        """Start it, and return when it answers."""
        (self.folder / "d.pid").unlink(missing_ok=True)  # of one that was killed
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    "dockerd", "--data-root", str(self.folder / "root"), "--exec-root", str(self.folder / "exec"),
                    "--host", self.address, "--pidfile", str(self.folder / "d.pid"), "--containerd", CONTAINERD,
                    "--containerd-namespace", self._namespace, "--containerd-plugins-namespace", f"{self._namespace}-p",
                    "--bridge", self._bridge, "--iptables=false", "--ip-masq=false", "--shutdown-timeout", "5",
                ],
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        for _ in range(600):  # an engine says nowhere that it is up: it is asked
            found = self.ask()
            if found is not None:
                return found
            assert self._process.poll() is None, self.said()
            time.sleep(0.1)
        raise AssertionError(self.said())

    def ask(self) -> Engine | None:
        """A connection, if it answers."""
        with pytest.MonkeyPatch.context() as elsewhere:
            elsewhere.setenv("DOCKER_HOST", self.address)
            try:
                return connect()
            except TargetUnavailable:
                return None

    def said(self) -> str:
        """The end of its log."""
        return (self.folder / "log").read_text(errors="replace")[-2000:]

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it: as the system does, or with SIGKILL as a crash does."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(60)

    def close(self) -> None:
        """End it and remove what it has made."""
        self.stop()
        root = self.folder / "root"
        for line in reversed(Path("/proc/mounts").read_text().splitlines()):
            mounted = line.split()[1]
            if mounted.startswith(str(self.folder)):
                with suppress(subprocess.CalledProcessError):
                    _run("umount", "--lazy", mounted)
        _run("ip", "link", "delete", self._bridge)
        shutil.rmtree(root, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def load(self, source: Engine, references: list[str]) -> None:
        """Give it images of another engine."""
        target = self.ask()
        assert target is not None
        url = f"{source.api.base_url}/v{source.api.api_version}/images/get"
        with source.api.get(url, params={"names": references}, stream=True, timeout=None) as packed:
            for _ in target.api.load_image(packed.iter_content(1 << 20)):
                pass  # it is loaded while it is listened to
        lacking = [reference for reference in references if not target.has_image(reference)]
        assert not lacking, f"not loaded: {lacking}"

    def fill(self) -> None:
        """Leave no room on its disk."""
        root = self.folder / "root"
        free = os.statvfs(root)
        with (root / "filler").open("wb") as file, suppress(OSError):
            os.posix_fallocate(file.fileno(), 0, free.f_bavail * free.f_frsize - 256 * 1024)


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)
