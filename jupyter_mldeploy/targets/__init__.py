"""Where services run. Drivers are imported when their target is used."""

from __future__ import annotations

from jupyter_mldeploy.errors import TargetUnavailable
from jupyter_mldeploy.records import Records
from jupyter_mldeploy.spec import Target, TargetKind
from jupyter_mldeploy.targets.base import Driver

__all__ = ["driver_for"]


def driver_for(target: Target, records: Records) -> Driver:
    """The driver of a target.

    Raises:
        TargetUnavailable: This version has none for it.
    """
    if target.kind is TargetKind.LOCAL:
        from jupyter_mldeploy.targets.local import LocalDriver

        return LocalDriver(records)
    if target.kind is TargetKind.CONTAINER:
        from jupyter_mldeploy.targets.container import ContainerDriver

        return ContainerDriver(records, target.context)
    if target.kind is TargetKind.KUBERNETES:
        from jupyter_mldeploy.targets.kubernetes import KubernetesDriver

        return KubernetesDriver(records)
    raise TargetUnavailable(f"The {target} target is not in this version yet.", "Use --target local.")
