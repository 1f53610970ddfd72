"""The list of requirements itself: not there, not readable, with the wrong names or hashes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from jupyter_mldeploy.diagnosis.rule import Depth, Finding, found, rule
from jupyter_mldeploy.diagnosis.signs import Sign, show
from jupyter_mldeploy.diagnosis.stages import building

if TYPE_CHECKING:
    from jupyter_mldeploy.diagnosis.reading import Reading

_MISSING = (
    Sign(
        "requirements-file-missing",
        r"`?(?P<folder>[^`\s]+)`? does not appear to be a python project"
        r"|directory cannot be installed in editable mode: (?P<editable>[^\n]+)"
        r"|could not open requirements file: .*(?:no such file or directory"
        r"|cannot find the file)[^:]*: ?'?(?P<path>[^'\n]+)"
        r"|could not open requirements file '?(?P<file>[^'\n]+)"
        r"|environmentfilenotfound: '?(?P<environment>[^'\n]+?)'? file not found"
        r"|file not found: `?(?P<uv>[^`\s]+\.(?:txt|toml|in|ya?ml))`?"
        r"|failed to (?:read|open)(?: from)?(?: file)? `(?P<unread>[^`\n]+\.(?:txt|toml|in|ya?ml))`"
        r"|poetry could not find a (?P<poetry>pyproject\.toml) file"
        r"|no `?(?P<project>pyproject\.toml)`? found in "
        r"|neither 'setup\.py' nor 'pyproject\.toml' found"
        r"|environment file (?P<lost>\S+) (?:not found|does not exist)"
        r"|(?:conda|requirements|dependencies"
        r"|environment) file (?:path )?'?(?P<named>[^'\n]{1,200}?)'? (?:was not found|not found|does not exist)"
        r"|specnotfound: [^\n]*(?P<spec>\S+\.ya?ml)\b[^\n]*(?:not found|no such|does not exist)",
        certain=True,
    ),
    Sign(
        "requirements-file-missing",
        r"no such file or directory: '?\"?(?P<path>[^'\"\n]*(?:requirements|constraints|environment|conda"
        r"|myenv)[\w.-]*\.(?:txt|in|ya?ml))"
        r"|can't open (?:file )?'?(?P<file>[^'\n]*requirements[\w.-]*\.txt)"
        r"|'(?P<conda>[^'\n]+\.ya?ml)' file not found"
        r"|(?P<cat>requirements[\w.-]*\.txt): no such file or directory"
        r"|filenotfounderror: [^\n]*: '(?P<listed>(?:[^'\n]*/)?(?:env|conda\w*|deps|dependencies)[\w.-]*\.(?:txt|ya?ml))'",
        Depth.SPECIFIC - 2,
    ),
)


@rule("requirements-file-missing")
def file_missing(reading: Reading) -> Iterator[Finding]:
    """The file is not where the installer looks. A COPY that does not find it is the Dockerfile's matter."""
    for finding in show(reading, _MISSING):
        folder = finding.facts.get("folder") or finding.facts.get("editable")
        if folder:
            facts = {"folder": folder.removeprefix("file://")}
            yield Finding(finding.cause, finding.depth, finding.proof, facts, finding.certain)
        elif finding.depth == Depth.ROOT or building(reading):
            path = next((value for value in finding.facts.values()), "")
            yield Finding(finding.cause, finding.depth, finding.proof, {"path": path} if path else {}, finding.certain)


_INVALID = (
    Sign(
        "pip-requirements-invalid",
        r"invalid requirement: ?'?\"?`?(?P<requirement>[^'\"`\n]+)"
        r"|invalidrequirement: (?P<parse>[^\n]+)"
        r"|requirementparseerror: (?P<old>[^\n]+)"
        r"|couldn't parse requirement (?:in|on|at) (?P<uv>[^\n]+)"
        r"|could not detect requirement name for '?(?P<vcs>[^'\n,]+)"
        r"|unsupported requirement in (?P<unsupported>[^\n]+)"
        r"|requirements[\w.-]*\.txt: error: (?P<option>[^\n]+)"
        r"|invalidspec: (?P<conda>[^\n]+)|invalidversionspec: (?P<version>[^\n]+)|invalidmatchspec: (?P<match>[^\n]+)"
        r"|condavalueerror: [^\n]*(?:invalid|could not parse) (?P<value>[^\n]+)"
        r"|expected package name at the start of dependency specifier"
        r"|or the start of a requirement(?:: `(?P<begun>[^`\n]+))?"
        r"|is not a valid (?:requirement|pep ?508)"
        r"|invalid requirement, parse error at"
        r"|you are attempting to install a package literally named"
        r"|invalidyamlerror|environmentfileextensionnotvalid|environmentfileempty"
        r"|poetry\.lock was last generated|the lockfile at `?uv\.lock`? needs to be updated"
        r"|pyproject\.toml[^\n]{0,80}(?:is not valid|could not be parsed)"
        r"|toml parse error at line",
        Depth.ROOT,
    ),
    Sign(
        "pip-requirements-invalid",
        r"no such file or directory: '?(?P<requirement>/(?:home/conda/feedstock_root|croot|tmp/build/80754af9"
        r"|opt/concourse|work/ci_py\w*|home/conda|home/task_\w+)/[^'\n]*)"
        r"|file not found: `?(?P<file>/(?:home/conda/feedstock_root|croot|tmp/build|opt/concourse)/[^`\n]*)",
        Depth.ROOT,
        reason="the requirement is a path of the machine on which the list was frozen",
    ),
    Sign(
        "pip-requirements-invalid",
        r"unicodedecodeerror: [^\n]*(?:0xff in position 0|0xfe in position 0|position 0)"
        r"|invalid requirement[^\n]*\\x00|invalid requirement[^\n]*\\ufeff",
        Depth.SPECIFIC - 2,
    ),
)


@rule("pip-requirements-invalid")
def invalid(reading: Reading) -> Iterator[Finding]:
    """A line that is no requirement. ``install_requires`` of a package's own setup is that package's fault."""
    if "install_requires" in reading or not (building(reading) or reading.stage in ("", "register", "launch")):
        return
    for finding in show(reading, _INVALID):
        requirement = next((value for name, value in finding.facts.items() if name != "reason"), "")
        if "uv" in finding.facts:
            requirement = _underlined(reading, finding) or requirement
        where = re.search(
            r"from line (\d+) of (\S+?)\)?$|(?:-r |`)([^`\s]+)`? \(?line (\d+)"
            r"|` in (the requirements of '[^']+')",
            finding.proof[0].text,
        )
        spoken = f"line {where[1] or where[4]} of {where[2] or where[3]}" if where and not where[5] else ""
        facts = {"requirement": requirement.split(" (from", 1)[0], "where": where[5] if where and where[5] else spoken}
        if requirement.startswith("-"):
            facts["option"] = requirement
        yield Finding(finding.cause, finding.depth, finding.proof, {k: v for k, v in facts.items() if v})


def _underlined(reading: Reading, finding: Finding) -> str:
    """The requirement that uv prints under its complaint, with carets under what is wrong in it."""
    after = reading.near(finding.proof[0], after=8)
    return next((line.text.strip() for line, under in pairwise(after) if re.fullmatch(r"\s*\^+\s*", under.text)), "")


_HASH = (
    r"these packages do not match the hashes"
    r"|hashes are required in --require-hashes mode"
    r"|in `?--require-hashes`? mode, all requirements must"
    r"|can't verify hashes for these"
    r"|hash mismatch for `?(?P<requirement>[^`\s]+)"
    r"|hash for (?P<name>\S+)[^\n]* not found in known hashes"
    r"|checksummismatcherror"
    r"|retrieved distribution for \S+ hash doesn't match|invalid hashes? \("
    r"|hash(?:es)? (?:of|for) [^\n]* (?:does|do) not match"
)


@rule("pip-hash-mismatch", "build-network-unreachable")
def hash_mismatch(reading: Reading) -> Iterator[Finding]:
    """A file that is not the one that was promised: by the requirements, or only by the index."""
    hit = reading.find(_HASH)
    if hit is None:
        return
    around = reading.near(hit.line, after=8)
    text = "\n".join(line.text for line in around)
    expected = re.search(r"expected:?\s+(?:sha256:? ?)?(?:sha256:)?(\w{16,})", text, re.IGNORECASE)
    got = re.search(r"(?:got|computed|was:?|actual):?\s+(?:sha256:? ?)?(?:sha256:)?(\w{16,})", text, re.IGNORECASE)
    named = re.search(r"^\s+(\S[^\n]*?) from https?:", text, re.MULTILINE)
    requirement = hit["requirement"] or hit["name"] or (named[1] if named else "")
    fragment = re.search(r"#sha256=(\w+)", text)
    facts: dict[str, str] = {
        "requirement": requirement,
        "name": re.split(r"[<>=!~\[ ]", requirement, maxsplit=1)[0],
        "expected": expected[1][:16] + "…" if expected else "",
        "got": got[1][:16] + "…" if got else "",
    }
    if fragment and expected and fragment[1] == expected[1] and "--hash" not in reading:
        # The hash is the index's own: no requirement promised it, so it is the download that is damaged.
        host = re.search(r"https?://([^/\s]+)", text)
        yield found(
            "build-network-unreachable",
            Depth.ROOT,
            *around[:4],
            certain=False,
            host=host[1] if host else "",
            reason="the downloaded file is damaged or truncated",
        )
    yield found("pip-hash-mismatch", Depth.ROOT + 1, *around[:4], certain=True, facts=facts)


_PLACEHOLDER = (
    Sign(
        "pip-deprecated-package-name",
        r"the '?(?P<name>[\w.-]+)'? pypi package is deprecated,? (?:please )?use '?(?P<real>[\w.-]+)"
        r"|you tried to install [\"'](?P<tried>[\w.-]+)[\"']\. the package named for \w+ is [\"'](?P<right>[\w.-]+)"
        r"|the [\"']?(?P<gone>[\w-]+)[\"']? package has been removed!? ?(?:please install [\"']?(?P<instead>[\w-]+))?"
        r"|please install the `?(?P<proper>[\w-]+)`? package \(instead of `?(?P<wrong>[\w-]+)`?\)"
        r"|the '?(?P<meta>[\w-]+)'? meta-package is deprecated and cannot be installed"
        r"|only a placeholder project on pypi"
        r"|(?:this|the) (?:pypi )?package (?:name )?is (?:deprecated|a placeholder|only a placeholder"
        r"|a dummy)[^\n]*(?:use|install) [`'\"]?(?P<other>[\w-]+)"
        r"|sklearn_allow_deprecated_sklearn_package_install",
    ),
)
_OTHER_NAMES = {
    "sklearn": "scikit-learn",
    "tensorflow-gpu": "tensorflow",
    "skimage": "scikit-image",
    "pytorch": "torch",
}


@rule("pip-deprecated-package-name")
def placeholder(reading: Reading) -> Iterator[Finding]:
    """A project that exists only to tell you its real name."""
    if not building(reading):
        return
    for finding in show(reading, _PLACEHOLDER):
        facts = finding.facts
        name = next((facts[key] for key in ("name", "tried", "gone", "wrong", "meta") if key in facts), "")
        if not name and "sklearn" in finding.proof[0].text.lower():
            name = "sklearn"
        real = next((facts[key] for key in ("real", "right", "instead", "proper", "other") if key in facts), "")
        real = real or _OTHER_NAMES.get(name, "")
        named = {key: value for key, value in (("name", name), ("real", real)) if value}
        yield Finding(finding.cause, finding.depth - 1, finding.proof, named)
