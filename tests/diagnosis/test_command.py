"""``mldeploy diagnose`` as it is typed: one help, standard input that is closed, a reader that has read enough."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_mldeploy.cli import main

PROGRAM = [sys.executable, "-m", "jupyter_mldeploy.cli", "diagnose"]


def test_one_help_tells_all_that_it_takes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diagnose", "--help"]) == 0
    told = capsys.readouterr().out
    assert "(NAME | --evidence FILE | --list)" in told
    assert main(["diagnose", "--evidence", "FILE", "--help"]) == 0
    assert capsys.readouterr().out == told


@pytest.mark.parametrize(
    "words", [(), ("adder", "--list"), ("adder", "--evidence", "-"), ("--list", "--evidence", "-")]
)
def test_it_takes_one_thing(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diagnose", *words]) == 2
    assert capsys.readouterr().err.startswith("usage: mldeploy diagnose")


def test_the_format_may_stand_before_the_verb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.log").write_text("ModuleNotFoundError: No module named 'xgboost'\n")
    assert main(["--format", "json", "diagnose", "--evidence", str(tmp_path / "a.log")]) == 0
    assert json.loads(capsys.readouterr().out)["cause"] == "module-not-found"


def test_standard_input_that_is_closed_is_said_in_a_sentence() -> None:
    closed = ["sh", "-c", 'exec "$@" <&-', "sh", *PROGRAM, "--evidence", "-"]
    done = subprocess.run(closed, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "-: standard input is closed\n"


def test_a_reader_that_has_read_enough_is_no_failure(tmp_path: Path) -> None:
    for number in range(400):
        (tmp_path / f"{number}.log").write_text("ModuleNotFoundError: No module named 'xgboost'\n")
    with subprocess.Popen(
        [*PROGRAM, "--evidence", str(tmp_path), "--format", "json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert json.loads(running.stdout.readline())["cause"] == "module-not-found"
        running.stdout.close()
        assert running.stderr.read() == ""
    assert running.returncode == 0
