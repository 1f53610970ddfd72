"""What an image of a service is made of, gathered from settings, registry and disk for the targets that run images."""

from __future__ import annotations

from pathlib import Path

from jupyter_mldeploy.config import settings
from jupyter_mldeploy.environments import pip_requirements
from jupyter_mldeploy.errors import InvalidValue
from jupyter_mldeploy.images.entries import Entry, entries_of_tree
from jupyter_mldeploy.images.inputs import MODELS_ROOT, ImageInputs, check_reference, service_file
from jupyter_mldeploy.images.runtime_files import runtime_entries
from jupyter_mldeploy.images.surroundings import look_around
from jupyter_mldeploy.registry import ModelRegistry
from jupyter_mldeploy.spec import InferenceConfig, ModelRef
from jupyter_mldeploy.targets.app_folder import entry_script, in_app_root, model_directory, source_files, source_root

__all__ = ["gather"]


def gather(service: str, inference: InferenceConfig, models: tuple[ModelRef, ...], home: Path) -> ImageInputs:
    """Read settings, registry and source directory.

    Raises:
        NotFound: A model is not registered.
        InvalidValue: The base image is no reference, or the CA bundle cannot be read.
    """
    force = settings()
    environment = inference.environment
    base = environment.base_image or force.base_image
    if base:
        check_reference("base_image", base)
    conda: tuple[str, ...] = ()
    try:
        requirements = tuple(pip_requirements(environment)[0])
    except InvalidValue:
        requirements, conda = environment.requirements, environment.conda
    registry = ModelRegistry(home)
    files = {}
    for ref in models:
        model = registry.get(ref.name, ref.version)
        path = f"models/{ref.name}/{ref.version}/{model.path.name}"
        files[str(ref)] = tuple(entries_of_tree(model.path, path, model.hash))
    script = entry_script(inference)
    return ImageInputs(
        service=service,
        base=base,
        environment=environment,
        requirements=requirements,
        conda=conda,
        runtime=runtime_entries(),
        models=files,
        app=_app(service, inference, script, model_directory(models)),
        entry_script=script,
        model_dir=model_directory(models),
        source_directory=source_root(inference),
        script=inference.script.hash,
        surroundings=look_around(force.ca_bundle, force.build_network),
    )


def _app(service: str, inference: InferenceConfig, script: str, model_dir: str | None) -> tuple[Entry, ...]:
    found: dict[str, Entry] = {}
    if inference.source_directory is not None:
        directory = Path(inference.source_directory)
        for relative in source_files(directory):
            path = f"app/{in_app_root(inference, relative)}"
            found[path] = Entry(path, source=directory / relative)
    found[f"app/{script}"] = Entry(f"app/{script}", inference.script.text.encode())
    configuration = service_file(service, script, model_dir, source_root(inference))
    found["app/.mldeploy/service.json"] = Entry("app/.mldeploy/service.json", configuration)
    if model_dir is not None:
        found["app/azureml-models"] = Entry("app/azureml-models", link=MODELS_ROOT)
    return tuple(found[path] for path in sorted(found))
