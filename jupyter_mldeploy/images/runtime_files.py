"""The scoring server as it goes into every image: the runtime's folder, which stands alone, and how it is started there."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from jupyter_mldeploy.images.entries import Entry

__all__ = ["FRONT_REQUIREMENTS", "runtime_entries"]

# What the front needs besides the standard library. Only ready-made wheels are taken: slim images have no compiler.
FRONT_REQUIREMENTS = ("httptools>=0.6,<1", "uvloop>=0.20,<1")

_PACKAGE = Path(__file__).parents[1]
_INSIDE = Path(__file__).with_name("inside")


@cache
def runtime_entries() -> tuple[Entry, ...]:
    """Entries under ``runtime/``; read once, because a running kernel keeps the package it was started with."""
    return tuple(sorted(_entries(), key=lambda entry: entry.path))


def _entries() -> Iterator[Entry]:
    for name in ("__init__.py", "_version.py"):
        yield Entry(f"runtime/jupyter_mldeploy/{name}", (_PACKAGE / name).read_bytes())
    for file in (_PACKAGE / "runtime").rglob("*.py"):
        yield Entry(f"runtime/jupyter_mldeploy/{file.relative_to(_PACKAGE).as_posix()}", file.read_bytes())
    for file in _INSIDE.glob("*.py"):
        if file.name != "__init__.py":
            yield Entry(f"runtime/{file.name}", file.read_bytes())
    yield Entry("runtime/mldeploy_v1_names.pth", b"import mldeploy_v1_names\n")
