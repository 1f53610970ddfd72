"""Start workers: by a new process of the user's interpreter, or forked from a parent that has run `init()`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy.runtime import failures
from jupyter_mldeploy.runtime.configuration import ConfigurationError
from jupyter_mldeploy.runtime.spawning import Channels, Lifeline, make_channels, spawn
from jupyter_mldeploy.runtime.worker import frames
from jupyter_mldeploy.runtime.worker_link import WorkerLink

if TYPE_CHECKING:
    from jupyter_mldeploy.runtime.generation import Generation
    from jupyter_mldeploy.runtime.pool import Pool


class Recruiter:
    """Starts the workers of a pool and knows which of them live."""

    def __init__(self, pool: Pool, lifeline: Lifeline) -> None:
        self._pool = pool
        self._lifeline = lifeline
        self.links: dict[int, WorkerLink] = {}
        self.spares: dict[int, WorkerLink] = {}
        self.generation_of: dict[WorkerLink, Generation] = {}
        self.early_exits: dict[int, int] = {}
        self.forks_under_way = 0
        self.all_gone = asyncio.Event()
        self._next_replica = 1
        self._timers: dict[WorkerLink, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def number(self) -> int:
        """The next replica's number."""
        self._next_replica += 1
        return self._next_replica - 1

    def fill(self, generation: Generation, wanted: int) -> None:
        """Start workers of a generation until there are as many as wanted."""
        if self._pool.stopping or generation.retired or generation.gave_up or generation.resting:
            return
        missing = wanted - len(generation.ready) - generation.starting
        if not self.forking(generation):
            for _ in range(missing):
                self._start(generation)
        elif generation.parent is None:
            self._start(generation)
        elif generation.parent.state == "parent":
            for _ in range(missing):
                generation.forking += 1  # counted at once: the next look must not ask for the same replica again
                self.forks_under_way += 1
                self._run(self._fork(generation, generation.parent))

    def forking(self, generation: Generation) -> bool:
        """Whether replicas of a generation are forked from a parent: where there can be several, and it is safe."""
        most = self._pool.max_replicas
        return generation.forks and (most is None or most > 1)

    def adopt(self, generation: Generation, pid: int, channels: Channels) -> None:
        """Take in a process that has been started."""
        parent = channels.fork_socket is not None
        worker = self._link(generation, pid, channels, 0 if parent else self.number())
        if parent:
            generation.parent = worker
        self._run(self._bring_up(worker, generation))

    def adopt_warm(self, generation: Generation, worker: WorkerLink) -> None:
        """Make a warm worker the first one of a generation."""
        worker.owner = self._pool
        parent = self.forking(generation) and worker.can_fork
        worker.replica = 0 if parent else self.number()
        if parent:
            generation.parent = worker
        self._register(generation, worker)
        worker.send(frames.LOAD, generation.order(self._pool.config), generation.source)
        self._limit_init(worker)

    def init_ended(self, worker: WorkerLink) -> None:
        """Its init() has returned or come to nothing: the time for it is no longer counted."""
        timer = self._timers.pop(worker, None)
        if timer is not None:
            timer.cancel()

    def find(self, pid: int) -> WorkerLink | None:
        """The worker with this process id, spares included."""
        return self.links.get(pid) or self.spares.get(pid)

    def check_all_gone(self) -> None:
        """Wake whoever waits for the last process to end."""
        if not self.links and not self.spares:
            self.all_gone.set()

    def _start(self, generation: Generation) -> None:
        try:
            pid, channels = spawn(
                generation.make,
                self._lifeline,
                generation.shared.workers_end,
                parent=self.forking(generation),
            )
        except ConfigurationError as error:
            found = failures.failure("start", "exception", str(error))
            self._pool.report(found, None)
            self._pool.failed_to_start(generation, found)
            return
        self.adopt(generation, pid, channels)

    def _link(self, generation: Generation, pid: int, channels: Channels, replica: int) -> WorkerLink:
        pool = self._pool
        worker = WorkerLink(replica, pid, channels, pool, pool.log, generation.script)
        self._register(generation, worker)
        return worker

    def _register(self, generation: Generation, worker: WorkerLink) -> None:
        pool = self._pool
        worker.slots = pool.config.threads
        worker.started = time.time()
        self.links[worker.pid] = worker
        self.all_gone.clear()
        self.generation_of[worker] = generation
        generation.workers.append(worker)
        pool.events.emit("worker_started", worker.label, pid=worker.pid)

    def _limit_init(self, worker: WorkerLink) -> None:
        pool = self._pool
        if pool.config.init_timeout_s is not None:
            loop = asyncio.get_running_loop()
            self._timers[worker] = loop.call_later(pool.config.init_timeout_s, pool.init_timed_out, worker)

    async def _bring_up(self, worker: WorkerLink, generation: Generation) -> None:
        pool = self._pool
        await worker.connect()
        worker.send(frames.LOAD, generation.order(pool.config), generation.source)
        self._limit_init(worker)
        self.note_early_exit(worker)

    async def _fork(self, generation: Generation, parent: WorkerLink) -> None:
        """Have the parent fork one replica."""
        ours, theirs = make_channels()
        try:
            parent.send_descriptors([theirs.link.fileno(), theirs.log_fd, theirs.output_fd])
            reply, _ = await parent.ask(frames.FORK, {})
        except OSError:
            ours.close()
            return
        finally:
            generation.forking -= 1
            self.forks_under_way -= 1
            theirs.close()
        worker = self._link(generation, reply["pid"], ours, self.number())
        worker.parent = parent
        worker.stage = "run"
        await worker.connect()
        if not parent.alive:
            worker.orphan()
        self.note_early_exit(worker)

    def note_early_exit(self, worker: WorkerLink) -> None:
        """Take in that a process had ended before it was connected."""
        if worker.pid in self.early_exits:
            worker.exited(self.early_exits.pop(worker.pid))

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
