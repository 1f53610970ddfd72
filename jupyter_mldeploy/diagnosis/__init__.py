"""The failure explained: rules over evidence, each cause with a page of what to do.

``diagnose(evidence)`` reads the evidence (``reading``), asks every rule (``rules``), puts what they find in order
(``ranking``) and makes the answer from the page of the first (``pages``, ``report``). Deterministic; no network.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_mldeploy.diagnosis.report import Diagnosis
    from jupyter_mldeploy.evidence import Evidence

__all__ = ["diagnose"]

_log = logging.getLogger(__name__)


def diagnose(evidence: Evidence) -> Diagnosis:
    """Name the cause of what the evidence shows. Never raises, whatever the evidence."""
    from jupyter_mldeploy.diagnosis.control import verdict
    from jupyter_mldeploy.diagnosis.reading import Reading
    from jupyter_mldeploy.diagnosis.report import report
    from jupyter_mldeploy.diagnosis.rules import load

    reading = Reading(evidence)
    findings = []
    for rule in load():
        try:
            findings += rule(reading)
        except Exception:  # noqa: BLE001 - one bad rule must not take the other answers with it
            _log.exception("rule %s failed", rule.name)
    return report(reading, verdict(reading, findings))
