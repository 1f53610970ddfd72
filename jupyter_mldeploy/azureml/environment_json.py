"""An ``Environment`` of the JSON that the SDK wrote of one, and whether what is in one is of its kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy.azureml.exceptions import UserErrorException
from jupyter_mldeploy.azureml.unknown import member_sentence

if TYPE_CHECKING:
    from jupyter_mldeploy.azureml.core.conda_dependencies import CondaDependencies
    from jupyter_mldeploy.azureml.core.environment import Environment

__all__ = ["check_environment", "environment_of"]

_TEXT, _FLAG, _OBJECT, _LIST = (str, "a text"), (bool, "true or false"), (dict, "an object"), (list, "a list")
_ANY = (object, "")
_ENVIRONMENT = {
    "name": _TEXT, "version": _ANY, "environmentVariables": _OBJECT, "python": _OBJECT, "docker": _OBJECT, "spark": _ANY,
    "databricks": _ANY, "r": _ANY, "inferencingStackVersion": _ANY, "assetId": _ANY, "label": _ANY,
}  # fmt: skip
_PYTHON = {
    "userManagedDependencies": _FLAG, "interpreterPath": _TEXT, "condaDependencies": _OBJECT, "condaDependenciesFile": _TEXT,
    "baseCondaEnvironment": _ANY,
}  # fmt: skip
_DOCKER = {
    "baseImage": _TEXT, "baseDockerfile": _TEXT, "baseImageRegistry": _OBJECT, "enabled": _FLAG, "platform": _ANY,
    "buildContext": _ANY, "sharedVolumes": _ANY, "shmSize": _ANY, "arguments": _LIST, "gpuSupport": _ANY,
}  # fmt: skip
_REGISTRY = {"address": _TEXT, "username": _ANY, "password": _ANY, "registryIdentity": _ANY}


def environment_of(content: Any, where: str, folders: Sequence[Path] = (Path(),)) -> Environment:
    """What it says of the environment.

    Args:
        content: The object.
        where: It stands, for what is said of it.
        folders: Those that a path in it may be of.

    Raises:
        UserErrorException: A key that is not known, or a value of another kind.
    """
    from jupyter_mldeploy.azureml.core.environment import Environment

    if not isinstance(content, Mapping):
        raise UserErrorException(f"{where}: an environment is an object, not {content!r}.")
    content = _checked(content, _ENVIRONMENT, where)
    python = _checked(content.get("python") or {}, _PYTHON, f"{where}: python")
    docker = _checked(content.get("docker") or {}, _DOCKER, f"{where}: docker")
    registry = _checked(docker.get("baseImageRegistry") or {}, _REGISTRY, f"{where}: docker: baseImageRegistry")
    made = Environment(content.get("name") or "environment")
    made.environment_variables = dict(content.get("environmentVariables") or {})
    made.python.conda_dependencies = _conda(python, where, folders)
    made.python.user_managed_dependencies = bool(python.get("userManagedDependencies"))
    made.docker.base_image = docker.get("baseImage")
    made.docker.base_dockerfile = docker.get("baseDockerfile")
    made.docker.base_image_registry.address = registry.get("address")
    return made


def check_environment(environment: Environment) -> None:
    """Raise ``UserErrorException`` for parts of another kind, which anybody may have put there."""
    from jupyter_mldeploy.azureml.core.conda_dependencies import CondaDependencies
    from jupyter_mldeploy.azureml.core.container_registry import ContainerRegistry
    from jupyter_mldeploy.azureml.core.environment import DockerSection, PythonSection

    texts = ("docker.base_image", "docker.base_dockerfile")
    for part, kind, wanted in (
        ("python", PythonSection, "a PythonSection"),
        ("docker", DockerSection, "a DockerSection"),
        ("environment_variables", Mapping | None, "a dict"),
        ("python.conda_dependencies", CondaDependencies | None, "a CondaDependencies"),
        *((name, str | None, "a text") for name in texts),
        ("docker.base_image_registry", ContainerRegistry, "a ContainerRegistry"),
    ):
        found = attrgetter(part)(environment)
        if not isinstance(found, kind):
            raise UserErrorException(f"The environment {environment.name!r}: {part} must be {wanted}, not {found!r}.")


def _conda(python: Mapping[str, Any], where: str, folders: Sequence[Path]) -> CondaDependencies | None:
    from jupyter_mldeploy.azureml.core.conda_dependencies import CondaDependencies

    written, file = python.get("condaDependencies"), python.get("condaDependenciesFile")
    if written and file:
        raise UserErrorException(f"{where}: python has condaDependencies or condaDependenciesFile, not both.")
    if file:
        found = next((folder / file for folder in folders if (folder / file).is_file()), None)
        if found is None:
            raise UserErrorException(f"{where}: python: condaDependenciesFile: there is no file {file!r}.")
        return CondaDependencies(conda_dependencies_file_path=str(found))
    if not written:
        return None
    try:
        return CondaDependencies(_underlying_structure=written)
    except UserErrorException as error:
        raise UserErrorException(f"{where}: python: condaDependencies: {error.message}") from None


def _checked(content: Mapping[str, Any], known: Mapping[str, tuple[type, str]], where: str) -> Mapping[str, Any]:
    for key, value in content.items():
        if key not in known:
            raise UserErrorException(member_sentence(where, key, known))
        kind, shown = known[key]
        if value is not None and not isinstance(value, kind):
            raise UserErrorException(f"{where}: {key} is {shown}, not {value!r}.")
    return content
