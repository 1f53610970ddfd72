"""Python cannot import: packages that are missing, files that were not shipped."""

from __future__ import annotations

from collections.abc import Iterator

from jupyter_mldeploy.diagnosis.reading import Reading
from jupyter_mldeploy.diagnosis.rule import Depth, Finding, found, rule


@rule("module-not-found")
def missing_module(reading: Reading) -> Iterator[Finding]:
    """``No module named …``."""
    if hit := reading.find(r"No module named ['\"]?(?P<module>[\w.]+)"):
        yield found("module-not-found", Depth.SPECIFIC, hit, package=hit["module"].split(".")[0])
