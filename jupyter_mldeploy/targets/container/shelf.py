"""The images of services: what is known of one, its Dockerfile and context on disk, pushing it by itself."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from jupyter_mldeploy.errors import Conflict, InvalidValue, NotFound, StorageError
from jupyter_mldeploy.events import Cancel
from jupyter_mldeploy.images.build_log import UNFINISHED, BuildLogs, ImageEntry, note_digest, pushing
from jupyter_mldeploy.images.engine import Engine, connect
from jupyter_mldeploy.images.entries import Entry
from jupyter_mldeploy.images.inputs import check_registry
from jupyter_mldeploy.images.plan import ImagePlan, plan_image
from jupyter_mldeploy.images.transfer import Progress, push_image, split_reference
from jupyter_mldeploy.records import Record, Records
from jupyter_mldeploy.targets.image_inputs import gather

__all__ = ["Pushed", "dockerfile_of", "image_of", "listed", "look_up", "plan_of", "push", "save_context", "size_of"]


@dataclass(frozen=True, kw_only=True)
class Pushed:
    """What a push came to."""

    reference: str
    digest: str


def image_of(record: Record) -> str:
    """The image that a service was last made from.

    Raises:
        NotFound: None was built for it.
    """
    image = str(record.details.get("image", ""))
    if not image:
        raise NotFound(
            f"No image was built for {record.name!r}.",
            f"Build one: mldeploy build {record.spec.inference.script.origin} --name {record.name}",
        )
    return image


def listed(records: Records) -> list[ImageEntry]:
    """Every build of this home folder, newest first."""
    return BuildLogs(records.home).list()


def look_up(records: Records, wanted: str) -> ImageEntry:
    """The build of a reference, of the last tag of one, or the last one for a service.

    Raises:
        NotFound: Nothing was built here under that name.
    """
    logs = BuildLogs(records.home)
    if found := logs.find(wanted):
        return found
    for entry in logs.list():
        repository, tag = split_reference(entry.reference)
        finished = entry.state in UNFINISHED or not repository.endswith(("/environment", "/models"))
        if wanted in {repository, tag} or (entry.service == wanted and finished):
            return entry
    raise NotFound(f"No image {wanted!r} was built here.", "`mldeploy images` lists those that were.")


def dockerfile_of(records: Records, record: Record) -> str:
    """The Dockerfile that the service's image was built with, or the one it would be built with now."""
    entry = BuildLogs(records.home).find(str(record.details.get("image", "")))
    return entry.dockerfile if entry else plan_of(records, record).dockerfile


def plan_of(records: Records, record: Record) -> ImagePlan:
    """How the image of a service would be built now. No engine is needed."""
    spec = record.spec
    return plan_image(gather(spec.name, spec.inference, spec.models, records.home))


def save_context(plan: ImagePlan, folder: Path) -> None:
    """Write the Dockerfile and everything it copies, for another builder: ``docker build FOLDER``.

    Raises:
        InvalidValue: The folder holds something already.
        StorageError: It cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidValue("--save", str(folder), "name a folder that is empty or not there yet.")
    try:
        for entry in (Entry("Dockerfile", plan.dockerfile.encode()), *plan.entries):
            path = folder / entry.path
            path.parent.mkdir(parents=True, exist_ok=True)
            if entry.link:
                path.symlink_to(entry.link)
            elif entry.source is not None:
                shutil.copy(entry.source, path)
            else:
                path.write_bytes(entry.content)
    except OSError as error:
        raise StorageError(f"{str(folder)!r} could not be written: {error.strerror}.") from error


def push(records: Records, record: Record, registry: str, progress: Progress, cancel: Cancel) -> Pushed:
    """Push the image of a service to a registry, under the name that it has there.

    Raises:
        InvalidValue: No image can have the name of such a registry.
        Conflict: The image is not on this engine any more.
        DeploymentFailed: The registry refused it; carries what was said.
    """
    registry = check_registry(registry)
    if not registry:
        raise InvalidValue("registry", registry, "name one with --registry, or set MLDEPLOY_REGISTRY.")
    image = image_of(record)
    engine = connect(record.spec.target.context)
    if engine.has_image(image) is None:
        raise Conflict(f"The image {image} is not on the engine any more.", "Build it again with `mldeploy build`.")
    _, tag = split_reference(image)
    reference = f"{registry}/{record.name}:{tag}"
    if reference != image:
        repository, _ = split_reference(reference)
        engine.api.tag(image, repository, tag)
    logs = BuildLogs(records.home)
    with pushing(logs, image):
        digest = push_image(
            reference, engine, service=record.name, target=str(record.spec.target), progress=progress, cancel=cancel
        )
    note_digest(logs, image, digest)
    with records.operation(record.name, "push"):
        now = records.get(record.name)
        records.write(now.with_(details={**now.details, "digest": digest, "pushed": reference}))
    return Pushed(reference=reference, digest=digest)


def size_of(engine: Engine | None, reference: str) -> int | None:
    """Bytes of an image; ``None`` where the engine does not have it."""
    found = engine.has_image(reference) if engine else None
    return int(found["Size"]) if found else None
