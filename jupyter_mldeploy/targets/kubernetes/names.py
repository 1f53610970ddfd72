"""What the objects of a service are called, and how they say whose they are."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = [
    "ANNOTATION_RELEASE",
    "ANNOTATION_REVISION",
    "ANNOTATION_SCRIPT",
    "ANNOTATION_SPEC",
    "CONTAINER",
    "MANAGER",
    "PORT",
    "config_name",
    "keys_name",
    "labels",
    "lease_name",
    "selector",
    "selector_text",
]

MANAGER = "jupyter-mldeploy"
"""Field manager of every apply, and value of ``app.kubernetes.io/managed-by``."""

CONTAINER = "scoring"
PORT = 5001

ANNOTATION_SPEC = f"{MANAGER}/spec-hash"
ANNOTATION_SCRIPT = f"{MANAGER}/script-hash"
ANNOTATION_REVISION = f"{MANAGER}/revision"
ANNOTATION_RELEASE = f"{MANAGER}/release"
"""Everything that is wanted but the script's text, so that any machine can find a service again and go back to a release."""


def selector(service: str) -> dict[str, str]:
    """What marks the pods of a service. A Deployment's selector can never change, so neither can this."""
    return {"app.kubernetes.io/instance": service, "app.kubernetes.io/managed-by": MANAGER}


def selector_text(service: str | None = None) -> str:
    """The same as a query; without a name: of all services."""
    wanted: Mapping[str, str] = selector(service) if service else {"app.kubernetes.io/managed-by": MANAGER}
    return ",".join(f"{key}={value}" for key, value in wanted.items())


def labels(service: str, revision: int | None = None) -> dict[str, str]:
    """Labels of every object of a service; those of one revision's objects carry its number too."""
    found = {"app.kubernetes.io/name": service, "app.kubernetes.io/component": CONTAINER, **selector(service)}
    if revision is not None:
        found[ANNOTATION_REVISION] = str(revision)
    return found


def config_name(service: str, revision: int, birth: str) -> str:
    """The ConfigMap of one revision: its live script, and what its runtime is told."""
    return _born(f"{service}-config-{revision}", birth)


def keys_name(service: str, birth: str) -> str:
    """The Secret with the admin token and the scoring keys; it outlives revisions."""
    return _born(f"{service}-keys", birth)


def _born(name: str, birth: str) -> str:
    return f"{name}-{birth}" if birth else name


def lease_name(service: str) -> str:
    """The Lease that an operation on the service holds."""
    return f"{service}-operation"
