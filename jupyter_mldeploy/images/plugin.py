"""``docker buildx``: found as Docker's own program finds its plugins, started directly, and only to build.

A plugin is a program that works by itself, so the ``docker`` command need not be there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from jupyter_mldeploy.images.engine import Engine

__all__ = ["builder_of", "environment_for", "find_buildx"]

_SYSTEM = (
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
)


def find_buildx() -> str:
    """Its path; ``""`` where it is not installed. Nothing is started."""
    name = "docker-buildx.exe" if os.name == "nt" else "docker-buildx"
    for folder in _folders():
        path = folder / name
        with suppress(OSError):
            if path.is_file() and os.access(path, os.X_OK):
                return str(path)
    return ""


def _folders() -> Iterator[Path]:
    configuration = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    with suppress(OSError, ValueError, AttributeError, TypeError):
        extra = json.loads((configuration / "config.json").read_bytes()).get("cliPluginsExtraDirs")
        yield from [Path(str(folder)) for folder in extra or ()]
    yield configuration / "cli-plugins"
    if os.name == "nt":
        for variable in ("ProgramData", "ProgramFiles"):
            yield Path(os.environ.get(variable, "")) / "Docker" / "cli-plugins"
    else:
        yield from map(Path, _SYSTEM)


def builder_of(engine: Engine) -> str:
    """The BuildKit inside the engine itself. Others, which run in containers, do not see the images of the engine."""
    return engine.selected.get("DOCKER_CONTEXT") or "default"


def environment_for(engine: Engine, folder: str, values: Mapping[str, str]) -> dict[str, str]:
    """Variables for a build on this engine.

    Args:
        engine: It is told to the plugin as it was found here.
        folder: For what the plugin notes of itself.
        values: Of arguments and secrets: the command line of a process can be read by everybody on the machine.
    """
    own = {name: value for name, value in os.environ.items() if name not in {"BUILDX_BUILDER", "BUILDKIT_PROGRESS"}}
    own |= {"BUILDX_CONFIG": folder, "BUILDX_NO_DEFAULT_ATTESTATIONS": "1", **engine.selected, **values}
    return {name: value for name, value in own.items() if value or name not in engine.selected}
