"""``Image``: an image with a name and a version of its own, built before any service is made of it."""

from __future__ import annotations

import builtins
from concurrent.futures import Future
from datetime import datetime
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy.azureml.exceptions import WebserviceException
from jupyter_mldeploy.azureml.facade import Facade, facade, translated
from jupyter_mldeploy.azureml.image_notes import begin, change, finish, images_of, locations, not_found
from jupyter_mldeploy.azureml.packaging import build_in_background
from jupyter_mldeploy.azureml.specifying import model_refs
from jupyter_mldeploy.azureml.telling import say
from jupyter_mldeploy.azureml.values import check_filters, check_kinds, check_names, dict_of, fits, told_of

if TYPE_CHECKING:
    from jupyter_mldeploy.azureml.core.image.container import ContainerImageConfig
    from jupyter_mldeploy.azureml.core.workspace import Workspace
    from jupyter_mldeploy.events import Cancel
    from jupyter_mldeploy.spec import InferenceConfig as InferenceSpec

__all__ = ["Image"]

_building: dict[tuple[str, str], tuple[Future[str], Cancel]] = {}


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
        versions = images_of(workspace).get(name or "") or {}
        chosen = str(version) if version is not None else max(versions, key=int, default="")
        if chosen not in versions:
            raise not_found(workspace, name, version)
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
        begin(workspace, name, version, made, inference, refs, image_config, folder)

        def after(error: BaseException | None, reference: str) -> None:
            if not finish(workspace, name, version, made, folder, error) and error is None:
                _remove_names(f"mldeploy/{name}:{version}", reference)  # it was deleted meanwhile

        tag = f"mldeploy/{name}:{version}"
        building = build_in_background(made, name, lambda _line: None, (tag,), after)
        _building[str(workspace.book.folder), f"{name}:{version}"] = building
        return ContainerImage(workspace, name=name, version=version)

    def wait_for_creation(self, show_output: bool = False) -> None:
        """Wait until it is built; what went wrong is said with its log and its diagnosis."""
        building, _ = _building.get((str(self.workspace.book.folder), self.id)) or (None, None)
        if show_output:
            say("Running", end="")
        error = building.exception() if building is not None else None
        self.update_creation_state()
        if self.creation_state == "Running" and building is None:
            raise WebserviceException(
                f"The image {self.id} is being built by another process.",
                hint="Ask again for its creation_state: update_creation_state() reads it.",
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
        entry = (images_of(self.workspace).get(self.name) or {}).get(str(self.version))
        if entry is None:
            raise not_found(self.workspace, self.name, self.version)
        self._read(entry)

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
        for name, versions in images_of(workspace).items():
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
        """Forget it, and remove its name from the engine; layers that services use stay. What is being built is ended."""
        future, cancel = _building.get((str(self.workspace.book.folder), self.id)) or (None, None)
        with self.workspace.book.change() as content:  # first, so that whoever builds it sees that nobody wants it
            versions = content["images"].get(self.name, {})
            versions.pop(str(self.version), None)
            if not versions:
                content["images"].pop(self.name, None)
        if future is not None and cancel is not None:
            cancel.set()
            future.exception()
        _remove_names(f"mldeploy/{self.name}:{self.version}", self.image_location)

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
        return Image(workspace, id=told_of("Image", image_payload, "id"))

    def inference(self) -> InferenceSpec:
        """What it was made of, for a service of it."""
        import msgspec

        from jupyter_mldeploy.spec import InferenceConfig as InferenceSpec

        return msgspec.convert(self._entry["inference"], InferenceSpec)

    def _change(self, **changes: Any) -> None:
        if not change(self.workspace, self.name, self.version, changes):
            raise not_found(self.workspace, self.name, self.version)
        self.update_creation_state()


def _remove_names(name: str, location: str) -> None:
    """Take them off the engine, as far as nothing uses them: two versions of the same content are one image."""
    from contextlib import suppress

    from docker.errors import APIError

    from jupyter_mldeploy.errors import TargetUnavailable
    from jupyter_mldeploy.images.engine import connect

    with suppress(TargetUnavailable):
        engine = connect()
        try:
            for each in (name, *({location} - locations())):
                with suppress(APIError):
                    engine.api.remove_image(each)
        finally:
            engine.close()


def _check_name(name: str) -> None:
    import re

    if not re.fullmatch(r"[a-z0-9]([-\.a-z0-9]*[a-z0-9])?", str(name)) or not 3 <= len(name) <= 32:
        raise WebserviceException(
            "Error, provided image name is invalid. It must only consist of lowercase letters, numbers, dashes or periods, start "
            "with a letter or number, end with a letter or number, and be between 3 and 32 characters long."
        )
