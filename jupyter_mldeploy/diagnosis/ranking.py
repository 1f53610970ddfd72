"""Which of several findings to mend first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_mldeploy.diagnosis.rule import Finding

__all__ = ["ranked"]


def ranked(findings: Iterable[Finding]) -> list[Finding]:
    """Nearest to the root first; of equals the certain one, then the one that was printed first."""
    return sorted(findings, key=lambda f: (f.depth, not f.certain, _position(f), f.cause))


def _position(finding: Finding) -> int:
    return finding.proof[0].number if finding.proof else 1_000_000
