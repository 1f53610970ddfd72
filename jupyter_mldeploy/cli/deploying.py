"""``mldeploy deploy``: from a script to a service that answers."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy import api
from jupyter_mldeploy.cli.describing import describe, receipt_to_json
from jupyter_mldeploy.cli.interrupts import interruptible
from jupyter_mldeploy.cli.progress import Progress
from jupyter_mldeploy.cli.showing import Screen

if TYPE_CHECKING:
    from jupyter_mldeploy.asked import ModelWish

__all__ = ["deploy", "model_wishes", "show_outcome", "wanted"]

ANNOUNCED = "--announced"
"""Passed by a command to the one it leaves behind, which then says when a stage begins."""


def deploy(options: argparse.Namespace, screen: Screen) -> int:
    """The verb."""
    if options.no_wait:
        return _leave_to_another_process(options, screen)
    began = time.monotonic()
    progress = Progress(screen, announce=options.announced)
    with interruptible() as cancel:
        service = api.deploy(
            options.script,
            options.name,
            target=options.target,
            context=options.context,
            namespace=options.namespace,
            until=options.until,
            from_image=options.from_image,
            overwrite=options.overwrite,
            sink=progress,
            cancel=cancel,
            **wanted(options),
        )
    show_outcome(service, progress, time.monotonic() - began, screen)
    return 0


def wanted(options: argparse.Namespace) -> dict[str, Any]:
    """What ``deploy`` and ``update`` both take."""
    same = ("environment", "source_directory", "replicas", "autoscale", "cpu", "memory", "gpus", "sample", "port")
    values = {name: getattr(options, name) for name in (*same, "timeout", "env")}
    renamed = {
        "keys": options.key,
        "node_selector": options.node_selector,
        "tolerations": options.toleration,
        "pull_secrets": options.pull_secret,
        "ingress": options.ingress,
        "load_balancer": options.load_balancer,
    }
    return {**values, **renamed, "models": model_wishes(options.model), "pip": options.pip, "apt": options.apt}


def model_wishes(texts: list[str]) -> list[ModelWish]:
    """``NAME=PATH`` names what is registered; anything else is as ``jupyter_mldeploy.deploy`` takes it."""
    wishes: list[ModelWish] = []
    for text in texts:
        name, equals, path = text.partition("=")
        wishes.append((name, Path(path)) if equals and "/" not in name else text)
    return wishes


def show_outcome(service: api.Service, progress: Progress, seconds: float, screen: Screen) -> None:
    """What it came to, and why what was done was done."""
    outcome = service.outcome
    assert outcome is not None
    told = describe(service, outcome.record, service.status())
    if screen.is_json:
        screen.json(
            {
                "service": told,
                "change": {"kind": outcome.change.kind, "reasons": list(outcome.change.reasons)},
                "receipt": receipt_to_json(outcome.receipt),
                "answer": outcome.answer,
                "stages": progress.stages,
                "seconds": seconds,
            }
        )
        return
    prepared = outcome.change.kind == "prepared"
    ready = "done" if prepared else "ready" if told["state"] == "running" else told["state"]
    parts = [told["name"], told["target"], f"{ready} in {seconds:.1f} s", str(outcome.change), told["scoring_uri"]]
    screen.line(" · ".join(filter(None, parts)))


def _leave_to_another_process(options: argparse.Namespace, screen: Screen) -> int:
    """Deploy in a process that outlives this one; return as soon as it has begun, or with what it refused."""
    words = [word for word in options.words if word != "--no-wait"]
    child = subprocess.Popen(
        [sys.executable, "-m", "jupyter_mldeploy.cli", *words, ANNOUNCED],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    assert child.stdout is not None
    assert child.stderr is not None
    with child.stdout, child.stderr:
        for line in child.stdout:
            begins = line.split()[1:] == ["begins"]
            if not (begins and screen.is_json):
                screen.line(line.rstrip())
            if begins and line.split()[0] != "register":
                break
        else:
            # It ended before a stage of the target began: refused, or nothing was to be done.
            for line in child.stderr:
                screen.note(line.rstrip())
            return child.wait()
    if screen.is_json:
        screen.json({"service": {"name": options.name, "state": "deploying"}, "process": child.pid})
    else:
        screen.line(f"{options.name} is being deployed by process {child.pid}; see: mldeploy status {options.name}")
    return 0
