"""Disks that are full, folders that cannot be written, records that are damaged."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_mldeploy import Service, register_model, service, services
from jupyter_mldeploy.config import MLDeploy
from jupyter_mldeploy.errors import RecordDamaged, StorageError

from .conftest import Deploy
from .target_under_test import TargetUnderTest

MEBIBYTE = 1024**2


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one mebibyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], check=False, capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("needs the right to mount a small file system")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path, leave: int = 0) -> Path:
    """Use the disk up, but for so many bytes."""
    filling = disk / "filling"
    descriptor = os.open(filling, os.O_WRONLY | os.O_CREAT)
    with contextlib.suppress(OSError):
        while True:
            os.write(descriptor, b"\0" * 4096)
    os.close(descriptor)
    if leave:
        os.truncate(filling, filling.stat().st_size - leave)
    return filling


@pytest.mark.parametrize("leave", [0, 8192, 16384, 32768], ids=lambda size: f"{size} bytes free")
def test_a_full_disk_is_said_and_nothing_is_left(
    small_disk: Path, deployed: Deploy, target: TargetUnderTest, monkeypatch: pytest.MonkeyPatch, leave: int
) -> None:
    home = small_disk / "home"
    home.mkdir()
    _use(home, monkeypatch)
    target.home = home
    filling = fill(small_disk, leave)
    said = _what_the_disk_says(deployed)
    assert "No space left on device" in said or (leave and said == "")
    for made in services():
        made.delete()
    assert target.leftovers() == []
    filling.unlink()
    assert deployed().run({"x": 1})["sum"] == 2
    for made in services():
        made.delete()


def _what_the_disk_says(deployed: Deploy) -> str:
    try:
        deployed()
    except StorageError as error:
        return str(error)
    return ""


def test_a_full_disk_during_registration_leaves_no_half_model(
    small_disk: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _use(small_disk / "home", monkeypatch)
    large = tmp_path / "large.bin"
    large.write_bytes(os.urandom(2 * MEBIBYTE))
    with pytest.raises(StorageError, match="No space left on device"):
        register_model("large", large)
    assert [path for path in (small_disk / "home").rglob("*") if path.is_file() and path.stat().st_size > 4096] == []


def test_a_home_that_cannot_be_written_is_said(
    deployed: Deploy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("not a folder")
    _use(in_the_way / "home", monkeypatch)
    with pytest.raises(StorageError) as refused:
        deployed()
    assert str(in_the_way / "home") in refused.value.summary
    assert "MLDEPLOY_HOME" in refused.value.hint
    _use(tmp_path / "home", monkeypatch)


def test_a_home_on_a_disk_that_is_only_read_is_said(
    small_disk: Path, home: Path, deployed: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    _use(small_disk / "home", monkeypatch)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(StorageError, match="Read-only file system"):
        deployed()
    assert services() == []
    _use(home, monkeypatch)


def _use(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLDEPLOY_HOME", str(home))
    MLDeploy.clear_instance()


def test_a_damaged_record_is_kept_aside_and_said(deployed: Deploy, target: TargetUnderTest, home: Path) -> None:
    made = deployed()
    path = home / "services" / "adder" / "service.json"
    before = path.read_text()[:100]
    path.write_text(before)
    with pytest.raises(RecordDamaged) as refused:
        _ = made.state
    assert "The record of 'adder' could not be read" in refused.value.summary
    kept = list(path.parent.glob("service.json.damaged-*"))
    assert [file.read_text() for file in kept] == [before]
    assert str(kept[0]) in refused.value.summary
    made.delete()
    assert target.leftovers() == []


def test_a_damaged_record_is_no_reason_to_hide_the_others(deployed: Deploy, home: Path) -> None:
    deployed()
    deployed(name="other")
    (home / "services" / "adder" / "service.json").write_text("{")
    with pytest.warns(UserWarning, match="The record of 'adder' could not be read"):
        found = services()
    assert [made.name for made in found] == ["other"]
    with pytest.warns(UserWarning, match="The record of 'adder' could not be read"):
        services()  # said as long as it is so
    with pytest.raises(RecordDamaged):
        Service("adder").status()
    Service("adder").delete()
    assert [made.name for made in services()] == ["other"]


def test_deploying_again_after_a_damaged_record_leaves_one_service(
    deployed: Deploy, target: TargetUnderTest, home: Path
) -> None:
    deployed()
    folder = home / "services" / "adder"
    (folder / "service.json").write_text("{")
    with pytest.raises(RecordDamaged):
        service("adder")
    before = len(target.leftovers())
    again = deployed()
    assert again.run({"x": 1})["sum"] == 2
    assert len(target.leftovers()) == before
    assert list(folder.glob("service.json.damaged-*"))


@pytest.mark.parametrize("content", ["[]", '{"admin_token":', ""])
def test_damaged_secrets_of_one_service_hide_no_other(deployed: Deploy, home: Path, content: str) -> None:
    deployed(name="other")
    made = deployed()
    secrets = home / "services" / "adder" / "secrets.json"
    kept = secrets.read_bytes()
    secrets.write_text(content)
    assert [known.name for known in services()] == ["adder", "other"]
    assert isinstance(made.status().state, str)
    secrets.write_bytes(kept)
    assert made.run({"x": 1})["sum"] == 2
