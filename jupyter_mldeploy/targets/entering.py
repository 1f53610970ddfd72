"""Into the surroundings of a service's script, to run a command there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from jupyter_mldeploy.records import Record, Records
from jupyter_mldeploy.spec import TargetKind

__all__ = ["Surroundings", "enter"]


class Surroundings(Protocol):
    """Where a service's script runs: a container, a pod, or the app folder and Python of a local service."""

    def run(self, command: Sequence[str], write: Callable[[bytes, bool], None], keys: int | None = None) -> int:
        """Run a command, give each piece of output to ``write`` (and whether it is stderr); returns its exit code.

        ``keys`` is the descriptor of what it reads as its standard input; without one there is nothing to read.
        """
        ...

    def terminal(self) -> int:
        """Give this process's terminal to a shell there until it ends; returns its exit code."""
        ...


def enter(records: Records, record: Record) -> Surroundings:
    """Those of a service.

    Raises:
        Conflict: The service does not run.
    """
    if record.spec.target.kind is TargetKind.LOCAL:
        from jupyter_mldeploy.targets.local.inside import LocalInside

        return LocalInside(records, record)
    if record.spec.target.kind is TargetKind.CONTAINER:
        from jupyter_mldeploy.targets.container.inside import enter_container

        return enter_container(records, record)
    from jupyter_mldeploy.targets.kubernetes.inside import enter_pod

    return enter_pod(record)
