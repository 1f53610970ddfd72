"""What is kept of a log that is too long to be read whole: its beginning, its first error and its end."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_mldeploy.diagnosis import diagnose
from jupyter_mldeploy.diagnosis.evidence_file import read_evidence
from jupyter_mldeploy.evidence import LOG_LIMIT, Evidence, read_log

WELL = "2026-01-01 10:00:00,000 INFO ok served request 200\n"
RAISED = (
    'Traceback (most recent call last):\n  File "/var/azureml-app/score.py", line 3, in <module>\n'
    "    import lightgbm\nModuleNotFoundError: No module named 'lightgbm'\n"
)
MANY = 3 * LOG_LIMIT // len(WELL)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "service.log"
    path.write_text(WELL * MANY + RAISED + WELL * MANY)
    return path


def test_the_first_error_is_found_wherever_it_stands(log: Path) -> None:
    for evidence in (*(read for _, read in read_evidence(str(log))), Evidence(log=log.read_text())):
        assert len(evidence.log) < LOG_LIMIT + 200
        assert diagnose(evidence).cause == "module-not-found"


def test_what_is_left_out_is_said(log: Path) -> None:
    text = read_log(log)
    assert text.count("bytes left out") == 2
    assert text.startswith(WELL)
    assert text.endswith(WELL)


def test_a_log_without_an_error_is_its_beginning_and_its_end(tmp_path: Path) -> None:
    path = tmp_path / "well.log"
    path.write_text("the first\n" + WELL * MANY + "the last\n")
    text = read_log(path)
    assert text.count("bytes left out") == 1
    assert text.startswith("the first")
    assert text.endswith("the last\n")


@pytest.mark.parametrize("place", [7_999_990, 8_000_000])
def test_an_error_at_the_seam_of_two_reads_is_seen(tmp_path: Path, place: int) -> None:
    path = tmp_path / "seam.log"
    filling = "x" * 99 + "\n"
    start = LOG_LIMIT // 4 + place
    text = filling * (start // 100) + "y" * (start % 100)
    path.write_text(text + "\n" + RAISED + filling * 20_000)
    assert "No module named 'lightgbm'" in read_log(path)
