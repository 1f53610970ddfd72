"""Records of services: what several readers at once find of one that is damaged."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jupyter_mldeploy import Service, services
from jupyter_mldeploy.config import MLDeploy
from jupyter_mldeploy.errors import RecordDamaged
from jupyter_mldeploy.records import Records


def test_a_damaged_record_is_said_to_every_reader_and_kept_once(tmp_path: Path) -> None:
    records = Records(tmp_path)
    folder = tmp_path / "services" / "iris"
    folder.mkdir(parents=True)

    def look(_: int) -> str:
        try:
            return str(records.find("iris"))
        except RecordDamaged as damaged:
            return damaged.summary

    for _ in range(30):
        (folder / "service.json").write_text("{")
        with ThreadPoolExecutor(8) as pool:
            told = set(pool.map(look, range(8)))
        assert any("could not be read" in one for one in told)
        assert all("could not be read" in one or one == "None" for one in told)
        assert not (folder / "service.json").exists()
    assert {path.read_text() for path in folder.glob("service.json.damaged-*")} == {"{"}


def test_a_record_that_may_not_be_read_hides_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLDEPLOY_HOME", str(tmp_path))
    MLDeploy.clear_instance()
    (tmp_path / "services" / "odd" / "service.json").mkdir(parents=True)
    with pytest.warns(UserWarning, match=r"service.json' could not be read: Is a directory\."):
        assert services() == []
    Service("odd").delete()
    assert not (tmp_path / "services" / "odd").exists()
    MLDeploy.clear_instance()


def test_a_folder_that_was_copied_beside_the_services_is_none(tmp_path: Path) -> None:
    for name in ("iris", "iris (copy)", ".iris", "x" * 64):
        (tmp_path / "services" / name).mkdir(parents=True)
        (tmp_path / "services" / name / "service.json").write_text("{}")
    assert Records(tmp_path).names() == ["iris"]
