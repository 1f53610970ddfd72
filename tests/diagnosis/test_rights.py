"""Who lacks which right: a person, the workspace, or the identity that a service runs under."""

from __future__ import annotations

import pytest

from jupyter_mldeploy.diagnosis import diagnose
from jupyter_mldeploy.evidence import Evidence

THROUGH = """Traceback (most recent call last):
  File "/var/azureml-server/aml_blueprint.py", line 91, in register
    main.init()
  File "/var/azureml-app/score.py", line 11, in init
    s = client.get_secret("db")
"""
REFUSALS = [
    (
        "azure.core.exceptions.HttpResponseError: (Forbidden) The user, group or application 'appid=1b;oid=2c' does not have "
        "secrets get permission on key vault 'kv1;location=westeurope'. For help resolving this issue, see the documents"
    ),
    (
        "azure.core.exceptions.HttpResponseError: (Forbidden) Caller is not authorized to perform action on resource.\n"
        "If role assignments, deny assignments or role definitions were changed recently, please observe propagation time.\n"
        "Caller: appid=1b;oid=2c\nAction: 'Microsoft.KeyVault/vaults/secrets/getSecret/action'\n"
        "Resource: '/subscriptions/s/resourcegroups/g/providers/microsoft.keyvault/vaults/kv1/secrets/db'\nVault: kv1;location=x"
    ),
]


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_secret_that_the_script_may_not_have_is_none_of_the_workspace(refusal: str) -> None:
    told = diagnose(Evidence(stage="init", log=THROUGH + refusal + "\nCode: Forbidden"))
    assert told.cause == "rbac-forbidden"
    assert told.facts["vault"] == "kv1"
    assert "appid=1b;oid=2c" in told.what
    assert "kv1" in told.confirm
    assert "template" not in told.remedy
    assert "kubectl" not in told.to_text()


def test_what_the_workspace_lost_is_told_as_before() -> None:
    said = (
        "The user, group or application 'appid=1b' does not have secrets get permission on key vault 'kv1;location=x'."
    )
    assert diagnose(Evidence(stage="build", http_status=500, log=said)).cause == "key-vault-access-policy"


def test_an_action_of_a_cloud_is_no_verb_of_a_cluster() -> None:
    said = (
        "(AuthorizationFailed) The client 'ana@corp.example' with object id '1b2c' does not have authorization to perform "
        "action 'Microsoft.X/workspaces/write' over scope '/subscriptions/0' or the scope is invalid."
    )
    told = diagnose(Evidence(stage="launch", http_status=403, log=said))
    assert told.cause == "rbac-forbidden"
    assert told.what.startswith("`ana@corp.example` may not perform the action `Microsoft.X/workspaces/write`.")
    assert "kubectl auth" not in told.confirm
