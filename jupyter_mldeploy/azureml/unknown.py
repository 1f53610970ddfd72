"""What of the v1 SDK is not here, said in a sentence with the nearest thing that works; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

__all__ = [
    "MODULES",
    "ModuleNotHere",
    "NameNotHere",
    "argument_sentence",
    "argument_words",
    "member_sentence",
    "module_sentence",
    "name_sentence",
]

TRAINING = "training and pipelines stay with what trains: run the training code as it is, then register its model file"
DATA = "datasets and datastores are Azure's storage: read the files with pandas or pathlib"

MODULES = {
    "train": TRAINING,
    "pipeline": TRAINING,
    "automl": TRAINING,
    "widgets": "follow a deployment with %%deploy, or wait_for_deployment(show_output=True)",
    "data": DATA,
    "dataprep": DATA,
    "opendatasets": DATA,
    "interpret": "call the explainer in the scoring script",
    "monitoring": "ModelDataCollector is lent to scoring scripts only, and keeps nothing there",
    "datadrift": "compare what run() has kept with your training data, with any library for it",
    "accel": "there are no FPGAs; deploy the model itself",
    "tensorboard": "start tensorboard on the folder that the training code writes",
    "explain": "call the explainer in the scoring script",
    "mlflow": "mlflow is a package of its own",
    "telemetry": "nothing is measured or sent here",
    "contrib": "of azureml.contrib only azureml.contrib.services is here",
    "core.dataset": DATA,
    "core.datastore": DATA,
    "core.keyvault": "read secrets from environment variables",
    "core.script_run_config": TRAINING,
    "core.script_run": TRAINING,
    "core.private_endpoint": "services listen on this machine or in your cluster; there is no Azure network",
    "core.linked_service": "there is no Azure network",
}
"""Why a module (or what is below it) is not here, and what works instead."""


class NameNotHere(ImportError):
    """A name of a module of the original that is not here."""

    def _render_traceback_(self) -> list[str]:
        """In a notebook a line; the frames would be this package's."""
        return [f"ImportError: {self.msg}"]


class ModuleNotHere(ModuleNotFoundError):
    """A module of the original that is not here."""

    def _render_traceback_(self) -> list[str]:
        return [f"ModuleNotFoundError: {self.msg}"]


for _made, _base in ((NameNotHere, ImportError), (ModuleNotHere, ModuleNotFoundError)):
    _made.__module__, _made.__qualname__ = _base.__module__, _base.__qualname__  # what a terminal prints


def module_sentence(module: str) -> str:
    """Of a module below ``azureml`` that is not here."""
    return f"azureml.{module} is not among the v1 names of jupyter_mldeploy: {reason_for(module)}."


def reason_for(module: str) -> str:
    """What works in the place of a module that is not here."""
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        if found := MODULES.get(".".join(parts[:length])):
            return found
    return "models, environments, images, services and workspaces are (azureml.core and below)"


def name_sentence(module: str, name: str, known: Iterable[str], reasons: dict[str, str]) -> str:
    """Of a name that a module does not have."""
    if reason := reasons.get(name):
        return f"{name} of {module} is not among the v1 names of jupyter_mldeploy: {reason}."
    return f"{module} has no {name!r}{_nearest(name, known)}"


def member_sentence(owner: str, name: str, known: Iterable[str]) -> str:
    """Of a method or property that a class does not have."""
    return f"{owner} has no {name!r}{_nearest(name, known)}"


def argument_sentence(function: str, name: str, known: Iterable[str]) -> str:
    """Of an argument that a function does not take."""
    return f"{function}() takes no argument {name!r}{_nearest(name, known)}"


_ARGUMENTS = {
    "model": "models",
    "port": "port of LocalWebservice.deploy_configuration",
    "env": "environment_variables of the Environment",
    "key": "primary_key",
    "target": "deployment_config",
}
"""Options of magics and commands → what the v1 API calls them, where that is another word."""


def argument_words(text: str) -> str:
    """What names an option, in the words of Python; a command that is written out stays one."""
    if "mldeploy " in text or "%" in text:
        return text
    text = re.sub(r"(?<=with )--model (?!and\b|or\b)([A-Za-z_][\w.]*\w)", r"models=[\1]", text)
    return re.sub(
        r"(?<![\w-])--([a-z]+(?:-[a-z]+)*)", lambda found: _ARGUMENTS.get(found[1], found[1].replace("-", "_")), text
    )


def _nearest(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    if near := get_close_matches(name, names, n=1, cutoff=0.5):
        return f"; the nearest that works is {near[0]!r}."
    return f"; there is {', '.join(names)}." if names else "."
