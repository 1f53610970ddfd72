"""What a file or folder holds: found, copied and hashed in one pass.

Files are copied, never hard-linked: a hard link would let a later edit in place change a registered model.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from errno import EDQUOT, ENOSPC, EROFS
from pathlib import Path

from jupyter_mldeploy.errors import InvalidValue, NotFound, StorageError
from jupyter_mldeploy.events import Cancel

__all__ = ["SourceFile", "copy_files", "find_files", "fingerprint", "flush", "hash_of", "storage_errors"]

_CHUNK = 4 * 1024 * 1024
_FICLONE = 0x40049409
_SETTLED = 1_000_000_000
"""Nanoseconds after which a change of a file is sure to give it another time stamp."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class SourceFile:
    """One file (or empty folder) of a source.

    Attributes:
        path: Where it is.
        name: Relative to the source's parent, with ``/``: the source's own name comes first.
        size: Bytes; -1 for an empty folder.
        status: Device, inode, time of change in nanoseconds.
    """

    path: Path
    name: str
    size: int
    status: tuple[int, int, int]


@contextmanager
def storage_errors(doing: str, elsewhere: str = "set MLDEPLOY_HOME to") -> Iterator[None]:
    """Turn errors of the operating system into one sentence: what could not be done, with which file, and why.

    ``elsewhere`` is how another folder is chosen.
    """
    try:
        yield
    except FileNotFoundError as error:
        if not _can_be_made(error.filename):
            raise StorageError(
                f"{doing} failed: no folder can be made at {error.filename}.",
                f"{elsewhere[:1].upper()}{elsewhere[1:]} a folder of yours.",
            ) from error
        raise StorageError(
            f"{doing} failed: {error.filename} vanished meanwhile.", "Something else moves or deletes it; try again."
        ) from error
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        hint = ""
        if error.errno in {ENOSPC, EDQUOT}:
            hint = f"The disk or quota is full: make room, or {elsewhere} a folder on another disk."
        elif isinstance(error, PermissionError | NotADirectoryError | FileExistsError) or error.errno == EROFS:
            hint = f"The folder cannot be written or read: mend its rights, or {elsewhere} a folder of yours."
        raise StorageError(f"{doing} failed: {error.strerror or error}{where}.", hint) from error


def _can_be_made(path: object) -> bool:
    """Whether the file system of a path takes new folders at all: /proc and its like do not, and call it "not found"."""
    folder = Path(str(path)).absolute()
    while not folder.exists():
        folder = folder.parent
    return os.access(folder, os.W_OK) and os.statvfs(folder).f_blocks != 0


def find_files(source: Path) -> list[SourceFile]:
    """All files of a file or folder, sorted by name; links are followed, as the script would follow them.

    Raises:
        NotFound: There is no such file or folder, or a link in it leads nowhere.
        InvalidValue: It is empty, a link in it leads back into itself, or it holds a socket, pipe or device.
    """
    try:
        found = sorted(_walk(source, source.name, ()), key=lambda file: file.name)
    except FileNotFoundError as error:
        missing = Path(error.filename)
        if missing.is_symlink():
            raise NotFound(f"{str(missing)!r} is a link to {str(missing.readlink())!r}, which is not there.") from None
        hint = "" if source.is_absolute() else f"It was looked for in {str(Path.cwd())!r}."
        raise NotFound(f"There is no file or folder {str(missing)!r}.", hint) from None
    except PermissionError as error:
        raise InvalidValue("model", str(source), f"{error.filename} may not be read.") from None
    if not any(file.size >= 0 for file in found):
        raise InvalidValue("model", str(source), "the folder holds no file.")
    return found


def _walk(path: Path, name: str, above: Sequence[tuple[int, int]]) -> Iterator[SourceFile]:
    status = path.stat()
    identity = (status.st_dev, status.st_ino)
    if stat.S_ISREG(status.st_mode):
        yield SourceFile(path, name, status.st_size, (*identity, max(status.st_mtime_ns, status.st_ctime_ns)))
    elif not stat.S_ISDIR(status.st_mode):
        raise InvalidValue("model", str(path), "it is neither a file nor a folder.")
    elif identity in above:
        raise InvalidValue("model", str(path), "this link leads back into the folder itself.")
    else:
        entries = sorted(path.iterdir())
        for entry in entries:
            yield from _walk(entry, f"{name}/{entry.name}", (*above, identity))
        if not entries:
            yield SourceFile(path, name, -1, (*identity, 0))


def fingerprint(files: Sequence[SourceFile]) -> str:
    """Names, sizes, inodes and times in one hash: equal means that nothing was touched, without reading gigabytes.

    ``""`` where a file changed so lately that its next change might carry the same time stamp.
    """
    if any(time.time_ns() - file.status[2] < _SETTLED for file in files if file.size >= 0):
        return ""
    facts = "\n".join(f"{file.name}\0{file.size}\0{file.status}" for file in files)
    return hashlib.sha256(facts.encode("utf-8", "surrogateescape")).hexdigest()


def copy_files(
    files: Sequence[SourceFile],
    folder: Path,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
    *,
    read_only: bool = True,
) -> tuple[str, int]:
    """Copy into ``folder`` and return the hash of what was copied and its size in bytes.

    A ``read_only`` copy can be written by nobody: a registered model does not change under the services that use it.
    """
    total = sum(max(file.size, 0) for file in files)
    done = 0
    lines = []
    for file in files:
        target = folder / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        if file.size < 0:
            target.mkdir()
            lines.append(f"{file.name}/\0")
            continue
        digest = hashlib.sha256()
        for count in _copy(file.path, target, digest, 0o555 if read_only else 0o777):
            done += count
            if cancel is not None:
                cancel.check()
            if progress is not None:
                progress(done, max(total, done))
        lines.append(f"{file.name}\0{digest.hexdigest()}")
    return _hash_lines(lines), done


def hash_of(path: Path) -> tuple[str, int]:
    """The hash and size that ``copy_files`` would return for what is at ``path``."""
    lines = []
    size = 0
    for file in find_files(path):
        if file.size < 0:
            lines.append(f"{file.name}/\0")
            continue
        with file.path.open("rb") as stream:
            lines.append(f"{file.name}\0{hashlib.file_digest(stream, 'sha256').hexdigest()}")
        size += file.size
    return _hash_lines(lines), size


def flush(folder: Path) -> None:
    """Make sure that everything below ``folder`` survives a power cut."""
    for parent, _, names in os.walk(folder):
        for name in (*names, "."):
            descriptor = os.open(os.path.join(parent, name), os.O_RDONLY)  # noqa: PTH118 - as os.walk gives it
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def _copy(source: Path, target: Path, digest: hashlib._Hash, mode: int) -> Iterator[int]:
    with source.open("rb", buffering=0) as reader, target.open("xb", buffering=0) as writer:
        cloned = False
        with suppress(OSError):  # only some file systems share blocks between files (Btrfs, XFS, bcachefs)
            fcntl.ioctl(writer.fileno(), _FICLONE, reader.fileno())
            cloned = True
        with target.open("rb", buffering=0) if cloned else reader as content:
            while chunk := content.read(_CHUNK):
                digest.update(chunk)
                view = memoryview(b"" if cloned else chunk)
                while view:
                    view = view[writer.write(view) :]
                yield len(chunk)
        os.fchmod(writer.fileno(), os.fstat(writer.fileno()).st_mode & mode)


def _hash_lines(lines: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()
