"""What a workspace knows besides models and services themselves, which are the package's own: one JSON file a workspace.

<home>/workspaces/<name>-<hash>/workspace.json   subscription, group, name; what belongs to it, and the words of the v1 API
                                images/          build logs, one a version
                                experiments/<experiment>/<run>/…
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_mldeploy.azureml.exceptions import WorkspaceException
from jupyter_mldeploy.config import settings
from jupyter_mldeploy.records import write_aside

__all__ = ["Book", "books"]

SECTIONS = ("models", "services", "images", "environments", "compute")
FILE = "workspace.json"


class Book:
    """The file of one workspace. ``folder`` is made with the first change.

    Attributes:
        first: What stands in it before anything else is written: whose it is.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.first: dict[str, Any] = {}

    @classmethod
    def of(cls, subscription_id: str, resource_group: str, name: str) -> Book:
        """Of the workspace of these names; Azure does not tell capital letters from small ones, nor do we."""
        identity = f"{subscription_id}\0{resource_group}\0{name}".lower()
        readable = re.sub(r"[^a-z0-9-]+", "-", name.lower()).strip("-") or "workspace"
        return cls(_root() / f"{readable}-{hashlib.sha256(identity.encode()).hexdigest()[:8]}")

    @property
    def exists(self) -> bool:
        """Whether anything was written of it."""
        return (self.folder / FILE).is_file()

    def read(self) -> dict[str, Any]:
        """All of it, every section there."""
        path = self.folder / FILE
        try:
            found = json.loads(path.read_bytes())
        except FileNotFoundError:
            found = {}
        except (OSError, ValueError) as error:
            raise self._unreadable(str(error)) from error
        if not isinstance(found, dict):
            raise self._unreadable("it holds no object with keys")
        if wrong := [section for section in SECTIONS if not isinstance(found.get(section, {}), dict)]:
            raise self._unreadable(f"{wrong[0]!r} is no object with keys")
        return {**{section: {} for section in SECTIONS}, **found}

    def section(self, name: str) -> dict[str, Any]:
        """One section of it."""
        found: dict[str, Any] = self.read()[name]
        return found

    @contextmanager
    def change(self) -> Iterator[dict[str, Any]]:
        """Read, change and write, alone."""
        from filelock import FileLock

        lock = FileLock(self.folder / ".lock")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except OSError as error:
            raise WorkspaceException(
                f"The workspace cannot be kept in {str(self.folder)!r}: {error.strerror}.",
                hint="MLDEPLOY_HOME is the folder that everything is kept in; set it to one that you can write to.",
            ) from error
        try:
            content = self.read()
            if not content.get("name"):
                content.update(self.first)
            yield content
            write_aside(self.folder / FILE, json.dumps(content, indent=1).encode())
        finally:
            lock.release()

    def _unreadable(self, why: str) -> WorkspaceException:
        return WorkspaceException(
            f"What is known of the workspace in {str(self.folder / FILE)!r} cannot be read: {why}.",
            hint="Models and services are kept elsewhere and are whole; move the file away to begin anew.",
        )

    def remove(self) -> None:
        """Forget it."""
        import shutil

        shutil.rmtree(self.folder, ignore_errors=True)


def books() -> list[Book]:
    """Of all workspaces of this home folder."""
    return [Book(path.parent) for path in sorted(_root().glob(f"*/{FILE}"))]


def _root() -> Path:
    return settings().home_path / "workspaces"
