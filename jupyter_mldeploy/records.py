"""What is known of services, on disk, so that any process can find them again.

    <home>/services/<name>/service.json   the record; never holds a secret
                           evidence.json  of the failure that its last deployment or change ended with
                           secrets.json   mode 0600: the admin token and scoring keys
    <home>/locks/<name>.lock              held while an operation runs; <name>.json says whose

A record is written aside and renamed, so that it is whole or not there. One that cannot be read is moved aside and said.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from jupyter_mldeploy.errors import MLDeployError, NotFound, OperationInProgress, RecordDamaged, StorageError
from jupyter_mldeploy.evidence import Evidence
from jupyter_mldeploy.spec import VALUES, ServiceSpec, Target, check_service_name, is_service_name

if TYPE_CHECKING:
    import msgspec

__all__ = ["Record", "Records", "write_aside"]


@dataclass(frozen=True, kw_only=True)
class Record:
    """One service as it was last left.

    Attributes:
        spec: What was wanted.
        state: ``deploying``, ``running``, ``failed`` or ``stopped``: what the last operation came to, not what is true now.
        revision: Counts the operations that changed the service.
        created, updated: Seconds since the epoch.
        details: What the target needs to find the service again (process, container, objects).
        failure: Summary of the last failure, or ``""``.
    """

    spec: ServiceSpec
    state: str = "deploying"
    revision: int = 1
    created: float = field(default_factory=time.time)
    updated: float = field(default_factory=time.time)
    details: Mapping[str, Any] = field(default_factory=dict)
    failure: str = ""

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def place(self) -> Target:
        """Its target, with the context and the namespace that it was deployed to, whichever are the current ones by now."""
        target = self.spec.target
        context, namespace = (
            self.details.get("context") or target.context,
            self.details.get("namespace") or target.namespace,
        )
        return replace(target, context=context or None, namespace=namespace or None)

    def with_(self, **changes: Any) -> Record:
        """A copy with these changes, marked as updated now."""
        return replace(self, updated=time.time(), **changes)


def write_aside(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Write a file so that a reader sees the old one or the new one, whole.

    Raises:
        StorageError: The disk is full, or the folder cannot be written.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise StorageError(
            f"{str(path)!r} could not be written: {error.strerror}.",
            "Free space, or move the folder with MLDEPLOY_HOME.",
        ) from error


class Records:
    """The services of one home folder."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._root = home / "services"

    def folder(self, name: str) -> Path:
        """Folder of a service, whether or not it exists."""
        return self._root / check_service_name(name)

    def names(self) -> list[str]:
        """Names of all services that have a record, sorted. A folder that somebody copied beside them is none."""
        if not self._root.is_dir():
            return []
        found = (path.parent.name for path in self._root.glob("*/service.json"))
        return sorted(name for name in found if is_service_name(name))

    def find(self, name: str) -> Record | None:
        """The record of a service, or ``None``.

        Raises:
            RecordDamaged: It is there and cannot be read; it was kept aside as ``service.json.damaged-<time>``.
        """
        path = self.folder(name) / "service.json"
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageError(f"{str(path)!r} could not be read: {error.strerror}.") from error
        import msgspec

        try:
            return _decoder(Record).decode(content)
        except (msgspec.MsgspecError, ValueError, UnicodeDecodeError) as error:
            aside = path.with_name(f"service.json.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
            with suppress(FileNotFoundError):  # another reader has kept it aside at the same moment
                path.replace(aside)
            raise _damaged(name, aside, f" ({error})") from error

    def every(self) -> tuple[list[Record], list[MLDeployError]]:
        """All that can be read, by name, and what to say of the others."""
        found: list[Record] = []
        troubles: list[MLDeployError] = []
        for name in self.names():
            try:
                record = self.find(name)
            except RecordDamaged:
                continue  # kept aside now, and told of below like those before
            except StorageError as error:
                troubles.append(error)
            else:
                found += [record] if record else []
        return found, [*troubles, *self.damaged()]

    def damaged(self) -> list[RecordDamaged]:
        """What to say of each service whose record was kept aside, and of which there is no other: it may still run."""
        folders = {path.parent for path in self._root.glob("*/service.json.damaged-*")}
        without = sorted(folder for folder in folders if not (folder / "service.json").exists())
        return [_damaged(folder.name, max(folder.glob("service.json.damaged-*"))) for folder in without]

    def get(self, name: str) -> Record:
        """The record of a service.

        Raises:
            NotFound: There is none; the nearest names are given.
            RecordDamaged: There was one; it was kept aside.
        """
        record = self.find(name)
        if record is None:
            for kept in self.folder(name).glob("service.json.damaged-*"):
                raise _damaged(name, kept)
            raise NotFound(f"There is no service {name!r}.", _nearest(name, self.names()))
        return record

    @contextmanager
    def ending(self, record: Record) -> Iterator[Record]:
        """The record of a service that is being stopped: whoever watches sees an end that was meant, not a death.

        If it cannot be stopped, the record says again what it said before. A full disk is no reason not to end.
        """
        ending = record.with_(state="stopped", failure="")
        with suppress(StorageError):
            self.write(ending)
        try:
            yield ending
        except BaseException:
            with suppress(StorageError):
                self.write(record)
            raise

    def write(self, record: Record) -> Record:
        """Keep a record and return it."""
        import msgspec

        content = msgspec.json.format(msgspec.json.encode(record), indent=1)
        write_aside(self.folder(record.name) / "service.json", content, mode=0o600)
        return record

    def remove(self, name: str) -> None:
        """Forget a service and everything kept of it: the record first, so that it is gone or whole."""
        folder = self.folder(name)
        with suppress(IsADirectoryError, PermissionError):  # what somebody else has put there goes with the folder
            (folder / "service.json").unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        if (folder / "service.json").exists():
            raise StorageError(f"{str(folder)!r} cannot be removed.", "Mend its rights, or remove it yourself.")

    def secrets(self, name: str) -> dict[str, str]:
        """The secrets of a service; empty where there are none, or where their file was damaged."""
        try:
            found = json.loads((self.folder(name) / "secrets.json").read_bytes())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def write_secrets(self, name: str, secrets: Mapping[str, str]) -> None:
        """Keep secrets where only this user can read them."""
        write_aside(self.folder(name) / "secrets.json", json.dumps(dict(secrets)).encode(), mode=0o600)

    def keep_values(self, spec: ServiceSpec, former: Record | None, values: Mapping[str, str]) -> None:
        """Keep keys and values of variables among the secrets: the new ones, and those of the former version."""
        needed = spec.secret_names | (former.spec.secret_names if former else set())
        known = self.secrets(spec.name)
        kept = {name: value for name, value in known.items() if not name.startswith(VALUES) or name in needed}
        wanted = {**kept, **values}
        if wanted != known:
            self.write_secrets(spec.name, wanted)

    def evidence(self, name: str) -> Evidence | None:
        """What was seen of the failure that the service's last deployment or change ended with, or ``None``."""
        import msgspec

        try:
            return _decoder(Evidence).decode((self.folder(name) / "evidence.json").read_bytes())
        except (OSError, msgspec.MsgspecError):
            return None

    def evidence_since(self, name: str) -> float | None:
        """When it was kept, in seconds since the epoch."""
        try:
            return (self.folder(name) / "evidence.json").stat().st_mtime
        except OSError:
            return None

    def remove_evidence(self, name: str) -> None:
        """Forget it: the service has been changed since."""
        (self.folder(name) / "evidence.json").unlink(missing_ok=True)

    def write_evidence(self, name: str, evidence: Evidence) -> None:
        """Keep it, so that the failure can be explained later and elsewhere; secrets were taken out when it was made.

        Where that cannot be done, as on a full disk, the failure itself is what people are told of.
        """
        content = json.dumps(evidence.to_json(), default=str).encode()
        with suppress(StorageError):
            write_aside(self.folder(name) / "evidence.json", content, mode=0o600)

    @contextmanager
    def operation(self, name: str, what: str) -> Iterator[None]:
        """Hold the one operation that a service may have at a time, across processes and users.

        The lock is the operating system's, so it ends with the process that holds it.

        Raises:
            OperationInProgress: Another one is running (the documented 409): what, whose, since when.
        """
        from filelock import FileLock, Timeout

        check_service_name(name)
        locks = self.home / "locks"  # not in the service's folder, which may be removed while somebody opens the lock
        owner = locks / f"{name}.json"
        try:
            locks.mkdir(parents=True, exist_ok=True)
            # Not at once: `is_busy` of another process holds the lock for an instant, and that is no operation.
            lock = FileLock(locks / f"{name}.lock", timeout=0.25)
            lock.acquire(poll_interval=0.02)
        except Timeout:
            raise _in_progress(name, owner) from None
        except OSError as error:
            raise StorageError(
                f"The data folder {str(self.home)!r} could not be written: {error.strerror}.",
                "Give yourself the right to write there, free space, or move it with MLDEPLOY_HOME.",
            ) from error
        try:
            # It only tells others who is at work; a full disk must not keep anybody from deleting.
            with suppress(StorageError):
                write_aside(owner, json.dumps({"what": what, "pid": os.getpid(), "since": time.time()}).encode())
            yield
        finally:
            owner.unlink(missing_ok=True)
            self._sweep(self.folder(name))
            lock.release()

    def is_busy(self, name: str) -> bool:
        """Whether an operation of some process is running on the service."""
        from filelock import FileLock, Timeout

        try:
            with FileLock(self.home / "locks" / f"{check_service_name(name)}.lock", blocking=False):
                return False
        except Timeout:
            return True
        except OSError:
            return False

    def _sweep(self, folder: Path) -> None:
        """A service without a record leaves no folder behind (damaged records are kept)."""
        if folder.is_dir() and not any(path.name.startswith("service.json") for path in folder.iterdir()):
            shutil.rmtree(folder, ignore_errors=True)


Read = TypeVar("Read", Record, Evidence)
_making_decoder = threading.Lock()
_DECODERS: dict[type, Any] = {}


def _decoder(kind: type[Read]) -> msgspec.json.Decoder[Read]:
    """The decoder of a kind. Made by one thread: msgspec crashes the process if two learn the same class at once."""
    import msgspec

    with _making_decoder:
        if kind not in _DECODERS:
            _DECODERS[kind] = msgspec.json.Decoder(kind)
        made: msgspec.json.Decoder[Read] = _DECODERS[kind]
        return made


def _in_progress(name: str, owner: Path) -> OperationInProgress:
    try:
        known = json.loads(owner.read_bytes())
        since = time.strftime("%H:%M:%S", time.localtime(known["since"]))
        detail = f"{known['what']}, begun at {since} by process {known['pid']}"
    except (OSError, ValueError, KeyError):
        detail = "begun a moment ago"
    return OperationInProgress(
        f"Another operation on {name!r} is running ({detail}).", "Wait for it to end, or interrupt it there."
    )


def _damaged(name: str, aside: Path, why: str = "") -> RecordDamaged:
    return RecordDamaged(
        f"The record of {name!r} could not be read{why}; it was kept as {str(aside)!r}.",
        "Deploy it again, which takes the place of what still runs, or delete it.",
    )


def _nearest(name: str, names: list[str]) -> str:
    from difflib import get_close_matches

    if near := get_close_matches(name, names, n=1):
        return f"Did you mean {near[0]!r}?"
    return f"There is {', '.join(names)}." if names else "Nothing is deployed yet."
