"""Settings: what IPython's command line says has no type until they are read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from traitlets.config import Config
from traitlets.config.loader import DeferredConfigString

from jupyter_mldeploy.config import MLDeploy, configure
from jupyter_mldeploy.errors import InvalidValue


@pytest.fixture(autouse=True)
def nobody_elses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path))
    MLDeploy.clear_instance()
    yield
    MLDeploy.clear_instance()


def said(name: str, value: str) -> Config:
    config = Config()
    config.MLDeploy[name] = DeferredConfigString(value)
    return config


def test_values_of_a_command_line_become_what_the_setting_is() -> None:
    assert configure(said("scoring_timeout", "30")).scoring_timeout == 30
    MLDeploy.clear_instance()
    assert type(configure(said("namespace", "team")).namespace) is str


def test_values_that_no_setting_can_have_are_refused_and_nothing_is_kept() -> None:
    with pytest.raises(
        InvalidValue, match=r"c\.MLDeploy\.scoring_timeout='soon' is not valid: it is a float\. It is set in IP"
    ):
        configure(said("scoring_timeout", "soon"))
    assert not MLDeploy.initialized()


def test_docker_and_clusters_have_their_own_context(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLDEPLOY_CONTEXT", "one")
    assert [configure().context_of(target) for target in ("container", "kubernetes")] == ["one", "one"]
    MLDeploy.clear_instance()
    monkeypatch.setenv("MLDEPLOY_KUBE_CONTEXT", "far")
    found = configure(said("docker_context", "desk"))
    assert [found.context_of(target) for target in ("container", "kubernetes")] == ["desk", "far"]
    # A cluster's context is none of Docker's.
    MLDeploy.clear_instance()
    assert configure().context_of("container") is None
