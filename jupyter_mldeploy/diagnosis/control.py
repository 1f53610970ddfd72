"""The last word: what the rules found, or that nothing is wrong, or that the evidence does not tell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from jupyter_mldeploy.diagnosis.ranking import ranked
from jupyter_mldeploy.diagnosis.report import INSUFFICIENT, NOTHING
from jupyter_mldeploy.diagnosis.rule import Finding, found

if TYPE_CHECKING:
    from jupyter_mldeploy.diagnosis.reading import Reading

__all__ = ["verdict"]


def verdict(reading: Reading, findings: Sequence[Finding]) -> list[Finding]:
    """Findings in order, never empty."""
    if findings:
        return ranked(findings)
    if reading.http_status == 200 or reading.exit_code == 0:
        return [found(NOTHING, 50)]
    return [found(INSUFFICIENT, 50)]
