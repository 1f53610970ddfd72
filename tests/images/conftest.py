"""What an image is made of, without an engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_mldeploy.images.entries import Entry
from jupyter_mldeploy.images.inputs import ImageInputs
from jupyter_mldeploy.spec import Environment

Make = Callable[..., ImageInputs]


@pytest.fixture
def inputs(tmp_path: Path) -> Make:
    """Inputs of a service with a model and a requirement; what is named is different."""
    model = tmp_path / "model.txt"
    model.write_text("a model")

    def make(**changes: Any) -> ImageInputs:
        made: dict[str, Any] = {
            "service": "iris",
            "environment": Environment(name="iris", python="3.11", requirements=("six==1.17.0",)),
            "requirements": ("six==1.17.0",),
            "runtime": (Entry("runtime/launch.py", b"print('the server')\n"),),
            "models": {"clf:2": (Entry("models/clf/2/model.txt", source=model, digest="ab" * 32),)},
            "app": (
                Entry("app/.mldeploy/service.json", b"{}"),
                Entry("app/azureml-models", link="/var/azureml-models"),
                Entry("app/score.py", b"def init(): pass\ndef run(data): return 1\n"),
            ),
            "model_dir": "azureml-models/clf/2",
            "script": "cd" * 32,
        }
        return ImageInputs(**{**made, **changes})

    return make
