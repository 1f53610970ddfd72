"""Mark exams: ``python -m tests.diagnosis.exams.mark [EXAM ...]``: the share of right first answers, for each family."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Sequence

from jupyter_mldeploy.diagnosis import diagnose
from jupyter_mldeploy.diagnosis.evidence_file import from_case
from jupyter_mldeploy.diagnosis.pages import page
from tests.diagnosis.exams import EXAMS, cases

CONTROLS = {"": "control", "insufficient-evidence": "control"}


def main(exams: Sequence[str]) -> int:
    marks: dict[str, list[bool]] = defaultdict(list)
    misses = []
    for case in (case for exam in exams or EXAMS for case in cases(exam)):
        answer = diagnose(from_case(case.fields))
        right = answer.cause in case.causes
        first = case.causes[0]
        marks[CONTROLS.get(first) or page(first).family].append(right)
        if not right:
            misses.append(f"{case.name}: {', '.join(answer.causes[:4]) or 'nothing is wrong'}")
    every = [mark for group in marks.values() for mark in group]
    for family, group in [*sorted(marks.items()), ("all", every)]:
        print(f"{family:22} {sum(group):4} of {len(group):4}  {sum(group) / len(group):.3f}")
    print(*misses, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
