"""The models that are asked for: by their names, or files and objects that are registered first."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_mldeploy.asked import ModelWish
from jupyter_mldeploy.errors import NotFound
from jupyter_mldeploy.events import Cancel, Sink, Stage, staged
from jupyter_mldeploy.registry import Model, ModelRegistry
from jupyter_mldeploy.spec import ModelRef, check_model_name

__all__ = ["check_known", "find_or_register", "name_of", "registered"]


@contextmanager
def registered(
    wishes: Sequence[ModelWish], service: str, registry: ModelRegistry, sink: Sink, cancel: Cancel
) -> Iterator[tuple[tuple[ModelRef, ...], dict[str, Any]]]:
    """The stage of a deployment that finds or registers models: them, and what it tells when it ends.

    Raises:
        MLDeployError: A model, version or file that is not there or cannot be kept.
    """
    with staged(service, Stage.REGISTER, sink, cancel) as told:
        found = (_find_or_register(wish, registry, cancel) for wish in wishes)
        models = tuple(dict.fromkeys(found))  # one that is named twice is one
        told["message"] = ", ".join(str(model) for model in models) or "no model"
        yield models, told


def find_or_register(
    wishes: Sequence[ModelWish], service: str, registry: ModelRegistry, sink: Sink, cancel: Cancel
) -> tuple[ModelRef, ...]:
    """The stage where nothing else belongs to it."""
    with registered(wishes, service, registry, sink, cancel) as (models, _told):
        return models


def check_known(wishes: Sequence[ModelWish], registry: ModelRegistry) -> None:
    """Refuse the name of a model that is not registered, before the script is found to ask for another one.

    Raises:
        NotFound: It or its version.
    """
    for wish in wishes:
        if isinstance(wish, str) and not _is_path(wish):
            registry.resolve(wish)


def _is_path(wish: str) -> bool:
    path = Path(wish)
    return "/" in wish or bool(path.suffix and path.exists())


def _find_or_register(wish: ModelWish, registry: ModelRegistry, cancel: Cancel) -> ModelRef:
    if isinstance(wish, ModelRef):
        return wish
    if isinstance(wish, Model):
        return ModelRef(wish.name, wish.version)
    if isinstance(wish, tuple):
        return _registered(check_model_name(wish[0]), wish[1], registry, cancel)
    if not _is_path(wish):
        return registry.resolve(wish)
    path = Path(wish)
    if not path.exists():
        raise NotFound.of_file("model file", wish)
    return _registered(_name_of(path), path, registry, cancel)


def _registered(name: str, source: object, registry: ModelRegistry, cancel: Cancel) -> ModelRef:
    model = registry.register(name, source, cancel=cancel)
    return ModelRef(model.name, model.version)


def _name_of(path: Path) -> str:
    letters = unicodedata.normalize("NFKD", path.stem).encode("ascii", "ignore").decode()  # é → e
    return re.sub(r"[^A-Za-z0-9._-]+", "-", letters).strip("-._") or "model"


def name_of(wish: ModelWish) -> str:
    """The name that the model has, or will be registered under."""
    if isinstance(wish, tuple):
        return wish[0]
    if isinstance(wish, Model | ModelRef):
        return wish.name
    return _name_of(Path(wish)) if _is_path(wish) else wish.partition(":")[0]
