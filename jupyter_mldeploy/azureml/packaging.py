"""``ModelPackage``: an image of models, script and environment, or the Dockerfile of it."""

from __future__ import annotations

import json
import os
import re
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from jupyter_mldeploy.azureml.exceptions import WebserviceException
from jupyter_mldeploy.azureml.facade import Facade, facade, translated
from jupyter_mldeploy.azureml.telling import say, warn_once

if TYPE_CHECKING:
    from jupyter_mldeploy.azureml.core.workspace import Workspace
    from jupyter_mldeploy.azureml.imaging import Recipe
    from jupyter_mldeploy.azureml.inference import InferenceConfig
    from jupyter_mldeploy.events import Cancel

__all__ = ["ModelPackage", "build_in_background", "package"]


@facade(WebserviceException)
class ModelPackage(Facade):
    """Begun; ``wait_for_creation`` waits for it."""

    REFUSED: ClassVar[dict[str, str]] = {
        "get_container_registry": "the image is in this machine's engine; push it with MLDEPLOY_REGISTRY or docker push",
        "environment": "see InferenceConfig.environment",
    }

    def __init__(self, workspace: Workspace, operation_id: str, environment: Any) -> None:
        self.workspace = workspace
        self.environment = environment
        self.operation_id = operation_id
        self.state = "Running"
        self.location: str | None = None
        self._recipe: Recipe | None = None
        self._lines: list[str] = []
        self._building: Future[str] | None = None

    def __repr__(self) -> str:
        return f"ModelPackage(state={self.state}, location={self.location})"

    def update_creation_state(self) -> None:
        """Look at it now."""
        building = self._building
        if building is not None and building.done():
            self.state = "Failed" if building.exception() else "Succeeded"
            self.location = None if building.exception() else building.result()

    def wait_for_creation(self, show_output: bool = False) -> None:
        """Wait until it is built."""
        if self._building is None:
            return
        error = self._building.exception()
        self.update_creation_state()
        if show_output:
            say("\n".join(self._lines))
        if error is not None:
            raise WebserviceException(
                f"Package creation reached non-successful terminal state, current state: {self.state}\n"
                f"More information can be found by calling `.get_logs()`\nError:\n{error}",
                inner_exception=error,
            ) from error
        say(f"Package creation Succeeded: {self.location}")

    def get_logs(self, decode: bool = True, offset: int = 0) -> Any:
        """The log of the build."""
        text = "\n".join(self._lines)[offset:]
        return text if decode else text.encode()

    def pull(self) -> None:
        """Make sure that this machine's engine has the image, where it was built."""
        self.wait_for_creation()
        if self.location is None:
            raise WebserviceException(
                "Unable to pull: only a Dockerfile was generated.", hint="save(output_directory) writes it."
            )
        say(f"The image {self.location} is in this machine's Docker engine.")

    def save(self, output_directory: str) -> None:
        """Write the Dockerfile and what it copies."""
        from jupyter_mldeploy.azureml.imaging import write_context

        if self._building is not None:
            raise WebserviceException("Docker images cannot be saved to a local directory. Use pull() instead.")
        if not isinstance(output_directory, str | os.PathLike):
            raise WebserviceException(f"Error, output path must be the path of a folder, not {output_directory!r}.")
        if Path(output_directory).exists() and not Path(output_directory).is_dir():
            raise WebserviceException(f"Error, output path is not a directory: {str(output_directory)!r}.")
        if self._recipe is not None:
            write_context(self._recipe, Path(output_directory))

    def serialize(self) -> dict[str, Any]:
        """As plain data."""
        return {"state": self.state, "location": self.location, "operationId": self.operation_id}


def package(
    workspace: Workspace,
    models: list[Any],
    inference_config: InferenceConfig | None,
    generate_dockerfile: bool,
    image_name: str | None,
    image_label: str | None,
) -> ModelPackage:
    """See ``Model.package``."""
    from jupyter_mldeploy.azureml.deploying import check_inference
    from jupyter_mldeploy.azureml.imaging import recipe
    from jupyter_mldeploy.azureml.inference import generated_inference
    from jupyter_mldeploy.azureml.specifying import check_models, model_refs
    from jupyter_mldeploy.spec import Target, TargetKind

    check_models(models)
    check_inference(inference_config)
    _check_image(image_name, image_label)
    target = Target(TargetKind.CONTAINER)
    refs = model_refs(workspace, models)
    inference = inference_config.to_spec(target) if inference_config else generated_inference(refs, target, models)
    if inference_config is not None and (variables := inference_config._service_variables()):
        warn_once(
            f"Environment variables are not written into images; docker run --env sets {', '.join(sorted(variables))}."
        )
    name = (image_name or (refs[0].name if refs else "package")).lower()
    made = ModelPackage(workspace, f"package-{name}", inference_config.environment if inference_config else None)
    made._recipe = translated(lambda: recipe(_image_name(name), inference, refs))
    if generate_dockerfile:
        made.state = "Succeeded"
        return made
    tags = (f"mldeploy/{_image_name(name)}:{image_label or 'latest'}",) if image_name or image_label else ()
    building, _ = build_in_background(made._recipe, _image_name(name), made._lines.append, tags)
    made._building = building
    return made


def build_in_background(
    made: Recipe, name: str, line: Any, tags: tuple[str, ...] = (), after: Any = None
) -> tuple[Future[str], Cancel]:
    """Begin to build; the future is the image's reference."""
    from jupyter_mldeploy.azureml.imaging import build
    from jupyter_mldeploy.events import Cancel

    future: Future[str] = Future()
    cancel = Cancel()

    def work() -> None:
        try:
            reference = build(made, name, line, cancel, tags)
            if after is not None:
                after(None, reference)
            future.set_result(reference)
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits
            if after is not None:
                after(error, "")
            future.set_exception(error)

    # Not a daemon: a script that ends meanwhile waits for its image.
    threading.Thread(target=work, name=f"mldeploy-v1-image-{name}").start()
    return future, cancel


def _check_image(name: Any, label: Any) -> None:
    """Before anything is built: what an engine takes as a name and a tag."""
    if name is not None and (not isinstance(name, str) or not name):
        raise WebserviceException(f"image_name must be a text that is not empty, not {name!r}.")
    if label is not None and not (
        isinstance(label, str) and re.fullmatch(r"[A-Za-z0-9_][\w.-]{0,127}", label, re.ASCII)
    ):
        raise WebserviceException(
            f"image_label={label!r} is not valid: it has up to 128 letters, digits, underscores, periods and hyphens, and begins "
            "with none of the last two."
        )


def _image_name(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name).strip("-") or "package"


def dumps(value: Any) -> str:
    """As the original shows errors."""
    return json.dumps(value, indent=2, ensure_ascii=False)
