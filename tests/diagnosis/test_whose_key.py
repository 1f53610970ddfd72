"""A ``KeyError`` in ``run()``: of the request, or of a table of the script's own."""

from __future__ import annotations

import textwrap

import pytest

from jupyter_mldeploy.diagnosis import diagnose
from jupyter_mldeploy.diagnosis.request_data import looks_in_request
from jupyter_mldeploy.evidence import Evidence

SCRIPT = textwrap.dedent("""\
    import json
    import requests

    def init():
        global labels, kept
        labels = {0: "a"}
        kept = json.loads(open("table.json").read())

    def rows_of(body):
        return body["rows"]

    def shape(rows):
        return [row["age"] for row in rows]

    def run(raw):
        given = json.loads(raw)
        first = given["data"]
        rows = rows_of(given)
        ages = shape(rows)
        name = kept["m"]
        label = labels[ages[0]]
        remote = requests.post("https://features", json=given).json()
        score = remote["score"]
        for item in given.get("items", []):
            item["price"]
        return label
    """)


def in_script(key: str, source: str) -> bool | None:
    lines = SCRIPT.splitlines()
    number = next(n for n, line in enumerate(lines, 1) if source in line)
    function = next(line for line in reversed(lines[:number]) if line.startswith("def "))[4:].partition("(")[0]
    return looks_in_request(key, lines[number - 1].strip(), function=function, number=number, script=SCRIPT)


@pytest.mark.parametrize(
    ("key", "source"),
    [
        ("data", 'given["data"]'),
        ("rows", 'body["rows"]'),  # a helper that is given the body
        ("age", 'row["age"]'),  # one that is given a part of it
        ("price", 'item["price"]'),
    ],
)
def test_what_run_is_given_is_the_request(key: str, source: str) -> None:
    assert in_script(key, source) is True


@pytest.mark.parametrize(
    ("key", "source"),
    [("m", 'kept["m"]'), ("3", "labels[ages"), ("score", 'remote["score"]')],
)
def test_what_init_made_or_somebody_answered_is_not(key: str, source: str) -> None:
    assert in_script(key, source) is False


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('x = config["threshold"]', False),
        ('score = requests.get(URL).json()["score"]', False),
        ("name = LABELS[int(y)]", False),
        ('rows = body["instances"]', None),
        ('m["b"]', None),
        ("for row in data['rows']:", None),
        ("x = ((", None),
    ],
)
def test_without_the_script_the_names_tell_or_nothing_does(line: str, expected: bool | None) -> None:
    key = "score" if "score" in line else "threshold"
    assert looks_in_request(key, line) is expected


def test_a_script_that_was_edited_since_is_not_asked() -> None:
    assert looks_in_request("m", 'given["m"]', function="run", number=19, script=SCRIPT) is None


def test_the_diagnosis_follows_it() -> None:
    number = next(n for n, line in enumerate(SCRIPT.splitlines(), 1) if 'kept["m"]' in line)
    traceback = f"""Traceback (most recent call last):
  File "/var/azureml-app/score.py", line {number}, in run
    name = kept["m"]
KeyError: 'm'
"""
    told = diagnose(Evidence(stage="run", http_status=500, log=traceback, script=SCRIPT))
    assert told.cause == "run-exception"
    assert diagnose(Evidence(stage="run", http_status=500, log=traceback)).cause == "request-missing-key"
