"""Names made of content: the same inputs give the same image, and each change makes anew only what it must."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from jupyter_mldeploy.images.entries import Entry
from jupyter_mldeploy.images.plan import plan_image
from jupyter_mldeploy.images.surroundings import Surroundings

from .conftest import Make


def references(made: object) -> dict[str, str]:
    return {part.name: part.reference for part in plan_image(made).parts}  # type: ignore[arg-type]


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {name for name in after if before.get(name) != after[name]}


def test_the_same_inputs_give_the_same_tags(inputs: Make) -> None:
    assert references(inputs()) == references(inputs())
    assert set(references(inputs())) == {"environment", "models", "script"}


def test_an_edited_script_makes_only_the_last_part_anew(inputs: Make) -> None:
    before = inputs()
    app = (*before.app[:-1], Entry("app/score.py", b"def init(): pass\ndef run(data): return 2\n"))
    assert changed(references(before), references(replace(before, app=app, script="ef" * 32))) == {"script"}


def test_another_model_keeps_the_environment(inputs: Make, tmp_path: Path) -> None:
    other = {"clf:3": (Entry("models/clf/3/model.txt", source=tmp_path / "model.txt", digest="12" * 32),)}
    assert changed(references(inputs()), references(inputs(models=other))) == {"models", "script"}


def test_another_requirement_makes_all_anew(inputs: Make) -> None:
    after = references(inputs(requirements=("six==1.16.0",)))
    assert changed(references(inputs()), after) == {"environment", "models", "script"}


def test_a_service_without_models_has_two_parts(inputs: Make) -> None:
    made = inputs(models={}, model_dir=None)
    plan = plan_image(made)
    assert [part.name for part in plan.parts] == ["environment", "script"]
    assert "AZUREML_MODEL_DIR" not in plan.dockerfile
    assert "COPY models/" not in plan.dockerfile


def test_another_service_shares_environment_and_models(inputs: Make) -> None:
    assert changed(references(inputs()), references(inputs(service="other"))) == {"script"}


@pytest.mark.parametrize(
    "around",
    [Surroundings(proxies={"HTTP_PROXY": "http://proxy:1"}), Surroundings(network="host")],
    ids=["proxy", "network"],
)
def test_how_packages_are_fetched_does_not_rename_what_they_make(inputs: Make, around: Surroundings) -> None:
    assert references(inputs(surroundings=around)) == references(inputs())


def test_the_name_of_a_registry_is_the_images_first_word(inputs: Make) -> None:
    plan = plan_image(inputs(), "registry.example/team/iris")
    assert plan.reference.startswith("registry.example/team/iris:")
    assert plan.reference.rpartition(":")[2] == plan_image(inputs()).reference.rpartition(":")[2]


def test_labels_say_what_it_was_made_from(inputs: Make) -> None:
    labels = plan_image(inputs()).labels
    assert labels["org.opencontainers.image.title"] == "iris"
    assert labels["org.opencontainers.image.base.name"] == "python:3.11-slim"
    assert labels["mldeploy.models"] == "clf:2"
    assert labels["mldeploy.script"] == "cd" * 32
    assert labels["mldeploy.environment"] == inputs().environment.hash


def test_each_part_stands_on_the_one_before(inputs: Make) -> None:
    first, second, third = plan_image(inputs()).parts
    assert second.dockerfile.startswith(f"FROM {first.reference} ")
    assert third.dockerfile.startswith(f"FROM {second.reference}\n")
