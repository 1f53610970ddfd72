"""The Docker engine, found as the ``docker`` command finds it, and its failures in our words.

``DOCKER_HOST`` first, then the context that was named or chosen, then the first of the usual sockets where somebody listens:
Docker's, that of a rootless Docker or Docker Desktop, Podman's.
"""

from __future__ import annotations

import errno
import os
import re
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jupyter_mldeploy.config import settings
from jupyter_mldeploy.errors import TargetUnavailable

__all__ = ["Engine", "connect", "engine_errors"]

DEFAULT_SOCKET = "/var/run/docker.sock"
PIPE = "npipe:////./pipe/docker_engine"
CALL_TIMEOUT = 60
OLDEST_API = "1.24"
START = "Start one (Docker Desktop, `sudo systemctl start docker`, or `systemctl --user start podman.socket`)"


@dataclass(frozen=True)
class Engine:
    """A connection to an engine that has answered.

    Attributes:
        api: docker-py's low-level client.
        address: What was connected to, for people.
        origin: Where the address is from.
        selected: Docker's own variables with which its programs speak to the same engine; an empty one is not set.
        buildkit: Whether it has BuildKit.
    """

    api: Any
    address: str
    origin: str
    selected: Mapping[str, str] = field(default_factory=dict, repr=False)
    buildkit: bool = False

    @property
    def is_local(self) -> bool:
        """Whether ports that it publishes on the loopback interface are this machine's."""
        scheme, host = urlsplit(self.address)[0], urlsplit(self.address).hostname
        return scheme in {"unix", "npipe", "http+unix"} or host in {"localhost", "127.0.0.1", "::1"}

    def has_image(self, reference: str) -> dict[str, Any] | None:
        """What the engine knows of an image, or ``None``."""
        from docker.errors import ImageNotFound, NotFound

        try:
            with engine_errors(self):
                found: dict[str, Any] = self.api.inspect_image(reference)
        except (ImageNotFound, NotFound):
            return None
        return found

    def close(self) -> None:
        """Give up its connections."""
        self.api.close()


def connect(context: str | None = None) -> Engine:
    """Find the engine and let it answer.

    Raises:
        TargetUnavailable: None answers, or it may not be used; says where it was looked for.
    """
    import docker
    import docker.errors
    from docker.tls import TLSConfig

    address, tls, origin, selected = _find(context)
    try:
        options: dict[str, Any] = {"base_url": address, "timeout": CALL_TIMEOUT, "use_ssh_client": True}
        if isinstance(tls, TLSConfig):
            options["tls"] = tls
        # A ping tells the version too, and takes a twentieth of the time that docker-py's own question does.
        asking = docker.APIClient(version=OLDEST_API, **options)
        answer = asking.get(f"{asking.base_url}/_ping")
        answer.raise_for_status()
        asking.close()
        spoken = answer.headers.get("Api-Version", "auto")
        return Engine(
            docker.APIClient(version=spoken, **options), address, origin, selected, _has_buildkit(answer.headers)
        )
    except (docker.errors.DockerException, OSError) as error:  # the HTTP library's errors are of the system's
        raise _unavailable(address, origin, error) from None


@contextmanager
def engine_errors(engine: Engine) -> Iterator[None]:
    """Turn an engine that stopped answering into ``TargetUnavailable``; what it answers passes."""
    from docker.errors import APIError, DockerException
    from requests.exceptions import RequestException

    try:
        yield
    except APIError:
        raise
    except (RequestException, DockerException) as error:
        raise _unavailable(engine.address, engine.origin, error) from None


# -- where it is -------------------------------------------------------------------------------------------------------


def _has_buildkit(told: Mapping[str, str]) -> bool:
    """By what an engine says of itself: Docker for Linux has it since 19.03, and since 23.0 says where it is switched off."""
    if "Libpod-API-Version" in told or told.get("OSType", "linux") != "linux":
        return False
    version = tuple(int(part) for part in re.findall(r"\d+", told.get("Api-Version", "")))
    return (1, 40) <= version < (1, 42) or (version >= (1, 42) and told.get("Builder-Version") != "1")


def _find(context: str | None) -> tuple[str, Any, str, dict[str, str]]:
    context = context or settings().docker_context or None
    if context is None and (host := os.environ.get("DOCKER_HOST")):
        from docker.utils import kwargs_from_env

        found = kwargs_from_env()
        selected = {"DOCKER_HOST": host, "DOCKER_CONTEXT": ""}
        selected |= {name: os.environ.get(name, "") for name in ("DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")}
        return str(found.get("base_url", host)), found.get("tls"), "DOCKER_HOST", selected
    name = context or os.environ.get("DOCKER_CONTEXT") or _current_context()
    if name and name != "default":
        from docker.context import ContextAPI
        from docker.errors import DockerException

        try:
            chosen = ContextAPI.get_context(name)
        except (DockerException, OSError, ValueError, KeyError):
            chosen = None
        if chosen is None or not chosen.Host:
            raise TargetUnavailable(
                f"There is no Docker context {name!r}.", "`docker context ls` lists those there are."
            )
        selected = {"DOCKER_CONTEXT": name, "DOCKER_HOST": ""}
        return str(chosen.Host), chosen.TLSConfig, f"the Docker context {name!r}", selected
    address = PIPE if sys.platform == "win32" else f"unix://{_usual_socket()}"
    selected = dict.fromkeys(("DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"), "") | {"DOCKER_HOST": address}
    return address, None, "its usual place", selected


def _current_context() -> str:
    import json

    folder = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    try:
        return str(json.loads((folder / "config.json").read_bytes()).get("currentContext") or "")
    except (OSError, ValueError, AttributeError):
        return ""


def _usual_socket() -> str:
    """The first of the usual sockets where somebody listens; else Docker's where only this user may not use it.

    Raises:
        TargetUnavailable: There is neither.
    """
    looked, denied = _sockets(), False
    for path in looked:
        try:
            with socket.socket(socket.AF_UNIX) as probe:
                probe.settimeout(CALL_TIMEOUT)
                probe.connect(path)
            return path
        except PermissionError:
            denied = denied or path == looked[0]
        except OSError:  # there is none, it is no socket, or was left by an engine that has ended
            continue
    if denied:
        return looked[0]
    raise TargetUnavailable(
        "No container engine was found: DOCKER_HOST is not set, no Docker context is chosen, and nothing listens at "
        f"{', '.join(looked[:-1])} or {looked[-1]}.",
        f"{START}, or use --target local.",
    )


def _sockets() -> list[str]:
    home, runtime = Path.home(), os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    return [
        DEFAULT_SOCKET,
        f"{runtime}/docker.sock",  # rootless Docker's
        f"{home}/.docker/run/docker.sock",  # Docker Desktop's and rootless Docker's
        f"{home}/.docker/desktop/docker.sock",
        f"{runtime}/podman/podman.sock",  # rootless Podman's
        "/run/podman/podman.sock",
    ]


# -- why not -----------------------------------------------------------------------------------------------------------


def _unavailable(address: str, origin: str, error: BaseException) -> TargetUnavailable:
    if address.startswith("ssh://") and find_spec("paramiko") is None:
        return TargetUnavailable(
            f"The Docker engine at {address} (from {origin}) is reached over SSH, for which a package is missing.",
            "Install it: `pip install paramiko`; the system's `ssh` makes the connection.",
        )
    cause = _cause(error)
    where = f"at {address} (from {origin})"
    if isinstance(cause, PermissionError):
        return TargetUnavailable(
            f"You may not use the Docker engine {where}: permission denied.",
            "Join the group that owns the socket (`sudo usermod -aG docker $USER`, then log in again), or use a rootless engine.",
        )
    if isinstance(cause, FileNotFoundError | ConnectionRefusedError):
        how = "there is no such socket" if isinstance(cause, FileNotFoundError) else "nothing listens there"
        return TargetUnavailable(
            f"Cannot connect to the Docker engine {where}: {how}.",
            f"Is the engine running? {START}, or use --target local.",
        )
    return TargetUnavailable(
        f"The Docker engine {where} does not answer: {cause}.", "`docker version` shows whether it can be reached."
    )


def _cause(error: BaseException) -> BaseException:
    """The system's error at the bottom, through the layers of the HTTP library."""
    seen: set[int] = set()
    stack: list[BaseException] = [error]
    while stack:
        current = stack.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        if isinstance(current, OSError) and current.errno in {errno.EACCES, errno.ENOENT, errno.ECONNREFUSED}:
            return current
        linked = (current.__cause__, current.__context__, getattr(current, "reason", None), *current.args)
        stack += [item for item in linked if isinstance(item, BaseException)]
    return error
