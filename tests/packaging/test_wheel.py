"""The wheel alone, in a clean environment without this checkout, holds everything that is needed at run time."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RUNTIME_FILES = {".md", ".css", ".js", ".html", ".typed"}


@pytest.fixture(scope="module")
def uv() -> str:
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    assert found, "uv is part of the development environment"
    return found


@pytest.fixture(scope="module")
def wheel(uv: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([uv, "build", "--wheel", "--out-dir", str(folder), str(ROOT)], check=True, capture_output=True)
    (made,) = folder.glob("*.whl")
    return made


def test_every_file_of_the_package_is_in_the_wheel(wheel: Path) -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "jupyter_mldeploy"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split()
    wanted = {name for name in tracked if name.endswith(".py") or Path(name).suffix in RUNTIME_FILES}
    assert wanted <= set(zipfile.ZipFile(wheel).namelist())


def test_the_catalogues_of_all_languages_are_beside_what_draws_with_them(wheel: Path) -> None:
    held = zipfile.ZipFile(wheel).namelist()
    there = {
        str(path.relative_to(ROOT / "labextension" / "src"))
        for path in (ROOT / "labextension/src/locale").rglob("*.json")
    }
    assert "locale/diagnoses/es.json" in there
    assert {f"jupyter_mldeploy/notebook/{name}" for name in there} <= set(held)


def test_the_wheel_deploys_from_a_clean_environment(wheel: Path, uv: str, tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(environment)], check=True)
    python = environment / "bin" / "python"
    subprocess.run([uv, "pip", "install", "--quiet", "--python", str(python), str(wheel)], check=True)
    (tmp_path / "score.py").write_text("def init(): pass\ndef run(data):\n    return 42\n")
    command = environment / "bin" / "mldeploy"
    elsewhere = {**os.environ, "MLDEPLOY_HOME": str(tmp_path / "home")}

    def mldeploy(*arguments: str) -> str:
        told = subprocess.run(
            [command, *arguments], cwd=tmp_path, env=elsewhere, capture_output=True, text=True, timeout=120, check=False
        )
        assert told.returncode == 0, told.stderr
        return told.stdout

    mldeploy("deploy", "score.py", "--name", "answer")
    try:
        assert mldeploy("run", "answer", "{}").strip() == "42"
    finally:
        mldeploy("delete", "answer", "--yes")
    assert "model-file-not-found" in mldeploy("diagnose", "--list")
