"""The registry: register, find, list, download and delete models by name and version."""

from __future__ import annotations

import builtins
import logging
import operator
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jupyter_mldeploy.errors import Conflict, InvalidValue, NotFound, RecordDamaged
from jupyter_mldeploy.events import Cancel
from jupyter_mldeploy.registry.content import copy_files, find_files, fingerprint, hash_of, storage_errors
from jupyter_mldeploy.registry.model import Model
from jupyter_mldeploy.registry.saving import saver_for
from jupyter_mldeploy.registry.shelf import Shelf
from jupyter_mldeploy.spec import ModelRef, check_model_name

__all__ = ["ModelRegistry"]

_log = logging.getLogger(__name__)
_VERSION = re.compile(r"[1-9]\d{0,8}")


class ModelRegistry:
    """Registered models below ``home``; safe to use from many threads and processes at once.

    Args:
        home: The folder of everything that the package keeps; made when something is registered.
    """

    def __init__(self, home: Path) -> None:
        self._shelf = Shelf(Path(home) / "models")

    def register(
        self,
        name: str,
        source: object,
        *,
        tags: Mapping[str, str] | None = None,
        properties: Mapping[str, str] | None = None,
        description: str | None = None,
        progress: Callable[[int, int], None] | None = None,
        cancel: Cancel | None = None,
    ) -> Model:
        """Keep ``source`` as the next version of ``name``, or return the version that holds the same content already.

        Args:
            name: Letters, digits, ``.``, ``_`` and ``-``.
            source: A path (``str`` or ``Path``) of a file or folder, or the object itself.
            tags: Added to those that the version has.
            properties: Facts to keep; what is found out of an object is added.
            description: Replaces the version's, unless ``None``.
            progress: Called with bytes done and bytes in all.
            cancel: Ends the copying.

        Raises:
            InvalidValue: The name is not valid, the folder is empty, or the object cannot be saved (a class of it lives
                only in the notebook, ...).
            NotFound: There is no such file or folder.
            StorageError: The disk is full, the folder cannot be written, a file vanished while it was copied.
            Cancelled: ``cancel`` was set. Nothing is left behind.
        """
        check_model_name(name)
        tags, properties = _texts("tags", tags), _texts("properties", properties)
        if not isinstance(description, str | None):
            raise InvalidValue("description", description, "it is a text.")
        if source is None:
            raise InvalidValue("model", None, f"there is nothing to register as {name!r}; None is no model.")
        if isinstance(source, str | Path):
            model = self._register_path(name, Path(source), progress, cancel)
        else:
            model = self._register_object(name, source, progress, cancel)
        described = replace(
            model,
            tags={**model.tags, **tags},
            properties={**model.properties, **properties},
            description=model.description if description is None else description,
        )
        if described != model:
            self._shelf.describe(described)
        return described

    def get(self, name: str, version: int | None = None) -> Model:
        """A version, or the highest one.

        Raises:
            NotFound: There is no such model or version; says what there is.
            RecordDamaged: Its ``model.json`` cannot be read; it was kept aside.
        """
        check_model_name(name)
        versions = self._shelf.versions(name)
        if not versions:
            raise self._no_such(name)
        if version is None:
            version = versions[-1]
        try:
            version = operator.index(version)
        except TypeError:
            raise InvalidValue("version", version, "it is a whole number from 1 on.") from None
        if version not in versions:
            raise NotFound(f"The model {name!r} has no version {version}.", f"It has {_listed(versions)}.")
        return self._shelf.read(name, version)

    def list(self, name: str | None = None) -> builtins.list[Model]:
        """All versions of all models, or of one, by name and version.

        A version whose record is damaged is left out; a warning is logged that says where it was kept.
        """
        if name is not None:
            check_model_name(name)
        found = []
        for each in self._shelf.names() if name is None else [name]:
            for version in self._shelf.versions(each):
                try:
                    found.append(self._shelf.read(each, version))
                except RecordDamaged as error:
                    _log.warning("%s", error)
                except NotFound:  # deleted meanwhile
                    continue
        return found

    def resolve(self, text: str) -> ModelRef:
        """Read ``NAME`` (the highest version) or ``NAME:VERSION``.

        Raises:
            InvalidValue: It is not of that form.
            NotFound: There is no such model or version; names what there is and the nearest name.
        """
        name, colon, number = text.partition(":")
        check_model_name(name)
        if colon and not _VERSION.fullmatch(number):
            raise InvalidValue("model", text, "write NAME or NAME:VERSION, the version as a whole number from 1 on.")
        return self.get(name, int(number) if colon else None).ref

    def download(self, name: str, version: int | None, target_dir: str | Path, exist_ok: bool = False) -> Path:
        """Copy a version's file or folder into ``target_dir`` (made if need be) and return where it is now.

        Raises:
            NotFound: There is no such model or version.
            Conflict: There is something of that name, and ``exist_ok`` is false.
            StorageError: It cannot be written.
        """
        model = self.get(name, version)
        target = Path(target_dir).expanduser() / model.path.name
        if os.path.lexists(target) and not exist_ok:
            raise Conflict(f"{str(target)!r} is there already.", "Name another folder, or allow it to be replaced.")
        with storage_errors(f"Downloading the model {str(model)!r}", "name"):
            target.parent.mkdir(parents=True, exist_ok=True)
            aside = Path(tempfile.mkdtemp(prefix=".download-", dir=target.parent))
            try:
                copy_files(find_files(model.path), aside, read_only=False)
                if target.is_dir() and not target.is_symlink():
                    target.rename(aside / ".replaced")
                (aside / model.path.name).replace(target)
            finally:
                shutil.rmtree(aside, ignore_errors=True)
        return target

    def delete(
        self,
        name: str,
        version: int | None = None,
        *,
        force: bool = False,
        users: Callable[[Model], Sequence[str]],
    ) -> builtins.list[Model]:
        """Delete a version, or all of a model, and return what was deleted. Their numbers are never given again.

        Args:
            users: Names of the services that use a version.
            force: Delete even what a service uses, and versions whose record is damaged.

        Raises:
            NotFound: There is no such model or version.
            Conflict: A service uses one of them; then none is deleted.
            RecordDamaged: It cannot be seen who uses it, and ``force`` is false.
        """
        check_model_name(name)
        versions = self._shelf.versions(name) if version is None else [version]
        if not versions:
            raise self._no_such(name)
        doomed = []
        for each in versions:
            try:
                doomed.append(self.get(name, each))
            except RecordDamaged:
                if not force:
                    raise
        for model in doomed:
            if not force and (services := users(model)):
                raise Conflict(
                    f"The model {str(model)!r} is used by {_listed(services)}.",
                    "Delete or update what uses it first, or force the deletion.",
                )
        for each in versions:
            self._shelf.discard(name, each)
        return doomed

    def _register_path(
        self, name: str, source: Path, progress: Callable[[int, int], None] | None, cancel: Cancel | None
    ) -> Model:
        path = Path(os.path.abspath(source.expanduser()))  # noqa: PTH100 - resolve() would lose a link's own name
        if not path.name:
            raise InvalidValue("model", str(source), "name a file or a folder, not the whole disk.")
        files = find_files(path)
        touched = fingerprint(files)
        if touched and (known := self._shelf.find(name, lambda model: model.fingerprint == touched)):
            if progress is not None:
                progress(known.size, known.size)
            return known
        with self._shelf.incoming() as folder:
            with storage_errors(f"Copying the model {name!r}"):
                digest, size = copy_files(files, folder / "files", progress, cancel)
            model = Model(
                name=name,
                version=1,
                path=folder / "files" / path.name,
                kind="folder" if path.is_dir() else "file",
                size=size,
                hash=digest,
                created=datetime.now(UTC),
                fingerprint=touched,
            )
            return self._shelf.publish(model, folder)

    def _register_object(
        self, name: str, thing: object, progress: Callable[[int, int], None] | None, cancel: Cancel | None
    ) -> Model:
        saver = saver_for(thing)
        modules = saver.check(thing)
        with self._shelf.incoming() as folder:
            files = folder / "files"
            files.mkdir()
            saved = saver.save(thing, name, files, modules)
            if cancel is not None:
                cancel.check()
            with storage_errors(f"Saving the model {name!r}"):
                digest, size = hash_of(saved.entry)
            if progress is not None:
                progress(size, size)
            model = Model(
                name=name,
                version=1,
                path=saved.entry,
                kind=saved.kind,
                size=size,
                hash=digest,
                properties=saved.properties,
                created=datetime.now(UTC),
            )
            return self._shelf.publish(model, folder)

    def _no_such(self, name: str) -> NotFound:
        names = self._shelf.names()
        summary = f"There is no model {name!r}."
        if not names:
            return NotFound(summary, "No model is registered yet.")
        import difflib

        near = difflib.get_close_matches(name, names, n=1)
        meant = f"Did you mean {near[0]!r}? " if near else ""
        return NotFound(summary, f"{meant}Registered: {_listed(names)}.")


def _texts(field: str, values: Mapping[Any, Any] | None) -> dict[str, str]:
    if not isinstance(values, Mapping | None):
        raise InvalidValue(field, values, "they are texts by name.")
    given = dict(values or {})
    for key, value in given.items():
        if not isinstance(key, str) or not isinstance(value, str | int | float):
            raise InvalidValue(field, {key: value}, "they are texts by name.")
    return {str(key): str(value) for key, value in given.items()}


def _listed(things: Sequence[object]) -> str:
    shown = [str(thing) for thing in things]
    if len(shown) > 12:
        shown = [*shown[:12], f"… ({len(shown)} in all)"]
    return ", ".join(shown)
