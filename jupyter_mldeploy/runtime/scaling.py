"""How many replicas there should be.

Utilisation is (busy + queued) / replicas. It is looked at every second, and soon after a request had to wait. Above the
target, replicas are added at once; below it, they go only when a whole minute could have done with fewer.

Without a maximum the number adapts to what `run()` does. While it computes, more workers than CPUs would only take turns,
so there is one for each. While it mostly waits – for a database, another service, a disk – there may be many more, as long
as they are forked and share the model's memory.
"""

from __future__ import annotations

import asyncio
import math
import os
import time
from collections import deque
from typing import TYPE_CHECKING

from jupyter_mldeploy.runtime.configuration import content_of

if TYPE_CHECKING:
    from jupyter_mldeploy.runtime.pool import Pool
    from jupyter_mldeploy.runtime.worker_link import WorkerLink

LOOK_EVERY_S = 1.0
SOON_S = 0.1
SHRINK_AFTER_S = 60.0
MOST_FORKED = 32
MOST_SPAWNED = 8
COMPUTES_AFTER_LOOKS = 10  # looks in a row at a run() that computes, before replicas beyond the CPUs go
WAITS_BELOW = 0.5  # share of run()'s time that was spent computing, or waiting for a CPU


def usable_cpus() -> int:
    """CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def replicas_for(load: float, target: float) -> int:
    """Replicas that serve `load` (busy and queued requests) at the target utilisation."""
    return max(1, math.ceil(round(load / target, 9)))


class Demand:
    """The replicas that were needed at each of the last looks."""

    def __init__(self, window_s: float = SHRINK_AFTER_S) -> None:
        self._window_s = window_s
        self._seen: deque[tuple[float, int]] = deque()

    def note(self, now: float, needed: int) -> int:
        """Take in a look; returns the most that was needed within the window."""
        self._seen.append((now, needed))
        while self._seen[0][0] < now - self._window_s:
            self._seen.popleft()
        return max(needed for _, needed in self._seen)


class Scaler:
    """Sets a pool's number of replicas."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._demand = Demand()
        self._shares = _ComputingShare()
        self._timer: asyncio.TimerHandle | None = None
        self._too_many = 0

    def start(self) -> None:
        """Begin to look."""
        self._pool.dispatcher.on_queue = self._look_soon
        self._schedule(LOOK_EVERY_S)

    def scale(self, least: int, most: int | None) -> None:
        """Set the bounds; the number follows at once."""
        pool = self._pool
        pool.min_replicas, pool.max_replicas = least, most
        wanted = max(least, pool.wanted)
        self._resize(wanted if most is None else min(wanted, most))

    def _schedule(self, delay: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(delay, self._look)

    def _look_soon(self) -> None:
        if self._timer is not None and self._timer.when() - asyncio.get_running_loop().time() > SOON_S:
            self._schedule(SOON_S)

    def _look(self) -> None:
        self._schedule(LOOK_EVERY_S)
        pool = self._pool
        self._shares.look(pool.generation.ready)
        if pool.stopping or pool.max_replicas == pool.min_replicas or not pool.generation.ready:
            return
        busy = sum(len(worker.calls) for worker in pool.generation.ready)
        places = pool.config.threads
        needed = replicas_for((busy + pool.dispatcher.queued) / places, pool.config.target_utilization)
        most_needed = self._demand.note(time.monotonic(), needed)
        wanted = min(max(most_needed, pool.min_replicas), self._limit())
        self._too_many = self._too_many + 1 if wanted < pool.wanted else 0
        if wanted > pool.wanted or most_needed < pool.wanted or self._too_many >= COMPUTES_AFTER_LOOKS:
            self._resize(max(wanted, pool.min_replicas))

    def _limit(self) -> int:
        pool = self._pool
        if pool.max_replicas is not None:
            return pool.max_replicas
        cpus = max(usable_cpus(), pool.min_replicas)
        if self._shares.share is None or self._shares.share >= WAITS_BELOW:
            return cpus
        return max(cpus, MOST_FORKED if pool.recruiter.forking(pool.generation) else MOST_SPAWNED)

    def _resize(self, wanted: int) -> None:
        pool = self._pool
        if wanted == pool.wanted:
            return
        pool.events.emit("scaled", **{"from": pool.wanted, "to": wanted})
        pool.wanted = wanted
        pool.fit()


class _ComputingShare:
    """How much of the time in `run()` the workers spent on a CPU, or waiting for one."""

    def __init__(self) -> None:
        self.share: float | None = None
        self._before: dict[int, tuple[float, float]] = {}

    def look(self, workers: list[WorkerLink]) -> None:
        """Measure since the last look."""
        on_cpu = in_run = 0.0
        now: dict[int, tuple[float, float]] = {}
        for worker in workers:
            used = _cpu_seconds(worker.pid)
            if used is None:
                continue
            running = time.perf_counter() - worker.began if worker.calls else 0.0
            now[worker.pid] = used, worker.ran_us / 1e6 + running
            before = self._before.get(worker.pid)
            if before is not None:
                on_cpu += now[worker.pid][0] - before[0]
                in_run += max(0.0, now[worker.pid][1] - before[1])
        self._before = now
        if in_run > 0.02:
            self.share = on_cpu / in_run


def _cpu_seconds(pid: int) -> float | None:
    """Seconds that a process ran or was ready to run; None where the system does not tell."""
    try:
        ran, waited, _ = content_of(f"/proc/{pid}/schedstat").split()
    except (OSError, ValueError):
        return None
    return (int(ran) + int(waited)) / 1e9
