"""What is told of a service that cannot be looked at, and of one that its user has stopped."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from jupyter_mldeploy import Service, deploy
from jupyter_mldeploy.config import MLDeploy
from jupyter_mldeploy.diagnosis import diagnose
from jupyter_mldeploy.evidence import Evidence
from jupyter_mldeploy.notebook.explanation import explain_diagnosis
from jupyter_mldeploy.records import Record, Records
from jupyter_mldeploy.spec import Environment, InferenceConfig, Script, ServiceSpec, Target, TargetKind

SCRIPT = "def init():\n    pass\ndef run(data):\n    return 1\n"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own."""
    monkeypatch.setenv("MLDEPLOY_HOME", str(tmp_path))
    MLDeploy.clear_instance()
    return tmp_path


def left_running(home: Path, kind: TargetKind, context: str | None = None) -> Service:
    """A service that ran when its record was written."""
    script = Script(text=SCRIPT, origin="score.py")
    inference = InferenceConfig(script, None, Environment(name="small"))
    spec = ServiceSpec(name="iris", inference=inference, target=Target(kind, context=context))
    records = Records(home)
    records.write(Record(spec=spec, state="running"))
    return Service("iris", records)


def test_an_engine_that_does_not_answer_is_the_cause(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{home}/no.sock")
    told = left_running(home, TargetKind.CONTAINER).diagnose()
    assert (told.cause, told.facts["socket"]) == ("docker-daemon-not-running", f"unix://{home}/no.sock")
    assert "FAILED: Docker is not running" in told.to_text()


def config(server: str) -> str:
    return (
        "{apiVersion: v1, kind: Config, current-context: here, users: [{name: me, user: {token: t}}], "
        f"clusters: [{{name: one, cluster: {{server: '{server}'}}}}], "
        "contexts: [{name: here, context: {cluster: one, user: me}}]}"
    )


@pytest.mark.parametrize(
    ("written", "context", "cause"),
    [
        (None, None, "kubeconfig-missing"),
        ("{", None, "kubeconfig-missing"),
        (config("https://127.0.0.1:1"), "elsewhere", "kube-context-missing"),
    ],
)
def test_a_kubeconfig_that_cannot_be_used_is_the_cause(
    home: Path, monkeypatch: pytest.MonkeyPatch, written: str | None, context: str | None, cause: str
) -> None:
    file = home / "config.yaml"
    if written is not None:
        file.write_text(written)
    monkeypatch.setenv("KUBECONFIG", str(file))
    told = left_running(home, TargetKind.KUBERNETES, context).diagnose()
    assert told.cause == cause
    assert "POD" not in told.to_text()


def test_a_cluster_that_refuses_the_connection_is_the_cause(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as bound:  # and nothing listens
        bound.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{bound.getsockname()[1]}"
        (home / "config.yaml").write_text(config(f"https://{address}"))
        monkeypatch.setenv("KUBECONFIG", str(home / "config.yaml"))
        told = left_running(home, TargetKind.KUBERNETES).diagnose()
    assert (told.cause, told.facts["server"]) == ("apiserver-unreachable", address)
    assert told.facts["reason"] == "the connection is refused"


def test_a_service_that_its_user_stopped_is_said_to_be_stopped(home: Path) -> None:
    (home / "score.py").write_text(SCRIPT)
    made = deploy(home / "score.py", "iris", target="local")
    try:
        made.stop()
        told = made.diagnose()
        assert (told.cause, told.title) == ("", "the service is stopped")
        assert "type:  mldeploy start iris" in told.to_text()
        assert explain_diagnosis(told).actions[0].command == "%service_start iris"
        made.start()
        told = made.diagnose()
        assert (told.cause, told.title) == ("", "nothing is wrong")
        assert "start" not in [action.kind for action in told.actions]
    finally:
        made.delete()


@pytest.mark.parametrize(
    ("message", "ended"),
    [
        ("Its Deployment wants no replica: somebody scaled it to 0.", "scaled to 0"),
        ("Its Deployment in namespace 'default' is gone.", "deleted"),
    ],
)
def test_what_a_cluster_says_of_a_deployment_that_somebody_ended(message: str, ended: str) -> None:
    failure = {"stage": "run", "kind": "gone", "message": message}
    told = diagnose(Evidence(stage="run", target="kubernetes", service="iris", failure=failure))
    assert (told.cause, told.facts["ended"]) == ("process-gone", ended)
    assert "type:  mldeploy start iris" in told.to_text()
    assert "POD" not in told.to_text()
