"""``ContainerImage``: the one kind of image there is, and its configuration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from jupyter_mldeploy.azureml.core.container_registry import ContainerRegistry
from jupyter_mldeploy.azureml.core.image.image import Image
from jupyter_mldeploy.azureml.exceptions import WebserviceException
from jupyter_mldeploy.azureml.facade import Facade, facade
from jupyter_mldeploy.azureml.inference import check_script_name, parts_to_environment
from jupyter_mldeploy.azureml.telling import warn_deprecated, warn_once
from jupyter_mldeploy.azureml.values import check_kinds

if TYPE_CHECKING:
    from jupyter_mldeploy.spec import InferenceConfig as InferenceSpec

__all__ = ["ContainerImage", "ContainerImageConfig"]


@facade(WebserviceException)
class ContainerImageConfig(Facade):
    """What an image is made of, in the words of 2018. The script stands in the current folder, as it had to."""

    def __init__(
        self,
        execution_script: str,
        runtime: str,
        conda_file: str | None = None,
        docker_file: str | None = None,
        schema_file: str | None = None,
        dependencies: list[str] | None = None,
        enable_gpu: bool | None = None,
        tags: dict[str, str] | None = None,
        properties: dict[str, str] | None = None,
        description: str | None = None,
        base_image: str | None = None,
        base_image_registry: ContainerRegistry | None = None,
        allow_absolute_path: bool = False,
        cuda_version: str | None = None,
    ) -> None:
        self.execution_script = execution_script
        self.runtime = runtime
        self.conda_file = conda_file
        self.docker_file = docker_file
        self.schema_file = schema_file
        self.dependencies = dependencies
        self.enable_gpu = enable_gpu
        self.tags = tags
        self.properties = properties
        self.description = description
        self.base_image = base_image
        self.base_image_registry = base_image_registry or ContainerRegistry()
        self.cuda_version = cuda_version
        self._folder = Path.cwd()
        self._check(allow_absolute_path)

    def _check(self, allow_absolute_path: bool) -> None:
        check_kinds(tags=self.tags, properties=self.properties, description=self.description)
        script = Path(self.execution_script)
        if not script.exists():
            raise WebserviceException(f"Unable to use a driver file {self.execution_script}: it does not exist.")
        if not allow_absolute_path and (script.is_absolute() or script.name != str(script)):
            raise WebserviceException(
                "Unable to use a driver file not in current directory. Please navigate to the location of the driver file and "
                "try again."
            )
        check_script_name(self.execution_script)
        if str(self.runtime).lower() != "python":
            raise WebserviceException("Provided runtime not supported. Possible runtimes are: python|spark-py")
        for name, path in (
            ("Conda file", self.conda_file),
            ("Docker file", self.docker_file),
            ("schema file", self.schema_file),
        ):
            if path and not Path(path).exists():
                raise WebserviceException(f"{name} {path} doesn't exist.")
        for path in self.dependencies or ():
            if not Path(path).exists():
                raise WebserviceException(f"Error, dependency {path} doesn't exist.")
        if self.schema_file:
            warn_once(
                "schema_file is not read; decorate run() with inference-schema, and the service describes itself."
            )

    def to_spec(self, folder: Path) -> InferenceSpec:
        """As the package's own. ``dependencies`` are gathered in ``folder``, which becomes the source directory."""
        import shutil

        from jupyter_mldeploy.spec import InferenceConfig as InferenceSpec
        from jupyter_mldeploy.spec import Script

        source = None
        for path in self.dependencies or ():
            target = folder / Path(path).name
            target.parent.mkdir(parents=True, exist_ok=True)
            if Path(path).is_dir():
                shutil.copytree(path, target, dirs_exist_ok=True)
            else:
                shutil.copy2(path, target)
            source = str(folder)
        return InferenceSpec(
            Script.from_file(self._folder / self.execution_script), source, parts_to_environment(self).to_spec()
        )


@facade(WebserviceException)
class ContainerImage(Image):
    """A Docker image."""

    REFUSED: ClassVar[dict[str, str]] = {"run": "start a service of it: Webservice.deploy_from_image, then service.run"}

    @staticmethod
    def image_configuration(
        execution_script: str,
        runtime: str,
        conda_file: str | None = None,
        docker_file: str | None = None,
        schema_file: str | None = None,
        dependencies: list[str] | None = None,
        enable_gpu: bool | None = None,
        tags: dict[str, str] | None = None,
        properties: dict[str, str] | None = None,
        description: str | None = None,
        base_image: str | None = None,
        base_image_registry: ContainerRegistry | None = None,
        cuda_version: str | None = None,
    ) -> ContainerImageConfig:
        """What an image is to be made of."""
        warn_deprecated("ContainerImage is deprecated; give an Environment to Model.deploy.")
        return ContainerImageConfig(
            execution_script, runtime, conda_file, docker_file, schema_file, dependencies, enable_gpu, tags, properties,
            description, base_image, base_image_registry, cuda_version=cuda_version,
        )  # fmt: skip

    def serialize(self) -> dict[str, Any]:
        """As plain data."""
        return {**super().serialize(), "imageType": "Docker"}
