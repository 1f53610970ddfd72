"""``InferenceConfig``: scoring script, its folder and its environment, in both generations of the v1 API."""

from __future__ import annotations

import ast
import keyword
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from jupyter_mldeploy.azureml.core.container_registry import ContainerRegistry
from jupyter_mldeploy.azureml.environment_json import check_environment
from jupyter_mldeploy.azureml.exceptions import UserErrorException, WebserviceException
from jupyter_mldeploy.azureml.facade import Facade, facade, translated
from jupyter_mldeploy.azureml.telling import warn_deprecated, warn_once

if TYPE_CHECKING:
    from jupyter_mldeploy.azureml.core.environment import Environment
    from jupyter_mldeploy.spec import Environment as EnvironmentSpec
    from jupyter_mldeploy.spec import InferenceConfig as InferenceSpec
    from jupyter_mldeploy.spec import ModelRef, Target

__all__ = ["InferenceConfig", "check_script_name", "generated_inference", "parts_to_environment"]

_log = logging.getLogger(__name__)
RUNTIMES = ("python", "spark-py")


@facade(WebserviceException)
class InferenceConfig(Facade):
    """What a service runs. The script is read when it is deployed, and again by ``reload()``."""

    REFUSED: ClassVar[dict[str, str]] = {
        "build_create_payload": "nothing is sent to Azure",
        "build_profile_payload": "nothing is sent to Azure",
    }

    def __init__(
        self,
        entry_script: str,
        runtime: str | None = None,
        conda_file: str | None = None,
        extra_docker_file_steps: str | None = None,
        source_directory: str | None = None,
        enable_gpu: bool | None = None,
        description: str | None = None,
        base_image: str | None = None,
        base_image_registry: ContainerRegistry | None = None,
        cuda_version: str | None = None,
        environment: Environment | None = None,
    ) -> None:
        self.entry_script = entry_script
        self.runtime = runtime
        self.conda_file = conda_file
        self.extra_docker_file_steps = extra_docker_file_steps
        self.source_directory = source_directory
        self.enable_gpu = enable_gpu
        self.cuda_version = cuda_version
        self.description = description
        self.base_image = base_image
        self.base_image_registry = base_image_registry or ContainerRegistry()
        self.environment = environment
        self.validate_configuration()

    def __repr__(self) -> str:
        environment = self.environment.name if self.environment else None
        return (
            f"InferenceConfig(entry_script={self.entry_script}, runtime={self.runtime}, conda_file={self.conda_file}, "
            f"source_directory={self.source_directory}, environment={environment})"
        )

    def validate_configuration(self) -> None:
        """Raise the original's ``WebserviceException`` for what cannot be right."""
        old = self.runtime or self.conda_file or self.extra_docker_file_steps or self.enable_gpu or self.cuda_version
        if old or self.base_image:
            warn_deprecated(
                "runtime, conda_file, extra_docker_file_steps, enable_gpu, cuda_version and base_image are deprecated; "
                "give an Environment."
            )
        if not self.entry_script:
            raise WebserviceException("Error, need to specify entry_script.")
        if not isinstance(self.entry_script, str | os.PathLike):
            raise WebserviceException(f"Error, entry_script must be the path of a script, not {self.entry_script!r}.")
        self.entry_script = os.fspath(self.entry_script)
        if self.environment is not None:
            _check_type(self.environment)
            self._check_environment(self.environment, bool(old or self.base_image))
        if self.source_directory:
            self.source_directory = os.path.realpath(self.source_directory)
            _check_exists(self.source_directory, "source directory")
        _check_exists(
            str(self.script_path), "entry_script", "entry_script should be path relative to current working directory"
        )
        check_script_name(self.entry_script)
        if self.runtime and self.runtime.lower() not in RUNTIMES:
            raise WebserviceException("Provided runtime not supported. Possible runtimes are: python|spark-py")
        if self.runtime and self.runtime.lower() == "spark-py":
            raise WebserviceException("There is no Spark here; runtime='python' is the one that works.")
        if self.conda_file:
            _check_exists(os.path.join(self.source_directory or "", self.conda_file), "Conda file")
        if self.extra_docker_file_steps:
            _check_exists(
                os.path.join(self.source_directory or "", self.extra_docker_file_steps), "extra docker file steps"
            )

    def validation_script_content(self) -> None:
        """Raise ``UserErrorException`` for a script that Python cannot read."""
        try:
            ast.parse(self.script_path.read_text(encoding="utf-8-sig"), str(self.script_path))
        except (OSError, UnicodeDecodeError):
            raise UserErrorException(
                f"Failed to open {self.script_path}, please check if it exists and the read permission. "
                "We can not deploy the model if we can not access this file."
            ) from None
        except (SyntaxError, ValueError) as error:
            raise UserErrorException(f"{error}. Please check it and try local deployment to verify.") from None

    @property
    def script_path(self) -> Path:
        """Of the scoring script."""
        return Path(self.source_directory or "") / self.entry_script

    def to_spec(self, target: Target | None = None) -> InferenceSpec:
        """As the package's own: the script as it is on disk now."""
        from jupyter_mldeploy.spec import InferenceConfig as InferenceSpec
        from jupyter_mldeploy.spec import Script

        script = translated(lambda: Script.from_file(self.script_path))
        environment = (self.environment or parts_to_environment(self)).to_spec()
        # The folder keeps its name in the app root, as it always did: scripts open ./FOLDER/file.
        name = Path(self.source_directory).name if self.source_directory else ""
        made: InferenceSpec = translated(
            lambda: InferenceSpec(script, self.source_directory, _for_target(environment, target), name)
        )
        return made

    def _service_variables(self) -> dict[str, str]:
        """Environment variables of the service."""
        return self.environment._service_variables() if self.environment else {}

    def _check_environment(self, environment: Environment, old: bool) -> None:
        if old:
            raise WebserviceException(
                "Error, unable to provide runtime, conda_file, extra_docker_file_steps, enable_gpu, cuda_version, or "
                "base_image along with an environment object."
            )
        conda = environment.python.conda_dependencies
        if conda is not None and "azureml-defaults" not in conda.serialize_to_string():
            # The original warns, because its server was in that package; here the server is there in any case.
            _log.info("azureml-defaults is not among the requirements; it is not needed here.")
        if environment.docker.base_dockerfile and environment.docker.base_image:
            raise WebserviceException(
                "Error, only one of base_dockerfile or base_image should be provided to the environment.docker object."
            )


def _check_type(environment: Any) -> None:
    from jupyter_mldeploy.azureml.core.environment import Environment

    if not isinstance(environment, Environment):
        raise WebserviceException(
            f"Error, environment must be an Environment, not {environment!r}.",
            hint="Environment.from_conda_specification(NAME, FILE) and Environment.get(ws, NAME) make one.",
        )
    check_environment(environment)


def check_script_name(entry_script: str) -> None:
    """The original's demands on the name of a script."""
    path = Path(entry_script)
    if path.suffix != ".py":
        raise WebserviceException("Invalid driver type. Currently only Python drivers are supported.")
    if not path.stem.isidentifier() or keyword.iskeyword(path.stem):
        raise WebserviceException(
            f'Error, invalid name "{path.stem}" for provided entry script. The script must be importable as a valid python '
            "module, and must adhere to standard module naming. This means it must be a valid python identifier and not a "
            "part of the set of python standard keywords."
        )


def parts_to_environment(config: Any) -> Environment:
    """The environment of the first generation's parts."""
    from jupyter_mldeploy.azureml.core.environment import Environment

    if config.enable_gpu or config.cuda_version:
        warn_once(
            "enable_gpu and cuda_version choose no image here; name one with CUDA in an Environment, and ask for gpu_cores."
        )
    folder = getattr(config, "source_directory", None) or ""
    if config.conda_file:
        made = Environment.from_conda_specification("inference", os.path.join(folder, config.conda_file))
    else:
        made = Environment("inference")
    registry = config.base_image_registry or ContainerRegistry()
    steps = getattr(config, "extra_docker_file_steps", None) or getattr(config, "docker_file", None)
    if steps:
        base = f"{registry.address}/{config.base_image}" if registry.address else config.base_image
        text = Path(folder, steps).read_text(encoding="utf-8-sig")
        made.docker.base_dockerfile = f"FROM {base}\n{text}" if base else text
        return made
    made.docker.base_image = config.base_image
    made.docker.base_image_registry = registry
    return made


FRAMEWORKS = {"ScikitLearn": "scikit-learn", "TensorFlow": "tensorflow", "TfKeras": "tensorflow", "Onnx": "onnxruntime"}
"""What a model of a framework needs to be loaded."""


def generated_inference(models: tuple[ModelRef, ...], target: Target, wished: Sequence[Any] = ()) -> InferenceSpec:
    """For a deployment without an ``InferenceConfig``: the script is written for the models.

    On the local target it runs in this Python; elsewhere with what the script and the models' frameworks need.
    """
    from jupyter_mldeploy.azureml.specifying import records
    from jupyter_mldeploy.capture import environment_for, script_for
    from jupyter_mldeploy.environments import with_requirements
    from jupyter_mldeploy.registry import ModelRegistry
    from jupyter_mldeploy.spec import Environment as EnvironmentSpec
    from jupyter_mldeploy.spec import InferenceConfig as InferenceSpec
    from jupyter_mldeploy.spec import TargetKind

    if not models:
        raise WebserviceException("Error, an InferenceConfig is needed where there is no model.")
    registry = ModelRegistry(records().home)
    script = translated(lambda: script_for([registry.get(model.name, model.version) for model in models]))
    if target.kind is TargetKind.LOCAL:
        return InferenceSpec(script, None, EnvironmentSpec.kernel())
    needed = []
    for model in wished:
        if package := FRAMEWORKS.get(getattr(model, "model_framework", "")):
            version = model.model_framework_version
            needed.append(f"{package}=={version}" if version else package)
    environment = environment_for(script, None)
    return InferenceSpec(script, None, with_requirements(environment, needed) if needed else environment)


def _for_target(environment: EnvironmentSpec, target: Target | None) -> EnvironmentSpec:
    """On the local target an environment that asks for nothing of its own is the kernel's."""
    from jupyter_mldeploy.environments.requirements import requirement_name
    from jupyter_mldeploy.spec import Environment as EnvironmentSpec
    from jupyter_mldeploy.spec import TargetKind

    if target is None or target.kind is not TargetKind.LOCAL:
        return environment
    if environment.steps:
        raise WebserviceException(
            "Docker steps need an image, and this service is a process of this machine.",
            hint="MLDEPLOY_V1_LOCAL=container runs it in a container, where there is a Docker engine.",
        )
    asked = {requirement_name(requirement) for requirement in environment.requirements} - {"azureml-defaults"}
    if asked or environment.conda or environment.python:
        return environment
    return EnvironmentSpec.kernel()


def _check_exists(path: str, name: str, extra: str = "") -> None:
    path = os.path.normpath(path)
    if not os.path.exists(path):  # noqa: PTH110 - the original's words name the path as it was given
        raise WebserviceException(f"{name} {path} doesn't exist. {extra}")
