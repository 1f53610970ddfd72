"""Everything an image is made of, as one value; what follows from it (``plan``) is pure."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jupyter_mldeploy.errors import InvalidValue
from jupyter_mldeploy.images.entries import Entry
from jupyter_mldeploy.images.surroundings import Surroundings
from jupyter_mldeploy.spec import Environment

__all__ = [
    "APP_ROOT",
    "MODELS_ROOT",
    "PORT",
    "PYTHON",
    "ImageInputs",
    "check_reference",
    "check_registry",
    "default_base",
    "service_file",
]

APP_ROOT = "/var/azureml-app"
MODELS_ROOT = "/var/azureml-models"
PYTHON = "/opt/env/bin/python"
PORT = 5001

# What a registry takes for a reference: host, path, tag, digest; so that nothing else can get into a FROM line.
_REFERENCE = re.compile(r"[A-Za-z0-9][\w.:/-]*(?:@sha256:[0-9a-f]{64})?")
_COMPONENT = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
# Before the first slash is a host if it has a dot or a port; else it is a part of the path, which has no capitals.
_REGISTRY = re.compile(rf"(?:(?=[^/]*[.:])[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]+)?|{_COMPONENT})(?:/{_COMPONENT})*")


@dataclass(frozen=True, kw_only=True)
class ImageInputs:
    """What an image is made of.

    Attributes:
        service: Name of the service it is made for.
        base: Image it begins with; ``""`` for the default of the environment.
        environment: Python, packages, system packages.
        requirements: For pip, in order.
        conda: For conda; then the image is made with micromamba.
        runtime: The scoring server's files.
        models: Each with the files of its entry.
        app: Script, source directory and service file, under ``app/``.
        entry_script, model_dir, source_directory: As the script sees them.
        script: Hash of the scoring script.
        surroundings: What the network asks for.
    """

    service: str
    base: str = ""
    environment: Environment = field(default_factory=Environment)
    requirements: tuple[str, ...] = ()
    conda: tuple[str, ...] = ()
    runtime: tuple[Entry, ...] = ()
    models: Mapping[str, tuple[Entry, ...]] = field(default_factory=dict)
    app: tuple[Entry, ...] = ()
    entry_script: str = "score.py"
    model_dir: str | None = None
    source_directory: str | None = None
    script: str = ""
    surroundings: Surroundings = field(default_factory=Surroundings)


def check_reference(field_name: str, reference: str) -> str:
    """Return an image reference, or raise ``InvalidValue`` for what no registry would take."""
    if not _REFERENCE.fullmatch(reference):
        raise InvalidValue(field_name, reference, "write an image reference such as python:3.11-slim.")
    return reference


def check_registry(registry: str) -> str:
    """Return a registry with its path, without a slash at its end; ``""`` is none.

    Raises:
        InvalidValue: No image can have such a name.
    """
    if registry and not _REGISTRY.fullmatch(registry.removesuffix("/")):
        expected = "write host and path in small letters, such as registry.example/team, without http://."
        raise InvalidValue("registry", registry, expected)
    return registry.removesuffix("/")


def default_base(environment: Environment) -> str:
    """The slim Python image of an environment's version, or of the version this process has."""
    version = environment.python or f"{sys.version_info.major}.{sys.version_info.minor}"
    return f"python:{version}-slim"


def service_file(service: str, script: str, model_dir: str | None, source_directory: str | None, **more: Any) -> bytes:
    """The scoring server's service file inside an image; ``more`` are further keys, the worker's under ``worker``."""
    worker = {
        "python": PYTHON,
        "app_root": APP_ROOT,
        "entry_script": script,
        "source_directory": source_directory,
        "model_dir": model_dir,
        "env": {"MLDEPLOY_SERVICE": service},
        **more.pop("worker", {}),
    }
    content = {"service": service, "host": "0.0.0.0", "port": PORT, **more, "worker": worker}  # noqa: S104 - in a container
    return json.dumps(content, indent=1).encode()
