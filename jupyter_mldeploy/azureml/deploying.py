"""The way of every v1 deployment: check, write down whose it is, begin."""

from __future__ import annotations

import re
import secrets as random_secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy.azureml.exceptions import WebserviceException
from jupyter_mldeploy.azureml.facade import translated
from jupyter_mldeploy.azureml.specifying import Underway, begin, model_refs, records

if TYPE_CHECKING:
    from jupyter_mldeploy.azureml.core.webservice.webservice import Webservice, WebserviceDeploymentConfiguration
    from jupyter_mldeploy.azureml.core.workspace import Workspace
    from jupyter_mldeploy.spec import ServiceSpec

__all__ = [
    "check_idle",
    "check_inference",
    "check_name",
    "deploy",
    "deploy_again",
    "forget",
    "keys_of",
    "note",
    "start",
    "underway",
    "write_keys",
]

_underway: dict[tuple[str, str], Underway] = {}


def underway(name: str) -> Underway | None:
    """The deployment of a service that this process has begun, also when it has ended."""
    return _underway.get((str(records().home), name))


def forget(name: str) -> None:
    """What became of a deployment whose service was deleted is nobody's any more."""
    _underway.pop((str(records().home), name), None)


def check_name(name: str) -> None:
    """The original's demands on a service's name."""
    if not re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", str(name)) or not 3 <= len(name) <= 32:
        raise WebserviceException(
            "Error, provided service name is invalid. It must only consist of lowercase letters, numbers, or dashes, start with "
            "a letter, end with a letter or number, and be between 3 and 32 characters long."
        )


def deploy(
    workspace: Workspace,
    name: str,
    models: list[Any],
    inference_config: Any,
    deployment_config: WebserviceDeploymentConfiguration | None,
    deployment_target: Any,
    overwrite: bool,
    image: Any = None,
) -> Webservice:
    """See ``Model.deploy`` and ``Webservice.deploy_from_image``."""
    from jupyter_mldeploy.azureml.core.webservice.aci import AciWebservice
    from jupyter_mldeploy.azureml.core.webservice.aks import AksWebservice
    from jupyter_mldeploy.azureml.inference import generated_inference
    from jupyter_mldeploy.spec import TargetKind

    check_name(name)
    check_inference(inference_config)
    if deployment_config is None:
        made = AksWebservice if deployment_target is not None else AciWebservice
        deployment_config = made.deploy_configuration()
    _check_config(deployment_config)
    kind = deployment_config.service_class()
    if kind.TYPE == "Local" and (begun := underway(name)) is not None and not begun.future.done():
        begun.future.exception()  # the original's update() of a local service returned only when it was made
    _check_free(workspace, name, kind, overwrite)
    check_idle(name)
    target = deployment_config.target(workspace, deployment_target)
    if inference_config is not None:
        inference_config.validation_script_content()
    refs = model_refs(workspace, models if image is None else image.model_ids)
    if image is not None:
        inference = image.inference()
    elif inference_config is not None:
        inference = inference_config.to_spec(target)
    else:
        inference = generated_inference(refs, target, models)
    spec = translated(lambda: _specify(name, inference, target, refs, deployment_config))
    if image is not None and target.kind is TargetKind.CONTAINER:
        spec = replace(spec, image=image.image_location)  # for a cluster it is found by its content, and delivered
    note(workspace, name, kind.TYPE, deployment_config, image.id if image is not None else None, deployment_target)
    keys = deployment_config.keys()
    if keys:
        write_keys(name, keys)
    start(workspace, spec, overwrite=True, variables=inference_config._service_variables() if inference_config else {})
    service: Webservice = kind._of(workspace, name)
    return service


def deploy_again(
    workspace: Workspace, name: str, spec: ServiceSpec, deployment_config: Any, deployment_target: Any
) -> Webservice:
    """Deploy to a target what runs on another already."""
    from jupyter_mldeploy.azureml.core.webservice.aci import AciWebservice
    from jupyter_mldeploy.azureml.core.webservice.aks import AksWebservice
    from jupyter_mldeploy.spec import values_of

    check_name(name)
    if deployment_config is None:
        deployment_config = (AksWebservice if deployment_target is not None else AciWebservice).deploy_configuration()
    _check_config(deployment_config)
    kind = deployment_config.service_class()
    _check_free(workspace, name, kind, overwrite=False)
    check_idle(name)
    target = deployment_config.target(workspace, deployment_target)
    inference = spec.inference
    if inference.environment.current:
        from jupyter_mldeploy.capture import environment_for

        inference = replace(inference, environment=environment_for(inference.script, None))
    made = translated(lambda: _specify(name, inference, target, spec.models, deployment_config))
    note(workspace, name, kind.TYPE, deployment_config, None, deployment_target)
    if keys := deployment_config.keys():
        write_keys(name, keys)
    start(
        workspace, made, overwrite=True, variables=translated(lambda: values_of(spec.env, records().secrets(spec.name)))
    )
    service: Webservice = kind._of(workspace, name)
    return service


def start(
    workspace: Workspace,
    spec: ServiceSpec,
    *,
    overwrite: bool = False,
    variables: Mapping[str, str] | None = None,
    after: Callable[[], None] | None = None,
) -> Underway:
    """Begin to bring a service to ``spec``; ``variables`` are all its environment variables, ``None``: those it has."""
    check_idle(spec.name)
    home = records()

    def forget_refused() -> None:
        """What was refused before anything was made is no service of the workspace."""
        if home.find(spec.name) is None:
            with workspace.book.change() as content:
                content["services"].pop(spec.name, None)

    made = begin(spec, home, overwrite=overwrite, variables=variables, after=after, failed=forget_refused)
    _underway[str(home.home), spec.name] = made
    return made


def note(
    workspace: Workspace,
    name: str,
    kind: str,
    config: WebserviceDeploymentConfiguration,
    image: str | None,
    compute: Any,
) -> None:
    """Write down that the workspace has this service, and what v1 says of it."""
    now = datetime.now(UTC).isoformat()
    compute_name = getattr(compute, "name", None) or getattr(config, "compute_target_name", None)
    with workspace.book.change() as content:
        before = content["services"].get(name) or {}
        content["services"][name] = {
            "type": kind,
            "tags": config.tags or {},
            "properties": config.properties or {},
            "description": config.description,
            "created": before.get("created", now),
            "updated": now,
            "image": image,
            "auth": config.auth,
            "settings": {**config.settings(), **({"computeName": compute_name} if kind == "AKS" else {})},
        }


def keys_of(name: str) -> list[str]:
    """The scoring keys of a service."""
    found = records().secrets(name).get("scoring_keys", "")
    return [key for key in found.split(",") if key]


def write_keys(name: str, keys: list[str | None]) -> None:
    """Keep the two keys of a service where only this user can read them; ``None``: a new one where there is none."""
    home = records()
    known = keys_of(name)
    chosen = [
        given or (known[index] if index < len(known) else random_secrets.token_urlsafe(24))
        for index, given in enumerate(keys)
    ]
    for key in chosen:
        if "," in key or key != key.strip() or not key.isascii():
            raise WebserviceException("Error, a key must be ASCII text without commas and without spaces around it.")
    home.write_secrets(name, {**home.secrets(name), "scoring_keys": ",".join(chosen)})


def drop_keys(name: str) -> None:
    """Let a service be used without a key."""
    home = records()
    home.write_secrets(name, {**home.secrets(name), "scoring_keys": ""})


def _specify(
    name: str, inference: Any, target: Any, refs: Any, config: WebserviceDeploymentConfiguration
) -> ServiceSpec:
    from jupyter_mldeploy.config import settings
    from jupyter_mldeploy.spec import ServiceSpec

    force = settings()
    known: dict[str, Any] = {
        "scoring_timeout": force.scoring_timeout,
        "max_request_wait": force.max_request_wait,
        "init_timeout": force.init_timeout,
    }
    known.update(config.spec_values())
    return ServiceSpec(name=name, inference=inference, target=target, models=refs, **known)


def check_inference(inference_config: Any) -> None:
    """Refuse anything but an ``InferenceConfig``."""
    from jupyter_mldeploy.azureml.inference import InferenceConfig

    if inference_config is not None and not isinstance(inference_config, InferenceConfig):
        raise WebserviceException(
            "Error, provided inference configuration must be of type InferenceConfig in order to deploy a service."
        )


def _check_config(config: Any) -> None:
    from jupyter_mldeploy.azureml.core.webservice.webservice import WebserviceDeploymentConfiguration

    if not isinstance(config, WebserviceDeploymentConfiguration):
        raise WebserviceException(
            "Error, provided deployment configuration must be what deploy_configuration() of a Webservice returns, "
            f"not {config!r}."
        )
    config.validate_configuration()


def check_idle(name: str) -> None:
    """Refuse to change what is being deployed."""
    before = underway(name)
    if before is not None and not before.future.done():
        raise WebserviceException(
            f"409: another operation on the service {name!r} is in progress.",
            status_code=409,
            hint="Wait for it to end.",
        )


def _check_free(workspace: Workspace, name: str, kind: Any, overwrite: bool) -> None:
    """The original keeps local names apart from those of the workspace, and lets only local ones be deployed again."""
    from jupyter_mldeploy.azureml.belonging import belongs, other_owner

    if (owner := other_owner(workspace, name)) is not None:
        raise WebserviceException(
            f"409: the name {name!r} is taken by a service of the workspace {owner!r}; names of services are this machine's.",
            status_code=409,
            hint="Choose another name, or delete it in that workspace.",
        )
    entry = workspace.book.section("services").get(name) if belongs(workspace, name) else None
    record, begun = records().find(name), underway(name)
    if overwrite or (record is None and (begun is None or begun.future.done())):
        return  # also where it was deleted by other means
    if entry is None:
        raise WebserviceException(
            f"409: the name {name!r} is taken by a service outside of the workspace {workspace.name!r}.",
            status_code=409,
            hint="Choose another name, or pass overwrite=True to take it over.",
        )
    if entry["type"] == kind.TYPE == "Local":
        return
    state = " and failed" if record is not None and record.state == "failed" else ""
    raise WebserviceException(
        f"Error, service {name} with the same name already exists ({entry['type']}{state}), please use a different service name "
        "or delete the existing service.",
        status_code=409,
        hint="Or pass overwrite=True, or call update() of it.",
    )
