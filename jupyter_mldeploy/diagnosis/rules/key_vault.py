"""A secret that the script itself asks a key vault for, and does not get: the service's own identity lacks the right."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jupyter_mldeploy.diagnosis.reading import Reading
from jupyter_mldeploy.diagnosis.rule import Depth, Finding, found, rule

_REFUSED = re.compile(
    r"(?:does not have|lacks?) (?:the )?\w+ \w+ permission on key ?vault|ForbiddenBy(?:Policy|Rbac|Connection|Firewall)"
    r"|\(Forbidden\)[^\n]*(?:key ?vault|vault\.azure\.net|Caller is not authorized to perform action on resource)"
    r"|Caller is not authorized to perform action on resource[^$]*(?:KeyVault|/vaults/|/secrets/)"
    r"|vault\.azure\.net\S*[^\n]*\b(?:403|Forbidden)\b",
    re.IGNORECASE,
)
_VAULT = re.compile(
    r"key ?vault '(?P<said>[\w-]+)|https://(?P<host>[\w-]+)\.vault\.azure\.net|/vaults/(?!secrets\b|keys\b|certificates\b)(?P<scope>[\w-]+)"
    r"|Vault: (?P<listed>[\w-]+)",
    re.IGNORECASE,
)
_RIGHT = re.compile(r"does not have (?P<right>\w+ \w+) permission on|Action: '?(?P<action>[\w./]+)", re.IGNORECASE)
_CALLER = re.compile(r"'(?P<ids>appid=[^']+)'|Caller: (?P<caller>appid=\S+)")


@rule("rbac-forbidden")
def refused_to_the_script(reading: Reading) -> Iterator[Finding]:
    """``get_secret`` within ``init()`` or ``run()``. What the workspace may or may not do is told by the platform."""
    for raised in reading.raised:
        text = f"{raised.type}: {raised.text}"
        if raised.own_frame is None or not _REFUSED.search(text):
            continue
        named = {
            name: _first(pattern, text)
            for name, pattern in (("vault", _VAULT), ("permission", _RIGHT), ("user", _CALLER))
        }
        own = {"script": raised.own_frame.name, "line": str(raised.own_frame.line)}
        # Before what is said of any key vault: that the workspace may not use it.
        yield found("rbac-forbidden", Depth.ROOT - 2, raised.line, facts={"by": "vault", **named, **own})
        return


def _first(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return next((value for value in match.groups() if value), "") if match else ""
