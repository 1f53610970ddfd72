"""The registry's folders on disk.

::

    <home>/models/<name>/<version>/model.json     what is known of the version
    <home>/models/<name>/<version>/files/<entry>  the one file or folder
    <home>/models/<name>/last_version             so that the number of a deleted version is never given again
    <home>/models/.incoming/<random>/             a version that is being written; held by a lock of its writer
    <home>/models/.lock                           held for the moment in which a version gets its number

A version is written aside and renamed, so nobody sees half of one. What a killed process left in ``.incoming`` is swept by
the next writer: the lock of a dead process is free.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from jupyter_mldeploy.errors import NotFound, RecordDamaged
from jupyter_mldeploy.registry.content import flush, storage_errors
from jupyter_mldeploy.registry.model import Model

__all__ = ["Shelf"]

_VERSION = re.compile(r"[1-9]\d{0,8}")
_RECORD = "model.json"


class Shelf:
    """Reads and writes versions; ``root`` is made with the first of them."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def names(self) -> list[str]:
        """Of all models that have a version, sorted."""
        with storage_errors("Reading the model registry"):
            found = [path.name for path in self._root.iterdir()] if self._root.is_dir() else []
        return sorted(name for name in found if not name.startswith(".") and self.versions(name))

    def versions(self, name: str) -> list[int]:
        """Of one model, ascending; empty if there is no such model."""
        try:
            with storage_errors("Reading the model registry"), suppress(FileNotFoundError, NotADirectoryError):
                entries = [path.name for path in (self._root / name).iterdir()]
                return sorted(int(entry) for entry in entries if _VERSION.fullmatch(entry))
        except ValueError:  # a name that no file system takes
            return []
        return []

    def read(self, name: str, version: int) -> Model:
        """One version.

        Raises:
            NotFound: It was deleted.
            RecordDamaged: ``model.json`` cannot be read, or its files are gone. The record is kept aside.
        """
        folder = self._root / name / str(version)
        record = folder / _RECORD
        try:
            model = Model.from_record(json.loads(record.read_bytes()), folder / "files")
            if (model.name, model.version) != (name, version):
                raise ValueError(f"it is the record of {model}")
            if not os.path.lexists(model.path):
                raise ValueError(f"its content, {model.path.name}, is gone")
        except FileNotFoundError:
            if not folder.is_dir():
                raise NotFound(f"There is no model {name!r} of version {version}.") from None
            raise _damaged(name, version, "it is not there", next(folder.glob(f"{_RECORD}.damaged-*"), None)) from None
        except (ValueError, KeyError, TypeError) as error:
            aside = record.with_name(f"{_RECORD}.damaged-{time.time_ns()}")
            with suppress(OSError):
                record.rename(aside)
            raise _damaged(name, version, str(error), aside) from None
        except OSError as error:
            raise _damaged(name, version, error.strerror or str(error), None) from None
        return model

    def find(self, name: str, fits: Callable[[Model], bool]) -> Model | None:
        """The highest version of ``name`` that fits; those that cannot be read do not."""
        for version in reversed(self.versions(name)):
            with suppress(NotFound, RecordDamaged):
                model = self.read(name, version)
                if fits(model):
                    return model
        return None

    @contextmanager
    def incoming(self) -> Iterator[Path]:
        """A folder to write a version in, gone at the end whatever happens."""
        with storage_errors("Writing to the model registry"), self._locked():
            parent = self._root / ".incoming"
            parent.mkdir(exist_ok=True)
            for left in parent.iterdir():
                _sweep(left)
            folder = parent / os.urandom(8).hex()  # mkdtemp would keep containers of other users from reading it
            folder.mkdir()
            descriptor = _hold(folder)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(descriptor)

    def publish(self, model: Model, folder: Path) -> Model:
        """Give what was written in ``folder`` its number and its place, unless a version holds the same content."""

        def same(other: Model) -> bool:
            return (other.hash, other.kind) == (model.hash, model.kind)

        if known := self.find(model.name, same):
            return known
        with storage_errors(f"Storing the model {model.name!r}"):
            flush(folder)
            with self._locked():
                if known := self.find(model.name, same):
                    return known
                place = self._root / model.name
                place.mkdir(exist_ok=True)
                version = max([_last_version(place), *self.versions(model.name)]) + 1
                files = place / str(version) / "files"
                stored = replace(model, version=version, path=files / model.path.name)
                _write(folder / _RECORD, json.dumps(stored.to_record(), indent=1))
                _write(place / "last_version", f"{version}\n")
                folder.rename(place / str(version))
                _sync(place)
                _sync(self._root)
        return stored

    def describe(self, model: Model) -> None:
        """Write what is known of a version anew."""
        with storage_errors(f"Describing the model {str(model)!r}"), self._locked():
            _write(model.path.parent.parent / _RECORD, json.dumps(model.to_record(), indent=1))

    def discard(self, name: str, version: int) -> None:
        """Take a version away, at once for whoever looks."""
        with self.incoming() as folder, storage_errors(f"Deleting the model '{name}:{version}'"):
            place = self._root / name
            with self._locked():
                last = max([_last_version(place), *self.versions(name)])
                _write(place / "last_version", f"{last}\n")
                with suppress(FileNotFoundError):
                    (place / str(version)).rename(folder / "deleted")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        from filelock import FileLock

        # Held for milliseconds, by writers only; FileLock looks again every 50 ms where it is taken.
        self._root.mkdir(parents=True, exist_ok=True)
        with FileLock(self._root / ".lock"):
            yield


def _damaged(name: str, version: int, reason: str, aside: Path | None) -> RecordDamaged:
    kept = f" It was kept aside as {str(aside)!r}." if aside else ""
    return RecordDamaged(
        f"The record of the model '{name}:{version}' is damaged: {reason}.{kept}",
        "Register the model again; its files are still there.",
    )


def _last_version(place: Path) -> int:
    try:
        return int((place / "last_version").read_text())
    except (OSError, ValueError):
        return 0


def _hold(folder: Path) -> int:
    descriptor = os.open(folder, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return descriptor


def _sweep(left: Path) -> None:
    """Remove what a dead process left; called under the registry's lock, so no living one is between making and holding."""
    with suppress(OSError):
        descriptor = _hold(left)
        try:
            shutil.rmtree(left, ignore_errors=True)
        finally:
            os.close(descriptor)


def _write(path: Path, text: str) -> None:
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with aside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
