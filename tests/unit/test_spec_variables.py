"""Environment variables and what only a cluster has, as people write them."""

from __future__ import annotations

import pytest

from jupyter_mldeploy.errors import InvalidValue
from jupyter_mldeploy.spec import (
    InferenceConfig,
    Placement,
    Script,
    ServiceSpec,
    Target,
    TargetKind,
    Toleration,
    Variable,
    keys_marked,
    keys_name,
    marked,
    read_labels,
    read_variables,
    values_of,
)

INFERENCE = InferenceConfig(Script("def init(): ...\ndef run(data): ...\n"))


def test_a_variable_is_named_with_its_value_or_taken_from_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEVEL", "from here")
    assert read_variables(["A=1=2", "EMPTY=", "LEVEL"]) == {"A": "1=2", "EMPTY": "", "LEVEL": "from here"}
    assert read_variables({"A": "1", "GONE": None}) == {"A": "1", "GONE": None}


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ("MLDEPLOY_ADMIN_TOKEN=hush", "scoring server's own"),
        ("AZUREML_MODEL_DIR=hush", "scoring server's own"),
        ("HOME=hush", "scoring server's own"),
        ("2A=hush", "begins with no digit"),
        ("A-B=hush", "letters, digits and '_'"),
        ("=hush", "letters, digits and '_'"),
        ("A=hush\0hush", "zero bytes"),
        ("NEVER_SET_ANYWHERE", "not set here"),
    ],
)
def test_what_cannot_be_a_variable_is_said_without_its_value(wish: str, said: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        read_variables([wish])
    assert said in str(caught.value)
    assert "hush" not in str(caught.value)


def test_a_mark_changes_with_the_value_and_only_then() -> None:
    variables, values = marked({"A": "1", "B": "2"}, (), {})
    assert [variable.name for variable in variables] == ["A", "B"]
    assert values_of(variables, values) == {"A": "1", "B": "2"}
    assert marked({"A": "1", "B": "2"}, (), values)[0] == variables
    other, new = marked({"A": "3"}, variables, values)
    assert other[1] == variables[1]
    assert other[0].mark != variables[0].mark
    assert values_of(other, {**values, **new}) == {"A": "3", "B": "2"}
    assert [variable.name for variable in marked({"A": None}, variables, values)[0]] == ["B"]


def test_a_value_that_is_lost_is_asked_for_again() -> None:
    with pytest.raises(InvalidValue, match="--env A="):
        values_of([Variable("A", "1234")], {"admin_token": "x"})


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("gpu=yes:NoSchedule", Toleration("gpu", "yes", "NoSchedule")),
        ("gpu:NoExecute", Toleration("gpu", None, "NoExecute")),
        ("example.org/gpu=yes", Toleration("example.org/gpu", "yes", "")),
        ("gpu", Toleration("gpu")),
    ],
)
def test_tolerations_as_kubectl_taint_writes_them(text: str, wanted: Toleration) -> None:
    assert Toleration.parse(text) == wanted
    assert str(wanted) == text


@pytest.mark.parametrize("text", ["gpu=yes:Never", "=yes:NoSchedule", "", "g pu=yes", "gpu=y es"])
def test_what_is_no_toleration(text: str) -> None:
    with pytest.raises(InvalidValue, match="toleration"):
        Toleration.parse(text)


def test_labels_of_nodes() -> None:
    assert read_labels(["b=2", "a=1"]) == read_labels({"a": "1", "b": "2"}) == (("a", "1"), ("b", "2"))
    with pytest.raises(InvalidValue, match="KEY=VALUE"):
        read_labels(["disktype"])
    with pytest.raises(InvalidValue, match="no label"):
        Placement(node_selector=read_labels(["a b=1"]))


@pytest.mark.parametrize("host", ["http://iris.example.org", "iris_1", "-iris", "a." + "b" * 64, ""])
def test_what_is_no_host(host: str) -> None:
    with pytest.raises(InvalidValue, match="ingress"):
        Placement(ingress=host)


def test_what_is_no_name_of_a_secret() -> None:
    with pytest.raises(InvalidValue, match="pull_secret"):
        Placement(pull_secrets=("My Secret",))


@pytest.mark.parametrize("kind", [TargetKind.LOCAL, TargetKind.CONTAINER])
@pytest.mark.parametrize(
    ("placement", "option"),
    [
        (Placement(node_selector=(("a", "b"),)), "--node-selector"),
        (Placement(tolerations=(Toleration("gpu"),)), "--toleration"),
        (Placement(pull_secrets=("registry",)), "--pull-secret"),
        (Placement(ingress="iris.example.org"), "--ingress"),
        (Placement(load_balancer=True), "--load-balancer"),
    ],
)
def test_what_only_a_cluster_has_is_refused_elsewhere(kind: TargetKind, placement: Placement, option: str) -> None:
    from jupyter_mldeploy.spec import Environment

    inference = InferenceConfig(INFERENCE.script, environment=Environment())
    with pytest.raises(InvalidValue, match=f"{option} is for a cluster"):
        ServiceSpec(name="iris", inference=inference, target=Target(kind), placement=placement)


def test_keys_have_a_mark_that_says_nothing_of_them() -> None:
    mark, kept = keys_marked(["first-key", "second-key", "first-key"], {})
    assert kept == {keys_name(mark): "first-key,second-key"}
    assert keys_marked(["first-key", "second-key"], kept) == (mark, kept)
    assert keys_marked(["third-key"], kept)[0] not in {"", mark}
    assert keys_marked([], kept) == ("", {})


@pytest.mark.parametrize("key", ["short", "with,comma", "with space", "ümlaut-key", "x" * 257])
def test_what_is_no_key_is_said_without_it(key: str) -> None:
    with pytest.raises(InvalidValue, match="8 to 256") as caught:
        keys_marked([key], {})
    assert key not in str(caught.value)
