"""Rights, credentials, and an API server that is not there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from jupyter_mldeploy import service, services
from jupyter_mldeploy.errors import InvalidValue, NotFound, TargetUnavailable
from jupyter_mldeploy.targets.kubernetes.delivery import way_for
from jupyter_mldeploy.targets.kubernetes.rights import rights_needed

from ..contract.conftest import Deploy
from ..contract.scripts import ADDING, edited
from ..infra.cluster import TestCluster
from .conftest import Namespaces
from .under_test import KubernetesUnderTest

RBAC = "apis/rbac.authorization.k8s.io/v1"


class User:
    """A service account with its own kubeconfig."""

    def __init__(self, target: KubernetesUnderTest, cluster: TestCluster, folder: Path) -> None:
        self._target = target
        self._kubeconfig = yaml.safe_load(Path(cluster.kubeconfig).read_text())
        self.path = folder / "user.kubeconfig"
        self._post("api/v1", "serviceaccounts", {"kind": "ServiceAccount", "metadata": {"name": "ann"}})

    def log_in(self) -> None:
        """Write a kubeconfig with a token that the cluster takes."""
        told = self._post("api/v1", "serviceaccounts/ann/token", {"apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}})  # fmt: skip
        self.write(told["status"]["token"])

    def write(self, token: str) -> None:
        config = {**self._kubeconfig, "users": [{"name": "ann", "user": {"token": token}}]}
        config["contexts"] = [
            {**one, "context": {**one["context"], "user": "ann"}}
            for one in config["contexts"]
            if one["name"] == self._kubeconfig["current-context"]
        ]
        self.path.write_text(yaml.safe_dump(config))

    def allow(self, rights: list[tuple[str, str, str, str]]) -> None:
        rules = [
            {"apiGroups": [group], "resources": [plural + (f"/{part}" if part else "")], "verbs": [verb]}
            for group, plural, part, verb in rights
        ]
        self._forbid()
        self._post(RBAC, "roles", {"kind": "Role", "metadata": {"name": "ann"}, "rules": rules})
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "ann"}
        subject = {"kind": "ServiceAccount", "name": "ann", "namespace": self._target.namespace}
        body = {"kind": "RoleBinding", "metadata": {"name": "ann"}, "roleRef": role, "subjects": [subject]}
        self._post(RBAC, "rolebindings", body)

    def remove(self) -> None:
        self._forbid()
        self._delete("api/v1", "serviceaccounts")

    def _forbid(self) -> None:
        self._delete(RBAC, "rolebindings")
        self._delete(RBAC, "roles")

    def _delete(self, group: str, plural: str) -> None:
        self._target.cluster.send("DELETE", f"/{group}/namespaces/{self._target.namespace}/{plural}/ann")

    def _post(self, group: str, plural: str, body: dict[str, Any]) -> dict[str, Any]:
        version = group.partition("/")[2]
        sent = {"apiVersion": version, **body}
        reply = self._target.cluster.send(
            "POST",
            f"/{group}/namespaces/{self._target.namespace}/{plural}",
            body=json.dumps(sent).encode(),
            headers={"Content-Type": "application/json"},
        )
        assert reply.status < 300, reply.text
        told: dict[str, Any] = json.loads(reply.body)
        return told


@pytest.fixture
def ann(target: KubernetesUnderTest, cluster: TestCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    user = User(target, cluster, tmp_path)
    user.log_in()
    monkeypatch.setenv("KUBECONFIG", str(user.path))
    yield user
    monkeypatch.setenv("KUBECONFIG", cluster.kubeconfig)
    user.remove()


def test_missing_rights_are_named_verb_by_verb_before_anything_is_made(
    deployed: Deploy, target: KubernetesUnderTest, ann: User
) -> None:
    missing = {("apps", "deployments", "", "patch"), ("", "pods", "log", "get")}
    ann.allow([right for right in rights_needed(()) if right not in missing])
    with pytest.raises(TargetUnavailable) as refused:
        deployed()
    assert "missing are patch deployments.apps; get pods/log" in refused.value.summary
    assert services() == []
    assert target.leftovers() == []


def test_the_rights_that_are_asked_for_suffice(deployed: Deploy, ann: User, script: Path) -> None:
    ann.allow(rights_needed(()))
    made = deployed(sample={"x": 1})
    script.write_text(edited(ADDING, 'given["x"] + 1', 'given["x"] + 100'))
    made.reload()
    assert made.run({"x": 1})["sum"] == 101
    assert "init ran" in made.logs()
    made.delete()
    assert services() == []


def test_a_token_that_has_run_out(deployed: Deploy, ann: User) -> None:
    ann.write("no.such.token")
    with pytest.raises(TargetUnavailable, match="Unauthorized") as refused:
        deployed()
    assert "Log in to the cluster again" in refused.value.hint
    assert services() == []


def test_a_token_that_is_renewed_while_a_service_runs(deployed: Deploy, ann: User) -> None:
    ann.allow(rights_needed(()))
    made = deployed()
    ann.write("no.such.token")
    assert "Unauthorized" in made.status().message
    ann.log_in()
    assert made.run({"x": 1})["sum"] == 2


def test_no_api_server_there(
    deployed: Deploy, cluster: TestCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = yaml.safe_load(Path(cluster.kubeconfig).read_text())
    for one in config["clusters"]:
        one["cluster"]["server"] = "https://127.0.0.1:9"
    path = tmp_path / "nowhere.kubeconfig"
    path.write_text(yaml.safe_dump(config))
    monkeypatch.setenv("KUBECONFIG", str(path))
    with pytest.raises(TargetUnavailable, match="could not be reached: the connection is refused"):
        deployed()
    monkeypatch.setenv("KUBECONFIG", cluster.kubeconfig)
    assert services() == []


def test_a_stop_and_a_deletion_that_are_refused_leave_all_as_it_was(deployed: Deploy, ann: User) -> None:
    ann.allow(rights_needed(()))
    made = deployed(sample={"x": 1})
    revision = made.record.revision
    ann.write("no.such.token")
    for end in (made.stop, made.delete):
        with pytest.raises(TargetUnavailable, match="Unauthorized"):
            end()
        assert made.record.state == "running"
    assert made.state == "unknown"
    with pytest.raises(TargetUnavailable, match=r"Cannot reload .*Unauthorized"):
        made.reload()
    ann.log_in()
    made.scale(1)
    assert (made.record.revision, made.run({"x": 1})["sum"]) == (revision, 2)


def test_a_log_that_may_not_be_read_is_not_called_empty(deployed: Deploy, ann: User) -> None:
    ann.allow(rights_needed(()))
    made = deployed()
    ann.allow([right for right in rights_needed(()) if right != ("", "pods", "log", "get")])
    with pytest.raises(TargetUnavailable, match=r"refused to show the log of pod .*forbidden"):
        made.logs()


def test_a_service_whose_namespace_is_gone_can_be_deleted(
    deployed: Deploy, namespaces: Namespaces, cluster: TestCluster
) -> None:
    name = namespaces.use()
    made = deployed()
    cluster.connect(name).delete("Namespace", name)
    made.delete()
    assert services() == []


def test_a_script_with_characters_that_yaml_writes_otherwise(deployed: Deploy, script: Path) -> None:
    letters = "😀 ключ \u2028 \x7f \ufeff end"
    script.write_text(edited(ADDING, 'given["x"] + 1', f'len("{letters}")'))
    assert deployed(sample={"x": 1}).run({"x": 1})["sum"] == len(letters)
    script.write_text(edited(ADDING, 'given["x"] + 1', f'len("😀{letters}")'))
    assert deployed().run({"x": 1})["sum"] == len(letters) + 1


def test_a_record_whose_cluster_is_gone_for_good_can_be_forgotten(
    deployed: Deploy, cluster: TestCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: KubernetesUnderTest
) -> None:
    made = deployed()
    config = yaml.safe_load(Path(cluster.kubeconfig).read_text())
    for one in config["contexts"]:
        one["name"] = config["current-context"] = "renamed"
    path = tmp_path / "renamed.kubeconfig"
    path.write_text(yaml.safe_dump(config))
    monkeypatch.setenv("KUBECONFIG", str(path))
    with pytest.raises(TargetUnavailable, match="There is no kubeconfig context") as refused:
        made.delete()
    assert "mldeploy delete adder --forget" in refused.value.hint
    made.delete(forget=True)
    assert services() == []
    monkeypatch.setenv("KUBECONFIG", cluster.kubeconfig)
    service("adder").delete()  # its objects were still there, and are found again


def test_where_no_cluster_is_asked_for_a_service_it_is_said(
    home: Path, cluster: TestCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", cluster.kubeconfig)
    with pytest.raises(NotFound, match="MLDEPLOY_TARGET=kubernetes"):
        service("nowhere")


@pytest.mark.parametrize("registry", ["http://registry.example", "127.0.0.1:", "registry.example/Team", "two words"])
def test_a_registry_that_is_no_name_of_one_is_refused_first(registry: str) -> None:
    with pytest.raises(InvalidValue, match="write host and path"):
        way_for("anywhere", registry, None)
    assert way_for("anywhere", "registry.example:5000/team/", None).registry == "registry.example:5000/team"
