"""How a container is known as a service's: its labels, which are the truth, and its name, which is for people."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["HOME", "REVISION", "SERVICE", "container_name", "find_containers", "home_id", "labels_of", "second_name"]

SERVICE = "mldeploy.service"
HOME = "mldeploy.home"
REVISION = "mldeploy.revision"


def home_id(home: Path) -> str:
    """Short name of a home folder, so that two people on one engine keep out of each other's way."""
    return hashlib.sha256(str(home).encode()).hexdigest()[:12]


def labels_of(service: str, home: Path, revision: int) -> dict[str, str]:
    """Labels of a container and its volume. None is a secret: whoever may list containers sees them."""
    return {SERVICE: service, HOME: home_id(home), REVISION: str(revision)}


def container_name(service: str) -> str:
    """What a service's container is called."""
    return f"mldeploy-{service}"


def second_name(name: str, home: str) -> str:
    """What it is called where another data folder of the same engine has a service of that name; ``home``: its ``home_id``."""
    return f"{name}-{home}"


def find_containers(api: Any, home: Path, service: str | None = None) -> list[Mapping[str, Any]]:
    """All containers of a home folder, or of one of its services, running or not, newest first."""
    wanted = [f"{HOME}={home_id(home)}"] + ([f"{SERVICE}={service}"] if service else [])
    found: list[Mapping[str, Any]] = api.containers(all=True, filters={"label": wanted})
    return found
