"""The verbs of images: image, images, build, push, prune."""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy.cli.showing import Screen, columns
from jupyter_mldeploy.errors import TargetUnavailable

if TYPE_CHECKING:
    from jupyter_mldeploy.images.build_log import ImageEntry
    from jupyter_mldeploy.images.engine import Engine
    from jupyter_mldeploy.records import Records

__all__ = ["build", "image", "images", "prune", "push"]


def image(options: argparse.Namespace, screen: Screen) -> int:
    """Show a service's image, its Dockerfile, or write what it is built from."""
    from jupyter_mldeploy import api
    from jupyter_mldeploy.targets.container import shelf

    records = _records()
    record = records.find(options.name) or api.service(options.name).record
    if options.save is not None:
        plan = shelf.plan_of(records, record)
        shelf.save_context(plan, Path(options.save))
        told = {"folder": options.save, "files": len(plan.entries) + 1}
        screen.json(told) if screen.is_json else screen.line(
            f"Written to {options.save}; build it with: docker build {options.save}"
        )
        return 0
    if options.dockerfile:
        text = shelf.dockerfile_of(records, record)
        screen.json({"dockerfile": text}) if screen.is_json else screen.lines(text.splitlines())
        return 0
    entry = shelf.look_up(records, shelf.image_of(record))
    return _show(entry, screen)


def _show(entry: ImageEntry, screen: Screen) -> int:
    engine = _engine(screen)
    found = engine.has_image(entry.reference) if engine else None
    told = {
        **asdict(entry),
        "on_engine": found is not None if engine else None,
        "size": found["Size"] if found else None,
    }
    told["labels"] = (((found or {}).get("Config") or {}).get("Labels")) or {}
    if screen.is_json:
        screen.json(told)
        return 0
    absent = "not on the engine" if engine else "nobody knows whether it is on the engine"
    size = f"{found['Size'] / 1e6:.0f} MB" if found else absent
    screen.line(f"{entry.reference} · {entry.state} {_when(entry.built)} in {entry.seconds:.1f} s · {size}")
    if entry.digest:
        screen.line(f"pushed as {entry.digest}")
    for parent in entry.parents:
        screen.line(f"  on {parent}")
    for step in entry.steps:
        took = "cached" if step["cached"] else f"{step['seconds']:.1f} s"
        screen.line(f"  {step['step']:>6} {took:>8}  {' '.join(step['command'].split())[:100]}")
    for name, value in sorted(told["labels"].items()):
        screen.line(f"  {name}={value}")
    return 0


def images(options: argparse.Namespace, screen: Screen) -> int:
    """List what was built, also what failed; or print the log of one build."""
    from jupyter_mldeploy.images.build_log import BuildLogs
    from jupyter_mldeploy.targets.container import shelf

    records = _records()
    if options.log is not None:
        text = BuildLogs(records.home).text(shelf.look_up(records, options.log).reference)
        screen.json({"log": text}) if screen.is_json else screen.lines(text.splitlines())
        return 0
    entries, engine = shelf.listed(records), _engine(screen)
    sizes = {entry.reference: shelf.size_of(engine, entry.reference) for entry in entries}
    if screen.is_json:
        screen.json([{**asdict(entry), "size": sizes[entry.reference]} for entry in entries])
        return 0
    if not entries:
        screen.line("No image was built.")
        return 0
    rows = []
    for entry in entries:
        size = sizes[entry.reference]
        gone = "removed" if engine else "unknown"
        state = entry.state if size is not None or entry.state not in {"built", "found"} else gone
        shown = f"{size / 1e6:.0f} MB" if size is not None else "-"
        rows.append([entry.reference, entry.service, state, _when(entry.built), f"{entry.seconds:.1f} s", shown])
    screen.lines(columns(("image", "for", "state", "when", "took", "size"), rows))
    return 0


def build(options: argparse.Namespace, screen: Screen) -> int:
    """Build the image of a service and do no more."""
    from jupyter_mldeploy import api
    from jupyter_mldeploy.cli.deploying import wanted
    from jupyter_mldeploy.cli.interrupts import interruptible
    from jupyter_mldeploy.cli.progress import Progress

    began = time.monotonic()
    progress = Progress(screen)
    with interruptible() as cancel:
        service = api.deploy(
            options.script,
            options.name,
            target="container",
            context=options.context,
            until="build",
            overwrite=options.overwrite,
            sink=progress,
            cancel=cancel,
            **wanted(options),
        )
    assert service.outcome is not None
    image, seconds = service.outcome.image, time.monotonic() - began
    if screen.is_json:
        screen.json({"service": options.name, "image": image, "stages": progress.stages, "seconds": seconds})
    else:
        screen.line(f"{options.name} · {image} in {seconds:.1f} s")
    return 0


def push(options: argparse.Namespace, screen: Screen) -> int:
    """Push the image of a service."""
    from jupyter_mldeploy import api
    from jupyter_mldeploy.cli.interrupts import interruptible
    from jupyter_mldeploy.config import settings
    from jupyter_mldeploy.errors import DeploymentFailed
    from jupyter_mldeploy.pipeline import explain
    from jupyter_mldeploy.targets.container import shelf

    record = api.service(options.name).record
    began = time.monotonic()

    def progress(line: str, ended: int, layers: int) -> None:
        screen.passing(f"  push     {ended} of {layers} layers · {line}")

    with interruptible() as cancel:
        try:
            pushed = shelf.push(_records(), record, settings().registry, progress, cancel)
        except DeploymentFailed as error:
            explain(error)
            raise
    seconds = time.monotonic() - began
    if screen.is_json:
        screen.json({**asdict(pushed), "seconds": seconds})
    else:
        screen.line(f"{options.name} · pushed {pushed.reference} in {seconds:.1f} s · {pushed.digest}")
    return 0


def prune(options: argparse.Namespace, screen: Screen) -> int:
    """Remove containers that no record knows and images that no service needs, after asking."""
    from jupyter_mldeploy.cli.changing import confirmed
    from jupyter_mldeploy.images.engine import connect
    from jupyter_mldeploy.targets.container import orphans
    from jupyter_mldeploy.targets.container.handover import find_loose_volumes

    engine, records = connect(options.context), _records()
    found = orphans.find_orphans(engine, records)
    unused = orphans.find_unused_images(engine, records)
    if not found and not unused and not find_loose_volumes(engine, records.home):
        screen.json(_pruned([], [], [])) if screen.is_json else screen.line("Nothing to remove.")
        return 0
    if not screen.is_json:
        for orphan in found:
            screen.line(f"container {orphan.container[:12]}  {orphan.service} ({orphan.status}) {orphan.whose}")
        for reference in unused:
            what = ", of a build that was not finished" if reference.startswith("sha256:") else ""
            screen.line(f"image     {reference.removeprefix('sha256:')[:12] if what else reference}{what}")
    if not options.yes:
        what = f"Remove {_count(len(found), 'container')} and {_count(len(unused), 'image')}?"
        if not confirmed(screen, what, "prune"):
            return 1
    for orphan in found:
        orphans.remove_orphan(engine, records, orphan)
    kept = orphans.remove_unused(engine, records, unused)
    removed = [reference for reference in unused if reference not in kept]
    if screen.is_json:
        screen.json(_pruned([orphan.container for orphan in found], removed, kept))
        return 0
    screen.line(f"Removed {_count(len(found), 'container')} and {_count(len(removed), 'image')}.")
    for reference in kept:
        screen.line(f"Kept {reference}: a container still uses it.")
    return 0


def _pruned(containers: list[str], removed: list[str], kept: list[str]) -> dict[str, Any]:
    return {"containers": containers, "images": removed, "kept": kept}


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _records() -> Records:
    from jupyter_mldeploy.config import settings
    from jupyter_mldeploy.records import Records

    return Records(settings().home_path)


def _engine(screen: Screen) -> Engine | None:
    """The engine; where none answers that is said, and a list can be shown without."""
    from jupyter_mldeploy.images.engine import connect

    try:
        return connect()
    except TargetUnavailable as error:
        screen.note(str(error))
        return None


def _when(moment: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(moment))
