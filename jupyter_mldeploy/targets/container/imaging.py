"""The image of a service: built, taken from where it was built before, pushed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jupyter_mldeploy.config import settings
from jupyter_mldeploy.errors import InvalidValue
from jupyter_mldeploy.events import EventKind, Stage
from jupyter_mldeploy.images.build import Listener, Step, build_image
from jupyter_mldeploy.images.build_log import UNFINISHED, BuildLogs, ImageEntry, note_digest, pulling, pushing
from jupyter_mldeploy.images.engine import Engine
from jupyter_mldeploy.images.plan import LABEL, plan_image
from jupyter_mldeploy.images.transfer import pull_image, push_image
from jupyter_mldeploy.records import Records
from jupyter_mldeploy.targets.base import Work
from jupyter_mldeploy.targets.image_inputs import gather

__all__ = ["build", "push"]

Facts = dict[str, Any]


def build(engine: Engine, records: Records, work: Work) -> tuple[Facts, Facts]:
    """Build the image, or take the one that was named; what the record learns, and what the stage tells."""
    spec = work.spec
    if spec.image is not None:
        return _take(spec.image, engine, records, work)
    inputs = gather(spec.name, spec.inference, spec.models, records.home)
    registry = settings().registry.rstrip("/")
    plan = plan_image(inputs, f"{registry}/{spec.name}" if registry else "")

    def ended(step: Step) -> None:
        number, _, total = step.step.partition("/")
        facts = {"step": int(number), "steps": int(total), "seconds": step.seconds, "cached": step.cached}
        work.emit(Stage.BUILD, EventKind.PROGRESS, str(step), command=step.command, **facts)

    listener = Listener(line=lambda line: work.log(Stage.BUILD, line), step=ended)
    built = build_image(
        plan, engine, records.home, inputs.surroundings, service=spec.name, listener=listener, cancel=work.cancel
    )
    learned = {"image": built.reference, "image_id": built.id, "image_script": inputs.script}
    what = f"built {' and '.join(built.parts)}" if built.parts else "nothing to build"
    message = f"{built.reference}, {what}"
    return learned, {"message": message, "image": built.reference, "cached": not built.parts}


def _take(reference: str, engine: Engine, records: Records, work: Work) -> tuple[Facts, Facts]:
    name, logs = work.spec.name, BuildLogs(records.home)
    found = engine.has_image(reference)
    if found is None:
        progress = _progress(work, Stage.BUILD)
        with pulling(logs, reference, name):
            pull_image(reference, engine, service=name, target="container", progress=progress, cancel=work.cancel)
        found = engine.has_image(reference)
    labels = ((found or {}).get("Config") or {}).get("Labels") or {}
    if found is None or f"{LABEL}version" not in labels:
        raise InvalidValue(
            "from_image", reference, "it was not built by `mldeploy build`, so it holds no scoring server."
        )
    models = " ".join(sorted(str(model) for model in work.spec.models))
    if models and models != labels.get(f"{LABEL}models", ""):
        held = labels.get(f"{LABEL}models") or "none"
        raise InvalidValue("models", models, f"the image {reference} holds {held}; leave --model out, or build anew.")
    known = logs.find(reference)
    if known is None or known.state in UNFINISHED:
        logs.say(reference, f"{reference} was taken as it is: nothing was built.")
        logs.keep(ImageEntry(reference=reference, service=name, state="found"))
    learned = {"image": reference, "image_id": found["Id"], "image_script": labels.get(f"{LABEL}script", "")}
    return learned, {"message": f"{reference}, taken as it is", "image": reference, "cached": True}


def push(engine: Engine, records: Records, work: Work) -> tuple[Facts, Facts]:
    """Push the image, if a registry is set; what the record learns, and what the stage tells."""
    reference, name, logs = str(work.record.details["image"]), work.spec.name, BuildLogs(records.home)
    if work.spec.image is not None:
        return {}, {"message": "the image was built before; it stays where it is", "skipped": True}
    if not settings().registry:
        return {}, {"message": "no registry is set", "skipped": True}
    progress = _progress(work, Stage.PUSH)
    with pushing(logs, reference):
        digest = push_image(reference, engine, service=name, target="container", progress=progress, cancel=work.cancel)
    note_digest(logs, reference, digest)
    message = f"{reference} @ {digest[:19]}"
    return {"digest": digest}, {"message": message, "image": reference, "digest": digest}


def _progress(work: Work, stage: Stage) -> Callable[[str, int, int], None]:
    def tell(line: str, ended: int, layers: int) -> None:
        work.log(stage, line)
        work.emit(stage, EventKind.PROGRESS, f"{ended} of {layers} layers", ended=ended, layers=layers)

    return tell
