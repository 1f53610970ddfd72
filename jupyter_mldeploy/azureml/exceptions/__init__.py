"""The exceptions of the v1 SDK, by its names. Each is also one of this package's errors, and carries its diagnosis."""

from __future__ import annotations

import json
import sys
import traceback
from typing import Any

from jupyter_mldeploy.errors import MLDeployError

__all__ = [
    "ActivityFailedException",
    "AuthenticationException",
    "AzureMLAggregatedException",
    "AzureMLException",
    "ComputeTargetException",
    "DatasetTimestampMissingError",
    "DiscoveryUrlNotFoundException",
    "ExperimentExecutionException",
    "ModelNotFoundException",
    "ModelPathNotFoundException",
    "ParallelRunException",
    "ProjectSystemException",
    "RunConfigurationException",
    "RunEnvironmentException",
    "ServiceException",
    "SnapshotException",
    "TrainingException",
    "UserErrorException",
    "WebserviceException",
    "WorkspaceException",
    "WorkspacePrivateEndpointException",
]


class AzureMLException(MLDeployError):
    """Root of the v1 exceptions.

    Attributes:
        message: What is wrong; several problems are several lines.
        inner_exception: What was raised below, or ``None``.
        diagnosis, evidence, stage: Of a deployment or a request that failed, else ``None``.
        panel_shown: Whether the notebook has shown the diagnosis already.
    """

    code = "v1-error"
    http_status = 400

    def __init__(self, exception_message: str = "", inner_exception: Any = None, **kwargs: Any) -> None:
        below = inner_exception if isinstance(inner_exception, MLDeployError) else None
        super().__init__(exception_message, kwargs.pop("hint", ""))
        self.inner_exception = inner_exception
        self.diagnosis = getattr(below, "diagnosis", None)
        self.evidence = getattr(below, "evidence", None)
        self.stage = getattr(below, "stage", None)
        self.panel_shown = False
        self._info = sys.exc_info()

    @property
    def message(self) -> str:
        """What is wrong."""
        return self.summary

    @message.setter
    def message(self, value: str) -> None:
        self.summary = value

    def __str__(self) -> str:
        first = self.message.partition("\n")[0]  # all of it stands above
        response = json.dumps({"error": {"message": first}}, indent=4, ensure_ascii=False)
        told = f"{self.message}\n{self.hint}" if self.hint else self.message
        below = type(self.inner_exception).__name__ if self.inner_exception is not None else None
        return f"{type(self).__name__}:\n\tMessage: {told}\n\tInnerException {below}\n\tErrorResponse \n{response}"

    __repr__ = __str__

    def print_stacktrace(self) -> None:
        """Print the traceback of what was being handled when this was made."""
        traceback.print_exception(*self._info)

    def _render_traceback_(self) -> list[str]:
        lines = f"{type(self).__name__}: {self.message.rstrip()}".splitlines()
        if self.hint:
            lines.append(f"  → {self.hint}")
        if self.diagnosis is not None and self.diagnosis.cause and not self.panel_shown:
            lines += ["", *self.diagnosis.to_text().splitlines()]
        return lines

    def to_json(self) -> dict[str, Any]:
        diagnosis = self.diagnosis.to_json() if self.diagnosis is not None else None
        return {**super().to_json(), "diagnosis": diagnosis}


class AzureMLAggregatedException(AzureMLException):
    """Several exceptions at once."""


class TrainingException(AzureMLException):
    """A training run failed."""


class ExperimentExecutionException(AzureMLException):
    """A run could not be configured or submitted."""


class ProjectSystemException(AzureMLException):
    """Files of a project could not be read or written."""


class SnapshotException(AzureMLException):
    """A snapshot could not be taken."""


class RunEnvironmentException(AzureMLException):
    """There is no run to load from the environment."""


class WorkspaceException(AzureMLException):
    """A workspace could not be made or found."""


class WorkspacePrivateEndpointException(AzureMLException):
    """A private endpoint could not be made or found."""


class ComputeTargetException(AzureMLException):
    """A compute target could not be made, attached or found."""


class UserErrorException(AzureMLException):
    """An input that is not valid or not supported."""


class AuthenticationException(UserErrorException):
    """Authentication failed."""


class RunConfigurationException(AzureMLException):
    """A run's configuration is not valid."""


class WebserviceException(AzureMLException):
    """A model, an image or a service could not be made, found or used.

    Attributes:
        status_code: HTTP status, or ``None``.
    """

    def __init__(
        self, exception_message: str = "", status_code: int | None = None, logger: Any = None, **kwargs: Any
    ) -> None:
        del logger
        super().__init__(exception_message, **kwargs)
        self.status_code = status_code


class ModelNotFoundException(WebserviceException):
    """There is no such model."""


class ModelPathNotFoundException(AzureMLException):
    """The path of a model that is to be registered does not exist."""


class DiscoveryUrlNotFoundException(AzureMLException):
    """A workspace has no discovery address."""


class ActivityFailedException(AzureMLException):
    """An activity failed."""


class DatasetTimestampMissingError(AzureMLException):
    """A dataset has no time stamp."""


class ParallelRunException(AzureMLException):
    """A parallel run failed."""


class ServiceException(AzureMLException):
    """A service of Azure refused a request; nothing here raises it."""
