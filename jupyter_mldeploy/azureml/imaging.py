"""Build an image without a service: what ``Image.create`` and ``Model.package`` ask for, with the package's own builder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_mldeploy.azureml.specifying import records

if TYPE_CHECKING:
    from pathlib import Path

    from jupyter_mldeploy.events import Cancel
    from jupyter_mldeploy.images.inputs import ImageInputs
    from jupyter_mldeploy.images.plan import ImagePlan
    from jupyter_mldeploy.spec import InferenceConfig, ModelRef

__all__ = ["Recipe", "build", "build_log", "recipe", "write_context"]


@dataclass(frozen=True)
class Recipe:
    """How an image is made."""

    inputs: ImageInputs
    plan: ImagePlan


def recipe(name: str, inference: InferenceConfig, models: tuple[ModelRef, ...], repository: str = "") -> Recipe:
    """Gather what an image is made of."""
    from jupyter_mldeploy.images.plan import plan_image
    from jupyter_mldeploy.pipeline import check
    from jupyter_mldeploy.targets.image_inputs import gather

    check(inference, [model.name for model in models])
    inputs = gather(name, inference, models, records().home)
    return Recipe(inputs, plan_image(inputs, repository))


def build(made: Recipe, name: str, line: Callable[[str], None], cancel: Cancel, tags: tuple[str, ...] = ()) -> str:
    """Build it, give it further names, and return its reference.

    Raises:
        DeploymentFailed: With evidence and diagnosis.
    """
    from jupyter_mldeploy.errors import DeploymentFailed
    from jupyter_mldeploy.images.build import Listener, build_image
    from jupyter_mldeploy.images.engine import connect
    from jupyter_mldeploy.pipeline import explain

    engine = connect()
    try:
        built = build_image(
            made.plan,
            engine,
            records().home,
            made.inputs.surroundings,
            service=name,
            listener=Listener(line=line),
            cancel=cancel,
        )
        for tag in tags:
            repository, _, label = tag.rpartition(":")
            engine.api.tag(built.id, repository, label)
    except DeploymentFailed as error:
        explain(error)
        raise
    finally:
        engine.close()
    return built.reference


def build_log(made: Recipe) -> str:
    """The kept log of all its parts, also of a build that failed."""
    from jupyter_mldeploy.images.build_log import BuildLogs

    logs = BuildLogs(records().home)
    texts = []
    for part in made.plan.parts:
        path = logs.path(part.reference)
        if path.exists():
            texts.append(f"# {part.name}: {part.reference}\n{path.read_text(encoding='utf-8', errors='replace')}")
    return "\n".join(texts)


def write_context(made: Recipe, folder: Path) -> None:
    """Write the one Dockerfile and what it copies, for ``docker build``."""
    import tarfile
    import tempfile

    from jupyter_mldeploy.events import Cancel
    from jupyter_mldeploy.images.entries import Entry, stream

    folder.mkdir(parents=True, exist_ok=True)
    entries = (Entry("Dockerfile", made.plan.dockerfile.encode()), *made.plan.entries)
    with tempfile.TemporaryFile() as file:
        for chunk in stream(entries, Cancel()):
            file.write(chunk)
        file.seek(0)
        with tarfile.open(fileobj=file) as tar:
            for member in tar:  # of an earlier time; a link would lead out of the folder
                there = folder / member.name
                if there.is_symlink() or there.is_file():
                    there.unlink()
            tar.extractall(folder, filter="tar")  # links of the image lead to where they stand in it
