"""Revisions of a service, going back to one, and what others have in the namespace."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jupyter_mldeploy import service
from jupyter_mldeploy.cli import main
from jupyter_mldeploy.config import MLDeploy
from jupyter_mldeploy.errors import Conflict, DeploymentFailed, NotFound
from jupyter_mldeploy.notebook.listing import services_table
from jupyter_mldeploy.targets.kubernetes.manifests.pods import pod_template
from jupyter_mldeploy.targets.kubernetes.names import labels

from ..contract.conftest import Deploy
from ..contract.scripts import ADDING, edited
from .conftest import Namespaces
from .releases import release
from .under_test import KubernetesUnderTest

LEVEL = edited(ADDING, 'given["x"] + 1', 'given["x"] + int(os.environ["LEVEL"])')
BROKEN = edited(ADDING, '    print("init ran")', '    raise ValueError("as asked")')


def test_a_service_goes_back_to_an_earlier_revision(deployed: Deploy, capsys: pytest.CaptureFixture[str]) -> None:
    made = deployed(LEVEL, env={"LEVEL": "10"})
    first = made.spec.inference.script.hash
    made.update(env={"LEVEL": "20"}, memory="300Mi")
    with pytest.raises(DeploymentFailed):
        made.update(script=Path("score.py").write_text(BROKEN) and "score.py", memory="310Mi")
    Path("score.py").write_text(edited(LEVEL, "int(os", "2 * int(os"))
    made.update(script="score.py", memory="320Mi")
    assert made.run({"x": 1})["sum"] == 41

    revisions = made.history()
    assert [one.current for one in revisions] == [True, False, False]
    assert [one.spec.resources.memory for one in revisions] == [320 * 2**20, 300 * 2**20, None]
    assert revisions[2].spec.inference.script.hash == first
    assert [one.changes for one in revisions] == [
        ("script changed", "memory 300Mi → 320Mi"),
        ("memory unlimited → 300Mi", "variables LEVEL changed"),
        (),
    ]
    assert made.logs(build=True), "the last change built nothing, and its image has a log all the same"
    with pytest.raises(NotFound, match="has no revision 99"):
        made.rollback(99)
    with pytest.raises(Conflict, match="already"):
        made.rollback(revisions[0].number)

    made.rollback()
    assert made.run({"x": 1})["sum"] == 21
    assert made.spec.resources.memory == 300 * 2**20
    made.scale(2)
    made.rollback(revisions[2].number)
    assert made.run({"x": 1})["sum"] == 11
    assert made.spec.resources.memory is None
    assert made.spec.inference.script.hash == first
    assert made.spec.autoscale.minimum == 2
    assert made.history()[0].number == made.record.details["revision"]

    assert main(["history", "adder", "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["current"] for one in told].count(True) == 1
    assert told[0]["script"] == first


def test_a_new_service_is_told_from_the_last_pods_of_an_old_one(deployed: Deploy, target: KubernetesUnderTest) -> None:
    old = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "adder-old", "namespace": target.namespace, "labels": labels("adder", 1)},
        "spec": {**pod_template(release())["spec"], "serviceAccountName": "default", "nodeSelector": {"is": "nowhere"}},
    }
    target.cluster.create("Pod", old)
    try:
        made = deployed()
        assert made.record.details["revision"] == 2
        assert made.run({"x": 1})["sum"] == 2
    finally:
        target.cluster.delete("Pod", "adder-old")


def test_going_back_needs_neither_the_files_nor_the_home_folder_of_then(
    deployed: Deploy, target: KubernetesUnderTest, script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = deployed(LEVEL, env={"LEVEL": "10"})
    made.update(memory="300Mi")
    script.unlink()
    monkeypatch.setenv("MLDEPLOY_HOME", str(tmp_path / "other"))
    monkeypatch.setenv("MLDEPLOY_REGISTRY", "")
    MLDeploy.clear_instance()
    found = service("adder")
    found.rollback()
    assert found.run({"x": 1})["sum"] == 11
    assert found.spec.resources.memory is None


def test_services_of_others_in_the_namespace_are_shown(
    deployed: Deploy, target: KubernetesUnderTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    deployed(name="theirs")
    monkeypatch.setenv("MLDEPLOY_HOME", str(tmp_path / "other"))
    MLDeploy.clear_instance()
    deployed(name="mine")
    assert list(services_table().index) == ["mine", "theirs"]
    assert services_table().loc["theirs", "state"] == "running"
    capsys.readouterr()
    assert main(["services"]) == 0
    said = capsys.readouterr()
    assert f"http://theirs.{target.namespace}.svc/score" in said.out
    assert "Of no record here: theirs." in said.err
    # Also where the settings say nothing of the cluster: it is one that a service of this home folder is on.
    monkeypatch.delenv("MLDEPLOY_NAMESPACE")
    monkeypatch.delenv("MLDEPLOY_CONTEXT")
    MLDeploy.clear_instance()
    assert service("theirs").run({"x": 1})["sum"] == 2
    assert main(["services", "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [(one["name"], one["state"]) for one in told] == [("mine", "running"), ("theirs", "running")]
    service("theirs").delete()
    service("mine").delete()


def test_a_service_of_the_same_name_in_another_namespace_is_shown_too(
    deployed: Deploy, target: KubernetesUnderTest, namespaces: Namespaces, capsys: pytest.CaptureFixture[str]
) -> None:
    deployed()
    record = target.home / "services" / "adder"
    before, there = target.namespace, namespaces.use()
    record.rename(target.home / "aside")
    deployed()
    capsys.readouterr()
    namespaces.back(before)
    assert main(["services"]) == 0
    said = capsys.readouterr()
    assert {before, there} <= set(said.out.split())
    assert "Of no record" not in said.err, "`status adder` shows the one that is known"
    service("adder").delete()
    assert service("adder").record.place.namespace == before
