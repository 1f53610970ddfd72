"""Images that are deleted while they are made, and what a builder that was killed leaves."""

from __future__ import annotations

import os
from typing import Any

import pytest

from jupyter_mldeploy.azureml.core import Image, Workspace
from jupyter_mldeploy.azureml.core.image import ContainerImage
from jupyter_mldeploy.azureml.exceptions import WebserviceException

pytestmark = [pytest.mark.timeout(300), pytest.mark.filterwarnings("ignore")]


@pytest.fixture
def ws(project: Any) -> Workspace:
    (project / "plain.py").write_text("def init():\n    pass\n\ndef run(data):\n    return data\n")
    return Workspace.from_config()


def entry(**changes: Any) -> dict[str, Any]:
    """As a workspace keeps one."""
    told = {"state": "Succeeded", "location": "none:1", "log": "file:///l", "dockerfile": "file:///d", "models": []}
    return {**told, "created": "2026-01-01T00:00:00+00:00", "inference": {}, **changes}


@pytest.mark.engine
def test_an_image_that_is_deleted_while_it_is_made_is_gone(ws: Workspace, engine: Any) -> None:
    config = ContainerImage.image_configuration("plain.py", "python")
    image = Image.create(ws, "race", [], config)
    image.delete()
    assert (ws.images, ws.book.section("images")) == ({}, {})
    for call in (image.wait_for_creation, image.update_creation_state, lambda: image.add_tags({"a": "b"})):
        with pytest.raises(WebserviceException, match="ImageNotFound: Image with name race and version 1"):
            call()
    assert engine.api.images("mldeploy/race") == []
    image.delete()
    again = Image.create(ws, "race", [], config)
    again.wait_for_creation()
    assert [each.id for each in Image.list(ws)] == ["race:1"]
    again.delete()
    assert engine.api.images("mldeploy/race") == []


def test_halves_of_entries_are_none(ws: Workspace) -> None:
    with ws.book.change() as content:
        content["images"] = {"half": {"1": {"state": "Succeeded"}}, "whole": {"1": {"tags": {}}, "2": entry()}, "x": 5}
    assert list(ws.images) == ["whole"]
    assert [each.id for each in Image.list(ws)] == ["whole:2"]
    with pytest.raises(WebserviceException, match="it has whole"):
        Image(ws, "half")


def test_an_image_whose_builder_was_killed_has_failed(ws: Workspace) -> None:
    with ws.book.change() as content:
        content["images"] = {"dead": {"1": entry(state="Running", builder=[os.getpid(), 1.0])}}
    image = ws.images["dead"]
    assert image.creation_state == "Failed"
    with pytest.raises(WebserviceException, match="the process that built it has ended"):
        image.wait_for_creation()
