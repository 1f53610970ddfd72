"""Debian packages that are asked for where a service is deployed; the images have them, see tests/container/test_image.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_mldeploy import deploy, list_models, services
from jupyter_mldeploy.errors import InvalidValue


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MLDEPLOY_HOME", str(tmp_path / "home"))
    path = tmp_path / "score.py"
    path.write_text("def init(): pass\ndef run(data): return 1\n")
    return path


@pytest.mark.parametrize(
    ("target", "package", "words"),
    [
        ("local", "libgomp1", "the local target runs on this machine as it is"),
        ("container", "libgomp1; reboot", "write the name of a Debian package"),
        ("kubernetes", "--force", "write the name of a Debian package"),
    ],
)
def test_what_cannot_be_installed_is_refused_before_anything_is_made(
    script: Path, target: str, package: str, words: str
) -> None:
    with pytest.raises(InvalidValue, match=words):
        deploy(script, "adder", target=target, apt=[package])
    assert not services()
    assert not list_models()
