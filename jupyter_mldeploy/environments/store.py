"""Environments on disk.

::

    <home>/environments/<hash>/             a virtual environment
    <home>/environments/<hash>/mldeploy.json  written last: an environment without it is half made, and made again
    <home>/environments/<hash>.log          what its making printed
    <home>/environments/<hash>.lock         held while it is made, by the installer too, should the kernel die
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from jupyter_mldeploy.environments.making import MARKER, Making, remove
from jupyter_mldeploy.environments.requirements import pip_requirements
from jupyter_mldeploy.environments.waiting_lock import locked, locked_if_free
from jupyter_mldeploy.errors import StorageError, TargetUnavailable
from jupyter_mldeploy.events import Cancel
from jupyter_mldeploy.spec import Environment

__all__ = ["PreparedEnvironment", "list_environments", "prepare", "prune"]

_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class PreparedEnvironment:
    """One that was made: its hash, the name and requirements it was made for, its interpreter, when."""

    hash: str
    name: str
    requirements: tuple[str, ...]
    interpreter: Path
    created: datetime


def prepare(environment: Environment, home: Path, *, log: Callable[[str], None], cancel: Cancel) -> Path:
    """The interpreter of an environment, made now if it was not before.

    Args:
        home: The folder of everything that the package keeps.
        log: Gets each line that the making prints, without secrets.
        cancel: Ends the making and every process of it; nothing half-made stays.

    Returns:
        Path of a Python executable: the kernel's own for ``current``.

    Raises:
        InvalidValue: A conda package of it cannot be had from PyPI.
        TargetUnavailable: uv is not installed, or the Python of ``current`` is gone.
        DeploymentFailed: Stage ``build``: it cannot be installed; the evidence has the log.
        StorageError: The folder cannot be written.
        Cancelled: ``cancel`` was set.
    """
    if environment.current:
        python = Path(environment.interpreter or sys.executable)
        if not python.exists():
            raise TargetUnavailable(
                f"The service's Python {str(python)!r} is gone.", "Deploy it again from another one."
            )
        return python
    requirements, notes = pip_requirements(environment)
    folder = Path(home) / "environments" / environment.hash
    if ready := _ready(folder):
        return ready
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = folder.with_name(f"{folder.name}.lock")

        def waiting() -> None:
            log(f"Another process is making the environment {environment.name!r}; waiting for it.")

        with locked(lock, cancel, waiting) as descriptor:
            if ready := _ready(folder):
                return ready
            for note in notes:
                log(note)
            Making(
                environment=environment,
                requirements=requirements,
                folder=folder,
                log=log,
                cancel=cancel,
                descriptor=descriptor,
            ).make()
            return folder / "bin" / "python"
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise StorageError(
            f"The environment {environment.name!r} could not be stored: {error.strerror or error}{where}.",
            "Make room or mend the folder's rights, or set MLDEPLOY_HOME to another folder.",
        ) from error


def list_environments(home: Path) -> list[PreparedEnvironment]:
    """All environments that are complete, oldest first."""
    found = []
    with suppress(FileNotFoundError):
        for folder in (Path(home) / "environments").iterdir():
            with suppress(OSError, ValueError, KeyError, TypeError):
                facts = json.loads((folder / MARKER).read_bytes())
                created = datetime.fromtimestamp(float(facts["created"]), UTC)
                requirements = tuple(str(each) for each in facts["requirements"])
                found.append(
                    PreparedEnvironment(
                        folder.name, str(facts["name"]), requirements, folder / "bin" / "python", created
                    )
                )
    return sorted(found, key=lambda each: each.created)


def prune(home: Path, used: Collection[str]) -> list[str]:
    """Remove environments that nobody uses, the half-made ones of killed processes too; returns the removed hashes.

    Args:
        used: Hashes to keep. One that is being made now is kept as well.
    """
    removed = []
    root = Path(home) / "environments"
    names = {path.name.partition(".")[0] for path in root.iterdir()} if root.is_dir() else set()
    for name in sorted(names):
        if not _HASH.fullmatch(name) or name in used:
            continue
        lock = root / f"{name}.lock"
        with locked_if_free(lock) as held:
            if held:
                if (root / name).is_dir():
                    removed.append(name)
                remove(root / name)
                (root / f"{name}.log").unlink(missing_ok=True)
                lock.unlink(missing_ok=True)
    return removed


def _ready(folder: Path) -> Path | None:
    interpreter = folder / "bin" / "python"
    return interpreter if (folder / MARKER).is_file() and interpreter.exists() else None
