"""What is advised can be done where the service runs."""

from __future__ import annotations

import pytest

from jupyter_mldeploy.diagnosis import diagnose
from jupyter_mldeploy.diagnosis.actions import carried_out_on
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


REFUSED = {
    "LimitRange": (
        ('pods "a-1" is forbidden: maximum memory usage per Container is 256Mi, but limit is 512Mi.',),
        None,
        "--memory 256Mi",
    ),
    "LimitRange of processors": (
        ('pods "a-1" is forbidden: maximum cpu usage per Container is 250m, but limit is 1',),
        None,
        "--cpu 0.25",
    ),
    "quota": (
        (
            (
                'pods "a-1" is forbidden: exceeded quota: q, requested: limits.memory=1Gi,requests.memory=1Gi, used: '
                "limits.memory=256Mi,requests.memory=256Mi, limited: limits.memory=768Mi,requests.memory=512Mi"
            ),
        ),
        2**30,
        "--memory 256Mi",
    ),
    "quota with nothing left": (
        (
            (
                'pods "a-1" is forbidden: exceeded quota: q, requested: requests.memory=1Gi, used: requests.memory=1Gi, '
                "limited: requests.memory=1Gi"
            ),
        ),
        2**30,
        "",
    ),
    "nodes": (("0/1 nodes are available: 1 Insufficient memory.",), 800 * 2**20, "--memory 400Mi"),
    "nodes, nothing known": (("0/1 nodes are available: 1 Insufficient cpu.",), None, ""),
    "a node": (
        ("Node didn't have enough resource: memory, requested: 1073741824, used: 536870912, capacity: 1073741824",),
        None,
        "--memory 512Mi",
    ),
}


@pytest.mark.parametrize(("events", "limit", "less"), REFUSED.values(), ids=REFUSED)
def test_what_is_suggested_is_less_than_what_was_refused(events: tuple[str, ...], limit: int | None, less: str) -> None:
    told = diagnose(
        Evidence(stage="schedule", target="kubernetes", service="adder", k8s_events=events, memory_limit=limit)
    )
    offered = [action.command for action in told.actions if action.kind == "lower-request"]
    assert offered == ([f"%service_update adder {less}"] if less else [])


@pytest.mark.parametrize(("target", "offered"), [("local", False), ("container", True), ("kubernetes", False)])
def test_a_debugger_is_offered_where_one_can_be_attached(target: str, offered: bool) -> None:
    failure = {"stage": "run", "kind": "exception", "message": "run() raised KeyError", "line": 3, "file": "score.py"}
    told = diagnose(Evidence(stage="run", target=target, service="adder", http_status=500, failure=failure))
    assert told.cause == "run-exception"
    assert ("mldeploy debug" in told.to_text()) is offered
    kinds = {action.kind for action in carried_out_on(target, told.actions)}
    assert ("attach-debugpy" in kinds) is offered
