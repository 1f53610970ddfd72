"""Make and start a service's container."""

from __future__ import annotations

import io
import json
import re
import socket
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_mldeploy.errors import Conflict, PortInUse, TargetUnavailable
from jupyter_mldeploy.images.engine import Engine, engine_errors
from jupyter_mldeploy.images.inputs import APP_ROOT, PORT
from jupyter_mldeploy.spec import ServiceSpec
from jupyter_mldeploy.targets.container.identity import HOME, SERVICE, container_name, find_containers, second_name
from jupyter_mldeploy.targets.container.limits import limits_of

__all__ = [
    "HOST",
    "Wanted",
    "archive",
    "check_name",
    "free_port",
    "make_container",
    "put_files",
    "start_container",
]

HOST = "127.0.0.1"
IMAGE_FILE = ".mldeploy/service.json"
"""What every image has in its app root."""
_UID = 10001
_NAME_TAKEN = re.compile(r"name .* already in use", re.IGNORECASE | re.DOTALL)
_TAKEN = re.compile(r"port is already allocated|address already in use|ports are not available", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One container that is to be made.

    Attributes:
        name: What it is called.
        image: Reference or id.
        spec: For limits and bounds.
        port: On this machine.
        labels: Who it belongs to.
        environment: Variables, secrets among them.
        files: Put into the app root before it starts: path → content.
        network: Name of the network it is on, ``""`` for the engine's own.
    """

    name: str
    image: str
    spec: ServiceSpec
    port: int
    labels: Mapping[str, str]
    environment: Mapping[str, str]
    files: Mapping[str, bytes]
    network: str = ""


def free_port() -> int:
    """A port of the loopback interface that is free now. The engine would give another one after every restart."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return int(listener.getsockname()[1])


def make_container(engine: Engine, wanted: Wanted) -> str:
    """Create a container, with its files, and return its id. It does not run yet.

    Where another data folder on this engine has a service of the same name, the container gets a second name: names are for
    people, labels say whose it is.

    Raises:
        Conflict: The name is taken by a container that is no service's.
    """
    from docker.types import Mount

    api = engine.api
    maximum = wanted.spec.autoscale.maximum or wanted.spec.autoscale.minimum
    gpus = wanted.spec.resources.gpus
    host = api.create_host_config(
        port_bindings={PORT: (HOST, wanted.port)},
        mounts=[Mount(target=APP_ROOT, source=None, type="volume", labels=dict(wanted.labels))],
        read_only=True,
        tmpfs={"/tmp": "rw,exec,mode=1777"},  # noqa: S108 - inside the container
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        init=True,
        log_config={"Type": _log_driver(engine), "Config": {"max-size": "20m", "max-file": "3"}},
        device_requests=[{"Count": gpus, "Capabilities": [["gpu"]]}] if gpus else None,
        network_mode=wanted.network or None,
        **limits_of(wanted.spec.resources, maximum),
    )
    try:
        container = _create(engine, wanted, host, wanted.name)
    except _NameTaken:
        if (conflict := _whose(engine, wanted.name)) is not None:
            raise conflict from None
        try:
            container = _create(engine, wanted, host, second_name(wanted.name, wanted.labels[HOME]))
        except _NameTaken as error:
            raise Conflict(str(error)) from None
    try:
        with engine_errors(engine):
            _fill_app_root(engine, container, wanted.image)
            put_files(engine, container, wanted.files)
    except BaseException:
        engine.api.remove_container(container, v=True, force=True)  # nobody knows of it yet
        raise
    return container


_LOG_DRIVERS: dict[str, str] = {}


def _log_driver(engine: Engine) -> str:
    """``local`` where the engine has it: ``json-file`` puts question marks in the place of bytes that are not UTF-8."""
    if engine.address not in _LOG_DRIVERS:
        known = (engine.api.info().get("Plugins") or {}).get("Log") or ()
        _LOG_DRIVERS[engine.address] = "local" if "local" in known else "json-file"
    return _LOG_DRIVERS[engine.address]


class _NameTaken(Exception):
    """Another container has the name."""


def _create(engine: Engine, wanted: Wanted, host: Mapping[str, Any], name: str) -> str:
    from docker.errors import APIError

    try:
        with engine_errors(engine):
            made = engine.api.create_container(
                wanted.image,
                name=name,
                labels=dict(wanted.labels),
                environment=dict(wanted.environment),
                ports=[PORT],
                host_config=host,
            )
    except APIError as error:
        if _NAME_TAKEN.search(str(error.explanation)):  # not every engine says 409
            raise _NameTaken(f"The container name {name!r} is taken.") from None
        if "container-init binary not found" in str(error.explanation):
            hint = "Install catatonit on the engine's machine, such as with `sudo apt install catatonit`."
            raise TargetUnavailable("Podman has no init program to run in containers.", hint) from None
        raise
    return str(made["Id"])


def start_container(engine: Engine, container: str, port: int) -> None:
    """Start a container.

    Raises:
        PortInUse: The port is taken.
        TargetUnavailable: The engine cannot give what was asked for.
    """
    from docker.errors import APIError

    try:
        with engine_errors(engine):
            engine.api.start(container)
    except APIError as error:
        text = str(error.explanation or error)
        if _TAKEN.search(text):
            raise PortInUse(*_port_taken(engine, port)) from None
        if "could not select device driver" in text:
            hint = "Install the NVIDIA container toolkit on the engine's machine, or ask for no GPU."
            raise TargetUnavailable("The engine has no GPU to give to containers.", hint) from None
        raise


def _fill_app_root(engine: Engine, container: str, image: str) -> None:
    """Let the volume begin with what the image has in its place. Docker sees to that when the container is created, Podman not
    before its start, and then only where nothing was put into it: its files are fetched from a container without the volume.
    """
    url = f"{engine.api.base_url}/v{engine.api.api_version}/containers/{container}/archive"
    if engine.api.head(url, params={"path": f"{APP_ROOT}/{IMAGE_FILE}"}).status_code == 200:
        return
    plain = str(engine.api.create_container(image, command=["true"])["Id"])
    try:
        content, _ = engine.api.get_archive(plain, f"{APP_ROOT}/.")
        engine.api.put_archive(container, APP_ROOT, content)
    finally:
        engine.api.remove_container(plain, v=True, force=True)


def put_files(engine: Engine, container: str, files: Mapping[str, bytes]) -> None:
    """Put files into the app root, which is a volume: also while the container runs, and they outlive its restarts."""
    if files:
        engine.api.put_archive(container, APP_ROOT, archive(files))


def archive(files: Mapping[str, bytes]) -> bytes:
    """A tar of files that belong to the service's user."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path, content in sorted(files.items()):
            for parent in reversed(Path(path).parents[:-1]):
                folder = tarfile.TarInfo(str(parent))
                folder.type, folder.mode, folder.uid, folder.gid = tarfile.DIRTYPE, 0o755, _UID, _UID
                tar.addfile(folder)
            info = tarfile.TarInfo(path)
            info.size, info.mode, info.uid, info.gid = len(content), 0o644, _UID, _UID
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def check_name(engine: Engine, service: str, home: Path) -> None:
    """Refuse a service whose container's name is that of somebody else's container.

    Raises:
        Conflict: It is, and the service has no container yet, which would be known by its labels.
    """
    with engine_errors(engine):
        conflict = _whose(engine, container_name(service))
        if conflict is not None and not find_containers(engine.api, home, service):
            raise conflict


def _whose(engine: Engine, name: str) -> Conflict | None:
    """What to say of a container that is no service's; ``None`` for one of this or another data folder, or that is gone."""
    from docker.errors import NotFound

    try:
        found = engine.api.inspect_container(name)
    except NotFound:
        return None
    if SERVICE in (found["Config"].get("Labels") or {}):
        return None
    whose = f"somebody else's container ({found['Id'][:12]}, image {found['Config'].get('Image', '?')})"
    return Conflict(
        f"The container name {name!r} is taken by {whose}.",
        f"Choose another name, or remove that container: `docker rm --force {name}`.",
    )


def _port_taken(engine: Engine, port: int) -> tuple[str, str]:
    from jupyter_mldeploy.targets.local.process import find_port_owner

    owner = ""
    for other in engine.api.containers():  # not every engine can be asked for a port
        if any(published.get("PublicPort") == port for published in other.get("Ports") or ()):
            owner = f"the container {str(other['Names'][0]).lstrip('/')!r}"
    owner = owner or find_port_owner(port)
    summary = f"Port {port} is in use" + (f" by {owner}." if owner else ".")
    return summary, "Ask for another port with --port, or leave it out to get a free one."


def replacing_name(service: str) -> str:
    """What the container of an update is called until it takes over."""
    return f"{container_name(service)}-next"


def read_file(engine: Engine, container: str, path: str) -> bytes | None:
    """A file of a container, running or not; ``None`` where there is none."""
    from docker.errors import NotFound

    try:
        chunks, _ = engine.api.get_archive(container, f"{APP_ROOT}/{path}")
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
            member = tar.extractfile(tar.getmembers()[0])
            return member.read() if member else None
    except (NotFound, tarfile.TarError, IndexError):
        return None


def read_json(engine: Engine, container: str, path: str) -> dict[str, Any]:
    """A JSON file of a container; empty where there is none."""
    content = read_file(engine, container, path)
    try:
        found = json.loads(content or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
