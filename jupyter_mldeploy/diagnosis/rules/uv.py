"""uv and Poetry speak: resolvers that explain themselves in sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from jupyter_mldeploy.diagnosis.rule import Depth, Finding, found, rule

if TYPE_CHECKING:
    from jupyter_mldeploy.diagnosis.reading import Reading

_START = (
    r"no solution found when resolving"
    r"|requirements are unsatisfiable"
    r"|version solving failed"
    r"|solverproblemerror"
    r"|unable to find installation candidates for"
    r"|could not find a matching version of package"
    r"|(?:can't|cannot) be installed because it (?:does not have|doesn't have) a source distribution or wheel"
    r"|was not found in the package registry"
    r"|python version \([^)]*\) does not satisfy python"
)
_PYTHON = re.compile(
    r"(?:current|requested"
    r"|target) Python version \((?P<python>[^)]+)\) does not satisfy Python(?P<wanted>[<>=!~][^\s,]*)"
    r"|(?P<name>[\w.-]+) requires Python (?P<requires>[<>=!~^][^\n,]*?),? (?:so it will not be|which)"
    r"|supported Python range \((?P<range>[^)]*)\) is not compatible"
    r"|no wheels (?:are available )?with a matching Python (?:ABI|version|implementation)"
    r"|no wheels are available that meet your required Python version",
    re.IGNORECASE,
)
_PLATFORM = re.compile(
    r"(?P<name>[\w.-]+)(?:[<>=!]=?\S+)? has no wheels (?:with a matching platform tag|are available for (?:the"
    r"|your) (?:current )?platform)"
    r"|no wheels (?:are available )?with a matching platform|does not support your platform"
    r"|You're on [^\n]*?, but `(?P<hinted>[\w.-]+)`[^\n]* only has wheels for the following platforms?"
    r"|not compatible with the current platform",
    re.IGNORECASE,
)
_ABSENT = re.compile(
    r"only \S+ (?:is|are) available and you require (?P<asked>[^\s,]+)"
    r"|there (?:is no version|are no versions) of (?P<requirement>[^\s,]+)"
    r"|no versions of (?P<poetry>[\w.-]+) match (?P<wanted>[^\s,]+)"
    r"|(?P<name>[\w.-]+) was not found in (?:the package registry|the cache|the provided)"
    r"|depends on (?P<dependency>[\w.-]+ \([^)]*\)) which doesn't match any versions"
    r"|installation candidates for (?P<candidate>[\w.-]+ \([^)]*\))"
    r"|matching version of package (?P<package>[\w.-]+)"
    r"|(?P<unusable>[\w.-]+(?:[<>=]=?[\w.]+)?) has no (?:usable wheels|wheels)"
    r"|only (?P<only>[\w.-]+<=?[\w.]+) is available",
    re.IGNORECASE,
)
_ASKED = re.compile(r"([\w.-]+==[\w.]+) depends on Python", re.IGNORECASE)
_SIDES = re.compile(
    r"Because (?P<one>[\w.-]+(?:[<>=!~]=?[^\s,]+)?) depends on (?P<needs>[\w.-]+[<>=!~]=?[^\s]+)"
    r" and you require (?P<other>[\w.-]+[^\s]*?),? ",
    re.IGNORECASE,
)
_CONFLICT = re.compile(r"So, because [^.]*? depends on both ", re.IGNORECASE)
"""Poetry's conclusion; "no versions of X match >1.2,<2.0" before it only says that 1.2 is the one version of its range."""


@rule(
    "pip-resolution-conflict",
    "pip-no-matching-distribution",
    "pip-python-version-incompatible",
    "pip-platform-only-package",
)
def unsolvable(reading: Reading) -> Iterator[Finding]:
    """The sentences under "No solution found", read for the reason that is nearest to the root."""
    hit = reading.find(_START)
    if hit is None:
        return
    around = reading.near(hit.line, before=6, after=40)
    text = " ".join(line.text.strip(" ╰─▶│×") for line in around)
    if match := _PLATFORM.search(text):
        name = match["name"] or match["hinted"] or ""
        yield found("pip-platform-only-package", Depth.SPECIFIC - 3, hit, name=name, requirement=name)
    if match := _PYTHON.search(text):
        python = match["python"] or ""
        yield found(
            "pip-python-version-incompatible",
            Depth.SPECIFIC - 2,
            hit,
            name=match["name"] or "",
            requirement=(asked[1] if (asked := _ASKED.search(text)) else ""),
            requires_python=match["wanted"] or match["requires"] or match["range"] or "",
            python=python,
        )
    absent = None if _CONFLICT.search(text) else _ABSENT.search(text)
    if absent and not (absent["only"] or absent["unusable"]):
        requirement = next((value for value in absent.groups() if value), "")
        if absent["poetry"]:
            requirement = f"{absent['poetry']} {absent['wanted']}"
        name = re.split(r"[<>=!~ \[]", requirement, maxsplit=1)[0]
        reason = next((line for line in around if name.lower() in line.text.lower()), None)
        yield found(
            "pip-no-matching-distribution",
            Depth.SPECIFIC - 1,
            reason,
            hit,
            requirement=requirement,
            name=name,
            resolver="uv",
            nothing="yes" if "not found in the package registry" in text else "",
        )
    sides = _SIDES.search(text)
    told = f"{sides['one']} with {sides['needs']}, and {sides['other']}" if sides else ""
    yield found("pip-resolution-conflict", Depth.SPECIFIC, hit, *around[7:11], certain=absent is None, sides=told)
