"""CPU, memory and time as people write them: Kubernetes quantities, and the plain numbers of the v1 SDK."""

from __future__ import annotations

import math
import re

from jupyter_mldeploy.errors import InvalidValue

__all__ = ["parse_cpu", "parse_memory", "parse_seconds", "show_memory"]

MOST_SECONDS = 366 * 86400.0
_NUMBER = r"(?P<number>[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
_CPU = re.compile(_NUMBER + r"(?P<unit>m?)")
_MEMORY = re.compile(_NUMBER + r"\s*(?P<unit>(?:[kKMGTP]i?)?)[bB]?")
_SECONDS = re.compile(_NUMBER + r"\s*(?P<unit>ms|s|m|h|d|)")
_BYTES = {"": 1, "k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15} | {
    f"{letter}i": 1024**power for power, letter in enumerate("KMGTP", start=1)
}
_UNIT_SECONDS = {"ms": 0.001, "": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_cpu(value: str | float, field: str = "cpu") -> float:
    """Cores, as a float: ``0.5``, ``"0.5"`` and ``"500m"`` are the same."""
    match = _CPU.fullmatch(str(value).strip())
    cores = float(match["number"]) / (1000 if match["unit"] else 1) if match else math.nan
    if not 0.001 <= cores < math.inf:
        raise InvalidValue(field, value, "write cores such as 0.5, 2 or 500m, at least 1m.")
    return cores


def parse_memory(value: str | float, field: str = "memory") -> int:
    """Bytes, as an integer: ``"512Mi"``, ``"1.5G"``, ``"2GB"``. A bare number is GB, as ``memory_gb`` in the v1 SDK.

    A bare number from 1 MiB on is taken for bytes, as Kubernetes does.
    """
    match = _MEMORY.fullmatch(str(value).strip())
    if match:
        number = float(match["number"])
        bare = not match["unit"] and str(value).strip()[-1] not in "bB"
        size = number * 10**9 if bare and number < 1024**2 else number * _BYTES[match["unit"]]
        if 1024**2 <= size < 2**63:
            return int(size)
    raise InvalidValue(field, value, "write a size such as 512Mi, 2Gi or 1.5 (GB), at least 1Mi.")


def parse_seconds(value: str | float, field: str) -> float:
    """Seconds, as a float: ``60``, ``"5m"``, ``"500ms"``, ``"1h"``."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = f"{value:f}" if math.isfinite(value) else str(value)  # 1e-05 as well
    match = _SECONDS.fullmatch(str(value).strip())
    seconds = float(match["number"]) * _UNIT_SECONDS[match["unit"]] if match else math.nan
    if not (0 < seconds <= MOST_SECONDS):
        raise InvalidValue(field, value, "write a time above zero such as 30, 30s, 500ms or 5m.")
    return seconds


def show_memory(size: int) -> str:
    """The shortest exact Kubernetes quantity, or one decimal: ``512Mi``, ``1.4Gi``."""
    for power, letter in ((3, "Gi"), (2, "Mi"), (1, "Ki")):
        if size >= 1024**power:
            number = size / 1024**power
            return f"{number:.0f}{letter}" if number == int(number) else f"{number:.1f}{letter}"
    return str(size)
