"""Change a container that runs: its limits, and whether the engine starts it again when it has ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jupyter_mldeploy.images.engine import Engine

__all__ = ["set_limits", "start_again"]

RESTART = {"Name": "unless-stopped"}
PERIOD = 100_000
"""Microseconds; the share of them that a container may have is its CPU limit."""
_LIBPOD = "v4.0.0/libpod"
"""Podman's own interface; that which speaks as Docker does can change nothing before 5.1."""


def start_again(engine: Engine, container: str) -> bool:
    """Let the engine start a container again whenever it ends by itself; ``False`` where the engine cannot be told so now."""
    return _update(engine, container, {"RestartPolicy": RESTART})


def set_limits(engine: Engine, container: str, limits: Mapping[str, int]) -> None:
    """Set the limits of ``limits_of``."""
    wanted: dict[str, Any] = {}
    if "mem_limit" in limits:
        wanted |= {"Memory": limits["mem_limit"], "MemorySwap": limits["memswap_limit"]}
    if "nano_cpus" in limits:
        wanted["NanoCpus"] = limits["nano_cpus"]
    # With the policy: some versions of Podman take one that is not named for none.
    if not wanted or _update(engine, container, wanted | {"RestartPolicy": RESTART}):
        return
    resources: dict[str, Any] = {}
    if "mem_limit" in limits:
        resources["memory"] = {"limit": limits["mem_limit"], "swap": limits["memswap_limit"]}
    if "nano_cpus" in limits:
        resources["cpu"] = {"quota": limits["nano_cpus"] * PERIOD // 10**9, "period": PERIOD}
    _post(engine, f"{_LIBPOD}/containers/{container}/update", resources)


def _update(engine: Engine, container: str, changes: Mapping[str, Any]) -> bool:
    from docker.errors import NotFound

    try:
        _post(engine, f"v{engine.api.api_version}/containers/{container}/update", changes)
    except NotFound:
        engine.api.inspect_container(container)  # it is the container that is not there
        return False
    return True


def _post(engine: Engine, route: str, content: Mapping[str, Any]) -> None:
    from docker.errors import create_api_error_from_http_exception
    from requests.exceptions import HTTPError

    try:
        engine.api.post(f"{engine.api.base_url}/{route}", json=content).raise_for_status()
    except HTTPError as error:
        create_api_error_from_http_exception(error)
