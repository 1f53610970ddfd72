"""The exams: evidence that was written before anybody looked at the rules, kept as regression tests."""

from __future__ import annotations

import pytest

from jupyter_mldeploy.diagnosis import diagnose
from jupyter_mldeploy.diagnosis.evidence_file import from_case
from tests.diagnosis.exams import EXAMS, Case, cases

CASES = [case for exam in EXAMS for case in cases(exam)]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_cause_is_named(case: Case) -> None:
    answer = diagnose(from_case(case.fields))
    assert answer.cause in case.causes, answer.to_text()


def test_exams_cover_every_cause() -> None:
    from jupyter_mldeploy.diagnosis.pages import causes

    asked = {cause for case in CASES for cause in case.causes}
    assert set(causes()) - asked - {"none", "key-vault-access-policy", "process-gone", "still-starting"} == set()
