"""``mldeploy doctor``: what is installed, which engines answer, and why not. Nothing here raises or waits for long."""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from jupyter_mldeploy.cli import probes
from jupyter_mldeploy.cli.probes import Finding, NotUsable
from jupyter_mldeploy.cli.showing import Screen, columns

__all__ = ["Check", "doctor", "examine"]

PATIENCE = 8.0
"""Seconds that all probes together may take."""
PROBES: Sequence[tuple[str, Callable[[], Finding]]] = (
    ("python", probes.python),
    ("packages", probes.packages),
    ("home", probes.home),
    ("local", probes.local),
    ("environments", probes.environments),
    ("container", probes.container),
    ("kubernetes", probes.kubernetes),
)
NEEDED = ("home", "local")
"""What the main road cannot do without."""


@dataclass(frozen=True)
class Check:
    """What one probe found.

    Attributes:
        name: What was looked at.
        ok: Whether it can be used.
        message: What there is, or why not.
        hint: What to do about it.
        facts: For programs.
        seconds: How long it took.
    """

    name: str
    ok: bool
    message: str
    hint: str
    facts: dict[str, Any]
    seconds: float


def doctor(options: argparse.Namespace, screen: Screen) -> int:
    """The verb. Exit code 1 if the local target cannot be used."""
    del options
    screen.passing("looking at engines …")
    found = examine(PROBES)
    usable = all(check.ok for check in found if check.name in NEEDED)
    if screen.is_json:
        screen.json({"ok": usable, "checks": [asdict(check) for check in found]})
        return int(not usable)
    head = ("", "what", "found")
    screen.lines(columns(head, [["ok" if check.ok else "NO", check.name, check.message] for check in found])[1:])
    for check in found:
        if check.hint:
            screen.line(f"\n{check.name}: {check.hint}")
    return int(not usable)


def examine(wanted: Sequence[tuple[str, Callable[[], Finding]]], patience: float = PATIENCE) -> list[Check]:
    """Run probes side by side; one that is not back in time is reported as not answering and left behind."""
    found: dict[str, Check] = {}
    began = time.monotonic()

    def look(name: str, probe: Callable[[], Finding]) -> None:
        try:
            finding = probe()
            made = (True, finding.message, finding.hint, dict(finding.facts))
        except NotUsable as error:
            made = (False, error.message, error.hint, {})
        except Exception as error:  # noqa: BLE001 - a broken installation is what this verb is for
            made = (False, f"{type(error).__name__}: {first_line(error)}", "", {})
        found.setdefault(name, Check(name, *made, seconds=time.monotonic() - began))

    threads = [threading.Thread(target=look, args=entry, name=f"probe-{entry[0]}", daemon=True) for entry in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, began + patience - time.monotonic()))
    late = f"it did not answer within {patience:g} s"
    return [found.setdefault(name, Check(name, False, late, "", {}, patience)) for name, _ in wanted]


def first_line(error: BaseException) -> str:
    """An error of a library as one line."""
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else repr(error)
