"""``mldeploy service …``: what ``az ml service`` did, for the services of a workspace."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jupyter_mldeploy.cli.looking import read_data
from jupyter_mldeploy.cli.showing import Screen, columns
from jupyter_mldeploy.errors import InvalidValue

__all__ = [
    "delete",
    "get_keys",
    "get_logs",
    "listing",
    "model_ids",
    "pairs",
    "quietly",
    "regen_key",
    "run",
    "settings",
    "show",
    "update",
    "workspace",
]


def workspace(options: argparse.Namespace, screen: Screen) -> Any:
    """The one that is named, or the only one there is."""
    from jupyter_mldeploy.azureml.core.workspace import find_workspace

    found = find_workspace(options.workspace_name, options.subscription_id, options.resource_group)
    if options.verbose:
        screen.note(f"workspace {found.name} of {found.resource_group} in {found.book.folder}")
    return found


@contextmanager
def quietly(screen: Screen) -> Iterator[None]:
    """With JSON, what the v1 functions print goes to stderr."""
    import sys
    from contextlib import redirect_stdout

    if screen.is_json:
        with redirect_stdout(sys.stderr):
            yield
    else:
        yield


def listing(options: argparse.Namespace, screen: Screen) -> int:
    """List them."""
    from jupyter_mldeploy.azureml.core.webservice import Webservice

    found = Webservice.list(workspace(options, screen), options.compute_type, model_name=options.model_name)
    if screen.is_json:
        screen.json([service.serialize() for service in found])
        return 0
    rows = [[each.name, each.compute_type, each.state, each.scoring_uri or "-"] for each in found]
    screen.lines(columns(("name", "type", "state", "address"), rows) if rows else ["The workspace has no service."])
    return 0


def show(options: argparse.Namespace, screen: Screen) -> int:
    """Show one."""
    screen.json(_service(options, screen).serialize())
    return 0


def get_logs(options: argparse.Namespace, screen: Screen) -> int:
    """Print its log; in JSON one string."""
    text = _service(options, screen).get_logs(options.num_lines)
    screen.json(text) if screen.is_json else screen.lines(text.splitlines())
    return 0


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Send a request."""
    answer = _service(options, screen).run(read_data(options.input_data))
    if screen.is_json:
        screen.json(answer)
    else:
        screen.line(answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False))
    return 0


def get_keys(options: argparse.Namespace, screen: Screen) -> int:
    """Print its keys."""
    primary, secondary = _with_keys(options, screen).get_keys()
    screen.json({"primaryKey": primary, "secondaryKey": secondary})
    return 0


def regen_key(options: argparse.Namespace, screen: Screen) -> int:
    """Replace one."""
    _with_keys(options, screen).regen_key(options.key, options.set_key)
    screen.json({"regenerated": options.key.capitalize()}) if screen.is_json else screen.line(
        f"{options.name}: key replaced"
    )
    return 0


def delete(options: argparse.Namespace, screen: Screen) -> int:
    """Remove it."""
    _service(options, screen).delete()
    screen.json({"deleted": options.name}) if screen.is_json else screen.line(f"deleted {options.name}")
    return 0


def update(options: argparse.Namespace, screen: Screen) -> int:
    """Change what it is made of."""
    from jupyter_mldeploy.azureml.config_files import inference_config_of
    from jupyter_mldeploy.azureml.core.model import Model

    service = _service(options, screen)
    kind = f"of {service.name!r}, which is of the kind {service.compute_type}, it cannot be changed"
    changes = settings(options, service.update, kind)
    tags, properties = pairs(options.add_tag, "--add-tag"), pairs(options.add_property, "--add-property")
    for option, given in (
        ("--add-tag", options.add_tag),
        ("--remove-tag", options.remove_tag),
        ("--add-property", options.add_property),
    ):
        if given and service.compute_type == "Local":
            raise InvalidValue(option, given[0], "a local web service has no tags and properties.")
    if tags:
        service.add_tags(tags)
    if options.remove_tag:
        service.remove_tags(options.remove_tag)
    if properties:
        service.add_properties(properties)
    if options.ic:
        changes["inference_config"] = inference_config_of(options.ic)
    if models := model_ids(options):
        changes["models"] = [Model(service.workspace, id=each) for each in models]
    if changes or not (tags or options.remove_tag or properties):
        with quietly(screen):
            service.update(**changes)
            service.wait_for_deployment()
    screen.json(service.serialize())
    return 0


def settings(options: argparse.Namespace, function: Any, refusal: str) -> dict[str, Any]:
    """Those that were named, as arguments of ``function``.

    Raises:
        InvalidValue: The function does not take one, for which ``refusal`` says why.
    """
    from jupyter_mldeploy.azureml.members import parameters
    from jupyter_mldeploy.cli.v1_parser import SETTINGS

    known = parameters(function)
    found = {}
    for option in ("--description", *(names[0] for names in SETTINGS)):
        name = option.removeprefix("--").replace("-", "_")
        value = getattr(options, name)
        if value is None:
            continue
        if name not in known:
            raise InvalidValue(option, value, f"{refusal}.")
        found[name] = value
    return found


def model_ids(options: argparse.Namespace) -> list[str]:
    """Those that are named, and those of the files that ``model register -t`` wrote."""
    from jupyter_mldeploy.azureml.config_files import read

    found = list(options.model)
    for file in options.model_metadata_file:
        content = read(file)
        if not isinstance(content.get("modelId"), str):
            raise InvalidValue(
                "--model-metadata-file", file, "it was not written by `mldeploy model register -t FILE`."
            )
        found.append(content["modelId"])
    return found


def pairs(texts: list[str], option: str) -> dict[str, str]:
    """``KEY=VALUE``."""
    found = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not (key and equals):
            raise InvalidValue(option, text, "write KEY=VALUE.")
        found[key] = value
    return found


def _with_keys(options: argparse.Namespace, screen: Screen) -> Any:
    from jupyter_mldeploy.azureml.exceptions import WebserviceException

    found = _service(options, screen)
    if found.compute_type == "Local":
        raise WebserviceException(f"{found.name!r} is a local web service: those do not support auth keys.")
    return found


def _service(options: argparse.Namespace, screen: Screen) -> Any:
    from jupyter_mldeploy.azureml.core.webservice import Webservice

    return Webservice(workspace(options, screen), options.name)
