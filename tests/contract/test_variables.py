"""Environment variables of a service: there on every target, secret in whatever is written or shown."""

from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path

import pytest

from jupyter_mldeploy.errors import DeploymentFailed, InvalidValue

from .conftest import Deploy, Heard
from .target_under_test import TargetUnderTest

TELLING = """\
import os

def init():
    if os.environ.get("BROKEN"):
        raise ValueError("broken as asked")

def run(data):
    return {name: os.environ.get(name) for name in ("LEVEL", "DATABASE_URL", "EMPTY", "MLDEPLOY_ADMIN_TOKEN")}
"""
HUSH = "postgres://ann:hush-hush@db/"


def test_variables_reach_the_script_and_are_changed_one_by_one(
    deployed: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", HUSH)
    made = deployed(TELLING, env=["LEVEL=1", "DATABASE_URL", "EMPTY="])
    told = {"LEVEL": "1", "DATABASE_URL": HUSH, "EMPTY": "", "MLDEPLOY_ADMIN_TOKEN": None}
    assert made.run({}) == told
    same = deployed(env={"LEVEL": "1", "DATABASE_URL": HUSH, "EMPTY": ""})
    assert same.outcome is not None
    assert same.outcome.change.kind == "unchanged"
    made.update(env={"LEVEL": "2", "EMPTY": None})
    assert made.outcome is not None
    assert str(made.outcome.change) == "updated (variables EMPTY, LEVEL changed)"
    assert made.run({}) == {**told, "LEVEL": "2", "EMPTY": None}
    made.stop()
    made.start()
    assert made.run({})["LEVEL"] == "2"


def test_a_failed_update_keeps_the_values_of_the_old_version(deployed: Deploy) -> None:
    made = deployed(TELLING, env={"LEVEL": "1"})
    with pytest.raises(DeploymentFailed):
        made.update(env={"LEVEL": "2", "BROKEN": "yes"})
    assert made.run({})["LEVEL"] == "1"
    made.stop()
    made.start()
    assert made.run({})["LEVEL"] == "1"


def test_a_value_is_in_no_record_and_in_no_event(
    deployed: Deploy, target: TargetUnderTest, home: Path, heard: Heard
) -> None:
    made = deployed(TELLING, env={"DATABASE_URL": HUSH}, sink=heard)
    assert made.run({})["DATABASE_URL"] == HUSH
    assert HUSH not in repr(heard.events) + repr(made.spec) + repr(made.status())
    kept = [path for path in home.rglob("*") if path.is_file() and HUSH.encode() in path.read_bytes()]
    assert all(path.stat().st_mode & 0o077 == 0 for path in kept), kept
    assert "service.json" not in {path.name for path in kept}


def test_the_servers_own_variables_are_refused(deployed: Deploy, home: Path) -> None:
    with pytest.raises(InvalidValue, match="scoring server's own"):
        deployed(TELLING, env={"MLDEPLOY_ADMIN_TOKEN": "mine"})
    assert not list(home.glob("services/*"))


def status_of(address: str, key: str = "") -> int:
    """HTTP status of a request as somebody outside sends it."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    request = urllib.request.Request(address, b"{}", {"Content-Type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_keys_are_asked_for_and_changed(deployed: Deploy, target: TargetUnderTest, home: Path) -> None:
    made = deployed(TELLING, keys=["first-key-of-two", "second-key-of-two"])
    address = target.address(made)
    assert status_of(address) == status_of(address, "wrong-key") == 401
    assert status_of(address, "first-key-of-two") == status_of(address, "second-key-of-two") == 200
    assert made.run({})["LEVEL"] is None  # whoever deployed it needs none
    assert "key-of-two" not in repr(made.spec) + (home / "services" / "adder" / "service.json").read_text()
    with pytest.raises(DeploymentFailed):
        made.update(keys=["another-key"], env={"BROKEN": "yes"})
    assert status_of(target.address(made), "first-key-of-two") == 200
    made.update(keys=["third-key"])
    assert made.outcome is not None
    assert str(made.outcome.change) == "updated (scoring keys changed)"
    address = target.address(made)
    target.await_handover(made)
    assert (status_of(address, "first-key-of-two"), status_of(address, "third-key")) == (401, 200)
    made.update(keys=[])
    target.await_handover(made)
    assert status_of(target.address(made)) == 200
