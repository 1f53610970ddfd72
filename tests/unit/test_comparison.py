"""Where two answers differ."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mldeploy.comparison import Comparison, Side, differences
from jupyter_mldeploy.targets.base import Answer

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(values)
def test_a_value_is_the_same_as_itself(value: object) -> None:
    assert list(differences(value, json.loads(json.dumps(value)))) == []


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        (1, 1.0, []),
        (0.1 + 0.2, 0.3, []),
        (0.3, 0.31, ["the value: 0.3 and 0.31"]),
        (True, 1, ["the value: true and 1"]),
        (None, [], ["the value: null and []"]),
        ([1, 2, 3], [1, 5], ["the list: 3 and 2 items", "[1]: 2 and 5"]),
        ({"a": {"b": ["x"]}}, {"a": {"b": ["y"]}}, ['a.b[0]: "x" and "y"']),
        ({"a": 1}, {"b": 1}, ["'a' is in the first only", "'b' is in the second only"]),
        ({"a": {"c": 1}}, {"a": {}}, ["'c' of a is in the first only"]),
        ("x" * 100, "y", [f'the value: "{"x" * 58}… and "y"']),
    ],
)
def test_differences_are_told_with_their_place(one: object, other: object, told: list[str]) -> None:
    assert list(differences(one, other)) == told


def test_tolerance_is_a_share_of_the_larger() -> None:
    assert list(differences([1000.0], [1000.5], 1e-3)) == []
    assert list(differences([1.0], [1.5], 1e-3)) == ["[0]: 1.0 and 1.5"]


def test_a_comparison_shows_both_answers_and_the_verdict() -> None:
    answered = Answer(status=200, body=b"[1]", headers={}, seconds=0.002)
    found = Comparison(
        one=Side(service="iris", target="local", answer=answered),
        other=Side(service="new", target="container", error="It is stopped."),
        differences=("new did not answer",),
    )
    assert not found
    assert found.to_text().splitlines() == [
        "iris and new: the answers differ",
        "  new did not answer",
        "iris · local · 200 · 2.0 ms: [1]",
        "new · container: It is stopped.",
    ]
    assert [side["status"] for side in found.to_json()["answers"]] == [200, None]
