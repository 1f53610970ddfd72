"""The verbs that change a service: reload, update, scale, start, stop, delete, history, rollback."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy import api
from jupyter_mldeploy.cli.deploying import show_outcome, wanted
from jupyter_mldeploy.cli.describing import receipt_to_json, short
from jupyter_mldeploy.cli.interrupts import interruptible
from jupyter_mldeploy.cli.progress import Progress
from jupyter_mldeploy.cli.showing import Screen, columns
from jupyter_mldeploy.errors import InvalidValue

if TYPE_CHECKING:
    from jupyter_mldeploy.targets.revisions import Revision

__all__ = ["delete", "history", "reload", "rollback", "scale", "start", "stop", "update"]


def reload(options: argparse.Namespace, screen: Screen) -> int:
    """Let the running service take its edited script."""
    service = api.service(options.name)
    progress = Progress(screen)
    with interruptible() as cancel:
        receipt = service.reload(options.script, sink=progress, cancel=cancel)
    outcome = service.outcome
    if screen.is_json:
        change = {"kind": outcome.change.kind, "reasons": list(outcome.change.reasons)} if outcome else None
        told = {"service": options.name, "receipt": receipt_to_json(receipt), "change": change}
        screen.json({**told, "answer": outcome.answer if outcome else "", "stages": progress.stages})
        return 0
    words = {"in-place": "in place, init() kept", "new-workers": "new workers, init() ran again"}
    how = words.get(receipt.mode, receipt.mode)
    time_taken = f" in {receipt.seconds * 1000:.0f} ms" if receipt.seconds else ""
    screen.line(f"{options.name} · reloaded{time_taken} · {how} · script {short(receipt.script)}")
    return 0


def update(options: argparse.Namespace, screen: Screen) -> int:
    """Change what it is made of."""
    began = time.monotonic()
    service = api.service(options.name)
    changes = {name: value for name, value in wanted(options).items() if value not in (None, [])}
    if options.script is not None:
        changes["script"] = options.script
    if options.from_image is not None:
        changes["image"] = options.from_image
    if not changes:
        raise InvalidValue("update", options.name, "name what is to change, such as --memory 1Gi (see --help).")
    progress = Progress(screen)
    with interruptible() as cancel:
        service.update(sink=progress, cancel=cancel, **changes)
    show_outcome(service, progress, time.monotonic() - began, screen)
    return 0


def scale(options: argparse.Namespace, screen: Screen) -> int:
    """Change the number of replicas."""
    began = time.monotonic()
    service = api.service(options.name)
    service.scale(options.replicas if options.number is None else options.number, autoscale=options.autoscale)
    show_outcome(service, Progress(screen), time.monotonic() - began, screen)
    return 0


def history(options: argparse.Namespace, screen: Screen) -> int:
    """List its revisions."""
    found = api.service(options.name).history()
    if screen.is_json:
        screen.json([_revision(one) for one in found])
        return 0
    head = ("revision", "created", "", "changed", "models", "script", "image")
    rows = [
        [
            str(one.number),
            one.created,
            "runs" if one.current else "",
            ", ".join(one.changes) or "-",
            "+".join(told["models"]) or "-",
            short(told["script"]),
            one.image,
        ]
        for one in found
        for told in [_revision(one)]
    ]
    screen.lines(columns(head, rows))
    return 0


def _revision(one: Revision) -> dict[str, Any]:
    return {
        "revision": one.number,
        "created": one.created,
        "current": one.current,
        "changed": list(one.changes),
        "models": [str(model) for model in one.spec.models],
        "script": one.spec.inference.script.hash,
        "image": one.image,
    }


def rollback(options: argparse.Namespace, screen: Screen) -> int:
    """Go back to an earlier revision."""
    began = time.monotonic()
    service = api.service(options.name)
    progress = Progress(screen)
    with interruptible() as cancel:
        service.rollback(options.revision, sink=progress, cancel=cancel)
    show_outcome(service, progress, time.monotonic() - began, screen)
    return 0


def start(options: argparse.Namespace, screen: Screen) -> int:
    """Start what was stopped."""
    began = time.monotonic()
    service = api.service(options.name)
    progress = Progress(screen)
    with interruptible() as cancel:
        service.start(sink=progress, cancel=cancel)
    show_outcome(service, progress, time.monotonic() - began, screen)
    return 0


def stop(options: argparse.Namespace, screen: Screen) -> int:
    """End its processes."""
    api.service(options.name).stop()
    if screen.is_json:
        screen.json({"service": options.name, "state": "stopped"})
    else:
        screen.line(f"{options.name} · stopped; start it again with: mldeploy start {options.name}")
    return 0


def delete(options: argparse.Namespace, screen: Screen) -> int:
    """Remove it, after asking."""
    service = api.Service(options.name)  # one whose record is lost can be deleted too
    if not options.yes and not confirmed(screen, f"Delete the service {options.name!r}?", "delete"):
        return 1
    images = service.delete(images=options.image, forget=options.forget)
    if screen.is_json:
        screen.json({"service": options.name, "deleted": True, "images": images})
    else:
        screen.line(" · ".join([options.name, "deleted", *images]))
    return 0


def confirmed(screen: Screen, question: str, verb: str) -> bool:
    """Ask on a terminal; where nobody can answer, refuse.

    Raises:
        InvalidValue: Nobody can be asked.
    """
    if screen.is_json or not sys.stdin.isatty():
        raise InvalidValue("--yes", None, f"add --yes to {verb} without being asked.")
    if screen.ask(question):
        return True
    screen.note("Nothing was deleted.")
    return False
