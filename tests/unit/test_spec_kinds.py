"""Values of the wrong kind: one sentence that names the field, the value and what it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest

from jupyter_mldeploy import Autoscale, Environment, InferenceConfig, Resources, ServiceSpec, Target
from jupyter_mldeploy.asked import Asked
from jupyter_mldeploy.errors import InvalidValue
from jupyter_mldeploy.spec import ModelRef, Placement, Script, TargetKind, keys_marked, read_variables
from jupyter_mldeploy.targets.base import LogQuery

SCRIPT = Script("def init(): pass\ndef run(data): return 1\n")


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Environment(python=3.11), "python=3.11 is not valid: it is a text."),
        (lambda: Environment(requirements="numpy"), "requirements='numpy' is not valid: it is a list of texts."),
        (lambda: Environment(requirements=[1]), "requirements=[1] is not valid: it is a list of texts."),
        (lambda: Environment(current="no"), "current='no' is not valid: it is True or False."),
        (lambda: Resources(cpu=[]), "cpu=[] is not valid: it is a number."),
        (lambda: Resources(memory={}), "memory={} is not valid: it is a whole number."),
        (lambda: Resources(gpus=True), "gpus=True is not valid: it is a whole number."),
        (lambda: Autoscale("1"), "minimum='1' is not valid: it is a whole number."),
        (lambda: Autoscale(1, 2.5), "maximum=2.5 is not valid: it is a whole number."),
        (lambda: ModelRef("clf", "1"), "version='1' is not valid: it is a whole number."),
        (lambda: Target("cluster"), "kind='cluster' is not valid: choose one of local, container, kubernetes."),
        (lambda: InferenceConfig(1), "script=1 is not valid: it is a Script."),
        (lambda: Placement(node_selector=("disk",)), "it is a list of pairs of a text and a text."),
        (lambda: ServiceSpec(name="a", inference=SCRIPT), "it is an InferenceConfig."),
        (lambda: LogQuery(lines="x"), "lines='x' is not valid: it is a whole number."),
        (lambda: LogQuery(since=-1), "since=-1 is not valid: it is a time above zero, such as 300 or 5m."),
        (lambda: LogQuery(since=float("nan")), "it is a time above zero"),
        (lambda: Target("kubernetes", namespace="A B"), "namespace='A B' is not valid: write lower-case letters"),
        (lambda: Environment(base_image="two words"), "write an image such as python:3.11-slim."),
        (lambda: Resources(memory="9" * 500), "write a size such as 512Mi"),
        (lambda: Resources(cpu="9" * 500), "write cores such as 0.5"),
        (lambda: Script.from_file("sco\0re.py"), "no file can be called so."),
        (
            lambda: ServiceSpec(name="a", inference=InferenceConfig(SCRIPT), init_timeout=float("inf")),
            "at most a year.",
        ),
        (
            lambda: Asked(models="clf"),
            "models='clf' is not valid: it is a list of texts or Models or ModelRefs or pairs",
        ),
        (lambda: Asked(node_selector={"disk": 1}), "it is a list of texts or a mapping of texts to texts."),
        (lambda: Asked(pip={"numpy": "1"}), "it is a list of texts."),
        (lambda: Asked(replicas=1.5), "replicas=1.5 is not valid: it is a whole number."),
        (lambda: Asked(environment=1), "environment=1 is not valid: it is a text or a path or an Environment."),
        (lambda: Asked.of(replica=1), "replica='…' is not valid: there is no such argument; there is replicas."),
    ],
)
def test_one_sentence(make: Callable[[], Any], sentence: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        make()
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    "read",
    [
        lambda: read_variables("TOKEN=geheim"),
        lambda: keys_marked("geheim123", {}),
        lambda: Asked.of(key=["geheim123"]),
    ],
)
def test_a_secret_is_not_part_of_the_sentence(read: Callable[[], Any]) -> None:
    with pytest.raises(InvalidValue) as refused:
        read()
    assert "geheim" not in str(refused.value)


def test_what_is_meant_is_taken(tmp_path: Path) -> None:
    made: Any = Environment(requirements=["numpy"])  # type: ignore[arg-type]
    assert made == Environment(requirements=("numpy",))
    assert hash(made)
    assert Target("kubernetes").kind is TargetKind.KUBERNETES  # type: ignore[arg-type]
    assert Resources(cpu="500m", memory="1Gi") == Resources(cpu=0.5, memory=1024**3)  # type: ignore[arg-type]
    assert LogQuery(since="5m").since == 300  # type: ignore[arg-type]
    assert type(Autoscale(numpy.int64(2), numpy.int64(3)).minimum) is int  # type: ignore[arg-type]
    assert type(Resources(cpu=numpy.float32(0.5)).cpu) is float  # type: ignore[arg-type]
    assert Asked(node_selector={"disk": "ssd"}).node_selector == {"disk": "ssd"}
    assert Asked(replicas=numpy.int64(2)).replicas == 2  # type: ignore[arg-type]
    file = tmp_path / "score.py"
    file.write_text(SCRIPT.text)
    assert InferenceConfig(str(file)).script.text == SCRIPT.text  # type: ignore[arg-type]


def test_what_is_gone_through_once_is_not_used_up() -> None:
    asked = Asked(tolerations=(text for text in ["gpu:NoSchedule"]))
    assert list(asked.tolerations or ()) == ["gpu:NoSchedule"]
