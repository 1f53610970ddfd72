"""``Image``: an image with a name and a version of its own, built before any service is made of it."""

from __future__ import annotations

import builtins
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy.azureml.exceptions import WebserviceException
from jupyter_mldeploy.azureml.facade import Facade, facade, translated
from jupyter_mldeploy.azureml.packaging import build_in_background
from jupyter_mldeploy.azureml.specifying import model_refs
from jupyter_mldeploy.azureml.telling import say
from jupyter_mldeploy.azureml.values import check_filters, check_kinds, check_names, dict_of, fits

if TYPE_CHECKING:
    from jupyter_mldeploy.azureml.core.image.container import ContainerImageConfig
    from jupyter_mldeploy.azureml.core.workspace import Workspace
    from jupyter_mldeploy.azureml.imaging import Recipe
    from jupyter_mldeploy.spec import InferenceConfig as InferenceSpec
    from jupyter_mldeploy.spec import ModelRef

__all__ = ["Image"]

_building: dict[tuple[str, str], Future[str]] = {}


@facade(WebserviceException)
class Image(Facade):
    """A version of an image of a workspace."""

    def __init__(
        self,
        workspace: Workspace,
        name: str | None = None,
        id: str | None = None,
        tags: builtins.list[Any] | None = None,
        properties: builtins.list[Any] | None = None,
        version: int | str | None = None,
    ) -> None:
        if id is not None:
            name, _, number = id.partition(":")
            version = number or version
        versions = workspace.book.section("images").get(name or "") or {}
        chosen = str(version) if version is not None else max(versions, key=int, default="")
        if chosen not in versions:
            wanted = f"name {name}" + (f" and version {version}" if versions and version is not None else "")
            known = ", ".join(workspace.book.section("images")) or "none"
            if versions:
                known = f"{name} as version {', '.join(sorted(versions, key=int))}"
            raise WebserviceException(
                f"ImageNotFound: Image with {wanted} not found in provided workspace; it has {known}."
            )
        self.workspace = workspace
        self.name, self.version, self.id = str(name), int(chosen), f"{name}:{chosen}"
        self._read(versions[chosen])

    def __repr__(self) -> str:
        return f"Image(workspace={self.workspace!r}, name={self.name}, id={self.id}, state={self.creation_state})"

    def _read(self, entry: dict[str, Any]) -> None:
        self.tags = dict_of(entry.get("tags"))
        self.properties = dict_of(entry.get("properties"))
        self.description = entry.get("description")
        self.creation_state = entry["state"]
        self.image_location = entry["location"]
        self.image_build_log_uri = entry["log"]
        self.generated_dockerfile_uri = entry["dockerfile"]
        self.model_ids = entry["models"]
        self.created_time = datetime.fromisoformat(entry["created"])
        self.image_type, self.image_flavor = "Docker", "WebApiContainer"
        self._entry = entry

    # -- making one ------------------------------------------------------------------------------------------------

    @staticmethod
    def create(
        workspace: Workspace, name: str, models: builtins.list[Any], image_config: ContainerImageConfig
    ) -> Image:
        """Begin to build the next version; ``wait_for_creation`` waits for it."""
        from jupyter_mldeploy.azureml.core.image.container import ContainerImage, ContainerImageConfig
        from jupyter_mldeploy.azureml.imaging import recipe

        _check_name(name)
        if not isinstance(image_config, ContainerImageConfig):
            raise WebserviceException("Error, image_config must be what ContainerImage.image_configuration() returns.")
        refs = model_refs(workspace, models)
        version = max((int(known) for known in workspace.book.section("images").get(name, {})), default=0) + 1
        folder = workspace.book.folder / "images" / f"{name}-{version}"
        folder.mkdir(parents=True, exist_ok=True)
        inference = image_config.to_spec(folder / "source")
        made = translated(lambda: recipe(name.replace(".", "-"), inference, refs))
        say("Creating image")
        _note(workspace, name, version, _first_entry(made, inference, refs, image_config, folder))

        def after(error: BaseException | None, reference: str) -> None:
            _finish(workspace, name, version, made, folder, error)

        tag = f"mldeploy/{name}:{version}"
        building, _ = build_in_background(made, name, lambda _line: None, (tag,), after)
        _building[str(workspace.book.folder), f"{name}:{version}"] = building
        return ContainerImage(workspace, name=name, version=version)

    def wait_for_creation(self, show_output: bool = False) -> None:
        """Wait until it is built; what went wrong is said with its log and its diagnosis."""
        building = _building.get((str(self.workspace.book.folder), self.id))
        if show_output:
            say("Running", end="")
        error = building.exception() if building is not None else None
        self.update_creation_state()
        if self.creation_state == "Running" and building is None:
            raise WebserviceException(
                f"The image {self.id} was being built by a process that has ended.", hint="Create it again."
            )
        if show_output:
            say(f"\n{self.creation_state}")
        if self.creation_state != "Succeeded":
            say(f"More information about this error is available here: {self.image_build_log_uri}")
            raise WebserviceException(
                "Image creation polling reached non-successful terminal state, current state: "
                f"{self.creation_state}\nError response from server:\n{error or self._entry.get('error')}",
                inner_exception=error,
            ) from error
        say(f'Image creation operation finished for image {self.id}, operation "Succeeded"')

    def update_creation_state(self) -> None:
        """Read it again."""
        self._read(self.workspace.book.section("images")[self.name][str(self.version)])

    # -- those there are -------------------------------------------------------------------------------------------

    @staticmethod
    def list(
        workspace: Workspace,
        image_name: str | None = None,
        model_name: str | None = None,
        model_id: str | None = None,
        tags: builtins.list[Any] | None = None,
        properties: builtins.list[Any] | None = None,
    ) -> builtins.list[Image]:
        """All versions, oldest first."""
        from jupyter_mldeploy.azureml.core.image.container import ContainerImage

        check_filters(tags=tags, properties=properties)
        found: builtins.list[Image] = []
        for name, versions in workspace.book.section("images").items():
            if image_name not in {None, name}:
                continue
            for version in sorted(versions, key=int):
                image = ContainerImage(workspace, name=name, version=version)
                names = {model.partition(":")[0] for model in image.model_ids}
                if model_name not in {None, *names} or model_id not in {None, *image.model_ids}:
                    continue
                if fits(image.tags, tags) and fits(image.properties, properties):
                    found.append(image)
        return found

    @staticmethod
    def image_configuration() -> None:
        """Of no kind in particular: none."""
        raise NotImplementedError("Use ContainerImage.image_configuration().")

    def update(self, tags: dict[str, str]) -> None:
        """Replace its tags."""
        check_kinds(tags=tags)
        self._change(tags=dict(tags))

    def add_tags(self, tags: dict[str, str]) -> None:
        """Add tags."""
        check_kinds(tags=tags)
        self._change(tags={**self.tags, **(tags or {})})

    def remove_tags(self, tags: builtins.list[str]) -> None:
        """Take tags off, by name."""
        check_names(tags)
        self._change(tags={key: value for key, value in self.tags.items() if key not in tags})

    def add_properties(self, properties: dict[str, str]) -> None:
        """Add properties."""
        check_kinds(properties=properties)
        self._change(properties={**self.properties, **(properties or {})})

    def delete(self) -> None:
        """Forget it, and remove its name from the engine; layers that services use stay."""
        from contextlib import suppress

        from docker.errors import APIError

        from jupyter_mldeploy.images.engine import connect

        with suppress(APIError):
            engine = connect()
            engine.api.remove_image(self.image_location)
        with self.workspace.book.change() as content:
            versions = content["images"].get(self.name, {})
            versions.pop(str(self.version), None)
            if not versions:
                content["images"].pop(self.name, None)

    def serialize(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "createdTime": self.created_time.isoformat(),
            "creationState": self.creation_state,
            "description": self.description,
            "id": self.id,
            "imageBuildLogUri": self.image_build_log_uri,
            "imageLocation": self.image_location,
            "generatedDockerFileUri": self.generated_dockerfile_uri,
            "imageType": self.image_type,
            "imageFlavor": self.image_flavor,
            "modelIds": self.model_ids,
            "name": self.name,
            "tags": self.tags,
            "properties": self.properties,
            "version": self.version,
            "workspaceName": self.workspace.name,
        }

    @staticmethod
    def deserialize(workspace: Workspace, image_payload: dict[str, Any]) -> Image:
        """The image that ``serialize`` told of."""
        return Image(workspace, id=image_payload["id"])

    def inference(self) -> InferenceSpec:
        """What it was made of, for a service of it."""
        import msgspec

        from jupyter_mldeploy.spec import InferenceConfig as InferenceSpec

        return msgspec.convert(self._entry["inference"], InferenceSpec)

    def _change(self, **changes: Any) -> None:
        _note(self.workspace, self.name, self.version, changes)
        self.update_creation_state()


def _first_entry(
    made: Recipe, inference: InferenceSpec, refs: tuple[ModelRef, ...], config: ContainerImageConfig, folder: Path
) -> dict[str, Any]:
    import msgspec

    log, dockerfile = folder / "build.log", folder / "Dockerfile"
    log.touch()
    dockerfile.write_text(made.plan.dockerfile, encoding="utf-8")
    return {
        "state": "Running",
        "location": made.plan.reference,
        "log": log.as_uri(),
        "dockerfile": dockerfile.as_uri(),
        "models": [str(ref) for ref in refs],
        "created": datetime.now(UTC).isoformat(),
        "tags": config.tags or {},
        "properties": config.properties or {},
        "description": config.description,
        "inference": msgspec.to_builtins(inference),
    }


def _finish(
    workspace: Workspace, name: str, version: int, made: Recipe, folder: Path, error: BaseException | None
) -> None:
    from jupyter_mldeploy.azureml.imaging import build_log

    (folder / "build.log").write_text(build_log(made), encoding="utf-8")
    state = {"state": "Succeeded"} if error is None else {"state": "Failed", "error": str(error)}
    _note(workspace, name, version, state)


def _note(workspace: Workspace, name: str, version: int, entry: dict[str, Any]) -> None:
    with workspace.book.change() as content:
        content["images"].setdefault(name, {}).setdefault(str(version), {}).update(entry)


def _check_name(name: str) -> None:
    import re

    if not re.fullmatch(r"[a-z0-9]([-\.a-z0-9]*[a-z0-9])?", str(name)) or not 3 <= len(name) <= 32:
        raise WebserviceException(
            "Error, provided image name is invalid. It must only consist of lowercase letters, numbers, dashes or periods, start "
            "with a letter or number, end with a letter or number, and be between 3 and 32 characters long."
        )
