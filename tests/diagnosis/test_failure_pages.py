"""``docs/failures/`` is what the catalogue says."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from jupyter_mldeploy.diagnosis.pages import causes

SCRIPT = Path(__file__).parents[2] / "scripts" / "failure_pages.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("failure_pages", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_files_are_current(script: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert script.main(["--check"]) == 0, capsys.readouterr().out


def test_every_cause_is_in_the_index_and_on_a_page(script: ModuleType) -> None:
    files = script.rendered()
    index = files.pop("README.md")
    pages = "\n".join(files.values())
    for cause in causes():
        assert f"[`{cause}`]" in index
        assert f"\n## {cause}\n" in pages
    assert "{" not in index


def test_stale_files_are_found_and_written_again(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "FOLDER", tmp_path)
    assert script.main([]) == 0
    assert script.main(["--check"]) == 0
    (tmp_path / "README.md").write_text("old", "utf-8")
    (tmp_path / "of-another-day.md").write_text("old", "utf-8")
    assert script.main(["--check"]) == 1
    assert script.main([]) == 0
    assert script.main(["--check"]) == 0
    assert not (tmp_path / "of-another-day.md").exists()
