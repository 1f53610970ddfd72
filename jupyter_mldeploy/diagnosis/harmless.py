"""What a service printed and lived on after: it is no cause of what ended it later, however much it sounds like one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_mldeploy.diagnosis.reading import Line, Reading
    from jupyter_mldeploy.diagnosis.rule import Finding

__all__ = ["outlived", "says_it_goes_on"]

_GOES_ON = re.compile(
    r"\bskipp(?:ing|ed)\b|\b(?:fall(?:s|ing)?|fell) ?back (?:to|on)\b|\b(?:using|use|assuming) (?:the |a )?defaults?\b"
    r"|(?:not set|unset|not (?:found|defined|writable|available)|already in use|missing)\b.{0,60}[;,.(] ?using \S+"
    r"|\b(?:continuing|proceeding|going on|carrying on) (?:without|anyway|with)\b|\b(?:non-fatal|not fatal)\b"
    r"|\bwill (?:be ignored|retry|try again later)\b|\bfeature (?:is )?disabled\b|are not set\. Exiting\.\.\.",
    re.IGNORECASE,
)
"""The last is a helper process that every image of the v1 inference server has; it ends where there is no IoT hub."""
_MILD = re.compile(r"\b(?:warn(?:ing)?|info|debug|notice)\b|Warning\b", re.IGNORECASE)
_SEVERE = re.compile(r"\b(?:error|critical|fatal|exception)\b|Error\b", re.IGNORECASE)
_OF_ONE_OPERATION = re.compile(
    r"missing-env-var|model-dir-env-missing|file-permission-denied|read-only-filesystem|port-already-in-use|config-file-missing"
    r"|requirements-file-missing|runtime-download-blocked|request-|input-|feature-names|http-|endpoint-"
)
"""Causes that Python raises an exception for where they matter. Others (versions, memory) warn first and fail later."""
_LONGEST = 1_000
"""Characters of a line that are looked at."""


def says_it_goes_on(line: Line) -> bool:
    """Whether a line says what was done instead of what could not be done."""
    return line.source in ("log", "previous_log") and _GOES_ON.search(line.text, 0, _LONGEST) is not None


def outlived(reading: Reading, finding: Finding) -> bool:
    """Whether a finding is of a mere warning, and the script raised something else after it."""
    line = finding.proof[0] if finding.proof else None
    if line is None or not _OF_ONE_OPERATION.match(finding.cause):
        return False
    if not _MILD.search(line.text, 0, _LONGEST) or _SEVERE.search(line.text, 0, _LONGEST):
        return False
    ends = [raised.line.number for raised in reading.raised if raised.in_script and raised.line.source == line.source]
    return any(line.number < end for end in ends) and not reading.in_script(line)
