"""Registered models, for people: the registry of this home folder, which knows what services use."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jupyter_mldeploy.config import settings
from jupyter_mldeploy.records import Records
from jupyter_mldeploy.registry import Model, ModelRegistry

__all__ = ["delete_model", "download_model", "get_model", "list_models", "register_model", "users_of"]


def register_model(name: str, source: object, **about: Any) -> Model:
    """Keep a file, a folder (``str`` or ``Path``) or an object under a name; the same content keeps its version.

    ``about``: ``tags, properties, description``.
    """
    return _registry().register(name, source, **about)


def get_model(name: str, version: int | None = None) -> Model:
    """A registered model; its newest version where none is named, also as ``NAME:VERSION``."""
    registry = _registry()
    if version is None and ":" in str(name):
        model = registry.resolve(name)
        return registry.get(model.name, model.version)
    return registry.get(name, version)


def list_models(name: str | None = None) -> list[Model]:
    """Every version of every model, or of one."""
    return _registry().list(name)


def download_model(name: str, version: int | None = None, target_dir: str | Path = ".", exist_ok: bool = False) -> Path:
    """Copy a model's file or folder to a folder and return where it stands."""
    return _registry().download(name, version, target_dir, exist_ok)


def delete_model(name: str, version: int | None = None, *, force: bool = False) -> Sequence[Model]:
    """Delete a version or all of a model; refused while a service uses it, unless forced."""
    return _registry().delete(name, version, force=force, users=users_of(Records(settings().home_path)))


def users_of(records: Records) -> Callable[[Model], Sequence[str]]:
    """Names of the services whose specification names a model's version."""
    specs: Mapping[str, set[tuple[str, int]]] = {
        name: {(model.name, model.version) for model in record.spec.models}
        for name in records.names()
        if (record := records.find(name)) is not None
    }
    return lambda model: [name for name, used in specs.items() if (model.name, model.version) in used]


def _registry() -> ModelRegistry:
    return ModelRegistry(settings().home_path)
