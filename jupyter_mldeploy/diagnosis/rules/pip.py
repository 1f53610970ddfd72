"""pip speaks: what its resolver cannot find or cannot bring together.

The closing "No matching distribution found" is also what pip says when it could not ask the index at all; then the network
stands before it (``build_network``), nearer to the root.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from jupyter_mldeploy.diagnosis.rule import Depth, Finding, found, rule
from jupyter_mldeploy.diagnosis.signs import Sign, show
from jupyter_mldeploy.diagnosis.stages import building

if TYPE_CHECKING:
    from jupyter_mldeploy.diagnosis.reading import Hit, Reading

__all__ = ["project", "same_project"]

_REQUIREMENT = re.compile(r"^\s*(?P<name>[A-Za-z0-9][\w.-]*?)(?P<extras>\[[^\]]*\])?\s*(?P<rest>[<>=!~].*)?$")

ELSEWHERE = frozenset(
    [
        "mlx",
        "onnxruntime-directml",
        "onnxruntime-silicon",
        "pyaudiowpatch",
        "pyobjc",
        "pypiwin32",
        "pytorch-directml",
        "pywin32",
        "pywinpty",
        "tensorflow-directml",
        "tensorflow-directml-plugin",
        "tensorflow-intel",
        "tensorflow-macos",
        "tensorflow-metal",
        "torch-directml",
        "windows-curses",
        "winrt",
    ]
)
"""Projects on PyPI that have files for Windows or macOS only, as they come with lists frozen on a laptop."""

_WINDOWS_OR_MAC = re.compile(r"^(?:pyobjc-|winrt-|pywin|win32|tensorflow-(?:macos|metal|intel|directml))")


def project(requirement: str) -> str:
    """Name of the project in a requirement: ``scikit-learn`` in ``scikit-learn[all]>=1.4 (from x)``."""
    match = _REQUIREMENT.match(requirement.split(" (from", 1)[0].split(";", 1)[0])
    return match["name"] if match else requirement.split(" ", 1)[0]


def same_project(name: str) -> str:
    """A project's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def only_elsewhere(name: str) -> bool:
    """Whether a project is known to have no files for Linux."""
    plain = same_project(name)
    return plain in ELSEWHERE or _WINDOWS_OR_MAC.match(plain) is not None


_NO_MATCH = (
    r"could not find a version that satisfies the requirement (?P<requirement>.+?)"
    r" ?\((?:from (?!versions)[^)]*\)\)? ?\()*from versions: ?(?P<available>[^)]*)\)?"
)
_NO_MATCH_END = r"no matching distribution found for (?P<requirement>[^\n]+)"
_OLD_NO_MATCH = (
    r"http error 404 while getting (?P<file>\S+)|because (?P<uv>\S+) was not found in the (?:package registry|cache)"
    r"|no candidates were found for (?P<pixi>\S+) from pypi|"
    r"could not find any downloads that satisfy the requirement (?P<requirement>\S+)"
    r"|no distributions at all found for (?P<name>\S+)|no distributions matching the version for (?P<wanted>\S+)"
)


@rule("pip-no-matching-distribution", "pip-platform-only-package", "pip-python-version-incompatible")
def no_matching_distribution(reading: Reading) -> Iterator[Finding]:
    """The version does not exist, or only for another Python, or only for another system."""
    first = reading.find(_NO_MATCH)
    closing = reading.find(_NO_MATCH_END) or reading.find(_OLD_NO_MATCH)
    hit = first or closing
    if hit is None:
        return
    named = hit["uv"] or hit["file"].rsplit("/", 1)[-1] or hit["pixi"]
    requirement = (
        (hit["requirement"] or named or (closing["requirement"] if closing else "")).split(" (from", 1)[0].strip()
    )
    name = project(requirement)
    available = _newest(first["available"]) if first else ""
    if "requirements.txt" in name or name.endswith((".txt", ".yml")):
        yield found("pip-requirements-invalid", Depth.SPECIFIC - 2, hit, closing, requirement=requirement)
        return
    other_python = reading.find(
        r"ignored the following (?:yanked )?versions that require a different python version: (?P<versions>.+)"
    )
    if only_elsewhere(name):
        yield found("pip-platform-only-package", Depth.SPECIFIC - 3, hit, closing, requirement=requirement, name=name)
    if other_python and _left_out(other_python, requirement):
        yield found(
            "pip-python-version-incompatible",
            Depth.SPECIFIC - 2,
            other_python,
            closing,
            requirement=requirement,
            name=name,
            requires_python=_left_out(other_python, requirement),
        )
    yield found(
        "pip-no-matching-distribution",
        Depth.SPECIFIC,
        hit,
        closing,
        requirement=requirement,
        name=name,
        available=available,
        nothing="yes" if available == "none" else "",
    )


def _newest(versions: str) -> str:
    names = [version.strip() for version in versions.split(",") if version.strip() and version.strip() != "none"]
    return "none" if not names else ", ".join(names[-8:])


def _left_out(hit: Hit, requirement: str) -> str:
    """The Requires-Python of the wanted version among those ignored; of any, if the requirement gives no version."""
    pairs = dict(re.findall(r"(\S+) Requires-Python ([^;]+)", hit["versions"]))
    wanted = re.search(r"==\s*([\w.!+]+)", requirement)
    if wanted is None or "*" in requirement:
        return str(next(reversed(pairs.values()), "")).strip()
    return str(pairs.get(wanted[1], "")).strip()


_PYTHON = (
    Sign(
        "pip-python-version-incompatible",
        r"the base image has python (?P<base_python>[\d.]+), but the environment asks for (?P<wanted>[\d.]+\d)",
        Depth.ROOT,
    ),
    Sign(
        "pip-python-version-incompatible",
        r"package '?(?P<name>[\w.-]+)'? requires a different python: (?P<python>\S+) not in"
        r" '?(?P<requires_python>[^'\n]+)",
        Depth.SPECIFIC - 2,
    ),
    Sign(
        "pip-python-version-incompatible",
        r"(?P<name>[\w.-]+) requires python '?(?P<requires_python>[^'\n]+?)'? but the running python is"
        r" (?P<python>[\d.]+)",
        Depth.SPECIFIC - 2,
    ),
    Sign(
        "pip-python-version-incompatible",
        r"cannot install on python version (?P<python>[\d.]+); only versions (?P<requires_python>[^\n]+?) are"
        r" supported"
        r"|(?P<name>[\w-]+)(?: requires|'s setup.py requires"
        r"| needs) python (?:version )?(?P<wanted>>=? ?\d[\d.]*|\d[\d.]* or (?:later|newer|above|greater|higher))"
        r"|python (?:version )?(?P<least>>= ?\d[\d.]*|\d\.\d+\+?) (?:or (?:later|newer|above) )?is required"
        r"|requires-python[^\n]{0,80} (?:not|does not) (?:satisf|support|compatible)"
        r"|unsupported python version[: ]"
        r"|this script does not work on python (?P<script>[\d.]+)|sys\.stderr\.write\(f\"error: \{exc\}\"\)"
        r"|get-pip\.py requires python|the minimum supported python version is (?P<minimum>[\d.]+)",
        Depth.SPECIFIC - 3,
        certain=False,
    ),
    Sign(
        "pip-platform-only-package",
        r"error: (?P<requirement>\S+\.whl) is not a supported wheel on this platform"
        r"|(?P<wheel>\S+\.whl) is not a supported wheel on this platform",
        Depth.SPECIFIC - 3,
    ),
    Sign(
        "pip-platform-only-package",
        r"(?P<name>[\w-]+) does not support (?:linux|windows)(?: at the moment)?"
        r"|(?P<project>[\w-]+) (?:is|can be|only works|runs) (?:only )?(?:available|supported|installed|built"
        r"|works) (?:only )?on (?:windows|macos|mac os|osx|darwin)"
        r"|this package (?:only works|is only supported|can only be installed) on (?:windows|macos)"
        r"|error: (?P<package>pyobjc\S*) requires macos",
        Depth.SPECIFIC - 3,
    ),
)


@rule("pip-python-version-incompatible", "pip-platform-only-package")
def not_for_this_machine(reading: Reading) -> Iterator[Finding]:
    """A package says itself that it is not for this Python or system."""
    if not building(reading):
        return
    for finding in show(reading, _PYTHON):
        facts = dict(finding.facts)
        wheel = facts.get("requirement") or facts.get("wheel", "")
        if wheel.endswith(".whl"):
            facts["requirement"] = wheel.rsplit("/", 1)[-1]
            facts["name"] = facts["requirement"].split("-", 1)[0]
        yield Finding(finding.cause, finding.depth, finding.proof, facts, finding.certain)


@rule("pip-resolution-conflict")
def conflict(reading: Reading) -> Finding | None:
    """pip's resolvers, the one that refuses and the one that only complains."""
    cannot = reading.find(
        r"cannot install (?P<sides>.+?) because these package versions have (?:conflicting|incompatible) dependencies"
    )
    end = reading.find(r"resolutionimpossible")
    double = reading.find(r"double requirement given: (?P<sides>[^\n]+)")
    hit = cannot or double or end
    if hit is not None:
        lines = _sides(reading)
        sides = hit["sides"] if hit is not end else ""
        return found(
            "pip-resolution-conflict",
            Depth.SPECIFIC - 1,
            hit,
            end if end is not hit else None,
            sides=sides,
            conflict="; ".join(lines),
        )
    deep = reading.find(
        r"resolution-too-deep|resolutiontoodeep|contextualversionconflict|pkg_resources\.versionconflict"
    )
    if deep and (building(reading) or "resolution" in deep[0].lower()):
        return found("pip-resolution-conflict", Depth.SPECIFIC - 1, deep)
    # Printed by pip after it has installed everything: it breaks nothing by itself, so it counts only if the build failed.
    late = reading.find(
        r"[\w.-]+ \S+ requires [^\n]+?, but you have [^\n]+? which is incompatible"
        r"|[\w.-]+ \S+ has requirement [^\n]+?, but you'll have [^\n]+"
    )
    if late and reading.stage == "build" and reading.exit_code not in (0, None):
        return found("pip-resolution-conflict", Depth.SYMPTOM, late, certain=False, sides=late[0])
    return None


def _sides(reading: Reading) -> list[str]:
    head = reading.find(r"the conflict is caused by")
    if head is None:
        return []
    lines = [line.text.strip() for line in reading.near(head.line, after=12)[1:]]
    return [line for line in lines if " depends on " in line or " requested " in line][:6]
