"""How a service is to run: what the three kinds of ``deploy_configuration()`` have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from numbers import Real
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy.azureml.exceptions import WebserviceException
from jupyter_mldeploy.azureml.facade import Facade
from jupyter_mldeploy.azureml.values import kind_problems

if TYPE_CHECKING:
    from jupyter_mldeploy.azureml.core.workspace import Workspace
    from jupyter_mldeploy.spec import Target

__all__ = ["WebserviceDeploymentConfiguration", "number_problems"]


def number_problems(given: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    """Of values that are no numbers."""
    return [
        f"Invalid configuration, {name} must be a number, not {given[name]!r}."
        for name in names
        if given.get(name) is not None and (isinstance(given[name], bool) or not isinstance(given[name], Real))
    ]


class WebserviceDeploymentConfiguration(Facade):
    """How a service is to run. Its subclasses are what ``deploy_configuration()`` returns."""

    auth = False

    def __init__(
        self,
        type: Any = None,
        description: str | None = None,
        tags: dict[str, str] | None = None,
        properties: dict[str, str] | None = None,
        primary_key: str | None = None,
        secondary_key: str | None = None,
        location: str | None = None,
    ) -> None:
        self.description = description
        self.tags = tags
        self.properties = properties
        self.primary_key = primary_key
        self.secondary_key = secondary_key
        self.location = location

    def _check_values(self, *names: str) -> None:
        """Refuse texts where numbers, or yes and no, are wanted, before they are compared."""
        wrong = kind_problems(vars(self)) + number_problems(vars(self), names)
        if wrong:
            raise WebserviceException("\n".join(wrong))

    @abstractmethod
    def validate_configuration(self) -> None:
        """Raise ``WebserviceException`` with everything that is wrong."""

    @abstractmethod
    def print_deploy_configuration(self) -> None:
        """Print it."""

    def validate_image(self, image: Any) -> None:
        """Any image will do that was created here."""
        if image is None:
            raise WebserviceException("Image is None.")

    @abstractmethod
    def service_class(self) -> Any:
        """The ``Webservice`` that is made of it."""

    @abstractmethod
    def target(self, workspace: Workspace, deployment_target: Any) -> Target:
        """Where."""

    @abstractmethod
    def spec_values(self) -> dict[str, Any]:
        """Fields of the package's specification."""

    def settings(self) -> dict[str, Any]:
        """What is shown of it by ``serialize()``; no keys."""
        return {}

    def keys(self) -> list[str | None]:
        """The two keys, ``None`` for one that is to be made; empty where no key is wanted."""
        return [self.primary_key, self.secondary_key] if self.auth else []
