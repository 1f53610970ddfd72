"""The failure explained: rules over evidence, each cause with a page of what to do.

``diagnose(evidence)`` reads the evidence (``reading``), asks every rule (``rules``), puts what they find in order
(``ranking``) and makes the answer from the page of the first (``pages``, ``report``). Deterministic; no network.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_mldeploy.diagnosis.reading import Reading
    from jupyter_mldeploy.diagnosis.report import Diagnosis
    from jupyter_mldeploy.diagnosis.rule import Finding
    from jupyter_mldeploy.evidence import Evidence

__all__ = ["diagnose"]

_log = logging.getLogger(__name__)

_OTHERS = {
    "": ("http", "delete"),
    "init": ("", "launch", "push"),
    "run": ("", "launch", "push"),
    "http": ("", "launch"),
    "ready": ("", "launch"),
    "register": ("", "launch"),
    "schedule": ("launch", ""),
    "scale": ("launch", ""),
    "launch": ("", "push", "run"),
    "delete": ("launch", ""),
    "push": ("", "launch"),
    "build": ("", "launch"),
}
"""Stages that evidence of a stage may be of, too, the likelier first."""


def diagnose(evidence: Evidence) -> Diagnosis:
    """Name the cause of what the evidence shows. Never raises, whatever the evidence."""
    from jupyter_mldeploy.diagnosis.control import verdict
    from jupyter_mldeploy.diagnosis.reading import Reading
    from jupyter_mldeploy.diagnosis.report import INSUFFICIENT, report

    reading = Reading(evidence)
    named = verdict(reading, _findings(reading))
    if named[0].cause == INSUFFICIENT and not reading.empty:
        named = _of_another_stage(reading) or named
    return report(reading, named)


def _findings(reading: Reading) -> list[Finding]:
    from jupyter_mldeploy.diagnosis.rules import load

    findings: list[Finding] = []
    for rule in load():
        try:
            findings += rule(reading)
        except Exception:  # noqa: BLE001 - one bad rule must not take the other answers with it
            _log.exception("rule %s failed", rule.name)
    return findings


def _of_another_stage(reading: Reading) -> list[Finding] | None:
    """What can be told if the evidence calls itself of the wrong stage, as when ``run()`` speaks to an API server."""
    from jupyter_mldeploy.diagnosis.control import verdict
    from jupyter_mldeploy.diagnosis.rule import Depth
    from jupyter_mldeploy.diagnosis.stages import pushing

    for stage in _OTHERS.get(reading.stage, ()):
        if stage == "push" and not pushing(reading):
            continue  # what is said of any connection would be said of a registry's
        other = reading.at_stage(stage)
        named = verdict(other, _findings(other))
        if named[0].certain and named[0].depth <= Depth.SPECIFIC and named[0].proof:
            return named
    return None
