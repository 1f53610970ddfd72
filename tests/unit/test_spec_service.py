"""Scripts, targets and the specification of a service."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from jupyter_mldeploy.errors import InvalidValue, NotFound
from jupyter_mldeploy.spec import Environment, InferenceConfig, ModelRef, Script, ServiceSpec, Target, TargetKind


def spec(**values: object) -> ServiceSpec:
    given: dict[str, object] = {"name": "iris", "inference": InferenceConfig(Script("x = 1\n")), **values}
    return ServiceSpec(**given)  # type: ignore[arg-type]


def test_the_least_that_is_wanted() -> None:
    made = spec()
    assert made.target.kind is TargetKind.LOCAL
    assert made.inference.environment.current
    assert made.scoring_timeout == 60
    with pytest.raises(FrozenInstanceError):
        made.name = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"name": "Iris"}, "name='Iris' is not valid"),
        ({"port": 0}, "port=0"),
        ({"port": 65536}, "from 1 to 65535"),
        ({"models": (ModelRef("a", 1), ModelRef("a", 2))}, "one version of a model"),
        ({"scoring_timeout": 0}, "scoring_timeout"),
        ({"max_request_wait": -1}, "max_request_wait"),
        ({"init_timeout": float("nan")}, "init_timeout"),
        ({"sample": '{"data": [1,]}'}, "it is not JSON: .* at line 1, column"),
        ({"target": Target(TargetKind.CONTAINER)}, "the container target cannot use the kernel's own Python"),
        ({"target": Target(TargetKind.KUBERNETES)}, "the kubernetes target cannot"),
    ],
)
def test_what_cannot_be(values: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidValue, match=words):
        spec(**values)


def test_what_can_be() -> None:
    inference = InferenceConfig(Script("x = 1\n"), None, Environment.from_requirements(["six"]))
    made = spec(target=Target(TargetKind.CONTAINER), inference=inference, sample='{"data": [[1]]}', port=5001)
    assert str(made.target) == "container"


def test_targets() -> None:
    assert Target.parse("kubernetes", namespace="ml").namespace == "ml"
    with pytest.raises(InvalidValue, match="choose one of local, container, kubernetes"):
        Target.parse("docker")
    with pytest.raises(InvalidValue, match="has no namespaces"):
        Target.parse("local", namespace="ml")


@pytest.mark.parametrize("name", ["score.txt", "../score.py", "a/b.py", ".py", "-m.py", "my score.py", ""])
def test_names_that_no_script_can_have(name: str) -> None:
    with pytest.raises(InvalidValue, match="name a Python file of letters"):
        Script("", name)


@pytest.mark.parametrize("name", ["my-score.py", "score.v2.py", "2022_score.py", "class.py", "größe.py"])
def test_a_script_is_run_not_imported_so_it_need_not_be_a_module(name: str) -> None:
    assert Script("", name).file_name == name


def test_a_script_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "score.py"
    path.write_bytes("\ufeffname = 'ü'\n".encode())
    script = Script.from_file(path)
    assert script.text == "name = 'ü'\n"
    assert (script.file_name, script.path) == ("score.py", str(path.resolve()))
    assert script.hash == Script("name = 'ü'\n").hash
    with pytest.raises(NotFound, match="There is no scoring script"):
        Script.from_file(tmp_path / "gone.py")
    with pytest.raises(NotFound):
        Script.from_file(tmp_path)
    (tmp_path / "latin.py").write_bytes(b"# caf\xe9\n")
    with pytest.raises(InvalidValue, match="not UTF-8 text"):
        Script.from_file(tmp_path / "latin.py")


def test_a_script_that_may_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 250 + ".py" * 5)
    with pytest.raises((NotFound, InvalidValue)):
        Script.from_file(path)


def test_a_script_with_half_a_character() -> None:
    with pytest.raises(InvalidValue, match="line 1 holds half a character"):
        Script("x = '\ud800'\n")
