"""From a script to a service that answers, its changes, and its end."""

from __future__ import annotations

import shutil
import threading
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_mldeploy import Environment, Service, delete_model, register_model, service, services
from jupyter_mldeploy.errors import DeploymentFailed, NotFound, ReloadRefused, ScoringFailed

from .conftest import Deploy, Heard, Result
from .scripts import ADDING, READS_MODEL, edited
from .target_under_test import TargetUnderTest

ONE_STAGE_EACH = ["register finished", "build finished", "launch finished", "init finished", "ready finished"]


def started(service: Service) -> str:
    """Which run of init() the service answers from."""
    return str(service.run({"x": 1})["started"])


def test_a_deployed_script_answers_over_http_and_from_python(
    target: TargetUnderTest, deployed: Deploy, heard: Heard
) -> None:
    made = deployed(sample={"x": 41}, sink=heard)
    assert made.state == "running"
    assert made.run({"x": 4})["sum"] == 5
    assert made.run('{"x": 5}')["sum"] == 6
    with urllib.request.urlopen(target.address(made), b'{"x": 6}', timeout=10) as answer:
        assert b'"sum": 7' in answer.read().replace(b'":7', b'": 7')
    assert made.outcome is not None
    assert made.outcome.change.kind == "created"
    assert '"sum"' in made.outcome.answer
    assert [line for line in heard.ended if "push" not in line and "schedule" not in line] == ONE_STAGE_EACH


def test_the_receipt_names_the_script_that_runs(deployed: Deploy) -> None:
    made = deployed()
    wanted = made.spec.inference.script.hash
    status = made.status()
    assert status.script == wanted
    assert [replica.script for replica in status.replicas] == [wanted]


def test_deploying_the_same_again_does_nothing(deployed: Deploy) -> None:
    first = started(deployed(sample={"x": 1}))
    again = deployed(sample={"x": 1})
    assert again.outcome is not None
    assert again.outcome.change.kind == "unchanged"
    assert started(again) == first


def test_an_edit_of_run_is_taken_in_place_and_init_is_kept(deployed: Deploy, script: Path) -> None:
    made = deployed()
    first, uri = started(made), made.scoring_uri
    script.write_text(edited(ADDING, 'given["x"] + 1', 'given["x"] + 100'))
    assert made.edited
    receipt = made.reload()
    assert made.run({"x": 1}) == {"sum": 101, "started": first}
    assert receipt.mode == "in-place"
    assert receipt.script == made.status().script == made.spec.inference.script.hash
    assert receipt.replicas
    assert made.scoring_uri == uri
    assert not made.edited


def test_deploying_an_edited_script_reloads_it_and_says_why(deployed: Deploy) -> None:
    first = started(deployed())
    again = deployed(edited(ADDING, 'given["x"] + 1', 'given["x"] + 100'))
    assert again.outcome is not None
    assert str(again.outcome.change) == "reloaded (script changed)"
    assert again.run({"x": 1}) == {"sum": 101, "started": first}


def test_an_edit_of_init_runs_it_again(deployed: Deploy, script: Path) -> None:
    made = deployed()
    first = started(made)
    script.write_text(edited(ADDING, "urandom(8)", "urandom(6)"))
    receipt = made.reload()
    assert receipt.mode == "new-workers"
    assert started(made) != first
    assert len(started(made)) == 12


def test_reloading_what_has_not_changed_says_so(deployed: Deploy) -> None:
    made = deployed()
    first = started(made)
    receipt = made.reload()
    assert receipt.mode == "unchanged"
    assert receipt.script == made.status().script
    assert started(made) == first


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('    print("init ran")', '    raise RuntimeError("no such luck")', "no such luck"),
        ("import json, os, sys", "import json, os, sys, not_a_module_of_anybody", "not_a_module_of_anybody"),
    ],
    ids=["init raises", "import fails"],
)
def test_a_script_that_cannot_start_is_refused_and_the_old_one_serves(
    deployed: Deploy, script: Path, old: str, new: str, said: str
) -> None:
    made = deployed()
    first, before = started(made), made.spec.inference.script.hash
    script.write_text(edited(ADDING, old, new))
    with pytest.raises((ReloadRefused, ValueError), match=said):
        made.reload()
    assert made.run({"x": 1}) == {"sum": 2, "started": first}
    assert made.spec.inference.script.hash == before == made.status().script
    assert made.status().ready == 1


def test_a_refused_reload_carries_a_diagnosis(deployed: Deploy, script: Path) -> None:
    made = deployed()
    script.write_text(edited(ADDING, '    print("init ran")', '    raise RuntimeError("no such luck")'))
    with pytest.raises(ReloadRefused) as refused:
        made.reload()
    assert refused.value.diagnosis is not None
    assert refused.value.diagnosis.cause
    assert any("no such luck" in line.shown for line in refused.value.diagnosis.proof)
    assert refused.value.evidence is not None
    assert "no such luck" in refused.value.evidence.script, "what failed is the new script, not the one that serves"


def test_a_reload_whose_sample_fails_is_refused(deployed: Deploy, script: Path) -> None:
    made = deployed(sample={"x": 1})
    first = started(made)
    script.write_text(edited(ADDING, 'given["x"] + 1', 'given["y"] + 1'))
    with pytest.raises(DeploymentFailed):
        made.reload()
    assert made.run({"x": 1}) == {"sum": 2, "started": first}


def test_another_model_version_is_taken_without_another_address(deployed: Deploy, tmp_path: Path) -> None:
    register_model("words", _words(tmp_path, "one"))
    made = deployed(READS_MODEL, models=["words"])
    uri = made.scoring_uri
    assert made.run("{}") == "one"
    register_model("words", _words(tmp_path, "two"))
    assert made.run("{}") == "one"
    made.update(models=["words"])
    assert made.outcome is not None
    assert "models words:1 → words:2" in str(made.outcome.change)
    assert made.run("{}") == "two"
    assert made.scoring_uri == uri
    made.update(models=["words:1"])
    assert made.run("{}") == "one"


def _words(folder: Path, text: str) -> Path:
    path = folder / "words.txt"
    path.write_text(text)
    return path


def test_another_environment_is_made_and_used(target: TargetUnderTest, deployed: Deploy) -> None:
    if target.name != "local":
        pytest.skip("an image has one environment, always at the same place")
    where = 'import sys\ndef init(): pass\ndef run(data): return {"prefix": sys.prefix, "base": sys.base_prefix}\n'
    made = deployed(where)
    before, uri = made.run("{}")["prefix"], made.scoring_uri
    made.update(environment=Environment(name="empty", python=None, requirements=()))
    after = made.run("{}")
    assert after["prefix"] != before
    assert after["prefix"] != after["base"]
    assert made.scoring_uri == uri
    made.update(environment="current")
    assert made.run("{}")["prefix"] == before


def test_another_port_is_taken(deployed: Deploy, free_port: int) -> None:
    made = deployed()
    made.update(port=free_port)
    assert f":{free_port}/" in made.scoring_uri
    assert made.run({"x": 1})["sum"] == 2


def test_replicas_follow_what_is_asked(deployed: Deploy) -> None:
    made = deployed(replicas=2)
    assert made.status().ready == 2
    made.scale(1)
    assert _settled(made, 1)
    made.scale(3)
    assert made.outcome is not None
    assert made.outcome.change.kind == "scaled"
    assert made.status().ready == 3, "it returns when they are there"
    assert _settled(made, 3)
    assert made.run({"x": 1})["sum"] == 2


def _settled(made: Service, replicas: int) -> bool:
    """Watch until so many replicas are there and ready."""
    return any(status.ready == replicas == len(status.replicas) for status in made.watch())


def test_a_stopped_service_is_kept_and_starts_again(deployed: Deploy, target: TargetUnderTest) -> None:
    made = deployed(sample={"x": 1})
    made.stop()
    assert made.state == "stopped"
    assert made.scoring_uri == ""
    assert target.leftovers() == []
    assert [known.name for known in services()] == ["adder"]
    with pytest.raises(
        ScoringFailed, match=r"The service 'adder' is stopped\. It was stopped|'adder' is stopped"
    ) as refused:
        made.run({"x": 1})
    assert "mldeploy start adder" in refused.value.hint
    made.start()
    assert made.state == "running"
    assert made.run({"x": 1})["sum"] == 2


def test_a_deleted_service_leaves_nothing(deployed: Deploy, target: TargetUnderTest, home: Path) -> None:
    deployed().delete()
    assert target.leftovers() == []
    assert services() == []
    assert list((home / "services").iterdir()) == []
    with pytest.raises(NotFound, match="There is no service 'adder'"):
        service("adder")


def test_files_of_the_source_directory_go_along(deployed: Deploy, tmp_path: Path) -> None:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "beside.py").write_text("NUMBER = 7\n")
    reads = "import beside\ndef init(): pass\ndef run(data): return beside.NUMBER\n"
    made = deployed(reads, source_directory=folder)
    assert made.run("{}") == 7
    (folder / "beside.py").write_text("NUMBER = 8\n")
    made.reload()
    assert made.run("{}") == 8


def test_edited_files_are_shown_and_wait_for_a_reload(deployed: Deploy, tmp_path: Path) -> None:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "beside.py").write_text("NUMBER = 7\n")
    made = deployed("import beside\ndef init(): pass\ndef run(data): return beside.NUMBER\n", source_directory=folder)
    assert not made.edited
    (folder / "beside.py").write_text("NUMBER = 8\n")
    assert made.edited
    made.scale(2)
    assert (made.edited, made.run("{}")) == (True, 7)
    made.reload()
    assert (made.edited, made.run("{}")) == (False, 8)
    shutil.rmtree(folder)
    assert made.edited
    made.scale(1)
    assert made.run("{}") == 8


def test_a_service_outlives_its_model_in_the_registry(deployed: Deploy, tmp_path: Path, script: Path) -> None:
    register_model("words", _words(tmp_path, "one"))
    made = deployed(READS_MODEL, models=["words"])
    delete_model("words", force=True)
    made.scale(2)
    script.write_text(edited(READS_MODEL, "text = file.read()", "text = file.read() + '!'"))
    assert made.reload().mode == "new-workers", "init() reads it again"
    assert made.run("{}") == "one!"
    made.stop()
    with pytest.raises(NotFound, match="'adder' has the model words:1, which was deleted") as refused:
        made.start()
    assert "mldeploy update adder --model words" in refused.value.hint
    assert made.state == "stopped"
    register_model("words", _words(tmp_path, "two"))
    made.update(models=["words"])
    assert made.run("{}") == "two!"


def test_a_request_that_fails_names_the_line_of_the_script(deployed: Deploy) -> None:
    made = deployed()
    with pytest.raises(ScoringFailed) as failed:
        made.run({"fail": True})
    assert failed.value.evidence is not None
    assert failed.value.evidence.failure["source"] == 'raise ValueError("run was told to fail")'
    assert made.diagnose().cause == "run-exception", "it was the last request"
    made.run({"x": 1})
    assert made.diagnose().cause == ""
    with pytest.raises(DeploymentFailed, match="run was told to fail") as refused:
        made.update(sample={"fail": True})
    assert refused.value.evidence is not None
    assert refused.value.evidence.failure["line"] == failed.value.evidence.failure["line"]


def test_a_change_that_was_refused_is_what_is_wrong_until_a_request_or_another_change(
    deployed: Deploy, script: Path
) -> None:
    made = deployed()
    with pytest.raises(ScoringFailed):
        made.run({"fail": True})
    good = script.read_text()
    script.write_text("def init():\n    raise ValueError('not today')\n\ndef run(data):\n    return 1\n")
    with pytest.raises(ReloadRefused):
        made.reload()
    told = made.diagnose()
    assert told.cause == "crashloop-init-exception"
    assert "line 2" in told.where
    assert told.what.startswith("The version that serves is whole; this is why its last change was refused.")
    with pytest.raises(ScoringFailed):
        made.run({"fail": True})
    assert made.diagnose().cause == "run-exception"
    script.write_text(f"{good}\n# mended\n")
    made.reload()
    made.run({"x": 1})
    assert made.diagnose().cause == ""


def test_other_time_limits_cost_no_request(
    target: TargetUnderTest, deployed: Deploy, in_thread: Callable[..., Result]
) -> None:
    if target.name != "local":
        pytest.skip("their updates under load are tested with their own measure")
    made = deployed("import time\ndef init(): pass\ndef run(data): time.sleep(float(data)); return 1\n")
    enough, answers = threading.Event(), []

    def ask() -> None:
        while not enough.is_set():
            answers.append(made.answer("0").status)

    asking = in_thread(ask)
    made.update(timeout=1)
    enough.set()
    asking.get()
    assert set(answers) == {200}
    assert str(made.outcome and made.outcome.change) == "updated (scoring time-out → 1 s)"
    assert made.answer("30").status == 504
