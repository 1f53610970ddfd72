"""Each rule knows its message in several forms: other versions of the tool, other platforms, other words around it."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_mldeploy.diagnosis import diagnose
from jupyter_mldeploy.diagnosis.evidence_file import from_case
from tests.diagnosis.variants import (
    brief,
    controls,
    further,
    imports_and_crashes,
    loading_in_the_wild,
    mixed,
    requests_and_http,
    scoring_in_the_wild,
    script_and_model,
    server_and_platform,
)

CASES = [
    *imports_and_crashes.CASES,
    *script_and_model.CASES,
    *requests_and_http.CASES,
    *server_and_platform.CASES,
    *mixed.CASES,
    *controls.CASES,
    *brief.CASES,
    *further.CASES,
    *loading_in_the_wild.CASES,
    *scoring_in_the_wild.CASES,
]


@pytest.mark.parametrize(("cause", "fields"), CASES, ids=[f"{i}-{cause}" for i, (cause, _) in enumerate(CASES)])
def test_cause_is_named(cause: str, fields: dict[str, Any]) -> None:
    answer = diagnose(from_case(fields))
    assert answer.cause == cause, answer.to_text()
