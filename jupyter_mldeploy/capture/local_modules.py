"""The source directory as a script sees it: files, modules, and what those import."""

from __future__ import annotations

import ast
import functools
import importlib.machinery
import os
import posixpath
from collections.abc import Iterator
from pathlib import Path

from jupyter_mldeploy.capture.imports import Imported, imports_of
from jupyter_mldeploy.capture.walking import survey

__all__ = ["SourceDirectory"]

_MOST_FILES = 200


class SourceDirectory:
    """The folder that is shipped with a script, or none.

    Attributes:
        folder: The folder, or ``None``.
        name: What it is called in the app root; ``""``: its files lie in the app root itself.
    """

    def __init__(self, folder: Path | None, name: str = "") -> None:
        self.folder = folder
        self.name = name
        self._modules = frozenset() if folder is None else _modules_in(folder)
        self._read: set[Path] = set()

    def has(self, top: str) -> bool:
        """Whether it has a module or package of that name at its top, or is called so itself."""
        return top in self._modules or (self.folder is not None and bool(top) and top == self.name)

    def holds(self, path: str) -> bool:
        """Whether a path that is relative to the app root is of this folder. ``True`` in case of doubt."""
        if self.folder is None:
            return False
        if self.name:
            top, _, path = posixpath.normpath(path).partition("/")
            if top != self.name:
                return False
        try:
            return (self.folder / path).exists()
        except (OSError, ValueError):
            return True

    def imports(self, imported: Imported) -> Iterator[tuple[Path, Imported]]:
        """What the files that an import leads to import themselves, each file once, at most two hundred.

        Relative imports and those of the folder's own modules are followed, not returned.
        """
        waiting = [imported]
        while waiting and len(self._read) < _MOST_FILES:
            for file in self._files_of(waiting.pop()):
                if file in self._read:
                    continue
                self._read.add(file)
                for inner in _imports_of_file(file):
                    absolute = self._absolute(inner, file)
                    if self.has(absolute.top):
                        waiting.append(absolute)
                    elif not inner.module.startswith("."):
                        yield file, inner

    def _files_of(self, imported: Imported) -> Iterator[Path]:
        """A module's file and those of the packages above it; a name that is imported from it may be a module too."""
        assert self.folder is not None
        parts = imported.module.split(".")
        if self.name and parts[0] == self.name and self.name not in self._modules:
            parts = parts[1:]  # by the folder's own name: the app root is searched, too
        names: list[list[str]] = [parts[: count + 1] for count in range(len(parts))] + [
            [*parts, name] for name in imported.names
        ]
        for name in names:
            if all(part.isidentifier() for part in name):
                base = os.path.join(self.folder, *name)  # noqa: PTH118 - hundreds of these are made in a check
                for file in (f"{base}.py", f"{base}/__init__.py"):
                    if os.path.isfile(file):  # noqa: PTH113
                        yield Path(file)

    def _absolute(self, imported: Imported, file: Path) -> Imported:
        if not imported.module.startswith("."):
            return imported
        assert self.folder is not None
        plain = imported.module.lstrip(".")
        level = len(imported.module) - len(plain)
        package = file.parent.relative_to(self.folder).parts
        package = package[: len(package) - level + 1]
        module = ".".join([*package, plain] if plain else package)
        return Imported(module, imported.line, imported.names)


def _modules_in(folder: Path) -> frozenset[str]:
    found = set()
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                stem, dot, _ = entry.name.partition(".")
                if entry.name.endswith((".py", *importlib.machinery.EXTENSION_SUFFIXES)) or (
                    not dot and entry.is_dir()
                ):
                    found.add(stem)
    except OSError:
        return frozenset()  # whoever ships it will say that it cannot be read
    return frozenset(found)


def _imports_of_file(file: Path) -> tuple[Imported, ...]:
    try:
        status = file.stat()
    except OSError:
        return ()
    return _read_imports(file, status.st_mtime_ns, status.st_size)


@functools.lru_cache(maxsize=512)
def _read_imports(file: Path, _modified: int, _size: int) -> tuple[Imported, ...]:
    try:
        return tuple(imports_of(survey(ast.parse(file.read_bytes()), whole=False)))
    except (OSError, SyntaxError, ValueError, RecursionError):
        return ()  # it is not the script; Python will say what is wrong with it
