"""Files found, copied, hashed; errors of the system in one sentence."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import pytest

from jupyter_mldeploy.errors import StorageError
from jupyter_mldeploy.registry.content import copy_files, find_files, fingerprint, hash_of, storage_errors


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    (folder / "b" / "empty").mkdir(parents=True)
    (folder / "a").write_bytes(b"1")
    (folder / "b" / "ü").write_bytes(b"22")
    (folder / "nothing").write_bytes(b"")
    return folder


def test_files_are_named_from_the_source_on_and_sorted(tree: Path) -> None:
    found = find_files(tree)
    assert [(file.name, file.size) for file in found] == [
        ("tree/a", 1),
        ("tree/b/empty", -1),
        ("tree/b/ü", 2),
        ("tree/nothing", 0),
    ]


def test_the_hash_of_a_copy_is_the_hash_of_the_original(tree: Path, tmp_path: Path) -> None:
    copied = copy_files(find_files(tree), tmp_path / "copy")
    assert copied == hash_of(tree) == hash_of(tmp_path / "copy" / "tree")
    assert copied[1] == 3


def test_names_and_contents_cannot_stand_for_each_other(tmp_path: Path) -> None:
    hashes = set()
    for number, names in enumerate((["x", "y"], ["x"], ["x\ny"], ["y"])):
        folder = tmp_path / str(number) / "m"
        folder.mkdir(parents=True)
        for name in names:
            (folder / name).write_text("")
        hashes.add(hash_of(folder)[0])
    assert len(hashes) == 4


def test_a_name_that_is_no_text_is_copied(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    (folder / os.fsdecode(b"caf\xe9")).write_text("x")
    files = find_files(folder)
    assert len(copy_files(files, tmp_path / "copy")[0]) == 64
    assert len(fingerprint(files) + "x") >= 1


def test_a_file_that_was_just_written_has_no_fingerprint(tree: Path) -> None:
    assert fingerprint(find_files(tree)) == ""


def test_a_fingerprint_changes_with_name_size_and_time(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: now + 10**10)
    first = fingerprint(find_files(tree))
    assert first == fingerprint(find_files(tree)) != ""
    os.utime(tree / "a", ns=(now, now + 5))
    second = fingerprint(find_files(tree))
    (tree / "a").rename(tree / "c")
    assert len({first, second, fingerprint(find_files(tree))}) == 3


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "No space left on device"),
        (errno.EDQUOT, "MLDEPLOY_HOME"),
        (errno.EACCES, "mend its rights"),
        (errno.EROFS, "MLDEPLOY_HOME"),
        (errno.EIO, "Input/output error"),
        (errno.ENOENT, "vanished meanwhile"),
    ],
)
def test_errors_of_the_system_are_one_sentence_with_what_to_do(number: int, words: str) -> None:
    with pytest.raises(StorageError) as caught, storage_errors("Copying the model 'm'"):
        raise OSError(number, os.strerror(number), "/data/m/weights")
    assert words in str(caught.value)
    assert caught.value.summary.startswith("Copying the model 'm' failed")
    assert "/data/m/weights" in caught.value.summary


def test_a_file_that_vanishes_while_it_is_copied(tree: Path, tmp_path: Path) -> None:
    files = find_files(tree)
    (tree / "a").unlink()
    with pytest.raises(StorageError, match="vanished"), storage_errors("Copying"):
        copy_files(files, tmp_path / "copy")
