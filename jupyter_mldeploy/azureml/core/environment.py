"""``Environment``: Python, packages and base image as the v1 API holds them; ``to_spec`` makes the package's own of it."""

from __future__ import annotations

import builtins
import copy
import dataclasses
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from jupyter_mldeploy.azureml.core.conda_dependencies import PYTHON_DEFAULT_VERSION, CondaDependencies
from jupyter_mldeploy.azureml.core.container_registry import ContainerRegistry
from jupyter_mldeploy.azureml.environment_json import check_environment, environment_of
from jupyter_mldeploy.azureml.exceptions import UserErrorException
from jupyter_mldeploy.azureml.facade import Facade, NotProvided, facade, translated
from jupyter_mldeploy.azureml.telling import warn_once
from jupyter_mldeploy.azureml.unknown import member_sentence

if TYPE_CHECKING:
    from jupyter_mldeploy.azureml.core.workspace import Workspace
    from jupyter_mldeploy.spec import Environment as EnvironmentSpec

__all__ = ["DEFAULT_CPU_IMAGE", "DEFAULT_GPU_IMAGE", "DockerSection", "Environment", "PythonSection"]

DEFAULT_CPU_IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04"
DEFAULT_GPU_IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-cuda11.1-cudnn8-ubuntu20.04"
"""As base images these stand for the package's own (see ``Environment.to_spec``)."""

OLDEST_PYTHON = (3, 9)
"""What the scoring runtime's workers need."""


class _Section:
    """A part of an environment; as in the original, it takes no attribute that it does not have."""

    def __setattr__(self, name: str, value: Any) -> None:
        if self.__dict__.get("_initialized") and not hasattr(self, name):
            known = [each for each in {*vars(self), *vars(type(self))} if not each.startswith("_")]
            raise NotProvided(member_sentence(type(self).__name__, name, known))
        super().__setattr__(name, value)


class PythonSection(_Section):
    """``environment.python``."""

    def __init__(self, **kwargs: Any) -> None:
        self.conda_dependencies: CondaDependencies | None = kwargs.get("conda_dependencies", CondaDependencies())
        self.user_managed_dependencies: bool = kwargs.get("user_managed_dependencies", False)
        self.interpreter_path: str = kwargs.get("interpreter_path", "python")
        self.base_conda_environment: str | None = kwargs.get("base_conda_environment")
        self._initialized = True

    @property
    def conda_dependencies_file(self) -> str | None:
        """Written only: the file that ``conda_dependencies`` were read from."""
        return None

    @conda_dependencies_file.setter
    def conda_dependencies_file(self, value: str) -> None:
        self.conda_dependencies = CondaDependencies(conda_dependencies_file_path=value)


class DockerSection(_Section):
    """``environment.docker``."""

    def __init__(self, **kwargs: Any) -> None:
        self.base_image: str | None = kwargs.get("base_image")
        self.base_dockerfile: str | None = kwargs.get("base_dockerfile")
        self.base_image_registry: ContainerRegistry = kwargs.get("base_image_registry") or ContainerRegistry()
        self.build_context: Any = None
        self.enabled: bool = kwargs.get("enabled", False)
        self.gpu_support: bool = False
        self.shared_volumes: bool = True
        self.arguments: builtins.list[str] = []
        self.shm_size: str | None = None
        self.platform: Any = None
        self._initialized = True


_SECTIONS = ("spark", "r", "asset_id", "databricks")
"""Of the original; what is written there is kept, and nothing comes of it."""
_EXAMPLE = {"EXAMPLE_ENV_VAR": "EXAMPLE_VALUE"}


@facade(UserErrorException)
class Environment(Facade):
    """A named environment. Its sections can be changed until it is used."""

    REFUSED: ClassVar[dict[str, str]] = {
        "from_docker_build_context": "build the image yourself and name it: Environment.from_docker_image",
        "add_private_pip_wheel": "name the wheel's path or your index in the requirements",
        "label": "ask for a version",
        "get_image_details": "see Image.list and image_build_log_uri",
        "spark": "there is no Spark",
        "r": "scoring scripts are Python",
    }

    def __init__(self, name: str, **kwargs: Any) -> None:
        if not isinstance(name, str) or not name:
            raise UserErrorException("Environment name expected to be a non-empty str.")
        self.name = name
        self.version: str | None = None
        self.python: PythonSection = kwargs.get("python") or PythonSection()
        self.docker: DockerSection = kwargs.get("docker") or DockerSection()
        self._variables = dict(_EXAMPLE)
        self.inferencing_stack_version: str | None = None
        self._initialized = True

    def __setattr__(self, name: str, value: Any) -> None:
        if (
            self.__dict__.get("_initialized")
            and name not in {*vars(self), *_SECTIONS}
            and not hasattr(type(self), name)
        ):
            known = [each for each in {*vars(self), "environment_variables"} if not each.startswith("_")]
            raise NotProvided(member_sentence("Environment", name, known))
        super().__setattr__(name, value)

    @property
    def environment_variables(self) -> dict[str, str]:
        return self._variables

    @environment_variables.setter
    def environment_variables(self, value: dict[str, str]) -> None:
        self._variables = value

    def __repr__(self) -> str:
        return json.dumps(self._to_json(), indent=4)

    __str__ = __repr__

    # -- where it is from ----------------------------------------------------------------------------------------

    @staticmethod
    def from_conda_specification(name: str, file_path: str) -> Environment:
        """Of conda's YAML."""
        from jupyter_mldeploy.spec import Environment as EnvironmentSpec

        translated(
            lambda: EnvironmentSpec.from_conda_specification(name, file_path), UserErrorException
        )  # says what is wrong
        made = Environment(name)
        made.python.conda_dependencies = CondaDependencies(conda_dependencies_file_path=str(file_path))
        return made

    @staticmethod
    def from_pip_requirements(name: str, file_path: str, pip_version: str | None = None) -> Environment:
        """Of a requirements file."""
        from jupyter_mldeploy.spec import Environment as EnvironmentSpec

        read = translated(lambda: EnvironmentSpec.from_pip_requirements(name, file_path), UserErrorException)
        made = Environment(name)
        made.python.conda_dependencies = CondaDependencies.create(pip_packages=list(read.requirements))
        return made

    @staticmethod
    def from_existing_conda_environment(name: str, conda_environment_name: str) -> Environment | None:
        """Of a conda environment of this machine, by ``conda env export``."""
        import shutil
        import subprocess

        conda = shutil.which("conda")
        if conda is None:
            raise UserErrorException("There is no conda on this machine; use Environment.from_conda_specification.")
        done = subprocess.run(
            [conda, "env", "export", "--no-builds", "--name", conda_environment_name],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise UserErrorException(f"conda env export of {conda_environment_name!r} failed: {done.stderr.strip()}")
        import yaml

        made = Environment(name)
        made.python.conda_dependencies = CondaDependencies(_underlying_structure=yaml.safe_load(done.stdout))
        return made

    @staticmethod
    def from_docker_image(
        name: str,
        image: str,
        container_registry: ContainerRegistry | None = None,
        conda_specification: str | None = None,
        pip_requirements: str | None = None,
    ) -> Environment:
        """On top of an image."""
        made = _with_packages(name, conda_specification, pip_requirements)
        made.docker.base_image = image
        made.docker.base_image_registry = container_registry or ContainerRegistry()
        return made

    @staticmethod
    def from_dockerfile(
        name: str, dockerfile: str, conda_specification: str | None = None, pip_requirements: str | None = None
    ) -> Environment:
        """Of a Dockerfile, as a path or a text: its base image, and its ``RUN`` and ``ENV`` lines."""
        made = _with_packages(name, conda_specification, pip_requirements)
        path = Path(dockerfile)
        made.docker.base_dockerfile = path.read_text(encoding="utf-8") if path.is_file() else dockerfile
        return made

    # -- registered environments -----------------------------------------------------------------------------------

    def register(self, workspace: Workspace) -> Environment:
        """Keep it in the workspace; the same content keeps its version."""
        content = self._to_json()
        del content["version"]
        with workspace.book.change() as known:
            versions = known["environments"].setdefault(self.name, {})
            same = [version for version, other in versions.items() if other == content]
            version = same[0] if same else str(max((int(v) for v in versions), default=0) + 1)
            versions[version] = content
        return Environment.get(workspace, self.name, version)

    @staticmethod
    def get(workspace: Workspace, name: str, version: str | None = None, label: str | None = None) -> Environment:
        """A registered one; its newest version where none is named."""
        known = workspace.book.section("environments")
        versions = known.get(name) or {}
        if not versions:
            hint = "Azure's curated environments are not here; write one with Environment.from_conda_specification."
            there = f" Registered: {', '.join(known)}." if known else ""
            raise UserErrorException(f"No environment exists for name: {name}.{there}", hint=hint)
        chosen = str(version) if version is not None else max(versions, key=int)
        if chosen not in versions:
            raise UserErrorException(f"The environment {name!r} has no version {chosen}; it has {', '.join(versions)}.")
        made = environment_of(versions[chosen], f"the environment {name!r}")
        made.version = chosen
        return made

    @staticmethod
    def list(workspace: Workspace) -> dict[str, Environment]:
        """The newest version of each, by name."""
        return {name: Environment.get(workspace, name) for name in workspace.book.section("environments")}

    def clone(self, new_name: str) -> Environment:
        """The same under another name."""
        made = copy.deepcopy(self)
        made.name, made.version = new_name, None
        return made

    def build(self, workspace: Workspace, image_build_compute: str | None = None) -> Any:
        """Not of its own: the image of a service is built when it is deployed, layer by layer."""
        raise UserErrorException(
            "An environment is not built of its own here; its layer is built and kept with the first service or image.",
            hint="Model.package(ws, models, inference_config) builds the whole image.",
        )

    def build_local(self, workspace: Workspace, platform: Any = None, **kwargs: Any) -> Any:
        """See ``build``."""
        return self.build(workspace)

    def save_to_directory(self, path: str, overwrite: bool = False) -> None:
        """Write it as JSON."""
        folder = Path(path)
        if folder.exists() and not overwrite:
            raise UserErrorException(f"Directory {path} already exists; pass overwrite=True.")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "azureml_environment.json").write_text(json.dumps(self._to_json(), indent=4), encoding="utf-8")
        if self.python.conda_dependencies is not None:
            self.python.conda_dependencies.save(str(folder / "conda_dependencies.yml"))

    @staticmethod
    def load_from_directory(path: str) -> Environment:
        """Read what ``save_to_directory`` wrote."""
        try:
            file = Path(path) / "azureml_environment.json"
            return environment_of(json.loads(file.read_bytes()), str(file), (Path(), Path(path)))
        except (OSError, ValueError) as error:
            raise UserErrorException(f"There is no environment in {path!r}: {error}") from None

    # -- what it is ------------------------------------------------------------------------------------------------

    def to_spec(self) -> EnvironmentSpec:
        """As the package's own environment.

        Raises:
            UserErrorException: It asks for what cannot be had here: files in a Dockerfile, a registry's password.
        """
        from jupyter_mldeploy.spec import Environment as EnvironmentSpec

        check_environment(self)
        base = self.docker.base_image
        steps: tuple[str, ...] = ()
        if dockerfile := self.docker.base_dockerfile:
            base, steps = translated(lambda: _dockerfile(dockerfile), UserErrorException)
        elif base and self.docker.base_image_registry.address:
            base = f"{self.docker.base_image_registry.address}/{base}"
        if base and base.startswith("mcr.microsoft.com/azureml/"):
            warn_once(
                f"The base image {base} belongs to Azure ML's own server; the package's own base image is taken instead."
            )
            base = None
        made: EnvironmentSpec = translated(lambda: self._packages_spec(EnvironmentSpec, base), UserErrorException)
        return dataclasses.replace(made, steps=steps)

    def _service_variables(self) -> dict[str, str]:
        """What a service is given: without the example that every environment has, and what the original put in itself."""
        check_environment(self)
        own = {*_EXAMPLE, "AZUREML_SOURCE_DIRECTORY", "AZUREML_ENTRY_SCRIPT"}
        return {str(key): str(value) for key, value in (self._variables or {}).items() if key not in own}

    def _packages_spec(self, spec: type[EnvironmentSpec], base: str | None) -> EnvironmentSpec:
        conda = self.python.conda_dependencies
        if conda is None or self.python.user_managed_dependencies:
            return spec(name=self.name, base_image=base)
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            content = conda.as_dict()
            content["dependencies"] = [
                entry for entry in content["dependencies"] if not (isinstance(entry, str) and _is_python(entry))
            ]
            path = Path(folder) / f"{self.name}.yml"
            path.write_text(CondaDependencies(_underlying_structure=content).serialize_to_string(), encoding="utf-8")
            read = spec.from_conda_specification(self.name, path)
        return dataclasses.replace(read, python=_python_to_take(conda.get_python_version()), base_image=base)

    def _to_json(self) -> dict[str, Any]:
        check_environment(self)
        conda = self.python.conda_dependencies
        return {
            "name": self.name,
            "version": self.version,
            "environmentVariables": self._variables,
            "python": {
                "userManagedDependencies": self.python.user_managed_dependencies,
                "interpreterPath": self.python.interpreter_path,
                "condaDependencies": conda.as_dict() if conda is not None else None,
            },
            "docker": {
                "baseImage": self.docker.base_image,
                "baseDockerfile": self.docker.base_dockerfile,
                "baseImageRegistry": {"address": self.docker.base_image_registry.address},
            },
            "inferencingStackVersion": self.inferencing_stack_version,
        }


def _with_packages(name: str, conda_specification: str | None, pip_requirements: str | None) -> Environment:
    if conda_specification and pip_requirements:
        raise UserErrorException("Give conda_specification or pip_requirements, not both.")
    if conda_specification:
        return Environment.from_conda_specification(name, conda_specification)
    if pip_requirements:
        return Environment.from_pip_requirements(name, pip_requirements)
    made = Environment(name)
    made.python.user_managed_dependencies = True
    return made


def _dockerfile(given: str) -> tuple[str | None, tuple[str, ...]]:
    from jupyter_mldeploy.spec.docker_steps import read_dockerfile

    text = given
    if "\n" not in given and os.path.isfile(given):  # noqa: PTH113 - a text may be longer than a path can be
        text = Path(given).read_text(encoding="utf-8")
    return read_dockerfile(text, "base_dockerfile")


def _is_python(entry: str) -> bool:
    import re

    return re.fullmatch(r"python\s*([=<>!~].*)?", entry.strip()) is not None


def _python_to_take(asked: str | None) -> str | None:
    """``None`` (the version at hand) where nobody asked, or asked for one that nothing runs on any more."""
    if asked is None or asked == PYTHON_DEFAULT_VERSION:
        return None
    parts = [int(part) for part in asked.split(".") if part.isdecimal()]
    if tuple(parts[:2]) < OLDEST_PYTHON:
        oldest = ".".join(str(part) for part in OLDEST_PYTHON)
        warn_once(
            f"Python {asked} is too old for the scoring server (it needs {oldest}); the version at hand is taken."
        )
        return None
    # Which patch release it is, a conda file of those days pinned and nobody offers any more.
    return ".".join(str(part) for part in parts[:2])
