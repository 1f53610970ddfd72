"""An API server that goes away: after all other tests of the cluster, whose controllers come back only slowly from it.

Each service has a name of its own: for minutes after an outage a Service may still lead to the pods of a deleted one.
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_mldeploy.errors import ReloadRefused
from jupyter_mldeploy.events import Cancel, Event, Stage
from jupyter_mldeploy.targets.base import LogQuery

from ..contract.conftest import Deploy, Result
from ..contract.scripts import Gate
from ..infra.cluster import SCRIPT, TestCluster

InThread = Callable[[Callable[[], object]], Result]


class Outage:
    """The API server of the tests' own cluster, away for twenty seconds: their length is what is tested."""

    SECONDS = 20.0

    def __init__(self, cluster: TestCluster) -> None:
        if not cluster.ours:
            pytest.skip("the API server of somebody's cluster is not stopped")
        self._until = 0.0

    def begin(self) -> None:
        subprocess.run([SCRIPT, "kill", "apiserver"], check=True, capture_output=True)
        self._until = time.monotonic() + self.SECONDS

    def end(self) -> None:
        threading.Event().wait(max(0.0, self._until - time.monotonic()))
        subprocess.run([SCRIPT, "start", "apiserver"], check=True, capture_output=True, stdin=subprocess.DEVNULL)


@pytest.fixture
def outage(cluster: TestCluster) -> Any:
    made = Outage(cluster)
    yield made
    made.end()


@pytest.mark.timeout(420)  # controllers take their time to come back
def test_the_api_server_away_in_the_middle_of_a_deployment(deployed: Deploy, outage: Outage) -> None:
    back = threading.Thread(target=outage.end)

    def sink(event: Event) -> None:
        if (event.stage, event.kind) == (Stage.LAUNCH, "started"):
            outage.begin()
            back.start()

    made = deployed(name="away-at-launch", sink=sink, sample={"x": 1})
    back.join(120)
    assert made.run({"x": 1})["sum"] == 2


@pytest.mark.timeout(420)  # controllers take their time to come back
def test_the_api_server_away_in_the_middle_of_a_reload(
    deployed: Deploy, outage: Outage, gate: Gate, in_thread: InThread, script: Path
) -> None:
    """Nobody hears what became of it, so that it is taken back: every replica runs the old script."""
    made = deployed(name="away-at-reload")
    before = made.run({"x": 1})
    script.write_text(gate.script)
    reloading = in_thread(made.reload)
    gate.await_init()
    outage.begin()
    outage.end()
    with pytest.raises(ReloadRefused, match="did not answer"):
        reloading.get()
    assert made.run({"x": 1})["sum"] == before["sum"]  # the way back may have run init() again
    assert made.status().script == made.spec.inference.script.hash


@pytest.mark.timeout(420)  # controllers take their time to come back
def test_the_api_server_away_while_a_log_is_followed(deployed: Deploy, outage: Outage) -> None:
    made = deployed(name="away-at-logs")
    made.run({"x": 1})
    cancel = Cancel()
    lines = made.follow(LogQuery(follow=True, grep="scored"), cancel)
    assert "scored 1" in next(lines).text
    outage.begin()
    outage.end()
    assert made.run({"x": 2})["sum"] == 3
    assert "scored 2" in next(lines).text
    cancel.set()
