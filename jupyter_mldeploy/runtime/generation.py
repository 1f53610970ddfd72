"""The workers of one make and one script text: what a reload replaces as a whole."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy.runtime.configuration import content_of
from jupyter_mldeploy.runtime.shared_queue import SharedQueue

if TYPE_CHECKING:
    from jupyter_mldeploy.runtime.configuration import ServiceConfig, WorkerMake
    from jupyter_mldeploy.runtime.worker_link import WorkerLink

MOST_FAILURES = 3


class Generation:
    """One make, one script, and the workers that serve it."""

    def __init__(self, make: WorkerMake, source: bytes, shared: SharedQueue | None = None) -> None:
        self.shared = shared or SharedQueue()
        self.make = make
        self.source = source
        self.script = self.script_of(source)
        self.workers: list[WorkerLink] = []
        self.parent: WorkerLink | None = None
        self.forks = True  # until its parent says that forking is not safe
        self.libraries: list[str] = []
        self.forking = 0  # replicas that the parent has been asked for
        self.failures = 0
        self.failure: dict[str, Any] | None = None
        self.gave_up = False
        self.resting = False  # between a failure and the next try
        self.retired = False
        self._changed = asyncio.Event()

    @staticmethod
    def script_of(source: bytes) -> str:
        """The hash that names a script's text."""
        return hashlib.sha256(source).hexdigest()

    @classmethod
    def read(cls, make: WorkerMake, shared: SharedQueue | None = None) -> Generation:
        """A generation of the script as it is on disk; raises OSError."""
        return cls(make, content_of(make.script_path), shared)

    @property
    def ready(self) -> list[WorkerLink]:
        """The workers that have run init() and take calls."""
        return [worker for worker in self.workers if worker.state in ("idle", "busy") and not worker.stopping]

    @property
    def starting(self) -> int:
        """How many workers are on their way."""
        coming = sum(worker.state == "starting" and worker.replica and not worker.stopping for worker in self.workers)
        return coming + self.forking

    def changed(self) -> None:
        """Wake whoever waits for this generation to be ready or to fail."""
        self._changed.set()

    async def settled(self, wanted: Callable[[], int]) -> bool:
        """Wait until as many workers as are wanted by then are ready (True) or one has failed (False)."""
        while self.failure is None:
            if len(self.ready) >= wanted():
                return True
            self._changed.clear()
            await self._changed.wait()
        return False

    def order(self, config: ServiceConfig) -> dict[str, Any]:
        """What a worker must know to load this generation's script."""
        return {
            "path": self.make.script_path,
            "app_root": self.make.root,
            "source_directory": self.make.source_directory,
            "debug": config.debug,
            "debug_port": config.debug_port,
            "threads": config.threads,
            "memory_bytes": self.make.memory_bytes,
            "cpus": self.make.cpus,
        }
