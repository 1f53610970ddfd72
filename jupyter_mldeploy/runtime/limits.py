"""What a worker may use: memory and CPUs, as far as the system allows; and what it does use."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_mldeploy.runtime.configuration import WorkerMake


@dataclass(frozen=True)
class Limits:
    """Whether the configured limits hold: `enforced`, `unsupported` or `none`."""

    memory: str = "none"
    cpu: str = "none"

    @classmethod
    def of(cls, make: WorkerMake) -> Limits:
        """What this system can enforce of a make's limits."""
        memory = "none" if make.memory_bytes is None else _supported("prlimit")
        cpu = "none" if make.cpus is None else _supported("sched_setaffinity")
        return cls(memory, cpu)

    def to_json(self) -> dict[str, str]:
        """As the status shows it."""
        return {"memory": self.memory, "cpu": self.cpu}


def _supported(function: str) -> str:
    import resource

    there = hasattr(os, function) or hasattr(resource, function)
    return "enforced" if there and Path("/proc/self/status").exists() else "unsupported"


def memory_of(pid: int) -> int:
    """Private memory of a process in bytes (what it does not share with its parent); 0 where unknown."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    private = 0
    for line in text.splitlines():
        if line.startswith(("Private_Clean:", "Private_Dirty:")):
            private += int(line.split()[1]) * 1024
    return private
