"""Limits of a container, and whether the engine has what they allow."""

from __future__ import annotations

from jupyter_mldeploy.errors import InvalidValue
from jupyter_mldeploy.images.engine import Engine, engine_errors
from jupyter_mldeploy.spec import Resources, ServiceSpec, show_memory

__all__ = ["check_limits", "limits_of"]

FRONT_MEMORY = 64 * 1024**2
"""What the server's front may use besides the replicas."""
LEAST_CPU = 0.01
"""Of a container, as engines have it."""


def limits_of(resources: Resources, replicas: int) -> dict[str, int]:
    """Limits of the container: those of a replica, as often as there may be replicas, and room for the front."""
    limits: dict[str, int] = {}
    if resources.memory:
        limits["mem_limit"] = limits["memswap_limit"] = resources.memory * replicas + FRONT_MEMORY
    if resources.cpu:
        limits["nano_cpus"] = round(resources.cpu * replicas * 1e9)
    return limits


def check_limits(engine: Engine, spec: ServiceSpec) -> None:
    """Refuse limits that the engine would refuse after the build, and a replica that could never have what it is allowed.

    Memory of all replicas together may be more than there is: few use their limit at one time, and the engine takes it.

    Raises:
        InvalidValue: Names what the engine has.
    """
    wanted, replicas = spec.resources, spec.autoscale.maximum or spec.autoscale.minimum
    if not wanted.cpu and not wanted.memory:
        return
    with engine_errors(engine):
        told = engine.api.info()
    cpus, memory = int(told.get("NCPU") or 0), int(told.get("MemTotal") or 0)
    if wanted.cpu:
        given = int(wanted.cpu) if wanted.cpu == int(wanted.cpu) else wanted.cpu
        if cpus and wanted.cpu > cpus:
            raise InvalidValue("cpu", given, f"the engine has {_cpus(cpus)}.")
        if cpus and wanted.cpu * replicas > cpus:
            together = f"{replicas} replicas may use {_cpus(wanted.cpu * replicas)} together"
            raise InvalidValue("cpu", given, f"{together}, and the engine has {_cpus(cpus)}.")
        if wanted.cpu * replicas < LEAST_CPU:
            raise InvalidValue("cpu", given, f"the least that an engine gives to a container is {_cpus(LEAST_CPU)}.")
    if wanted.memory and memory and wanted.memory > memory:
        raise InvalidValue("memory", show_memory(wanted.memory), f"the engine has {show_memory(memory)}.")


def _cpus(number: float) -> str:
    return f"{number:g} CPU{'s' * (number != 1)}"
