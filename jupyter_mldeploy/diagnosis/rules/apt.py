"""apt, yum, dnf and apk speak: the repositories of the base image's system packages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from jupyter_mldeploy.diagnosis.rule import Depth, Finding, rule
from jupyter_mldeploy.diagnosis.signs import Sign, show
from jupyter_mldeploy.diagnosis.stages import building, overcome

if TYPE_CHECKING:
    from jupyter_mldeploy.diagnosis.reading import Reading

_GONE = (
    Sign(
        "apt-repository-unavailable",
        r"the repository '(?P<repository>[^'\n]+)' (?:does not have a release file|no longer has a release file"
        r"|is not signed)"
        r"|the repository ‘(?P<quoted>[^’\n]+)’ (?:does not have a release file|no longer has a release file"
        r"|is not signed)"
        r"|release file for (?P<expired>\S+) is (?:expired|not valid)"
        r"|release file expired"
        r"|the following signatures (?:couldn't|were|could not)[^\n]*(?:verified|invalid)"
        r"|no_pubkey [0-9a-f]+"
        r"|failed to download metadata for repo"
        r"|cannot prepare internal mirrorlist|no urls in mirrorlist"
        r"|could not retrieve mirrorlist|cannot find a valid baseurl for repo"
        r"|could not resolve host: mirrorlist\.centos\.org|could not resolve host: vault\.centos\.org"
        r"|repodata/repomd\.xml: \[errno \d+\]",
    ),
    Sign(
        "apt-repository-unavailable",
        r"failed to fetch (?P<url>\S+)[^\n]* (?:404|403|410|502|503)\b"
        r"|err(?::\d+)? (?P<err>https?://\S+)[^\n]*(?:404|release)?"
        r"|unable to fetch some archives"
        r"|some index files failed to download",
        Depth.ROOT + 1,
    ),
    Sign(
        "apt-repository-unavailable",
        r"could not connect to (?P<host>[\w.-]+):(?:80|443)"
        r"|cannot initiate the connection to (?P<other>[\w.-]+):",
        Depth.ROOT - 1,
    ),
    Sign(
        "apt-repository-unavailable",
        r"failed to fetch (?P<url>https?://\S+)"
        r"|temporary failure resolving '(?P<name>[^'\n]+)'|could not resolve '(?P<old>[^'\n]+)'"
        r"|unable to connect to (?P<site>[\w.-]+):https?"
        r"|fetch (?P<apk>https?://\S+)[^\n]*"
        r"|alpinelinux\.org/(?P<alpine>\S+): (?:temporary error|network error|dns lookup error|no such file)",
        Depth.ROOT + 2,
    ),
    Sign(
        "apt-repository-unavailable",
        r"e: unable to locate package (?P<package>\S+)"
        r"|e: package '(?P<candidate>[^'\n]+)' has no installation candidate"
        r"|unable to select packages|no match for argument: (?P<rpm>\S+)",
        Depth.SPECIFIC,
        certain=False,
    ),
)


@rule("apt-repository-unavailable")
def repository(reading: Reading) -> Iterator[Finding]:
    """The repository is gone, unsigned, stale or unreachable."""
    if not building(reading) or not _speaks(reading):
        return
    for finding in show(reading, _GONE):
        where = next(iter(finding.facts.values()), "")
        host = re.search(r"(?:https?://)?([\w-]+(?:\.[\w-]+)+)", where)
        suite = re.search(r"https?://\S+ ([\w./-]+) (?:Release|InRelease)", finding.proof[0].text)
        facts = {
            "host": host[1] if host else "",
            "suite": suite[1] if suite else "",
            "absent": _absent(reading, finding),
        }
        known = {name: value for name, value in facts.items() if value}
        shown = Finding(finding.cause, finding.depth, finding.proof, known, finding.certain)
        yield overcome(reading, shown, [sign.pattern for sign in _GONE])


def _absent(reading: Reading, finding: Finding) -> str:
    """The package that lists which were fetched do not have."""
    name = finding.facts.get("package") or finding.facts.get("candidate") or ""
    fetched = reading.find(r"^fetched \d[\d.,]* ?[kMG]?B in ") and not reading.find(r"^err:\d|failed to fetch")
    return name if fetched else ""


def _speaks(reading: Reading) -> bool:
    words = (
        "apt-get",
        "apt ",
        "e: ",
        "err:",
        "err ",
        "w: ",
        "yum",
        "dnf",
        "repomd",
        "mirrorlist",
        "apk ",
        "alpinelinux",
    )
    return any(word in reading for word in words)
