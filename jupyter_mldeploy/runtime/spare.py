"""A warm worker: it has imported the script's libraries and nothing else, and waits for the next reload.

Where a reload needs new workers, their imports are most of what it takes. The spare has made them already – the installed
libraries only, never the script or the app's own modules, so that nothing of one load leaks into the next.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy.runtime.configuration import ConfigurationError, WorkerMake
from jupyter_mldeploy.runtime.shared_queue import SharedQueue
from jupyter_mldeploy.runtime.spawning import Lifeline, spawn
from jupyter_mldeploy.runtime.worker import frames
from jupyter_mldeploy.runtime.worker_link import WorkerLink

if TYPE_CHECKING:
    from jupyter_mldeploy.runtime.generation import Generation
    from jupyter_mldeploy.runtime.pool import Pool

_PAUSE_S = 1.0


class Spare:
    """At most one warm worker."""

    def __init__(self, pool: Pool, lifeline: Lifeline) -> None:
        self._pool = pool
        self._lifeline = lifeline
        self._link: WorkerLink | None = None
        self._told = False  # it has got its order; what is sent now, it does after that
        self._for: WorkerMake | None = None
        self._shared: SharedQueue | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    def wanted(self) -> None:
        """A generation serves: make a spare for its successor, a moment later, not to compete with the first requests."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(_PAUSE_S, self._begin)

    def _begin(self) -> None:
        generation = self._pool.generation
        if self._pool.stopping or not generation.libraries or not generation.ready:
            return
        if self._link is not None and _same_ground(self._for, generation.make):
            return
        self.drop()
        self._task = asyncio.ensure_future(self._start(generation))

    async def _start(self, generation: Generation) -> None:
        shared = SharedQueue()
        recruiter = self._pool.recruiter
        try:
            forks = recruiter.forking(generation)
            pid, channels = spawn(generation.make, self._lifeline, shared.workers_end, parent=forks)
        except ConfigurationError:
            shared.close()
            return
        link = WorkerLink(0, pid, channels, self, self._pool.log, "")
        self._link, self._for, self._shared, self._told = link, generation.make, shared, False
        recruiter.spares[pid] = link
        await link.connect()
        order = {**generation.order(self._pool.config), "libraries": generation.libraries}
        link.send(frames.WARM, order)
        self._told = True
        recruiter.note_early_exit(link)

    def take(self, make: WorkerMake) -> tuple[WorkerLink, SharedQueue] | None:
        """The warm worker, when there is one that fits; it belongs to the caller then.

        One that is still importing will do too: a second process that makes the same imports would only slow down both.
        """
        link, shared = self._link, self._shared
        if link is None or shared is None or not self._told or not link.alive or not _same_ground(self._for, make):
            return None
        self._link = self._shared = None
        self._pool.recruiter.spares.pop(link.pid, None)
        return link, shared

    def drop(self) -> None:
        """End the spare."""
        if self._timer is not None:
            self._timer.cancel()
        if self._link is not None:
            self._link.kill()
            self._link = None

    # ---- what its worker reports

    def took_shared(self, worker: WorkerLink, sequence: int) -> None:
        """Never: nothing is put into its queue."""

    def freed(self, worker: WorkerLink) -> None:
        """Never: it gets no calls."""

    def noticed(self, worker: WorkerLink, notice: dict[str, Any]) -> None:
        """It has imported everything."""
        if worker is self._link and notice["kind"] == "warm":
            self._pool.events.emit("spare_ready")

    def ended(self, worker: WorkerLink) -> None:
        """It is gone; the next reload does without."""
        self._pool.recruiter.spares.pop(worker.pid, None)
        if worker is self._link:
            self._link = None
        self._pool.recruiter.check_all_gone()


def _same_ground(one: WorkerMake | None, other: WorkerMake) -> bool:
    """Whether a worker started for one make can load the script of another."""
    if one is None:
        return False
    names = ("python", "app_root", "source_directory", "model_dir", "env", "memory_bytes", "cpus", "entry_script")
    return all(getattr(one, name) == getattr(other, name) for name in names)
