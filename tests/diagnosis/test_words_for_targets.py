"""What is advised can be done where the service runs."""

from __future__ import annotations

import pytest

from jupyter_mldeploy.diagnosis import diagnose
from jupyter_mldeploy.evidence import Evidence


@pytest.mark.parametrize(
    ("target", "without"),
    [("local", ("kubectl", "docker", "container")), ("container", ("kubectl",)), ("kubernetes", ("docker",))],
)
def test_evidence_that_does_not_tell_gives_advice_for_its_target(target: str, without: tuple[str, ...]) -> None:
    told = diagnose(Evidence(stage="launch", target=target, service="adder", exit_code=1, log="it is over"))
    assert told.cause == "insufficient-evidence"
    for words in without:
        assert words not in told.to_text()


def test_a_build_that_failed_on_the_local_target_shows_its_own_log() -> None:
    told = diagnose(Evidence(stage="build", target="local", service="adder", exit_code=2, build_log="it is over"))
    assert "mldeploy logs adder --build" in told.to_text()
    assert "type:  mldeploy logs adder --build" in told.to_text()


def test_a_line_of_requirements_is_named_where_the_file_is_the_users_own() -> None:
    line = "error: Unexpected '-', expected '-c', '-e', '-r' or the start of a requirement: requirements.txt:1:1"
    told = diagnose(Evidence(stage="build", exit_code=2, build_log=line))
    assert told.cause == "pip-requirements-invalid"
    assert "{" not in told.remedy


@pytest.mark.parametrize(("name", "command"), [("cell [20]", "%%deploy"), ("score.py", "--entry_script score.py")])
def test_init_is_called_by_hand_where_the_script_is(name: str, command: str) -> None:
    failure = {"stage": "init", "kind": "exception", "message": "init() raised KeyError", "line": 3, "file": "score.py"}
    told = diagnose(Evidence(stage="init", target="local", service="adder", script_name=name, failure=failure))
    assert told.cause == "crashloop-init-exception"
    assert command in told.steps[1]
    assert "cell [20]" not in told.steps[1], "a cell is no file"
