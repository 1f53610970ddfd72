"""``AksWebservice`` on a real cluster: autoscaling, keys, update, delete."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jupyter_mldeploy.azureml.core import Webservice, Workspace
from jupyter_mldeploy.azureml.core.compute import AksCompute
from jupyter_mldeploy.azureml.core.environment import Environment
from jupyter_mldeploy.azureml.core.model import InferenceConfig, Model
from jupyter_mldeploy.azureml.core.webservice import AksWebservice
from jupyter_mldeploy.azureml.exceptions import WebserviceException
from jupyter_mldeploy.targets.kubernetes.names import selector_text

from ..infra.cluster import TestCluster, shared_namespace

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300), pytest.mark.filterwarnings("ignore")]


def test_from_deploy_to_delete(project: Path, cluster: TestCluster) -> None:
    ws = Workspace.from_config()
    model = Model.register(ws, "my_model.pkl", "my_best_model")
    target = AksCompute(ws, cluster.context)
    config = AksWebservice.deploy_configuration(
        autoscale_enabled=True, autoscale_min_replicas=1, autoscale_max_replicas=2, autoscale_target_utilization=30,
        tags={"area": "iris"},
    )  # fmt: skip
    inference = InferenceConfig("score.py", environment=Environment.from_conda_specification("myenv", "myenv.yml"))
    service = Model.deploy(ws, "mysvc", [model], inference, config, target)
    assert service.state in {"Transitioning", "Healthy"}
    with pytest.raises(WebserviceException, match="409: another operation on the service 'mysvc' is in progress"):
        service.update(num_replicas=2)
    service.wait_for_deployment(show_output=True)
    assert service.state == "Healthy"
    assert json.loads(service.run('{"data": [[1, 2, 3]]}')) == {"result": [321.0]}

    spec = service.service.spec
    assert (spec.autoscale.minimum, spec.autoscale.maximum, spec.autoscale.target_utilization) == (1, 2, 0.3)
    for given, said in (
        (
            {"autoscale_min_replicas": 5, "autoscale_max_replicas": 2},
            "autoscale_min_replicas provided without enabling",
        ),
        ({"autoscale_max_replicas": -1}, "autoscale_max_replicas provided without enabling"),
        ({"autoscale_enabled": True, "autoscale_min_replicas": 9}, "they would be 9 and 2"),
        ({"token_auth_enabled": True}, "without disabling key auth"),
        ({"auth_enabled": "yes"}, "auth_enabled must be True or False, not 'yes'"),
    ):
        with pytest.raises(WebserviceException, match=said):
            service.update(**given)
    assert service.service.spec == spec
    keys = service.get_keys()
    [held] = cluster.connect(shared_namespace()).list("Secret", labels=selector_text("mysvc"))
    assert _scoring_keys(held) == ",".join(keys)

    again = Webservice(ws, "mysvc")
    assert type(again) is AksWebservice
    assert again.tags == {"area": "iris"}
    assert "POST" in again.get_logs()

    script = project / "score.py"
    script.write_text(script.read_text().replace('"result"', '"edited"'))
    service.update(models=[model], inference_config=inference, tags={"area": "flowers"})
    service.wait_for_deployment()
    assert json.loads(service.run('{"data": [[1, 2, 3]]}')) == {"edited": [321.0]}
    assert (service.tags, service.get_keys()) == ({"area": "flowers"}, keys)

    service.regen_key("Secondary")
    renewed = service.get_keys()
    assert renewed[0] == keys[0]
    assert renewed[1] != keys[1]
    [held] = cluster.connect(shared_namespace()).list("Secret", labels=selector_text("mysvc"))
    assert _scoring_keys(held) == ",".join(renewed)
    assert json.loads(service.run('{"data": [[1, 2, 3]]}')) == {"edited": [321.0]}
    service.delete()
    assert ws.webservices == {}


def test_what_an_update_changes_is_shown_by_a_fresh_object(project: Path, cluster: TestCluster) -> None:
    ws = Workspace.from_config()
    (project / "plain.py").write_text("def init():\n    pass\n\ndef run(data):\n    return {'got': data}\n")
    config = AksWebservice.deploy_configuration(num_replicas=1, auth_enabled=True)
    inference = InferenceConfig("plain.py", environment=Environment("plain"))
    service = Model.deploy(ws, "shown", [], inference, config, AksCompute(ws, cluster.context))
    service.wait_for_deployment()
    assert (service.compute_name, service.namespace) == (cluster.context, shared_namespace())
    service.update(cpu_cores=0.2, memory_gb=0.4, token_auth_enabled=True, auth_enabled=False)
    service.wait_for_deployment()
    told = Webservice(ws, "shown").serialize()
    assert (told["containerResourceRequirements"]["cpu"], told["aadAuthEnabled"], told["authEnabled"]) == (
        0.2,
        True,
        False,
    )
    assert AksWebservice(ws, "shown").get_token()[0] == service.get_keys()[0]
    assert service.run("1") == {"got": "1"}
    service.delete()
    assert service.state == "Deleting"
    service.delete()  # only said


def _scoring_keys(secret: Any) -> str:
    import base64

    return base64.b64decode(secret["data"]["scoring-keys"]).decode()
