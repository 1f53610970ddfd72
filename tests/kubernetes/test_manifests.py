"""The objects of a release, without a cluster: what they are, and what must be true of all."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from jupyter_mldeploy.errors import InvalidValue
from jupyter_mldeploy.spec import Autoscale, Resources
from jupyter_mldeploy.targets.kubernetes.manifests import check_size, config_map, kinds_needed, manifests, owned_by
from jupyter_mldeploy.targets.kubernetes.names import ANNOTATION_RELEASE, ANNOTATION_SPEC, selector
from jupyter_mldeploy.targets.kubernetes.release import Release, with_script

from .releases import RELEASES, TEXT, release

GOLDEN = Path(__file__).parent / "golden"


def of_kind(made: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    (found,) = [one for one in made if one["kind"] == kind]
    return found


def pod_of(made: Release) -> dict[str, Any]:
    template: dict[str, Any] = of_kind(manifests(made, "ns"), "Deployment")["spec"]["template"]
    return template


@pytest.mark.parametrize("name", RELEASES)
def test_golden(name: str, request: pytest.FixtureRequest) -> None:
    made = manifests(RELEASES[name], "team", keys={"admin-token": "secret"})
    # The specification as text has a field more with each that there may be; that it is read back is a test of its own.
    annotations = of_kind(made, "Deployment")["metadata"]["annotations"]
    annotations |= {ANNOTATION_RELEASE: "the specification", ANNOTATION_SPEC: "its digest"}
    text = yaml.safe_dump_all(made, sort_keys=False, width=200)
    path = GOLDEN / f"{name}.yaml"
    if request.config.getoption("--update-golden"):
        path.write_text(text)
    assert text == path.read_text()


@pytest.mark.parametrize("name", RELEASES)
def test_every_object_says_whose_it_is(name: str) -> None:
    for one in manifests(RELEASES[name], "team", keys={"admin-token": "secret"}):
        labels = one["metadata"]["labels"]
        assert one["metadata"]["namespace"] == "team"
        assert labels["app.kubernetes.io/managed-by"] == "jupyter-mldeploy"
        assert labels["app.kubernetes.io/instance"] == labels["app.kubernetes.io/name"] == "iris"


@pytest.mark.parametrize("name", RELEASES)
def test_pods_keep_the_restricted_profile(name: str) -> None:
    spec = pod_of(RELEASES[name])["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    for container in spec["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
    assert {next(iter(volume.keys() - {"name"})) for volume in spec["volumes"]} <= {"configMap", "emptyDir"}


def test_no_request_is_lost_while_pods_change() -> None:
    deployment = of_kind(manifests(release(), "ns"), "Deployment")
    assert deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    spec = deployment["spec"]["template"]["spec"]
    stop = int(spec["containers"][0]["lifecycle"]["preStop"]["exec"]["command"][-1])
    assert 0 < stop < spec["terminationGracePeriodSeconds"]


def test_an_edited_script_makes_no_new_pods() -> None:
    edited = release(text=TEXT.replace("return data", "return [data]"))
    assert pod_of(release()) == pod_of(edited)
    assert config_map(release())["data"]["script"] != config_map(edited)["data"]["script"]


def test_another_revision_makes_new_pods_with_a_config_of_their_own() -> None:
    assert pod_of(release(revision=1)) != pod_of(release(revision=2))
    volume = pod_of(release(revision=2))["spec"]["volumes"][0]
    assert volume["configMap"]["name"] == config_map(release(revision=2))["metadata"]["name"] == "iris-config-2"


def test_the_selector_never_changes() -> None:
    for made in RELEASES.values():
        deployment = of_kind(manifests(made, "ns"), "Deployment")
        assert deployment["spec"]["selector"]["matchLabels"] == selector("iris")
        assert selector("iris").items() <= deployment["spec"]["template"]["metadata"]["labels"].items()


def test_a_secret_is_nowhere_but_in_the_secret() -> None:
    made = manifests(RELEASES["full"], "ns", keys={"admin-token": "hush-hush", "scoring-keys": ""})
    secret = of_kind(made, "Secret")
    assert base64.b64decode(secret["data"]["admin-token"]) == b"hush-hush"
    assert set(secret["data"]) == {"admin-token"}
    assert "hush-hush" not in json.dumps([one for one in made if one["kind"] != "Secret"])
    assert "Secret" not in {one["kind"] for one in manifests(RELEASES["full"], "ns")}


def test_limits_are_requests() -> None:
    resources = pod_of(RELEASES["full"])["spec"]["containers"][0]["resources"]
    assert (
        resources["requests"]
        == resources["limits"]
        == {
            "cpu": "500m",
            "memory": "536870912",
            "nvidia.com/gpu": "1",
        }
    )
    assert pod_of(release())["spec"]["containers"][0]["resources"] == {}


def test_a_worker_meets_its_own_limit_before_the_pods() -> None:
    service = json.loads(config_map(release(resources=Resources(memory=512 * 1024**2)))["data"]["service.json"])
    assert 0 < service["worker"]["memory_bytes"] < 512 * 1024**2


@pytest.mark.parametrize(
    ("wishes", "kind"),
    [
        ({"autoscale": Autoscale(1, 1)}, None),
        ({"autoscale": Autoscale(1, 4)}, "HorizontalPodAutoscaler"),
        ({"autoscale": Autoscale(1, 4), "keda": True}, "ScaledObject"),
        ({"autoscale": Autoscale(1, None)}, "HorizontalPodAutoscaler"),
    ],
)
def test_what_scales(wishes: dict[str, Any], kind: str | None) -> None:
    found = kinds_needed(release(**wishes)) & {"HorizontalPodAutoscaler", "ScaledObject"}
    assert found == ({kind} if kind else set())


def test_the_number_of_replicas_is_the_autoscalers_where_there_is_one() -> None:
    assert "replicas" not in of_kind(manifests(release(autoscale=Autoscale(1, 4)), "ns"), "Deployment")["spec"]
    assert of_kind(manifests(release(autoscale=Autoscale(3, 3)), "ns"), "Deployment")["spec"]["replicas"] == 3


def test_a_budget_only_where_one_replica_can_be_spared() -> None:
    assert "PodDisruptionBudget" not in kinds_needed(release())
    assert "PodDisruptionBudget" in kinds_needed(release(autoscale=Autoscale(2, 2)))


def test_one_owner_for_all() -> None:
    made = owned_by(manifests(RELEASES["keda"], "ns", keys={}), "1-2-3")
    for one in made:
        owners = [owner["uid"] for owner in one["metadata"].get("ownerReferences", ())]
        assert owners == ([] if one["kind"] == "Deployment" else ["1-2-3"])


def test_a_release_is_read_back_from_its_deployment() -> None:
    for made in RELEASES.values():
        deployment = of_kind(manifests(made, "ns"), "Deployment")
        read = Release.from_objects(deployment)
        assert read is not None
        assert replace(read, spec=with_script(read.spec, made.spec.inference.script.text)) == made


def test_two_lives_of_a_name_share_nothing_that_is_mounted() -> None:
    first, second = (
        {
            one["metadata"]["name"]
            for one in manifests(release(birth=birth), "ns", keys={})
            if one["kind"] in {"ConfigMap", "Secret"}
        }
        for birth in ("a1b2c3", "d4e5f6")
    )
    assert first == {"iris-config-1-a1b2c3", "iris-keys-a1b2c3"}
    assert first.isdisjoint(second)


def test_a_deployment_of_somebody_else_is_no_release() -> None:
    assert Release.from_objects({"metadata": {"name": "x"}}) is None
    assert Release.from_objects({"metadata": {"annotations": {"jupyter-mldeploy/release": "{"}}}) is None


def test_a_script_that_no_config_map_can_hold_is_refused() -> None:
    check_size(release(text=TEXT + "#" * 1_000_000))
    with pytest.raises(InvalidValue, match="at most 1 048 576") as refused:
        check_size(release(text=TEXT + "#" * 1_048_576))
    assert "registered model" in refused.value.hint
