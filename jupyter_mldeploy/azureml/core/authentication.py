"""``azureml.core.authentication``: accepted and never used, because nothing here has an account."""

from __future__ import annotations

from typing import Any

from jupyter_mldeploy.azureml.telling import warn_once

__all__ = [
    "AzureCliAuthentication",
    "InteractiveLoginAuthentication",
    "MsiAuthentication",
    "ServicePrincipalAuthentication",
    "TokenAuthentication",
]


class _NoAccount:
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        del args, kwargs
        warn_once("Workspaces are folders of this machine: no account is needed, and the authentication is not used.")

    def get_authentication_header(self) -> dict[str, str]:
        """Empty: nothing is sent anywhere."""
        return {}


class InteractiveLoginAuthentication(_NoAccount):
    """Not used."""


class AzureCliAuthentication(_NoAccount):
    """Not used."""


class ServicePrincipalAuthentication(_NoAccount):
    """Not used."""


class MsiAuthentication(_NoAccount):
    """Not used."""


class TokenAuthentication(_NoAccount):
    """Not used."""
