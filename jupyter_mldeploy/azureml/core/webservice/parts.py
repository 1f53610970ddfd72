"""What a service says of its settings, as the objects of the v1 API."""

from __future__ import annotations

from typing import Any

__all__ = ["AutoScaler", "ContainerResourceRequirements"]


class AutoScaler:
    """Bounds of the number of replicas."""

    def __init__(
        self,
        autoscale_enabled: bool,
        max_replicas: int | None,
        min_replicas: int | None,
        refresh_period_seconds: int | None,
        target_utilization: int | None,
    ) -> None:
        self.autoscale_enabled = autoscale_enabled
        self.max_replicas = max_replicas
        self.min_replicas = min_replicas
        self.refresh_period_seconds = refresh_period_seconds
        self.target_utilization = target_utilization

    def serialize(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "autoscaleEnabled": self.autoscale_enabled,
            "minReplicas": self.min_replicas,
            "maxReplicas": self.max_replicas,
            "refreshPeriodInSeconds": self.refresh_period_seconds,
            "targetUtilization": self.target_utilization,
        }

    @staticmethod
    def deserialize(payload_obj: dict[str, Any]) -> AutoScaler:
        """Of what ``serialize`` told."""
        return AutoScaler(
            payload_obj.get("autoscaleEnabled", False),
            payload_obj.get("maxReplicas"),
            payload_obj.get("minReplicas"),
            payload_obj.get("refreshPeriodInSeconds"),
            payload_obj.get("targetUtilization"),
        )


class ContainerResourceRequirements:
    """What a container asks for, and may take."""

    def __init__(
        self,
        cpu: float | None,
        memory_in_gb: float | None,
        gpu: int | None = None,
        cpu_limit: float | None = None,
        memory_in_gb_limit: float | None = None,
    ) -> None:
        self.cpu = cpu
        self.cpu_limit = cpu_limit
        self.memory_in_gb = memory_in_gb
        self.memory_in_gb_limit = memory_in_gb_limit
        self.gpu = gpu

    def serialize(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "cpu": self.cpu,
            "cpuLimit": self.cpu_limit,
            "memoryInGB": self.memory_in_gb,
            "memoryInGBLimit": self.memory_in_gb_limit,
            "gpu": self.gpu,
        }

    @staticmethod
    def deserialize(payload_obj: dict[str, Any]) -> ContainerResourceRequirements:
        """Of what ``serialize`` told."""
        return ContainerResourceRequirements(
            payload_obj.get("cpu"),
            payload_obj.get("memoryInGB"),
            payload_obj.get("gpu"),
            payload_obj.get("cpuLimit"),
            payload_obj.get("memoryInGBLimit"),
        )
