"""What a worker may use: memory and CPUs, as far as the system allows; and what it does use."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, NamedTuple

from jupyter_mldeploy.runtime.configuration import content_of

if TYPE_CHECKING:
    from jupyter_mldeploy.runtime.configuration import WorkerMake


class Limits(NamedTuple):
    """Whether the configured limits hold: `enforced`, `unsupported` or `none`."""

    memory: str = "none"
    cpu: str = "none"

    @classmethod
    def of(cls, make: WorkerMake) -> Limits:
        """What this system can enforce of a make's limits."""
        linux = sys.platform.startswith("linux")
        memory = "none" if make.memory_bytes is None else ("enforced" if linux else "unsupported")
        whole = make.cpus is not None and float(make.cpus).is_integer()  # a part of a CPU takes a control group
        cpu = "none" if make.cpus is None else ("enforced" if linux and whole else "unsupported")
        return cls(memory, cpu)

    def to_json(self) -> dict[str, str]:
        """As the status shows it."""
        return {"memory": self.memory, "cpu": self.cpu}


class OomCounter:
    """Notices that the kernel has killed a process of this control group for want of memory."""

    def __init__(self) -> None:
        self._files = [path for path in _oom_files() if os.path.exists(path)]
        self._before = self._count()

    def killed(self, signal_number: int | None) -> bool:
        """Whether a worker that ended by this signal was such a process."""
        if signal_number != signal.SIGKILL:
            return False
        before, self._before = self._before, self._count()
        return self._before > before

    def _count(self) -> int:
        count = 0
        for path in self._files:
            try:
                text = content_of(path).decode()
            except OSError:
                continue
            count += sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("oom_kill "))
        return count


def _oom_files() -> list[str]:
    """Where control groups of version 2 and 1 count; in a container the group's own path is the root."""
    try:
        groups = content_of("/proc/self/cgroup").decode().splitlines()
    except OSError:
        return []
    root = "/sys/fs/cgroup"
    for line in groups:
        _, kinds, path = line.split(":", 2)
        candidates = []
        if not kinds:
            candidates = [f"{root}{path}/memory.events", f"{root}/memory.events"]
        elif "memory" in kinds.split(","):
            candidates = [f"{root}/memory{path}/memory.oom_control", f"{root}/memory/memory.oom_control"]
        found = [candidate for candidate in candidates if os.path.exists(candidate)]
        if found:
            return found[:1]
    return []


def memory_of(pid: int) -> int:
    """Private memory of a process in bytes (what it does not share with its parent); 0 where unknown."""
    try:
        text = content_of(f"/proc/{pid}/smaps_rollup").decode()
    except OSError:
        return 0
    private = 0
    for line in text.splitlines():
        if line.startswith(("Private_Clean:", "Private_Dirty:")):
            private += int(line.split()[1]) * 1024
    return private
