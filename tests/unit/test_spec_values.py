"""Names, quantities, resources: what is taken, what is refused, and in which words."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mldeploy.errors import InvalidValue
from jupyter_mldeploy.spec import (
    Autoscale,
    ModelRef,
    Resources,
    check_model_name,
    check_service_name,
    parse_cpu,
    parse_memory,
    parse_seconds,
    replicas_for,
    show_memory,
)


@pytest.mark.parametrize("name", ["a", "iris", "iris-2", "a" * 63, "x1-y2-z3"])
def test_names_of_services(name: str) -> None:
    assert check_service_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "Iris", "iris_2", "-a", "a-", "2iris", "a.b", "a b", "ï", "a/b", "../a", "a\n", "a" * 64]
)
def test_names_that_are_not_services(name: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        check_service_name(name)
    assert repr(name)[:20] in caught.value.summary


def test_a_name_that_nearly_fits_is_mended() -> None:
    with pytest.raises(InvalidValue) as caught:
        check_service_name("My Iris_Model")
    assert caught.value.hint == "'my-iris-model' would do."
    with pytest.raises(InvalidValue, match="it has 64 characters, the limit is 63"):
        check_service_name("a" * 64)


@given(st.text(max_size=80))
def test_every_text_is_taken_or_refused_with_the_one_error(text: str) -> None:
    for check in (check_service_name, check_model_name):
        try:
            assert check(text) == text
        except InvalidValue as error:
            assert error.summary  # noqa: PT017 - any text may go either way


@pytest.mark.parametrize("name", ["clf", "CLF.v2", "0", "a_b-c.d", "a" * 255])
def test_names_of_models(name: str) -> None:
    assert check_model_name(name) == name


@pytest.mark.parametrize("name", ["", ".a", "-a", "a/b", "a:1", "a" * 256, "ä", "a\n"])
def test_names_that_are_not_models(name: str) -> None:
    with pytest.raises(InvalidValue):
        check_model_name(name)


@pytest.mark.parametrize(
    ("text", "cores"), [("0.5", 0.5), (0.5, 0.5), ("500m", 0.5), (2, 2), ("1.", 1), (".25", 0.25), ("1m", 0.001)]
)
def test_cpu(text: str | float, cores: float) -> None:
    assert parse_cpu(text) == cores


@pytest.mark.parametrize("text", ["", "0", "-1", "1k", "half", "nan", "inf", "1 2", "0.0001", "1e3", "٣"])
def test_what_is_no_cpu(text: str) -> None:
    with pytest.raises(InvalidValue, match="cpu="):
        parse_cpu(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512Mi", 512 * 1024**2),
        ("2Gi", 2 * 1024**3),
        ("1.5G", 1_500_000_000),
        ("2GB", 2 * 10**9),
        ("2 GiB", 2 * 1024**3),
        (1, 10**9),
        (0.5, 5 * 10**8),
        ("1.5", 1_500_000_000),
        (2**31, 2**31),
        ("2048k", 2_048_000),
    ],
)
def test_memory(text: str | float, size: int) -> None:
    assert parse_memory(text) == size


@pytest.mark.parametrize("text", ["", "0", "-1Gi", "1Ki", "lots", "1 Zi", "nan", "1GiBB", "512mi", "2bB"])
def test_what_is_no_memory(text: str) -> None:
    with pytest.raises(InvalidValue, match="memory="):
        parse_memory(text)


@pytest.mark.parametrize(
    ("text", "seconds"), [(60, 60), ("60", 60), ("60s", 60), ("500ms", 0.5), ("5m", 300), ("1h", 3600), ("1d", 86400)]
)
def test_seconds(text: str | float, seconds: float) -> None:
    assert parse_seconds(text, "timeout") == seconds


@pytest.mark.parametrize("text", ["", "0", "-1", "5w", "soon", "nan"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(InvalidValue, match="timeout="):
        parse_seconds(text, "timeout")


@pytest.mark.parametrize(("size", "shown"), [(512 * 1024**2, "512Mi"), (1024**3 * 3 // 2, "1.5Gi"), (100, "100")])
def test_shown_memory(size: int, shown: str) -> None:
    assert show_memory(size) == shown


@given(st.integers(min_value=1, max_value=1000), st.sampled_from(["Ki", "Mi", "Gi"]))
def test_what_is_shown_reads_back(number: int, unit: str) -> None:
    size = number * {"Ki": 1024, "Mi": 1024**2, "Gi": 1024**3}[unit]
    if size >= 1024**2 and "." not in show_memory(size):
        assert parse_memory(show_memory(size)) == size


def test_resources() -> None:
    made = Resources.of("500m", 1.5, 1)
    assert (made.cpu, made.memory, made.gpus) == (0.5, 1_500_000_000, 1)
    assert Resources.of() == Resources()
    for wrong in ({"cpu": 0}, {"memory": 5}, {"gpus": -1}, {"cpu": math.nan}):
        with pytest.raises(InvalidValue):
            Resources(**wrong)  # type: ignore[arg-type]


def test_autoscale() -> None:
    assert Autoscale.parse("1:4") == Autoscale(1, 4)
    assert Autoscale.parse(" 2 : 2 ") == Autoscale(2, 2)
    for text in ("", "4", "1:", ":4", "a:b", "1:2:3", "-1:2", "1.5:2"):
        with pytest.raises(InvalidValue, match="MIN:MAX"):
            Autoscale.parse(text)
    for wrong in ((0, 1), (3, 2), (1, 1001), (1, 2, 0.0), (1, 2, 1.1), (1, 2, math.nan)):
        with pytest.raises(InvalidValue):
            Autoscale(*wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "replicas"),
    [((20, 10, 0.7), 286), ((20, 10, 0.3), 667), ((20, 10, 0.7, 2), 143), ((21, 1, 0.7), 30), ((0, 1, 0.7), 1)],
)
def test_the_documents_formula(arguments: tuple[float, ...], replicas: int) -> None:
    rate, seconds, utilization, *concurrent = arguments
    more = {"concurrent_requests": int(concurrent[0])} if concurrent else {}
    assert replicas_for(rate, seconds, utilization=utilization, **more) == replicas


def test_loads_that_cannot_be() -> None:
    for wrong in (
        (-1, 1, 0.7, 1),
        (1, math.inf, 0.7, 1),
        (1, 1, 0, 1),
        (1, 1, 1.5, 1),
        (1, 1, 0.7, 0),
        (math.nan, 1, 0.7, 1),
    ):
        with pytest.raises(InvalidValue):
            replicas_for(wrong[0], wrong[1], utilization=wrong[2], concurrent_requests=int(wrong[3]))


def test_references() -> None:
    assert str(ModelRef("clf", 3)) == "clf:3"
    with pytest.raises(InvalidValue, match="versions count up from 1"):
        ModelRef("clf", 0)
    with pytest.raises(InvalidValue):
        ModelRef("a/b", 1)
