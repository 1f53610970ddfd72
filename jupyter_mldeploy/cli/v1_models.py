"""``mldeploy model …``: what ``az ml model`` did, for the models of a workspace."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from jupyter_mldeploy.cli.showing import Screen, columns
from jupyter_mldeploy.cli.v1_services import model_ids, pairs, quietly, settings, workspace
from jupyter_mldeploy.errors import InvalidValue

__all__ = ["delete", "deploy", "download", "listing", "package", "register", "show"]


def register(options: argparse.Namespace, screen: Screen) -> int:
    """Register one."""
    from jupyter_mldeploy.azureml.core.model import Model

    path = options.model_path or options.asset_path
    if not path:
        raise InvalidValue("--model-path", None, "name the file or folder to register.")
    ws = workspace(options, screen)
    given: dict[str, Any] = {
        "tags": pairs(options.tag, "--tag"),
        "properties": pairs(options.property, "--property"),
        "description": options.description,
        "model_framework": options.model_framework,
        "model_framework_version": options.model_framework_version,
    }
    with quietly(screen):
        if options.run_id:
            made = _run(ws, options).register_model(options.name, path, **given)
        else:
            made = Model.register(ws, path, options.name, **given)
    if options.output_metadata_file:
        Path(options.output_metadata_file).write_text(
            json.dumps({"modelId": made.id, "workspaceName": ws.name}), encoding="utf-8"
        )
    return _told(made, screen)


def listing(options: argparse.Namespace, screen: Screen) -> int:
    """List them."""
    from jupyter_mldeploy.azureml.core.model import Model

    found = Model.list(workspace(options, screen), options.model_name, latest=options.latest)
    if screen.is_json:
        screen.json([model.serialize() for model in found])
        return 0
    rows = [[each.name, str(each.version), each.model_framework, each.description or "-"] for each in found]
    screen.lines(
        columns(("model", "version", "framework", "description"), rows) if rows else ["The workspace has no model."]
    )
    return 0


def show(options: argparse.Namespace, screen: Screen) -> int:
    """Show one."""
    from jupyter_mldeploy.azureml.core.model import Model

    made = Model(workspace(options, screen), options.model_name, options.model_id, version=options.version)
    screen.json(made.serialize())
    return 0


def download(options: argparse.Namespace, screen: Screen) -> int:
    """Copy its file or folder."""
    from jupyter_mldeploy.azureml.exceptions import WebserviceException
    from jupyter_mldeploy.errors import Conflict

    try:
        path = _model(options, screen).download(options.target_dir, exist_ok=options.overwrite)
    except WebserviceException as error:
        if not isinstance(error.inner_exception, Conflict):
            raise
        raise Conflict(error.inner_exception.summary, "Pass --overwrite to replace it.") from None
    screen.json({"path": path}) if screen.is_json else screen.line(path)
    return 0


def delete(options: argparse.Namespace, screen: Screen) -> int:
    """Delete it."""
    from jupyter_mldeploy.azureml.core.model import Model

    model = _model(options, screen)
    ids = [each.id for each in Model.list(model.workspace, model.name)]
    if ":" not in options.model_id and len(ids) > 1:
        raise InvalidValue("--model-id", options.model_id, f"say which version is to be deleted: {', '.join(ids)}.")
    model.delete()
    screen.json({"deleted": model.id}) if screen.is_json else screen.line(f"deleted {model.id}")
    return 0


def deploy(options: argparse.Namespace, screen: Screen) -> int:
    """Deploy, and wait for it."""
    from jupyter_mldeploy.azureml.config_files import deployment_config_class, deployment_config_of, inference_config_of
    from jupyter_mldeploy.azureml.core.compute import AksCompute
    from jupyter_mldeploy.azureml.core.model import Model

    ws = workspace(options, screen)
    inference = inference_config_of(options.ic) if options.ic else None
    kind = deployment_config_class(options.dc, to_cluster=bool(options.ct))
    said = settings(options, kind.deploy_configuration, f"a deployment of the kind {kind.TYPE} does not take it")
    for name, given in (("tags", options.tag), ("properties", options.property)):
        if given and kind.TYPE == "Local":
            raise InvalidValue(f"--{name}", given[0], "a local web service has no tags and properties.")
        if given:
            said[name] = pairs(given, "--tag" if name == "tags" else "--property")
    config = deployment_config_of(options.dc, said) if options.dc else kind.deploy_configuration(**said)
    target = AksCompute(ws, options.ct) if options.ct else None
    models = [Model(ws, id=each) for each in model_ids(options)]
    with quietly(screen):
        service = Model.deploy(ws, options.name, models, inference, config, target, options.overwrite)
        service.wait_for_deployment(True)
    if screen.is_json:
        screen.json(service.serialize())
    else:
        screen.line(f"{service.name} · {service.compute_type} · {service.state} · {service.scoring_uri}")
    return 0


def package(options: argparse.Namespace, screen: Screen) -> int:
    """Build an image, or write its Dockerfile."""
    from jupyter_mldeploy.azureml.config_files import inference_config_of
    from jupyter_mldeploy.azureml.core.model import Model

    ws = workspace(options, screen)
    inference = inference_config_of(options.ic) if options.ic else None
    models = [Model(ws, id=each) for each in options.model]
    only_files = options.output_path is not None
    with quietly(screen):
        made = Model.package(ws, models, inference, only_files, options.image_name, options.image_label)
        made.wait_for_creation()
    if only_files:
        made.save(options.output_path)
    screen.json(made.serialize()) if screen.is_json else screen.line(str(options.output_path or made.location))
    return 0


def _run(ws: Any, options: argparse.Namespace) -> Any:
    from jupyter_mldeploy.azureml.core.experiment import Experiment
    from jupyter_mldeploy.azureml.core.run import Run

    if not options.experiment_name:
        raise InvalidValue("--experiment-name", None, "name the experiment of the run.")
    return Run(Experiment(ws, options.experiment_name), options.run_id)


def _model(options: argparse.Namespace, screen: Screen) -> Any:
    from jupyter_mldeploy.azureml.core.model import Model

    return Model(workspace(options, screen), id=options.model_id)


def _told(model: Any, screen: Screen) -> int:
    screen.json(model.serialize()) if screen.is_json else screen.line(model.id)
    return 0
