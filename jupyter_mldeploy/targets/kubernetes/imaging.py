"""The image of a service: built here as for a container, then brought to where the cluster's nodes find it."""

from __future__ import annotations

from pathlib import Path

from jupyter_mldeploy.errors import StorageError
from jupyter_mldeploy.events import EventKind, Stage
from jupyter_mldeploy.images.build import Listener, Step, build_image
from jupyter_mldeploy.images.build_log import BuildLogs, note_digest, pushing
from jupyter_mldeploy.images.engine import Engine, connect
from jupyter_mldeploy.images.plan import plan_image
from jupyter_mldeploy.images.transfer import push_image, split_reference
from jupyter_mldeploy.targets.base import Work
from jupyter_mldeploy.targets.image_inputs import gather
from jupyter_mldeploy.targets.kubernetes.delivery import Way, load

__all__ = ["build", "deliver"]


def build(work: Work, way: Way, home: Path) -> tuple[str, dict[str, object]]:
    """Build what is missing of the image; its reference, and what the stage tells."""
    if (built_before := work.again.image if work.again else work.spec.image) is not None:
        return built_before, {"message": f"{built_before}, built before", "cached": True}
    inputs = gather(work.spec.name, work.spec.inference, work.spec.models, home)
    plan = plan_image(inputs, f"{way.registry}/{work.spec.name}" if way.registry else "")

    def step(ended: Step) -> None:
        work.emit(Stage.BUILD, EventKind.PROGRESS, str(ended), step=ended.step, cached=ended.cached)

    engine = connect()
    try:
        built = build_image(
            plan,
            engine,
            home,
            inputs.surroundings,
            service=work.spec.name,
            target="kubernetes",
            listener=Listener(line=lambda line: work.log(Stage.BUILD, line), step=step),
            cancel=work.cancel,
        )
    except OSError as error:  # what the engine says comes as errors of its own
        raise StorageError(f"The log of the build could not be written: {error.strerror or error}.") from error
    finally:
        engine.close()
    return built.reference, {"message": built.reference, "cached": not built.parts, "image": built.reference}


def deliver(work: Work, way: Way, image: str) -> tuple[str, dict[str, object]]:
    """Bring the image to the cluster; its reference there, by digest where a registry told one."""
    match way.kind:
        case "given":
            return image, {"message": "not needed", "cached": True}
        case "shared":
            return image, {"message": "the cluster uses this engine's images", "cached": True}
        case "tool":
            load(way, image, lambda line: work.log(Stage.PUSH, line), work.cancel)
            return image, {"message": f"loaded by {way.command[0]}"}
    engine = connect()
    try:
        return _push(work, image, engine)
    finally:
        engine.close()


def _push(work: Work, image: str, engine: Engine) -> tuple[str, dict[str, object]]:
    def progress(line: str, ended: int, layers: int) -> None:
        work.emit(Stage.PUSH, EventKind.PROGRESS, line, ended=ended, layers=layers)

    logs = BuildLogs(work.records.home)
    with pushing(logs, image):
        digest = push_image(
            image, engine, service=work.spec.name, target="kubernetes", progress=progress, cancel=work.cancel
        )
    note_digest(logs, image, digest)
    reference = f"{split_reference(image)[0]}@{digest}" if digest else image
    return reference, {"message": reference, "image": reference, "digest": digest}
