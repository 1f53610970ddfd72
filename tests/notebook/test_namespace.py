from __future__ import annotations

import math
from pathlib import Path

import pytest

from jupyter_mldeploy.notebook.namespace import notebook_names, read_data, read_file, read_models, read_secrets
from jupyter_mldeploy.notebook.options import BadLine

NAMES = {"clf": object(), "X": [[1, 2], [3, 4]], "math": math, "best": {"a": 1}}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{X}", [[1, 2], [3, 4]]),
        ("{X[:1]}", [[1, 2]]),
        ("{dict(data=X)}", {"data": [[1, 2], [3, 4]]}),
        ('{"data": [1]}', '{"data": [1]}'),
        ("{}", "{}"),
        ("[1]", "[1]"),
        ("@file", "@file"),
    ],
)
def test_braces_are_a_value_unless_they_are_json(text: str, value: object) -> None:
    assert read_data(text, NAMES, "--sample") == value


def test_secrets_can_be_variables() -> None:
    names = {"token": "hush", "number": 3}
    words = ["PLAIN=1", "TOKEN={token}", "N={number + 1}", "{token}", "JSON={}", "NAME"]
    assert read_secrets(words, names, "--env") == ("PLAIN=1", "TOKEN=hush", "N=4", "hush", "JSON={}", "NAME")
    with pytest.raises(BadLine, match="--key"):
        read_secrets(["{oops}"], names, "--key")


def test_broken_json_is_called_that() -> None:
    with pytest.raises(BadLine, match=r'--sample \{"data": oops\} is not JSON: Expecting value at column 10'):
        read_data('{"data": oops}', NAMES, "--sample")


def test_a_name_without_value_is_said() -> None:
    with pytest.raises(BadLine, match=r"--sample \{Y\} has no value: NameError: name 'Y' is not defined"):
        read_data("{Y}", NAMES, "--sample")


def test_models_of_the_notebook_of_the_registry_and_of_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "best").mkdir()
    models, notes = read_models(["clf", "clf:2", "best", "math", "other", "{X}", "top={best['a']}"], NAMES)
    assert models == [("clf", NAMES["clf"]), "clf:2", "best", "math", "other", ("X", NAMES["X"]), ("top", 1)]
    assert notes == [
        "clf is the notebook's variable (object)",
        "X is the notebook's variable (list)",
        "top is the notebook's variable (int)",
    ]


def test_an_expression_needs_a_name() -> None:
    with pytest.raises(BadLine, match=r"--model \{X\[0\]\} has no name: write --model NAME=\{X\[0\]\}"):
        read_models(["{X[0]}"], NAMES)


def test_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.json").write_text("[1]")
    assert read_file("@a.json", "%service_run") == b"[1]"
    assert read_file("[2]", "%service_run") == "[2]"
    with pytest.raises(BadLine, match=r"%service_run: 'b.json' in .* cannot be read: no such file or directory"):
        read_file("@b.json", "%service_run")


def test_notebook_names_leave_out_what_is_ipythons() -> None:
    assert notebook_names({"a": 1, "_1": 2, "In": []}, {"In": []}) == {"a"}
