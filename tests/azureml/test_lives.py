"""What is left of a service that was deleted, refused, changed: as the original tells it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from jupyter_mldeploy import service as the_service
from jupyter_mldeploy.azureml.core import Webservice, Workspace
from jupyter_mldeploy.azureml.core.environment import DEFAULT_CPU_IMAGE, Environment
from jupyter_mldeploy.azureml.core.model import InferenceConfig, Model
from jupyter_mldeploy.azureml.core.webservice import AciWebservice, AksWebservice, LocalWebservice
from jupyter_mldeploy.azureml.core.webservice.aks import AutoScaler, ContainerResourceRequirements
from jupyter_mldeploy.azureml.core.webservice.aks_configuration import settings_after
from jupyter_mldeploy.azureml.exceptions import UserErrorException, WebserviceException

pytestmark = [pytest.mark.timeout(300), pytest.mark.filterwarnings("ignore")]


@pytest.fixture
def ws(project: Path) -> Workspace:
    (project / "plain.py").write_text("def init():\n    pass\n\ndef run(data):\n    return {'got': data}\n")
    (project / "wrong.py").write_text("import no_such_package_anywhere\n\ndef init():\n    pass\n")  # no run()
    return Workspace.from_config()


def config(script: str) -> InferenceConfig:
    return InferenceConfig(script, environment=Environment("plain"))


@pytest.mark.engine
def test_an_aci_service_from_update_to_delete(ws: Workspace, engine: Any, capsys: pytest.CaptureFixture[str]) -> None:
    settings = AciWebservice.deploy_configuration(cpu_cores=0.5, memory_gb=1, auth_enabled=True, location="westeurope")
    service = Model.deploy(ws, "mysvc", [], config("plain.py"), settings)
    service.wait_for_deployment()
    needs = service.container_resource_requirements
    assert (needs.cpu, needs.memory_in_gb, service.location) == (0.5, 1, "westeurope")
    assert (service.ssl_enabled, service.cname, service.auth_enabled) == (False, None, True)
    service.update(auth_enabled=False)
    service.wait_for_deployment()
    fresh = AciWebservice(ws, "mysvc")
    assert (fresh.auth_enabled, fresh.serialize()["authEnabled"]) == (False, False)
    assert type(AksWebservice(ws, "mysvc")) is AciWebservice  # of the kind that it is, as in the original
    capsys.readouterr()
    service.delete()
    assert service.state == "Deleting"
    assert capsys.readouterr().out == ""
    service.delete()
    assert capsys.readouterr().out == "No service with name mysvc found to delete.\n"
    fresh.delete()
    with pytest.raises(WebserviceException, match="WebserviceNotFound"):
        service.get_logs()


@pytest.mark.parametrize("kind", [Webservice, AciWebservice, AksWebservice])
def test_a_service_that_is_not_there_is_not_found(ws: Workspace, kind: Any) -> None:
    with pytest.raises(WebserviceException) as caught:
        kind(ws, "nope")
    assert caught.value.message.startswith("WebserviceNotFound: Webservice with name nope not found")
    with pytest.raises(WebserviceException, match="name must be the name of a service, not None"):
        kind(ws, None)


def test_a_refused_deployment_leaves_no_service(
    ws: Workspace, process: None, capsys: pytest.CaptureFixture[str]
) -> None:
    service = Model.deploy(ws, "ghost8", [], config("wrong.py"), LocalWebservice.deploy_configuration())
    with pytest.raises(WebserviceException):
        service.wait_for_deployment()
    assert service.state == "failed"
    assert ws.webservices == {}
    for kind in (Webservice, LocalWebservice):
        with pytest.raises(WebserviceException, match="WebserviceNotFound"):
            kind(ws, "ghost8")
    capsys.readouterr()
    service.delete()
    assert capsys.readouterr().out == "No service with name ghost8 found to delete.\n"
    ws.delete()
    assert Workspace.list("0-1") == {}


def test_a_local_service_is_deleted_once(ws: Workspace, process: None) -> None:
    service = Model.deploy(ws, "mysvc", [], config("plain.py"), LocalWebservice.deploy_configuration())
    service.wait_for_deployment()
    with pytest.raises(WebserviceException, match="WebserviceNotFound"):
        AciWebservice(ws, "mysvc")  # the original knows local services by their own class only
    with pytest.raises(WebserviceException, match="num_lines must be a whole number, not 'a'"):
        service.get_logs(num_lines="a")
    service.delete()
    assert service.state == "deleted"
    for call in (service.delete, service.wait_for_deployment, service.reload):
        with pytest.raises(WebserviceException, match=rf"Cannot call {call.__name__}\(\) when service is deleted\."):
            call()


# -- what is shown of AKS, here without a cluster: the same objects over a service of a process ---------------------------


@pytest.fixture
def aks(ws: Workspace, process: None) -> AksWebservice:
    """Its book says AKS; the service itself is a process, which takes the same changes."""
    Model.deploy(ws, "mysvc", [], config("plain.py"), LocalWebservice.deploy_configuration()).wait_for_deployment()
    given = AksWebservice.deploy_configuration(num_replicas=1, cpu_cores=0.1, auth_enabled=False, namespace="mine")
    with ws.book.change() as content:
        content["services"]["mysvc"].update(
            type="AKS", auth=False, settings={**given.settings(), "computeName": "prod"}
        )
    found = Webservice(ws, "mysvc")
    assert type(found) is AksWebservice
    return found


def test_an_update_is_shown_by_a_fresh_object(ws: Workspace, aks: AksWebservice) -> None:
    assert (aks.num_replicas, aks.autoscaler.autoscale_enabled, aks.compute_name) == (1, False, "prod")
    aks.update(cpu_cores=0.2, memory_gb=0.4, scoring_timeout_ms=5000)
    aks.wait_for_deployment()
    told = Webservice(ws, "mysvc").serialize()
    assert told["containerResourceRequirements"] == {
        "cpu": 0.2, "memoryInGB": 0.4, "gpu": None, "cpuLimit": None, "memoryInGBLimit": None,
    }  # fmt: skip
    assert (told["scoringTimeoutMs"], the_service("mysvc").spec.scoring_timeout) == (5000, 5.0)
    needs = AksWebservice(ws, "mysvc").container_resource_requirements
    assert isinstance(needs, ContainerResourceRequirements)
    assert (needs.cpu, aks.namespace, aks.scoring_timeout_ms, aks.deployment_status) == (0.2, "mine", 5000, "Succeeded")
    with pytest.raises(WebserviceException, match="autoscale_target_utilization provided without enabling autoscaling"):
        aks.update(autoscale_target_utilization=20)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            {"autoscale_min_replicas": 5, "autoscale_max_replicas": 2, "cpu_cores": 0},
            [
                "Error, cpu_cores must be greater than zero.",
                "Error, autoscale_min_replicas provided without enabling autoscaling.",
                "Error, autoscale_max_replicas provided without enabling autoscaling.",
            ],
        ),
        ({"autoscale_max_replicas": -1}, ["Error, autoscale_max_replicas provided without enabling autoscaling."]),
        (
            {"autoscale_enabled": True, "autoscale_min_replicas": 5, "autoscale_max_replicas": 2},
            ["Error, autoscale_min_replicas cannot be greater than autoscale_max_replicas."],
        ),
        (
            {"autoscale_enabled": True, "autoscale_min_replicas": 12},
            [
                (
                    "Error, autoscale_min_replicas cannot be greater than autoscale_max_replicas: "
                    "with what the service has already, they would be 12 and 10."
                )
            ],
        ),
        (
            {"autoscale_enabled": True, "autoscale_max_replicas": -1},
            ["Error, autoscale_max_replicas must be greater than zero."],
        ),
        ({"autoscale_enabled": False}, ["Error, autoscale disabled but num_replicas not provided."]),
        (
            {"autoscale_enabled": True, "num_replicas": 3},
            ["Error, autoscale enabled and num_replicas provided."],
        ),
        (
            {"auth_enabled": True, "token_auth_enabled": True},
            ["Error, cannot set both token_auth_enabled and auth_enabled."],
        ),
        (
            {"cpu_cores_limit": 0.05},
            ["Error, cpu_cores_limit must be greater than or equal to container_resource_requirements.cpu."],
        ),
        ({"auth_enabled": "yes"}, ["Invalid configuration, auth_enabled must be True or False, not 'yes'."]),
        (
            {"tags": "xyz", "num_replicas": "3"},
            [
                "Invalid configuration, Tags must be a dict, not 'xyz'.",
                "Invalid configuration, num_replicas must be a number, not '3'.",
            ],
        ),
    ],
)
def test_an_update_is_refused_in_one_exception(
    ws: Workspace, aks: AksWebservice, given: dict[str, Any], expected: list[str]
) -> None:
    before = aks.serialize()
    with pytest.raises(WebserviceException) as caught:
        aks.update(**given)
    assert caught.value.message.splitlines() == expected
    assert Webservice(ws, "mysvc").serialize() == before


def test_a_token_does_not_silently_take_the_place_of_keys(ws: Workspace, aks: AksWebservice) -> None:
    aks.update(auth_enabled=True)
    aks.wait_for_deployment()
    with pytest.raises(WebserviceException, match=r"without disabling key auth \(set auth_enabled to False\)"):
        aks.update(token_auth_enabled=True)
    assert (aks.auth_enabled, len(aks.get_keys())) == (True, 2)


def test_an_update_knows_what_another_object_has_changed(ws: Workspace, aks: AksWebservice) -> None:
    Webservice(ws, "mysvc").update(cpu_cores=0.3, cpu_cores_limit=0.4)
    aks.wait_for_deployment()
    other = AksWebservice(ws, "mysvc")
    other.update(memory_gb=0.7)
    other.wait_for_deployment()
    with pytest.raises(WebserviceException, match=r"less than or equal to container_resource_requirements\.cpu_limit"):
        aks.update(cpu_cores=0.5)
    aks.update(scoring_timeout_ms=5000)
    aks.wait_for_deployment()
    needs = AksWebservice(ws, "mysvc").container_resource_requirements
    assert (needs.cpu, needs.cpu_limit, needs.memory_in_gb) == (0.3, 0.4, 0.7)


def test_bounds_of_a_fixed_number_are_those_that_are_shown(ws: Workspace, aks: AksWebservice) -> None:
    aks.update(autoscale_enabled=True, autoscale_max_replicas=1)
    aks.wait_for_deployment()
    spec = the_service("mysvc").spec.autoscale
    told = Webservice(ws, "mysvc").autoscaler
    assert (spec.minimum, spec.maximum) == (told.min_replicas, told.max_replicas) == (1, 1)


def test_an_argument_that_there_is_not_is_named(aks: AksWebservice) -> None:
    with pytest.raises(UserErrorException, match=r"AksWebservice\.update\(\) takes no argument 'cpu'"):
        aks.update(cpu=1)


def test_what_is_being_deployed_is_not_updated(ws: Workspace, process: None, project: Path) -> None:
    os.mkfifo(project / "gate")
    gate = str(project / "gate")
    Path("slow.py").write_text(f"def init():\n    open({gate!r}).read()\n\ndef run(d):\n    return d\n")
    Model.deploy(ws, "slowsvc", [], config("slow.py"), LocalWebservice.deploy_configuration())
    with ws.book.change() as content:
        content["services"]["slowsvc"]["type"] = "AKS"
    found = Webservice(ws, "slowsvc")
    try:
        for call in (lambda: found.update(num_replicas=2), found.delete):
            with pytest.raises(WebserviceException, match="409: another operation on the service 'slowsvc'") as caught:
                call()
            assert caught.value.status_code == 409
        with pytest.raises(
            WebserviceException, match=r"exceeded timeout override of 0\.1s\. Current status: Transitioning"
        ):
            found.wait_for_deployment(timeout_sec=0.1)
    finally:
        Path(gate).write_text("go")
    found.wait_for_deployment()
    found.delete()
    with pytest.raises(WebserviceException, match="WebserviceNotFound: Webservice with name slowsvc not found"):
        found.wait_for_deployment()


def test_a_token_takes_the_place_of_keys(ws: Workspace, aks: AksWebservice) -> None:
    with pytest.raises(WebserviceException, match="Token authentication is not enabled"):
        aks.get_token()
    aks.update(token_auth_enabled=True, auth_enabled=False)
    aks.wait_for_deployment()
    fresh = Webservice(ws, "mysvc")
    assert (fresh.token_auth_enabled, fresh.auth_enabled) == (True, False)
    assert fresh.get_token()[0] == fresh.get_keys()[0]
    assert fresh.run("1") == {"got": "1"}
    fresh.update(token_auth_enabled=False, auth_enabled=False)
    fresh.wait_for_deployment()
    assert (Webservice(ws, "mysvc").serialize()["aadAuthEnabled"], fresh.auth_enabled) == (False, False)
    with pytest.raises(WebserviceException, match="without a key"):
        fresh.get_keys()


@pytest.mark.parametrize(
    ("said", "scaled", "replicas", "bounds"),
    [
        ({"num_replicas": 2}, False, 2, (1, 10)),
        ({"autoscale_enabled": True, "autoscale_max_replicas": 3}, True, None, (1, 3)),
        ({"autoscale_enabled": True, "autoscale_min_replicas": 2}, True, None, (2, 10)),
    ],
)
def test_replicas_are_shown_as_they_were_asked_for(
    said: dict[str, Any], scaled: bool, replicas: int | None, bounds: tuple[int, int]
) -> None:
    before = AksWebservice.deploy_configuration(num_replicas=1).settings()
    names = AksWebservice.update.__wrapped__.__code__.co_varnames  # type: ignore[attr-defined]
    after = {**before, **settings_after(before, {**dict.fromkeys(names), **said})}
    scaler = AutoScaler.deserialize(after["autoScaler"])
    assert (scaler.autoscale_enabled, after["numReplicas"]) == (scaled, replicas)
    assert (scaler.min_replicas, scaler.max_replicas, scaler.target_utilization) == (*bounds, 70)


def test_the_default_image_has_its_name_in_both_places() -> None:
    from jupyter_mldeploy.azureml.core import runconfig

    assert runconfig.DEFAULT_CPU_IMAGE == DEFAULT_CPU_IMAGE


def test_a_service_that_failed_says_why_wherever_it_is_asked(ws: Workspace, process: None) -> None:
    Path("broken.py").write_text("def init():\n    raise RuntimeError('no weights here')\n\ndef run(data):\n    pass\n")
    service = Model.deploy(ws, "mysvc", [], config("broken.py"), LocalWebservice.deploy_configuration())
    with pytest.raises(WebserviceException, match="no weights here"):
        service.wait_for_deployment()
    assert "no weights here" in service.error["message"]
    assert "no weights here" in LocalWebservice(ws, "mysvc").error["message"]
    with ws.book.change() as content:
        content["services"]["mysvc"]["type"] = "ACI"
    cloud = Webservice(ws, "mysvc")
    with pytest.raises(WebserviceException) as caught:
        cloud.run("{}")
    assert caught.value.message.startswith("Error attempting to call webservice, scoring_uri unavailable. ")
    assert "Current State: Failed\nErrors: {'message': " in caught.value.message
    with pytest.raises(WebserviceException, match=r"Cannot call reload\(\) when service is Failed\.") as caught:
        cloud.reload()
    assert "cell" not in caught.value.hint


def test_a_failed_update_says_where_its_own_lines_are(ws: Workspace, process: None) -> None:
    service = Model.deploy(ws, "mysvc", [], config("plain.py"), LocalWebservice.deploy_configuration())
    service.wait_for_deployment()
    Path("broken.py").write_text("def init():\n    raise RuntimeError('no weights here')\n\ndef run(data):\n    pass\n")
    service.update(inference_config=config("broken.py"))
    with pytest.raises(WebserviceException) as caught:
        service.wait_for_deployment()
    assert "The version before this one goes on serving" in caught.value.message
    assert "no weights here" in caught.value.evidence.log
    assert service.run("1") == {"got": "1"}


def test_a_deleted_service_does_not_come_back_and_updates_are_dated(ws: Workspace, process: None) -> None:
    service = Model.deploy(ws, "mysvc", [], config("plain.py"), LocalWebservice.deploy_configuration())
    service.wait_for_deployment()
    other = Webservice(ws, "mysvc")
    service.update(inference_config=config("plain.py"))
    service.wait_for_deployment()
    updated = Webservice(ws, "mysvc").updated_time
    assert updated > service.created_time
    service.reload()
    assert Webservice(ws, "mysvc").updated_time > updated
    service.delete()
    with pytest.raises(WebserviceException, match="Cannot call update\\(\\) of the service 'mysvc': it was deleted"):
        other.update(inference_config=config("plain.py"))
    assert ws.webservices == {}


def test_a_service_that_was_refused_has_no_log_and_can_be_corrected(ws: Workspace, process: None) -> None:
    service = Model.deploy(ws, "mysvc", [], config("wrong.py"), LocalWebservice.deploy_configuration())
    with pytest.raises(WebserviceException):
        service.wait_for_deployment()
    with pytest.raises(WebserviceException, match="its deployment was refused before anything was started"):
        service.get_logs()
    service.update(inference_config=config("plain.py"), wait=True)
    assert service.state == "running"


@pytest.mark.engine
def test_what_the_engine_refuses_has_not_crashed(ws: Workspace, engine: Any) -> None:
    wanted = AciWebservice.deploy_configuration(cpu_cores=5000)
    service = Model.deploy(ws, "mysvc", [], config("plain.py"), wanted)
    with pytest.raises(WebserviceException, match=r"cpu=5000 is not valid: the engine has \d+ CPU") as caught:
        service.wait_for_deployment()
    assert "CrashLoopBackOff" not in caught.value.message
