"""What was built, kept: the log of each image, also of those that failed, and what became of it.

<home>/images/<repository, with - for />/<tag>.log
                                         <tag>.json
"""

from __future__ import annotations

import errno
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from jupyter_mldeploy.errors import DeploymentFailed, StorageError
from jupyter_mldeploy.evidence import redact
from jupyter_mldeploy.records import write_aside

__all__ = ["UNFINISHED", "BuildLogs", "ImageEntry", "note_digest", "pulling", "pushing", "writing"]


UNFINISHED = ("failed", "interrupted")


@dataclass(frozen=True, kw_only=True)
class ImageEntry:
    """One build.

    Attributes:
        reference: Name of the image.
        service: What it was built for.
        state: ``built``, ``failed``, ``interrupted``; ``found`` for one that the engine or a registry had already.
        built: When it ended, in seconds since the epoch.
        seconds: How long it took.
        parents: References of the parts it stands on.
        steps: Each with ``step``, ``command``, ``seconds`` and ``cached``.
        dockerfile: The whole of it.
        digest: Of the registry, once it was pushed.
        unsent: When a push of it failed, in seconds since the epoch; 0 where none has, or one went well since.
    """

    reference: str
    service: str
    state: str
    built: float = field(default_factory=time.time)
    seconds: float = 0.0
    parents: tuple[str, ...] = ()
    steps: tuple[Mapping[str, Any], ...] = ()
    dockerfile: str = ""
    digest: str = ""
    unsent: float = 0.0


_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say it in one sentence if the disk is full while the block writes below a path.

    Raises:
        StorageError: It is, or nothing may be written there.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise StorageError(
            f"{str(path)!r} could not be written: {error.strerror}.",
            "Free space, or move the folder with MLDEPLOY_HOME.",
        ) from error


class BuildLogs:
    """The builds of one home folder."""

    def __init__(self, home: Path) -> None:
        self._root = home / "images"

    def path(self, reference: str) -> Path:
        """The log of an image, whether or not there is one."""
        repository, _, tag = reference.rpartition(":")
        return self._root / (repository or reference).replace("/", "-").replace(":", "-") / f"{tag or 'latest'}.log"

    def open(self, reference: str) -> IO[bytes]:
        """Begin the log of a build; the one of an earlier try is replaced."""
        path = self.path(reference)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("wb", buffering=0)

    def say(self, reference: str, line: str) -> None:
        """Let this line be the log of an image that was not built here."""
        with writing(self.path(reference)), self.open(reference) as log:
            log.write(line.encode() + b"\n")

    def add(self, reference: str, lines: str) -> None:
        """Let the log of an image go on with these lines: what became of it after it was built."""
        path = self.path(reference)
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab") as log:
                log.write(lines.rstrip("\n").encode() + b"\n")

    def keep(self, entry: ImageEntry) -> None:
        """Remember what became of a build."""
        content = json.dumps(asdict(entry), indent=1).encode()
        write_aside(self.path(entry.reference).with_suffix(".json"), content)

    def find(self, reference: str) -> ImageEntry | None:
        """What is known of an image, or ``None``."""
        return _read(self.path(reference).with_suffix(".json"))

    def list(self) -> list[ImageEntry]:
        """All builds, newest first."""
        found = [entry for path in self._root.glob("*/*.json") if (entry := _read(path))]
        return sorted(found, key=lambda entry: entry.built, reverse=True)

    def last_of(self, service: str, image: str) -> str:
        """The build that people mean by a service's: a later one that failed, or whose image could not be pushed; else that of
        its image, else the last one.

        Args:
            service: Its name.
            image: What it runs, also by its digest in a registry; ``""`` where nothing runs.
        """
        every = self.list()
        built = self.find(image) if image else None
        _, by_digest, digest = image.partition("@")
        if by_digest:
            built = next((entry for entry in every if entry.digest == digest), None)
        own = [entry for entry in every if entry.service == service]
        if built is not None:
            own = [entry for entry in own if _failed_at(entry) > built.built] or [built]
        return max(own, key=lambda entry: max(entry.built, entry.unsent)).reference if own else image

    def text(self, reference: str) -> str:
        """The log of an image and of the parts it stands on, in the order they were built."""
        entry = self.find(reference)
        parts = [*(entry.parents if entry else ()), reference]
        return "".join(_text(self.path(part)) for part in parts)

    def forget(self, reference: str) -> None:
        """Remove the log of an image."""
        for path in (self.path(reference), self.path(reference).with_suffix(".json")):
            path.unlink(missing_ok=True)


def _failed_at(entry: ImageEntry) -> float:
    return entry.built if entry.state in UNFINISHED else entry.unsent


def _text(path: Path) -> str:
    try:
        return redact(path.read_bytes().decode("utf-8", "backslashreplace"))
    except OSError:
        return ""


def _read(path: Path) -> ImageEntry | None:
    try:
        content = json.loads(path.read_bytes())
        content["parents"], content["steps"] = tuple(content["parents"]), tuple(content["steps"])
        return ImageEntry(**content)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def note_digest(logs: BuildLogs, reference: str, digest: str) -> None:
    """Keep with an image what its registry calls it."""
    if entry := logs.find(reference):
        logs.keep(replace(entry, digest=digest, unsent=0.0))


@contextmanager
def pulling(logs: BuildLogs, reference: str, service: str) -> Iterator[None]:
    """Let what is said of a pull that fails be the end of the image's log."""
    try:
        yield
    except DeploymentFailed as error:
        logs.add(reference, error.evidence.build_log)
        failed = ImageEntry(reference=reference, service=service, state="failed")
        known = logs.find(reference) or failed  # it was built here once, and is not on the engine any more
        logs.keep(replace(known, service=service, state=failed.state, built=failed.built))
        raise


@contextmanager
def pushing(logs: BuildLogs, reference: str) -> Iterator[None]:
    """Let what is said of a push that fails be the end of the image's log."""
    try:
        yield
    except DeploymentFailed as error:
        logs.add(reference, error.evidence.build_log)
        if entry := logs.find(reference):
            logs.keep(replace(entry, unsent=time.time()))
        raise
