"""Each verb: what it prints for people, what for programs, and what it comes to."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .conftest import SCRIPT, Shell

SERVICE_KEYS = {
    "name", "target", "namespace", "state", "message", "scoring_uri", "script", "script_name", "edited", "script_gone", "models",
    "environment", "resources", "autoscale", "scoring_timeout", "replicas", "ready", "utilization", "requests", "errors",
    "recent", "limits", "failure", "revision", "created", "updated",
}  # fmt: skip
"""A program may rely on these; one that goes away is a change that breaks it."""


def test_deploy_tells_its_stages_and_where_it_answers(shell: Shell) -> None:
    done = shell(
        "deploy", "score.py", "--name", "adder", "--sample", '{"x": 41}', "--replicas", "2", "--timeout", "30s"
    )
    assert done.code == 0
    assert done.err == ""
    stages = [line.split()[0] for line in done.out.splitlines()[:-1]]
    assert stages == ["register", "build", "launch", "init", "ready"]
    assert "sample → 42" in done.out
    assert re.search(
        r"^adder · local · ready in \d+\.\d s · created · http://127\.0\.0\.1:\d+/score$", done.out, re.MULTILINE
    )
    told = shell("status", "adder", "--format", "json").json
    assert told["ready"] == 2
    assert told["scoring_timeout"] == 30


def test_deploy_in_json_is_one_value(shell: Shell) -> None:
    told = shell("deploy", "score.py", "--name", "adder", "--sample", '{"x": 41}', "--format", "json").json
    assert set(told) == {"service", "change", "receipt", "answer", "stages", "seconds"}
    assert set(told["service"]) == SERVICE_KEYS
    assert told["change"] == {"kind": "created", "reasons": []}
    assert told["answer"] == "42"
    assert [stage["stage"] for stage in told["stages"]] == ["register", "build", "launch", "init", "ready"]
    assert told["service"]["scoring_uri"].startswith("http://127.0.0.1:")


def test_deploying_again_says_what_was_done_and_why(adder: Shell) -> None:
    assert " · unchanged · " in adder("deploy", "score.py", "--name", "adder").out
    (adder.folder / "score.py").write_text(SCRIPT.replace("+ 1", "+ 2"))
    assert " · reloaded (script changed) · " in adder("deploy", "score.py", "--name", "adder").out


def test_a_model_is_named_registered_and_shipped(shell: Shell) -> None:
    (shell.folder / "w.txt").write_text("one")
    reads = (
        "from azureml.core.model import Model\n"
        "def init():\n    global text\n    text = open(Model.get_model_path('words')).read()\n"
        "def run(data):\n    return text\n"
    )
    (shell.folder / "score.py").write_text(reads)
    assert shell("deploy", "score.py", "--name", "reader", "--model", "words=w.txt").code == 0
    assert shell("run", "reader", "{}").out == "one\n"
    assert shell("services", "--format", "json").json[0]["models"] == ["words:1"]


def test_services_and_status(adder: Shell) -> None:
    listed = adder("services").out.splitlines()
    assert listed[0].split() == ["name", "target", "state", "replicas", "models", "script", "address"]
    assert re.match(r"adder +local +running +1/1 +- +[0-9a-f]{7} +http://", listed[1])
    told = adder("services", "--format", "json").json
    assert [set(service) for service in told] == [SERVICE_KEYS]
    assert "adder · local · running · 1 of 1 replicas ready · http://" in adder("status", "adder").out
    (adder.folder / "score.py").write_text(SCRIPT + "\n")
    assert "edited, not reloaded: mldeploy reload adder" in adder("status", "adder").out


def test_no_services(shell: Shell) -> None:
    assert shell("services").out == "No service is deployed.\n"
    assert shell("services", "--format", "json").json == []
    assert not shell.home.exists()


def test_run_takes_text_a_file_and_standard_input(adder: Shell) -> None:
    (adder.folder / "data.json").write_text('{"x": 2}')
    assert adder("run", "adder", '{"x": 1}').out == "2\n"
    assert adder("run", "adder", "@data.json").out == "3\n"
    assert adder("run", "adder", "-", given='{"x": 3}').out == "4\n"
    told = adder("run", "adder", '{"x": 1}', "--format", "json").json
    assert (told["service"], told["answer"]) == ("adder", 2)


def test_logs(adder: Shell) -> None:
    for number in range(3):
        adder("run", "adder", f'{{"x": {number}}}')
    assert "init ran" in adder("logs", "adder").out
    assert len(adder("logs", "adder", "-n", "2").out.splitlines()) == 2
    found = adder("logs", "adder", "--grep", "SCORED", "--since", "5m")
    assert [line.rpartition(" ")[2] for line in found.out.splitlines()] == ["0", "1", "2"]
    lines = adder("logs", "adder", "--grep", "scored 1", "--format", "json").out.splitlines()
    assert len(lines) == 1
    assert '"replica": "adder/1"' in lines[0]
    assert adder("logs", "adder", "--previous").out == ""


def test_reload_says_how(adder: Shell) -> None:
    (adder.folder / "score.py").write_text(SCRIPT.replace("+ 1", "+ 2"))
    done = adder("reload", "adder")
    assert re.search(r"adder · reloaded in \d+ ms · in place, init\(\) kept · script [0-9a-f]{7}\n$", done.out)
    assert adder("run", "adder", '{"x": 1}').out == "3\n"
    (adder.folder / "other.py").write_text(SCRIPT.replace("+ 1", "+ 3"))
    told = adder("deploy", "score.py", "--name", "adder", "--format", "json").json
    assert told["change"]["kind"] == "unchanged"


def test_a_script_that_is_gone_is_said_to_be_gone(adder: Shell) -> None:
    (adder.folder / "score.py").unlink()
    said = adder("status", "adder").out
    assert "its script score.py is gone; the service goes on with the one that it took" in said
    assert "not reloaded" not in said
    assert "(file gone)" in adder("services").out
    refused = adder("reload", "adder").err
    assert refused == f"mldeploy: There is no scoring script {str(adder.folder / 'score.py')!r}.\n"


def test_update_scale_stop_start(adder: Shell) -> None:
    done = adder("update", "adder", "--memory", "400Mi", "--cpu", "500m")
    assert "updated (cpu unlimited → 0.5, memory unlimited → 400Mi)" in done.out
    told = adder("status", "adder", "--format", "json").json
    assert told["resources"] == {"cpu": 0.5, "memory": 400 * 1024**2, "gpus": 0}
    assert "scaled (replicas → 2)" in adder("scale", "adder", "--replicas", "2").out
    assert adder("stop", "adder").out.startswith("adder · stopped")
    assert adder("status", "adder", "--format", "json").json["state"] == "stopped"
    assert adder.leftovers() == []
    assert "ready in" in adder("start", "adder").out
    assert adder("run", "adder", '{"x": 1}').out == "2\n"


def test_delete_asks_and_without_a_terminal_refuses(adder: Shell) -> None:
    done = adder("delete", "adder")
    assert done.code == 1
    assert done.err == "mldeploy: --yes is missing: add --yes to delete without being asked.\n"
    assert adder("services", "--format", "json").json
    done = adder("delete", "adder", "--yes")
    assert (done.code, done.out) == (0, "adder · deleted\n")
    assert adder.leftovers() == []


def test_models(shell: Shell) -> None:
    (shell.folder / "w.txt").write_text("one")
    assert shell("models").out == "No model is registered.\n"
    done = shell("models", "register", "words", "w.txt", "--tag", "team=a", "--description", "of words")
    assert done.out == "words:1 · file · 3\n"
    assert "same content as before" in shell("models", "register", "words", "w.txt").out
    (shell.folder / "w.txt").write_text("two")
    told = shell("models", "register", "words", "w.txt", "--format", "json").json
    assert (told["version"], told["new"]) == (2, True)
    assert [model["version"] for model in shell("models", "list", "words", "--format", "json").json] == [1, 2]
    assert shell("models", "--format", "json").json[0]["tags"] == {"team": "a"}
    assert shell("models", "download", "words:1", "out").code == 0
    assert (shell.folder / "out" / "w.txt").read_text() == "one"
    again = shell("models", "download", "words:1", "out")
    assert again.code == 1
    assert "is there already" in again.err
    assert shell("models", "delete", "words:1", "--yes").out == "deleted words:1\n"
    assert shell("models", "delete", "words").code == 1
    assert shell("models", "delete", "words", "--yes").out == "deleted words:2\n"


def test_a_model_in_use_is_not_deleted(shell: Shell) -> None:
    (shell.folder / "w.txt").write_text("one")
    shell("deploy", "score.py", "--name", "adder", "--model", "words=w.txt")
    done = shell("models", "delete", "words", "--yes")
    assert done.code == 1
    assert done.err.startswith("mldeploy: The model 'words:1' is used by adder. ")
    assert shell("models", "delete", "words", "--yes", "--force").code == 0


def test_config_prints_every_setting_and_where_it_comes_from(shell: Shell) -> None:
    shell.environment |= {"MLDEPLOY_REGISTRY": "registry.example/team"}
    rows = {row["setting"]: row for row in shell("config", "--format", "json").json}
    assert rows["registry"]["value"] == "registry.example/team"
    assert rows["registry"]["from"] == rows["registry"]["variable"] == "MLDEPLOY_REGISTRY"
    assert rows["target"] | {"help": ""} == {
        "setting": "target", "value": "local", "from": "default", "variable": "MLDEPLOY_TARGET", "help": "",
    }  # fmt: skip
    assert all(row["help"] for row in rows.values())
    option = {row["setting"]: row for row in shell("config", "--home", "elsewhere", "--format", "json").json}
    assert (option["home"]["value"], option["home"]["from"]) == ("elsewhere", "--home")
    text = shell("config").out
    assert all(name in text for name in rows)


def test_the_form_may_be_said_before_the_verb(shell: Shell) -> None:
    assert shell("--format", "json", "services").json == shell("services", "--format", "json").json == []


def test_a_mistyped_variable_is_told_of(shell: Shell) -> None:
    shell.environment |= {"MLDEPLOY_REGISTY": "registry.example/team", "MLDEPLOY_OF_SOMEBODY_ELSE": "1"}
    told = shell("config").err
    assert told == "MLDEPLOY_REGISTY is no setting; did you mean MLDEPLOY_REGISTRY?\n"


def test_configuration_files_are_named(shell: Shell, tmp_path: Path) -> None:
    folder = tmp_path / "jupyter"
    folder.mkdir()
    shell.environment |= {"JUPYTER_CONFIG_DIR": str(folder)}
    file = folder / "jupyter_mldeploy_config.py"
    file.write_text("c.MLDeploy.registry = 'registry.example/team'\nc.MLDeploy.scoring_timout = 5\n")
    told = shell("config", "--format", "json")
    rows = {row["setting"]: row for row in told.json}
    assert (rows["registry"]["value"], rows["registry"]["from"]) == ("registry.example/team", str(file))
    assert told.err == f"c.MLDeploy.scoring_timout in {file} is no setting; did you mean scoring_timeout?\n"
    for value, expected in (("'x'", "it is a float."), ("-1", "it is a time in seconds above zero, at most a year.")):
        file.write_text(f"c.MLDeploy.scoring_timeout = {value}\n")
        refused = shell("services")
        assert refused.code == 1
        shown = f"c.MLDeploy.scoring_timeout={value} is not valid: {expected} It is set in {file}."
        assert refused.err == f"mldeploy: {shown}\n"


@pytest.mark.parametrize("value", ["1e400", "inf", "-1", "nan", "soon"])
def test_times_of_the_environment_are_checked(shell: Shell, value: str) -> None:
    shell.environment |= {"MLDEPLOY_MAX_REQUEST_WAIT": value}
    refused = shell("deploy", "score.py", "--name", "adder")
    assert refused.code == 1
    assert refused.err.startswith("mldeploy: MLDEPLOY_MAX_REQUEST_WAIT=")
    assert len(refused.err.splitlines()) == 1


def test_where_there_are_no_lines_it_is_said_why(shell: Shell) -> None:
    shell("deploy", "score.py", "--name", "adder")
    assert "Nothing is kept of a former life of adder" in shell("logs", "adder", "--previous").err
    assert "no such lines" in shell("logs", "adder", "--grep", "zebra").err
    refused = shell("logs", "adder", "--replica", "nine")
    assert refused.code == 1
    assert refused.err.startswith("mldeploy: The service 'adder' has no replica 'nine'. It has ")


def test_doctor_looks_at_everything_and_never_raises(shell: Shell) -> None:
    shell.environment |= {"DOCKER_HOST": "tcp://127.0.0.1:1", "KUBECONFIG": str(Path("/nonexistent"))}
    done = shell("doctor", "--format", "json")
    checks = {check["name"]: check for check in done.json["checks"]}
    assert list(checks) == ["python", "packages", "home", "local", "environments", "container", "kubernetes"]
    assert checks["local"]["ok"]
    assert not checks["container"]["ok"]
    assert "tcp://127.0.0.1:1 does not answer: Connection refused" in checks["container"]["message"]
    assert not checks["kubernetes"]["ok"]
    assert checks["container"]["hint"]
    assert done.code == 0
    text = shell("doctor").out
    assert re.search(r"^NO +container ", text, re.MULTILINE)


def test_doctor_fails_where_the_main_road_is_closed(shell: Shell) -> None:
    (shell.folder / "file").write_text("")
    done = shell("doctor", "--home", "file/home", "--format", "json")
    assert done.code == 1
    assert not done.json["ok"]


def test_diagnose_of_a_service_and_of_evidence(adder: Shell) -> None:
    assert "nothing is wrong" in adder("diagnose", "adder").out
    assert adder("diagnose", "adder", "--format", "json").json["cause"] == ""
    adder("run", "adder", '{"fail": true}')
    (adder.folder / "log.txt").write_text("ModuleNotFoundError: No module named 'sklearn'\n")
    told = adder("diagnose", "--evidence", "log.txt", "--format", "json")
    assert told.code == 0
    assert told.json["cause"]
    assert len(adder("diagnose", "--list").out.splitlines()) > 20


def test_serve_is_the_scoring_servers_own_program(shell: Shell) -> None:
    done = shell("serve", "--help")
    assert done.code == 0
    assert "--entry_script" in done.out
    assert shell("serve").code == 1


def test_compare_says_where_two_services_differ(shell: Shell) -> None:
    shell("deploy", "score.py", "--name", "adder", "--sample", '{"x": 41}')
    (shell.folder / "other.py").write_text(SCRIPT.replace("+ 1", "+ 2"))
    shell("deploy", "other.py", "--name", "other")
    done = shell("compare", "adder", "other")
    assert done.code == 1
    assert done.out.splitlines()[:2] == ["adder and other: the answers differ", "  the value: 42 and 43"]
    assert shell("compare", "adder", "other", '{"x": 1}', "--tolerance", "0.9").code == 0
    told = shell("compare", "adder", "adder", '{"x": 1}', "--format", "json").json
    assert told["same"]
    assert [side["text"] for side in told["answers"]] == ["2", "2"]
    refused = shell("compare", "other", "other")
    assert (refused.code, refused.err.count("\n")) == (1, 1)
    assert "has a sample; say what to send" in refused.err
    assert "is a share" in shell("compare", "adder", "other", "--tolerance", "much").err
