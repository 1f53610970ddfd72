"""``mldeploy models``: list, register, download and delete what services are made of."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from jupyter_mldeploy.cli.changing import confirmed
from jupyter_mldeploy.cli.interrupts import interruptible
from jupyter_mldeploy.cli.showing import Screen, columns
from jupyter_mldeploy.config import settings
from jupyter_mldeploy.errors import InvalidValue
from jupyter_mldeploy.models import users_of
from jupyter_mldeploy.records import Records
from jupyter_mldeploy.registry import Model, ModelRegistry
from jupyter_mldeploy.spec import show_memory

__all__ = ["delete", "download", "listing", "register"]


def listing(options: argparse.Namespace, screen: Screen) -> int:
    """List all, or the versions of one."""
    registry = ModelRegistry(settings().home_path)
    name = getattr(options, "model", None)
    found = registry.list(name)
    if name and not found:
        registry.get(name)  # raises, and names what there is
    used_by = users_of(Records(settings().home_path))
    if screen.is_json:
        screen.json([{**model.to_json(), "services": list(used_by(model))} for model in found])
    elif not found:
        screen.line("No model is registered.")
    else:
        head = ("model", "version", "kind", "size", "registered", "services", "description")
        screen.lines(columns(head, [_row(model, used_by(model)) for model in found]))
    return 0


def _row(model: Model, users: Sequence[str]) -> list[str]:
    registered = model.created.astimezone().strftime("%Y-%m-%d %H:%M")
    size = show_memory(model.size)
    return [model.name, str(model.version), model.kind, size, registered, ", ".join(users) or "-", model.description]


def register(options: argparse.Namespace, screen: Screen) -> int:
    """Keep a file or folder as the next version."""
    registry = ModelRegistry(settings().home_path)
    before = {model.version for model in registry.list(options.model)}

    def progress(done: int, total: int) -> None:
        screen.passing(f"  {show_memory(done)} of {show_memory(total)}")

    with interruptible() as cancel:
        model = registry.register(
            options.model,
            options.path,
            tags=_pairs(options.tag, "--tag"),
            properties=_pairs(options.property, "--property"),
            description=options.description,
            progress=progress,
            cancel=cancel,
        )
    if screen.is_json:
        screen.json({**model.to_json(), "new": model.version not in before})
        return 0
    known = "" if model.version not in before else " · same content as before"
    screen.line(f"{model} · {model.kind} · {show_memory(model.size)}{known}")
    return 0


def _pairs(texts: list[str], option: str) -> dict[str, str]:
    pairs = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not (key and equals):
            raise InvalidValue(option, text, "write KEY=VALUE.")
        pairs[key] = value
    return pairs


def download(options: argparse.Namespace, screen: Screen) -> int:
    """Copy a version's file or folder."""
    registry = ModelRegistry(settings().home_path)
    model = registry.resolve(options.model)
    path = registry.download(model.name, model.version, options.folder, exist_ok=options.overwrite)
    if screen.is_json:
        screen.json({"model": str(model), "path": str(path.absolute())})
    else:
        screen.line(f"{model} → {path}")
    return 0


def delete(options: argparse.Namespace, screen: Screen) -> int:
    """Delete a version, or all of a model."""
    registry = ModelRegistry(settings().home_path)
    name, colon, _ = options.model.partition(":")
    version = registry.resolve(options.model).version if colon else None
    if not colon and not options.force:
        registry.get(name)
    if not options.yes and not confirmed(screen, f"Delete the model {options.model!r}?", "delete"):
        return 1
    gone = registry.delete(name, version, force=options.force, users=users_of(Records(settings().home_path)))
    if screen.is_json:
        screen.json({"deleted": [str(model) for model in gone]})
    else:
        screen.line(f"deleted {', '.join(str(model) for model in gone) or options.model}")
    return 0
