"""Counters of the service, and their Prometheus text."""

from __future__ import annotations

import time
from bisect import bisect_left
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_mldeploy.runtime.dispatch import Dispatcher
    from jupyter_mldeploy.runtime.pool import Pool

_BOUNDS_MS = (1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000)


class Metrics:
    """Scoring requests by status and by time."""

    def __init__(self) -> None:
        self.started = time.time()
        self.by_status: dict[int, int] = {}
        self.total_ms = 0.0
        self._buckets = [0] * (len(_BOUNDS_MS) + 1)

    def count(self, status: int, spent_ms: float) -> None:
        """Count one scoring request."""
        self.by_status[status] = self.by_status.get(status, 0) + 1
        self._buckets[bisect_left(_BOUNDS_MS, spent_ms)] += 1
        self.total_ms += spent_ms

    @property
    def requests(self) -> int:
        """All scoring requests."""
        return sum(self.by_status.values())

    @property
    def errors(self) -> int:
        """Those answered with a status from 500 on."""
        return sum(count for status, count in self.by_status.items() if status >= 500)

    def exposition(self, service: str, pool: Pool, dispatcher: Dispatcher) -> bytes:
        """The text that Prometheus reads."""
        name = f'service="{_escaped(service)}"'
        lines = ["# TYPE mldeploy_requests_total counter"]
        for status, count in sorted(self.by_status.items()):
            lines.append(f'mldeploy_requests_total{{{name},code="{status}"}} {count}')
        lines.append("# TYPE mldeploy_request_duration_seconds histogram")
        seen = 0
        for bound, count in zip(_BOUNDS_MS, self._buckets, strict=False):
            seen += count
            lines.append(f'mldeploy_request_duration_seconds_bucket{{{name},le="{bound / 1000:g}"}} {seen}')
        lines += [
            f'mldeploy_request_duration_seconds_bucket{{{name},le="+Inf"}} {self.requests}',
            f"mldeploy_request_duration_seconds_sum{{{name}}} {self.total_ms / 1000:.6f}",
            f"mldeploy_request_duration_seconds_count{{{name}}} {self.requests}",
        ]
        ready = pool.generation.ready
        gauges: list[tuple[str, str, float, str]] = [
            ("queued", "gauge", dispatcher.queued, ""),
            ("replicas", "gauge", len(ready), f',script="{pool.generation.script}"'),
            ("replicas_busy", "gauge", sum(bool(worker.calls) for worker in ready), ""),
            ("utilization", "gauge", round(pool.utilization(), 4), ""),
            ("worker_deaths_total", "counter", pool.deaths, ""),
            ("start_time_seconds", "gauge", round(self.started, 3), ""),
        ]
        for gauge, kind, value, more in gauges:
            lines += [f"# TYPE mldeploy_{gauge} {kind}", f"mldeploy_{gauge}{{{name}{more}}} {value}"]
        return ("\n".join(lines) + "\n").encode()


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
