"""What ``mldeploy doctor`` looks at: each probe returns what it found, or raises ``NotUsable`` with the reason."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from jupyter_mldeploy._version import __version__
from jupyter_mldeploy.config import settings
from jupyter_mldeploy.errors import MLDeployError

__all__ = ["Finding", "NotUsable", "container", "environments", "home", "kubernetes", "local", "packages", "python"]

FULL = 100 * 1024**2
"""Bytes that not even a service of its own small files can do without."""
SECONDS = 4.0
"""Longest wait for one answer of an engine."""
SHOWN = ("ipython", "ipykernel", "ipywidgets", "jupyterlab", "docker", "kubernetes", "uv", "uvloop", "scikit-learn")


@dataclass(frozen=True)
class Finding:
    """Something that can be used."""

    message: str
    hint: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


class NotUsable(Exception):
    """Something that cannot be used: why, and what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def python() -> Finding:
    """The interpreter, which is also what services run in by default."""
    facts = {"version": platform.python_version(), "executable": sys.executable, "platform": platform.platform()}
    return Finding(f"Python {facts['version']} at {sys.executable} on {facts['platform']}", facts=facts)


def packages() -> Finding:
    """This package and those that its targets and interfaces use."""
    versions = {"jupyter-mldeploy": __version__}
    for name in SHOWN:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return Finding(", ".join(f"{name} {version}" for name, version in versions.items()), facts=versions)


def home() -> Finding:
    """Where everything is kept: whether it can be written, and how much room there is."""
    folder = settings().home_path
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise NotUsable(f"{folder} cannot be written", "Name another folder with MLDEPLOY_HOME.")
    free = shutil.disk_usage(existing).free
    if free < FULL:
        raise NotUsable(
            f"{folder}, only {free / 1024**2:.0f} MiB free",
            "Make room, or name a folder on another disk with MLDEPLOY_HOME.",
        )
    facts = {"path": str(folder), "exists": folder.is_dir(), "free_bytes": free}
    hint = "Less than 1 GiB is free: environments and models may not fit." if free < 1024**3 else ""
    return Finding(f"{folder}, {free / 1024**3:.1f} GiB free", hint, facts)


def local() -> Finding:
    """Processes on loopback, and whether the system can limit their memory and CPUs."""
    if sys.platform == "win32":
        raise NotUsable("the local target needs Linux or macOS", "Use WSL, or the container target.")
    try:
        with socket.create_server(("127.0.0.1", 0)):
            pass
    except OSError as error:
        raise NotUsable(f"no port can be opened on 127.0.0.1: {error.strerror}") from None
    ran = _run([sys.executable, "-m", "jupyter_mldeploy.runtime", "--help"], "the scoring server")
    if "--entry_script" not in ran:
        raise NotUsable("the scoring server cannot be started with this Python")
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    facts = {"cpus": cpus, "cpu_limits": hasattr(os, "sched_setaffinity"), "memory_limits": sys.platform == "linux"}
    kinds = {"memory": "memory", "cpu": "whole CPUs"}  # a part of a CPU takes a control group
    limits = [kinds[name] for name in kinds if facts[f"{name}_limits"]]
    words = f"limits of {' and '.join(limits)}" if limits else "no limits on this system"
    return Finding(f"the scoring server starts, {cpus} CPUs, {words}", facts=facts)


def environments() -> Finding:
    """uv, which makes environments other than the kernel's own."""
    from jupyter_mldeploy.environments.installer import find_uv

    try:
        path = find_uv()
    except MLDeployError as error:
        raise NotUsable("uv is not installed; --environment current works without", error.hint) from None
    version = _run([path, "--version"], "uv").strip()
    return Finding(f"{version} at {path}", facts={"path": path, "version": version})


def container() -> Finding:
    """The Docker engine of the current context."""
    import docker

    where = os.environ.get("DOCKER_HOST") or _docker_host() or "unix:///var/run/docker.sock"

    def ask() -> Any:
        client = docker.DockerClient(base_url=where, timeout=int(SECONDS))
        try:
            return client.version()
        finally:
            client.close()

    hint = "Start the engine, name its socket with DOCKER_HOST, or choose it with `docker context use`."
    told = _asked(ask, f"the Docker engine at {where} does not answer", hint)
    facts = {"version": told.get("Version"), "api": told.get("ApiVersion"), "os": told.get("Os"), "host": where}
    return Finding(f"Docker engine {told.get('Version')} ({told.get('Os')}/{told.get('Arch')}) at {where}", facts=facts)


def _docker_host() -> str:
    """Address of the context that is asked for, or of the current one; empty for the default."""
    import docker

    name = settings().context_of("container")
    context = docker.ContextAPI.get_context(name) if name else docker.ContextAPI.get_current_context()
    return str(getattr(context, "Host", "") or "")


def kubernetes() -> Finding:
    """The API server of the kubeconfig context."""
    from kubernetes import client, config

    from jupyter_mldeploy.targets.kubernetes.connection import kubeconfig

    untyped: Any = config
    hint = "Check `kubectl config get-contexts`; choose one with MLDEPLOY_KUBE_CONTEXT or KUBECONFIG."

    def ask() -> tuple[str, list[str], Any]:
        contexts, current = untyped.list_kube_config_contexts(config_file=kubeconfig())
        chosen = settings().context_of("kubernetes") or current["name"]
        configuration = client.Configuration()
        untyped.load_kube_config(config_file=kubeconfig(), context=chosen, client_configuration=configuration)
        configuration.retries = False  # the library would try several times, each as long
        return chosen, [entry["name"] for entry in contexts], client.ApiClient(configuration)

    chosen, contexts, api = _asked(ask, "there is no kubeconfig context to use", hint)
    where = api.configuration.host
    failed = f"the cluster of the context {chosen!r} at {where} does not answer"
    told = _asked(lambda: client.VersionApi(api).get_code(_request_timeout=SECONDS), failed, hint)
    facts = {"context": chosen, "contexts": contexts, "version": told.git_version, "host": where}
    return Finding(f"Kubernetes {told.git_version} at {where}, context {chosen}", facts=facts)


def _asked(ask: Callable[[], Any], failed: str, hint: str) -> Any:
    """What a library answers; whatever it raises becomes the reason why not."""
    try:
        return ask()
    except Exception as error:  # noqa: BLE001 - engines' libraries raise anything
        raise NotUsable(f"{failed}: {_reason(error)}", hint) from None


def _run(words: list[str], what: str) -> str:
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS, check=True, cwd=Path.home())
    except subprocess.TimeoutExpired:
        raise NotUsable(f"{what} did not answer within {SECONDS:g} s") from None
    except subprocess.CalledProcessError as error:
        raise NotUsable(f"{what} ends with exit code {error.returncode}: {error.stderr.strip()[-200:]}") from None
    return done.stdout


def _reason(error: BaseException) -> str:
    """The last cause of a library's error, which is the one that says something, as one line."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    text = getattr(error, "strerror", None) or getattr(error, "reason", None) or str(error)
    lines = str(text).strip().splitlines()
    return lines[0][:160] if lines else type(error).__name__
