"""What is said of a file, a library, a port holds where the service runs, and for what is known of it."""

from __future__ import annotations

import pytest

from jupyter_mldeploy.diagnosis import diagnose
from jupyter_mldeploy.diagnosis.report import Diagnosis
from jupyter_mldeploy.evidence import Evidence


def _opened(path: str, target: str) -> Diagnosis:
    log = (
        'Traceback (most recent call last):\n  File "/srv/score.py", line 4, in init\n'
        f"    open(PATH)\nFileNotFoundError: [Errno 2] No such file or directory: '{path}'\n"
    )
    told = diagnose(Evidence(stage="init", target=target, exit_code=3, log=log))
    assert told.cause == "config-file-missing"
    return told


@pytest.mark.parametrize("path", ["/etc/nope/settings.yaml", "C:\\conf\\settings.yaml"])
def test_an_absolute_path_is_not_joined_to_another(path: str) -> None:
    told = _opened(path, "container")
    assert f'"{path}")' not in told.remedy
    assert '"settings.yaml")' in told.steps[1]
    assert "is absolute" in told.steps[1]


def test_a_relative_path_is_joined_as_it_is() -> None:
    told = _opened("conf/settings.yaml", "container")
    assert '"conf/settings.yaml")' in told.steps[1]
    assert "is absolute" not in told.steps[1]


def test_on_this_machine_there_is_no_container_that_lacks_a_file() -> None:
    told = _opened("/etc/nope/settings.yaml", "local")
    assert "container" not in told.to_text()
    assert "on your machine" not in told.to_text()
    assert "dockerignore" not in told.to_text()
