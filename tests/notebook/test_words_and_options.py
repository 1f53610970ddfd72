from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mldeploy.notebook.commands import DEPLOY, LOGS, MAGICS, RUN, SERVICES
from jupyter_mldeploy.notebook.options import BadLine, parse
from jupyter_mldeploy.notebook.words import BadWords, split

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.text(max_size=5), json_values, max_size=3) | st.lists(json_values, max_size=3))
def test_json_objects_and_lists_need_no_quotes(value: object) -> None:
    text = json.dumps(value)
    assert split(f"iris --sample {text} -n 3") == ["iris", "--sample", text, "-n", "3"]


@given(st.text(max_size=60))
def test_any_line_is_split_or_refused(line: str) -> None:
    with suppress(BadWords):
        assert all(isinstance(word, str) for word in split(line))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", []),
        ("  a   b\t", ["a", "b"]),
        ("'a b' \"c d\" e\\ f", ["a b", "c d", "e f"]),
        (r"'C:\x'", [r"C:\x"]),
        ("--sample='{\"data\": [1]}'", ['--sample={"data": [1]}']),
        ('--sample={"a": [1, 2]} x', ['--sample={"a": [1, 2]}', "x"]),
        ("clf={best[0]}", ["clf={best[0]}"]),
        ('{"a": "}"}', ['{"a": "}"}']),
        ("requests[socks]", ["requests[socks]"]),
    ],
)
def test_words(line: str, words: list[str]) -> None:
    assert split(line) == words


def test_deploy_line() -> None:
    parsed = parse(
        DEPLOY,
        "iris --model clf --model enc:2 --target=container --pip 'shap>=0.4' --replicas 2 --timeout 2m --no-wait "
        '--source_directory src --sample {"data": [[1]]}',
        "%%",
    )
    assert parsed.places == {"NAME": "iris"}
    assert parsed.options == {
        "model": ("clf", "enc:2"), "target": "container", "pip": ("shap>=0.4",), "replicas": 2, "timeout": 120.0,
        "no_wait": True, "source_directory": "src", "sample": '{"data": [[1]]}',
    }  # fmt: skip


@pytest.mark.parametrize("line", ["iris -f -n 20", "iris --follow --lines=20", "-n20 -f iris"])
def test_short_options(line: str) -> None:
    assert parse(LOGS, line).options == {"follow": True, "lines": 20}


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("iris --replcias 2", "%deploy: --replcias is not an option; did you mean --replicas?"),
        ("iris --Target x", "%deploy: --Target is not an option; did you mean --target?"),
        ("iris --port", "%deploy: --port needs a value (N), such as --port 8080."),
        ("iris --port --pip x", "%deploy: --port needs a value (N), such as --port 8080, and got the option --pip."),
        ("iris --port web", "%deploy: --port='web' is not valid: it is a whole number."),
        ("iris --target moon", "%deploy: --target='moon' is not valid: choose one of local, container, kubernetes."),
        (
            "iris --timeout x",
            "%deploy: --timeout='x' is not valid: write a time above zero such as 30, 30s, 500ms or 5m.",
        ),
        ("iris --cpu 1 --cpu 2", "%deploy: --cpu is given twice."),
        ("iris --no-wait=5", "%deploy: --no-wait takes no value, and got '5'."),
        ("", "%deploy: NAME is missing: %deploy NAME …"),
        ("iris two", "%deploy: 'two' is one word too many; it takes NAME and options that begin with --."),
        ('iris --sample {"a": 1', '%deploy: the bracket of {"a": 1 is not closed.'),
        ("iris --pip 'x", "%deploy: the quote ' before x is not closed."),
    ],
)
def test_bad_lines_are_one_sentence(line: str, sentence: str) -> None:
    with pytest.raises(BadLine) as caught:
        parse(DEPLOY, line)
    assert str(caught.value) == sentence


def test_a_magic_without_options_says_so() -> None:
    with pytest.raises(BadLine, match=r"%services: --all is not an option; it has no options\."):
        parse(SERVICES, "--all")


def test_data_with_a_minus_is_not_an_option() -> None:
    assert parse(RUN, "iris -5").places["DATA"] == "-5"


def test_every_option_with_a_value_has_help_and_every_conversion_an_example_that_is_right() -> None:
    for magic in MAGICS:
        for option in magic.options:
            assert option.help
            if option.value and option.example:
                places = " ".join(place for place in magic.places if not place.startswith("["))
                assert option.key in parse(magic, f"{places} {option.flag} '{option.example}'").options
