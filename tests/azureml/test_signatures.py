"""The facade's public signatures are those of the published package, as recorded by ``record_signatures.py``; what it does not have
is refused by name, with what works instead."""

from __future__ import annotations

import ast
import inspect
import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from jupyter_mldeploy.azureml.facade import Facade

RECORDED = json.loads(Path(__file__).with_name("signatures.json").read_text())
CLASSES = [(module, name) for module, classes in RECORDED["modules"].items() for name in classes]
# Where ours is laid out otherwise: the public place of the class.
PUBLIC = {
    "azureml.core.webservice.webservice": "azureml.core.webservice.webservice",
    "azureml.core.compute.compute": "azureml.core.compute",
}
DIFFERENT_ON_PURPOSE = {
    ("CondaDependencies", "__init__"), ("CondaDependencies", "create"),  # a default that is a constant of the same value
    ("CondaDependencies", "add_tensorflow_pip_package"), ("CondaDependencies", "add_tensorflow_conda_package"),
    ("Experiment", "list"),  # the default is a constant, here its value
    ("WebserviceDeploymentConfiguration", "__init__"),  # the type is known by the class
}  # fmt: skip
ABSTRACT = {"Webservice": {"public_fqdn"}}


def ours(module: str, name: str) -> Any:
    return getattr(import_module(f"jupyter_mldeploy.{PUBLIC.get(module, module)}"), name)


@pytest.mark.parametrize(("module", "name"), CLASSES, ids=[name for _, name in CLASSES])
def test_every_member_is_there_with_its_signature_or_refused_in_words(module: str, name: str) -> None:
    made = ours(module, name)
    refused = getattr(made, "REFUSED", {})
    for member, parameters in RECORDED["modules"][module][name].items():
        if member in refused:
            assert not hasattr(made, member) or member in vars(Facade), f"{name}.{member} is refused and there"
            continue
        if parameters == "property":
            assert hasattr(made, member) or _set_in_init(made, member), f"{name}.{member} is missing"
            continue
        assert hasattr(made, member), f"{name}.{member} is missing"
        if (name, member) not in DIFFERENT_ON_PURPOSE:
            assert written(getattr(made, member)) == [plain(parameter) for parameter in parameters], f"{name}.{member}"


@pytest.mark.parametrize(("module", "name"), CLASSES, ids=[name for _, name in CLASSES])
def test_what_is_refused_is_the_originals(module: str, name: str) -> None:
    """A refusal for a name that nobody had would be dead words. Names set in ``__init__`` of the original are not recorded."""
    for member, reason in getattr(ours(module, name), "REFUSED", {}).items():
        assert reason.strip()
        assert not reason.endswith("."), member


def test_the_exceptions_are_all_there() -> None:
    exceptions = import_module("jupyter_mldeploy.azureml.exceptions")
    assert set(RECORDED["exceptions"]) <= set(exceptions.__all__)


def written(function: Any) -> list[str]:
    found = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name in {"self", "cls"}:
            continue
        stars = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
        default = "" if parameter.default is parameter.empty else f"={parameter.default!r}"
        found.append(f"{stars}{parameter.name}{default}")
    return found


def plain(parameter: str) -> str:
    """``name=default`` with the default as ``repr`` shows it."""
    name, equals, default = parameter.partition("=")
    return f"{name}={ast.literal_eval(default)!r}" if equals else name


def _set_in_init(made: Any, member: str) -> bool:
    return f"self.{member}" in inspect.getsource(made)
