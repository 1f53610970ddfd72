"""conda, mamba and micromamba speak: what no channel has, and what does not fit together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from jupyter_mldeploy.diagnosis.rule import Depth, Finding, found, rule

if TYPE_CHECKING:
    from jupyter_mldeploy.diagnosis.reading import Line, Reading

_NOT_FOUND = (
    r"resolvepackagenotfound"
    r"|packagesnotfounderror|packagenotfounderror|nopackagesfounderror"
    r"|the following packages are (?:not available|missing) from (?:current|the)"
    r"|nothing provides requested (?P<requested>[^\n]+)"
    r"|[├└]─+ (?P<tree>[^\n]+?) does not exist \(perhaps"
    r"|(?P<absent>\S+(?: [\w.=*]+)?) does not exist \(perhaps a (?:typo|missing channel)"
    r"|packages? missing in current \S+ channels"
    r"|package not found: '?(?P<old>[^'\n]+)"
    r"|unavailableinvalidchannel|the channel is not accessible or is invalid"
    r"|no candidates were found for (?P<pixi>[^\n]+)"
    r"|no (?:interpreter|download|virtual environment) found for(?: request:)? (?P<python>(?:c?python|pypy)[- ]?\S*)"
)
_CONFLICT = (
    r"unsatisfiableerror"
    r"|specifications were found to be (?:incompatible|in conflict)"
    r"|could not solve for environment specs"
    r"|encountered problems while solving"
    r"|found conflicts! looking for incompatible packages"
    r"|the following packages are incompatible"
    r"|none of the providers can be installed"
    r"|nothing provides (?!requested)[^\n]+ needed by"
    r"|package \S+ conflicts for:"
    r"|the following specifications were found|unsatisfiable conda|cannot solve the request because of"
)
_LISTED = re.compile(r"^\s*(?:- |[├└]─+ )\s*(?P<package>[A-Za-z_][\w.-]*)(?P<rest>[^\n]*)")


@rule("conda-package-not-found", "conda-solve-conflict")
def conda(reading: Reading) -> Iterator[Finding]:
    """A package that no channel has comes before a conflict: the solver reports the one as part of the other."""
    absent = reading.find(_NOT_FOUND)
    conflict = reading.find(_CONFLICT)
    if absent is not None:
        named = absent["requested"] or absent["tree"] or absent["absent"] or absent["old"] or absent["pixi"]
        named = named or absent["python"].replace(" ", "=").lower()
        listed = _listed(reading, absent.line)
        package = (named or (listed[0].text.strip(" -├└─│") if listed else "")).strip(" '\"-")
        yield found(
            "conda-package-not-found",
            Depth.SPECIFIC - 5,
            absent,
            *listed[:5],
            package=package,
            name=re.split(r"[<>=!~ \[]", package.split("::")[-1], maxsplit=1)[0],
            interpreter=re.sub(r"^\D*", "", absent["python"]),
        )
    if conflict is not None:
        listed = _listed(reading, conflict.line)
        sides = "; ".join(line.text.strip(" -├└─│") for line in listed[:2])
        yield found("conda-solve-conflict", Depth.SPECIFIC - 4, conflict, *listed[:5], package=sides)


def _listed(reading: Reading, start: Line) -> list[Line]:
    """The packages in the list under a heading of conda's."""
    return [line for line in reading.near(start, after=14)[1:] if _LISTED.match(line.text)]
