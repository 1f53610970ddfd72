"""Numbers and hashes as people read them."""

from __future__ import annotations

import time

__all__ = ["capitalised", "count", "milliseconds", "moment", "seconds", "short_hash", "thousands"]


def seconds(value: float) -> str:
    """``12 ms``, ``0.3 s``, ``14 s``, ``2 min 5 s``."""
    if value < 0.0995:
        return f"{value * 1000:.0f} ms"
    if value < 9.95:
        return f"{value:.1f} s"
    if value < 119.5:
        return f"{value:.0f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s"


def milliseconds(value: float | None) -> str:
    """``1.9 ms``, ``212 ms``; a dash where it is not known."""
    if value is None:
        return "–"
    return f"{value:.1f} ms" if value < 99.95 else f"{value:.0f} ms"


def count(number: int, what: str) -> str:
    """``1 replica``, ``3 replicas``."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def thousands(number: int) -> str:
    """``12 408``, with a narrow space that does not break."""
    return f"{number:,}".replace(",", "\u202f")


def short_hash(value: str) -> str:
    """The first seven digits, which is what receipts are compared by."""
    return value[:7]


def moment(epoch: float) -> str:
    """``2026-11-21 10:04``, in local time."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(epoch))


def capitalised(text: str) -> str:
    """With a capital first letter, unless it begins with a name of the script's: ``init()`` stays ``init()``."""
    return text if "(" in text.partition(" ")[0] else text[:1].upper() + text[1:]
