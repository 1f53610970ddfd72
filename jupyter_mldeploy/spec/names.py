"""One rule for the names of services, valid on every target, and one for models."""

from __future__ import annotations

import re

from jupyter_mldeploy.errors import InvalidValue

__all__ = ["check_model_name", "check_service_name", "is_service_name"]

SERVICE_NAME_LIMIT = 63
_SERVICE = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")


def check_service_name(name: str, field: str = "name") -> str:
    """Return ``name`` if it is a DNS label that Kubernetes takes for a Service, else raise ``InvalidValue``."""
    if not isinstance(name, str):
        raise InvalidValue(field, name, "it is a text.")
    if len(name) > SERVICE_NAME_LIMIT:
        raise InvalidValue(field, name, f"it has {len(name)} characters, the limit is {SERVICE_NAME_LIMIT}.")
    if not _SERVICE.fullmatch(name):
        expected = "use lower-case letters, digits and '-', beginning with a letter and ending with a letter or digit."
        suggestion = re.sub(r"[^a-z0-9]+", "-", name.lower()).lstrip("-0123456789").rstrip("-")
        hint = f"{suggestion!r} would do." if _SERVICE.fullmatch(suggestion) else ""
        raise InvalidValue(field, name, expected, hint)
    return name


def is_service_name(name: str) -> bool:
    """Whether a service may have this name."""
    return len(name) <= SERVICE_NAME_LIMIT and _SERVICE.fullmatch(name) is not None


def check_model_name(name: str, field: str = "model") -> str:
    """Return ``name`` if a model may be called so, else raise ``InvalidValue``."""
    if not isinstance(name, str):
        raise InvalidValue(field, name, "it is a text.")
    if not _MODEL.fullmatch(name):
        raise InvalidValue(
            field, name, "use letters, digits, '.', '_' and '-', beginning with a letter or digit, at most 255."
        )
    return name
