"""What goes into a build context: entries, their digest, and the stream of them.

A context is never written to disk: a model of 10 GB is read once, while it is sent.
"""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from jupyter_mldeploy.errors import StorageError
from jupyter_mldeploy.events import Cancel

__all__ = ["Entry", "digest_of", "entries_of_tree", "stream"]

CHUNK = 1 << 20


@dataclass(frozen=True)
class Entry:
    """One file or link of a build context.

    Attributes:
        path: Where it stands in the context.
        content: Its bytes, for what is written here.
        source: The file it is read from, for what is on disk.
        link: What a symbolic link points to.
        digest: SHA-256 where it is known already, so that a large file need not be read to name an image.
        executable: Whether it may be run.
    """

    path: str
    content: bytes = field(default=b"", repr=False)
    source: Path | None = None
    link: str = ""
    digest: str = ""
    executable: bool = False


def entries_of_tree(source: Path, path: str, digest: str) -> Iterator[Entry]:
    """Entries of a file or folder of the model registry; ``digest`` is that of the whole."""
    if not source.is_dir():
        yield Entry(path, source=source, digest=digest)
        return
    for file in sorted(source.rglob("*")):
        if file.is_file():
            yield Entry(f"{path}/{file.relative_to(source).as_posix()}", source=file, digest=digest)


def digest_of(entries: Iterable[Entry]) -> str:
    """SHA-256 over paths and contents."""
    total = hashlib.sha256()
    for entry in entries:
        if entry.digest:
            content = entry.digest
        elif entry.source is not None:
            with entry.source.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
        else:
            content = hashlib.sha256(entry.content or entry.link.encode()).hexdigest()
        kind = "link" if entry.link else "program" if entry.executable else "file"
        total.update(f"{entry.path}\0{kind}\0{content}\n".encode())
    return total.hexdigest()


def stream(entries: Iterable[Entry], cancel: Cancel) -> Iterator[bytes]:
    """The entries as a tar, in pieces. Owners and times are left out, so that equal contexts are equal to the engine.

    Raises:
        StorageError: A file could not be read, or changed while it was.
        Cancelled: ``cancel`` was set.
    """
    folders: set[str] = set()
    for entry in entries:
        cancel.check()
        for folder in reversed([str(parent) for parent in Path(entry.path).parents][:-1]):
            if folder not in folders:
                folders.add(folder)
                yield _header(folder, tarfile.DIRTYPE, 0o755)
        if entry.link:
            yield _header(entry.path, tarfile.SYMTYPE, 0o777, link=entry.link)
        elif entry.source is None:
            yield _header(entry.path, tarfile.REGTYPE, 0o755 if entry.executable else 0o644, len(entry.content))
            yield entry.content + _padding(len(entry.content))
        else:
            yield from _file(entry, entry.source, cancel)
    yield bytes(2 * tarfile.BLOCKSIZE)


def _file(entry: Entry, source: Path, cancel: Cancel) -> Iterator[bytes]:
    try:
        with source.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(0)
            executable = entry.executable or bool(source.stat().st_mode & 0o100)
            yield _header(entry.path, tarfile.REGTYPE, 0o755 if executable else 0o644, size)
            left = size
            while left:
                cancel.check()
                piece = file.read(min(CHUNK, left))
                if not piece:
                    raise StorageError(f"{str(source)!r} became shorter while it was sent to the engine.")
                left -= len(piece)
                yield piece
            yield _padding(size)
    except OSError as error:
        raise StorageError(f"{str(source)!r} could not be read: {error.strerror}.") from error


def _header(path: str, kind: bytes, mode: int, size: int = 0, link: str = "") -> bytes:
    info = tarfile.TarInfo(path)
    info.type, info.mode, info.size, info.linkname = kind, mode, size, link
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _padding(size: int) -> bytes:
    return bytes(-size % tarfile.BLOCKSIZE)
