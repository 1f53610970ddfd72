"""Fixtures of the tests on a real cluster: those of the contract suite, with one target."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from jupyter_mldeploy import services
from jupyter_mldeploy.config import MLDeploy

from ..contract.conftest import deployed, gate, heard, home, in_thread, script
from ..infra.cluster import TestCluster, namespace, the_cluster
from .under_test import KubernetesUnderTest

__all__ = ["deployed", "gate", "heard", "home", "in_thread", "script"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent) and "target" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.cluster)
            item.add_marker(pytest.mark.timeout(180))


@pytest.fixture
def cluster() -> TestCluster:
    return the_cluster()


@pytest.fixture
def target(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KubernetesUnderTest]:
    """The target. Afterwards every service is deleted, and nothing of any may be left."""
    under_test = KubernetesUnderTest(home)
    for name, value in under_test.environ.items():
        monkeypatch.setenv(name, value)
    MLDeploy.clear_instance()
    yield under_test
    under_test.hasten()
    for service in services():
        service.delete()
    assert under_test.leftovers() == []


class Namespaces:
    """Makes namespaces, and lets the target deploy there."""

    def __init__(self, target: KubernetesUnderTest, patch: pytest.MonkeyPatch) -> None:
        self._target = target
        self._patch = patch
        self._made = ExitStack()

    def use(self, **labels: str) -> str:
        """A new namespace, which services go to from now on."""
        name = self._made.enter_context(namespace(the_cluster(), **labels))
        self.back(name)
        return name

    def back(self, name: str) -> None:
        """A namespace that there is, which services go to from now on."""
        self._target.namespace = name
        self._target.cluster = the_cluster().connect(name)
        self._patch.setenv("MLDEPLOY_NAMESPACE", name)
        MLDeploy.clear_instance()

    def close(self) -> None:
        self._made.close()


@pytest.fixture
def namespaces(target: KubernetesUnderTest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Namespaces]:
    made = Namespaces(target, monkeypatch)
    yield made
    target.hasten()
    for service in services():
        service.delete()
    made.close()
