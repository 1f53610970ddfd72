"""How large a service is, and how it grows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from jupyter_mldeploy.errors import InvalidValue
from jupyter_mldeploy.spec.kinds import check_kinds
from jupyter_mldeploy.spec.quantities import parse_cpu, parse_memory

__all__ = ["Autoscale", "Resources", "replicas_for"]

MOST_REPLICAS = 1000


@dataclass(frozen=True)
class Resources:
    """What one replica may use. ``None``: no limit is set.

    Attributes:
        cpu: Cores; also takes a Kubernetes quantity (``"500m"``).
        memory: Bytes; also takes a quantity (``"512Mi"``). ``of`` also takes a number of GB.
        gpus: Whole GPUs.
    """

    cpu: float | None = None
    memory: int | None = None
    gpus: int = 0

    @classmethod
    def of(cls, cpu: str | float | None = None, memory: str | float | None = None, gpus: int = 0) -> Resources:
        """Make it from what people write."""
        return cls(
            cpu=None if cpu is None else parse_cpu(cpu),
            memory=None if memory is None else parse_memory(memory),
            gpus=gpus,
        )

    def __post_init__(self) -> None:
        cpu: object = self.cpu
        memory: object = self.memory
        if isinstance(cpu, str):
            object.__setattr__(self, "cpu", parse_cpu(cpu))
        if isinstance(memory, str):
            object.__setattr__(self, "memory", parse_memory(memory))
        check_kinds(self)
        if self.cpu is not None and not self.cpu >= 0.001:
            raise InvalidValue("cpu", self.cpu, "it is a number of cores above zero.")
        if self.memory is not None and self.memory < 1024**2:
            raise InvalidValue("memory", self.memory, "it is a number of bytes, at least 1 MiB.")
        if self.gpus < 0:
            raise InvalidValue("gpus", self.gpus, "it is a whole number from 0 on.")


@dataclass(frozen=True)
class Autoscale:
    """Bounds of the number of replicas, and the utilisation that is aimed at.

    ``minimum == maximum`` is a fixed number. ``maximum=None`` lets the target choose by what ``run()`` does.
    """

    minimum: int = 1
    maximum: int | None = 1
    target_utilization: float = 0.7

    @classmethod
    def parse(cls, text: str) -> Autoscale:
        """Read ``MIN:MAX``."""
        low, colon, high = str(text).partition(":")
        if not (colon and low.strip().isdecimal() and high.strip().isdecimal()):
            raise InvalidValue("autoscale", text, "write MIN:MAX, such as 1:4.")
        return cls(int(low), int(high))

    def __post_init__(self) -> None:
        check_kinds(self)
        if not 1 <= self.minimum <= MOST_REPLICAS:
            if self.maximum != self.minimum:
                expected = f"the minimum is a whole number from 1 to {MOST_REPLICAS}."
                raise InvalidValue("autoscale", f"{self.minimum}:{self.maximum}", expected)
            raise InvalidValue("replicas", self.minimum, f"it is a whole number from 1 to {MOST_REPLICAS}.")
        if self.maximum is not None and not self.minimum <= self.maximum <= MOST_REPLICAS:
            expected = f"the maximum is a whole number from the minimum, {self.minimum}, to {MOST_REPLICAS}."
            raise InvalidValue("autoscale", f"{self.minimum}:{self.maximum}", expected)
        if not 0 < self.target_utilization <= 1:
            raise InvalidValue("target_utilization", self.target_utilization, "it is a fraction above 0 up to 1.")


def replicas_for(
    requests_per_second: float, request_seconds: float, *, utilization: float = 0.7, concurrent_requests: int = 1
) -> int:
    """How many replicas a load needs, by the documents' formula.

    ``ceil(rps × seconds / (utilisation × concurrent requests a replica))``, in exact arithmetic: with floats, 21 requests
    of one second at 0.7 would need 31.

    >>> replicas_for(20, 10)
    286
    """
    for field, value in (("requests_per_second", requests_per_second), ("request_seconds", request_seconds)):
        if not 0 <= value < math.inf:
            raise InvalidValue(field, value, "it is a number from 0 on.")
    if not 0 < utilization <= 1:
        raise InvalidValue("utilization", utilization, "it is a fraction above 0 up to 1, such as 0.7.")
    if concurrent_requests < 1:
        raise InvalidValue("concurrent_requests", concurrent_requests, "it is a whole number from 1 on.")
    load = Fraction(str(requests_per_second)) * Fraction(str(request_seconds))
    return max(1, math.ceil(load / (Fraction(str(utilization)) * concurrent_requests)))
