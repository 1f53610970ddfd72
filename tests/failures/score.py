"""Score the diagnosis over a folder of cases: ``python -m tests.failures.score FOLDER [--only NAMES_FILE] [--misses]``.

A case is a JSON document with ``stage``, ``target``, ``evidence``, ``expected_cause``, ``also_accept`` and
``expected_remedy_keywords``. Printed for each family: how often the first cause is right, how often the right one is among
the first three, how often the remedy names the thing to do; and the false alarms on evidence of services that are well.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jupyter_mldeploy.diagnosis import diagnose
from jupyter_mldeploy.diagnosis.evidence_file import from_case


@dataclass(frozen=True)
class Score:
    """How the diagnosis of one case compares with what is expected."""

    name: str
    family: str
    expected: str
    got: tuple[str, ...]
    first: bool
    three: bool
    remedy: bool
    strict: bool
    keywords: tuple[str, ...]


def families(folder: Path) -> dict[str, str]:
    """Family by cause, as the taxonomy beside the cases says; else as our pages say."""
    for place in (folder, folder.parent):
        if (file := place / "taxonomy.json").exists():
            return {cause: family for family, causes in json.loads(file.read_text("utf-8")).items() for cause in causes}
    from jupyter_mldeploy.diagnosis.pages import causes as known
    from jupyter_mldeploy.diagnosis.pages import page

    return {cause: page(cause).family for cause in known()}


def score_case(name: str, case: dict[str, object], family_of: dict[str, str]) -> Score:
    answer = diagnose(from_case(case))
    expected = str(case["expected_cause"])
    wanted = "" if expected == "none" else expected
    accepted = {wanted, *case.get("also_accept", [])}  # type: ignore[misc]
    got = answer.causes or (answer.cause,)
    keywords = tuple(str(word) for word in case.get("expected_remedy_keywords", []))  # type: ignore[attr-defined]
    remedy = answer.remedy.lower()
    return Score(
        name=name,
        family=family_of.get(expected, "?"),
        expected=wanted,
        got=got,
        first=got[0] in accepted,
        three=bool(accepted & set(got[:3])),
        remedy=not keywords or any(word.lower() in remedy for word in keywords),
        strict=got[0] == wanted,
        keywords=tuple(word for word in keywords if word.lower() not in remedy),
    )


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", type=Path, help="a file with the names of the cases to score")
    parser.add_argument("--misses", action="store_true", help="show each case that is not right")
    options = parser.parse_args(argv)
    folder = options.folder / "cases" if (options.folder / "cases").is_dir() else options.folder
    only = set(options.only.read_text("utf-8").split()) if options.only else None
    family_of = families(folder)
    scores = [
        score_case(file.name, json.loads(file.read_text("utf-8")), family_of)
        for file in sorted(folder.glob("*.json"))
        if file.name != "taxonomy.json" and (only is None or file.name in only)
    ]
    _show(scores, options.misses)
    return 0


def _show(scores: list[Score], misses: bool) -> None:
    groups: dict[str, list[Score]] = defaultdict(list)
    for score in scores:
        groups[score.family].append(score)
    print(f"{'family':22} {'cases':>5} {'top-1':>6} {'strict':>6} {'top-3':>6} {'remedy':>6}")
    for family, group in [*sorted(groups.items()), ("all", scores)]:
        shares = [sum(getattr(s, field) for s in group) / max(len(group), 1) for field in _COLUMNS]
        print(f"{family:22} {len(group):5} " + " ".join(f"{share:6.2f}" for share in shares))
    alarms = [s.name for s in scores if not s.expected and s.got[0]]
    print(f"false alarms: {len(alarms)} {' '.join(alarms)}")
    if misses:
        for s in scores:
            if not (s.first and s.remedy):
                print(f"  {s.name}: expected {s.expected or 'nothing wrong'}, got {', '.join(s.got[:4])}"
                      f"{'' if s.remedy else '; remedy lacks all of: ' + ', '.join(s.keywords)}")  # fmt: skip


_COLUMNS = ("first", "strict", "three", "remedy")

if __name__ == "__main__":
    sys.exit(main())
