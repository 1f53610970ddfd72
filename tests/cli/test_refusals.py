"""Exit codes, the one line on stderr, errors as JSON."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from .conftest import SCRIPT, Shell


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("nonsense",),
        ("deploy", "score.py"),
        ("deploy", "score.py", "--name", "a", "--until", "lunch"),
        ("deploy", "score.py", "--name", "a", "--replicas", "many"),
        ("deploy", "score.py", "--name", "a", "--targ", "local"),
        ("scale", "a"),
        ("scale", "a", "--replicas", "1", "--autoscale", "1:2"),
        ("logs", "a", "-n", "few"),
        ("status",),
    ],
    ids=" ".join,
)
def test_usage_is_2_and_says_what_would_be_right(shell: Shell, words: tuple[str, ...]) -> None:
    done = shell(*words)
    assert done.code == 2
    assert done.out == ""
    assert done.err.startswith("usage: mldeploy")
    assert not shell.home.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("status", "nobody"), "There is no service 'nobody'. Nothing is deployed yet."),
        (("run", "nobody", "1"), "There is no service 'nobody'."),
        (("delete", "nobody", "--yes"), "There is no service 'nobody'."),
        (("deploy", "nowhere.py", "--name", "a"), "There is no scoring script 'nowhere.py' in "),
        (("deploy", "score.py", "--name", "Iris_1"), "'iris-1' would do."),
        (("deploy", "score.py", "--name", "a", "--model", "m"), "There is no model 'm'. No model is registered yet."),
        (("deploy", "score.py", "--name", "a", "--sample", "{"), "it is not JSON"),
        (("deploy", "score.py", "--name", "a", "--memory", "lots"), "memory='lots' is not valid"),
        (("deploy", "score.py", "--name", "a", "--init-timeout", "-1"), "--init-timeout=-1.0 is not valid"),
        (("deploy", "--name", "a"), "name a script, or a model that one can be written for."),
        (("models", "register", "m", "nowhere"), "nowhere"),
        (("models", "list", "m"), "There is no model 'm'."),
        (("deploy", "score.py", "--name", "a", "--model", "nope"), "There is no model 'nope'."),
        (("deploy", "score.py", "--name", "a", "--model", ""), "model='' is not valid"),
        (("models", "register", "m", "score.py", "--tag", "x"), "--tag='x' is not valid: write KEY=VALUE."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_refusal_is_1_with_one_line(shell: Shell, words: tuple[str, ...], said: str) -> None:
    done = shell(*words)
    assert done.code == 1
    assert done.err.startswith("mldeploy: ")
    assert said in done.err
    assert done.err.count("\n") == 1
    assert "Traceback" not in done.err
    told = shell(*words, "--format", "json")
    assert told.code == 1
    assert told.err == ""
    error = told.json["error"]
    assert {"code", "summary", "hint"} <= set(error)
    assert said in f"{error['summary']} {error['hint']}"


def test_every_problem_of_a_script_is_said(shell: Shell) -> None:
    (shell.folder / "score.py").write_text("import not_a_module_of_anybody\ndef init(a, b):\n    pass\n")
    done = shell("deploy", "score.py", "--name", "a")
    assert done.code == 1
    assert done.err.startswith("mldeploy: 3 problems in score.py:")
    assert [line[:4] for line in done.err.splitlines()[1:]] == ["  • "] * 3, "all of it, in order, in one place"
    assert done.out == ""
    assert len(shell("deploy", "score.py", "--name", "a", "--format", "json").json["error"]["problems"]) == 3


def test_a_failed_deployment_is_followed_by_its_diagnosis(shell: Shell) -> None:
    (shell.folder / "score.py").write_text(SCRIPT.replace("started = 1", "started = 1 / 0"))
    done = shell("deploy", "score.py", "--name", "adder")
    assert done.code == 1
    assert "FAILED" in done.out
    assert done.err.startswith("mldeploy: adder failed in init: ")
    assert "line 5" in done.err
    assert done.err.count("\n") == 1
    lines = done.out.splitlines()
    assert "adder · local · FAILED in init: " in done.out
    assert any(line.lstrip().startswith("proof") for line in lines)
    assert any(line.lstrip().startswith("1. ") for line in lines)
    assert shell("status", "adder", "--format", "json").json["state"] == "failed"
    assert "ZeroDivisionError" in shell("logs", "adder").out
    assert "FAILED in init" in shell("diagnose", "adder").out
    error = shell("deploy", "score.py", "--name", "adder", "--format", "json").json["error"]
    assert error["code"] == "deployment-failed"
    assert error["stage"] == "init"
    assert error["diagnosis"]["cause"]
    assert shell.leftovers() == []


def test_a_refused_reload(adder: Shell) -> None:
    (adder.folder / "score.py").write_text(SCRIPT.replace("started = 1", "started = 1 / 0"))
    done = adder("reload", "adder")
    assert done.code == 1
    assert "The old script goes on serving." in done.err.splitlines()[0]
    assert adder("run", "adder", '{"x": 1}').out == "2\n"
    assert adder("reload", "adder", "--format", "json").json["error"]["code"] == "reload-refused"


def test_an_answer_that_is_an_error(adder: Shell) -> None:
    done = adder("run", "adder", '{"fail": true}')
    assert done.code == 1
    assert done.err.startswith("mldeploy: adder answered HTTP 500")
    assert "run was told to fail" in done.out
    error = adder("run", "adder", '{"fail": true}', "--format", "json").json["error"]
    assert (error["code"], error["status"]) == ("scoring-failed", 500)


def test_data_that_is_not_json(adder: Shell) -> None:
    done = adder("run", "adder", '{"x": ')
    assert (done.code, done.out) == (1, "")
    assert "it is not JSON" in done.err
    assert adder("run", "adder", "@nowhere.json").err.startswith("mldeploy: There is no data file 'nowhere.json'")


def test_a_damaged_record_is_said_and_the_rest_is_shown(adder: Shell) -> None:
    adder("deploy", "score.py", "--name", "other")
    (adder.home / "services" / "other" / "service.json").write_text("{")
    done = adder("services")
    assert done.code == 0
    assert "adder" in done.out
    assert "mldeploy: The record of 'other' could not be read" in done.err


def test_a_bad_variable_is_named(shell: Shell) -> None:
    shell.environment["MLDEPLOY_SCORING_TIMEOUT"] = "soon"
    done = shell("deploy", "score.py", "--name", "adder")
    assert done.code == 1
    assert "MLDEPLOY_SCORING_TIMEOUT='soon' is not valid" in done.err


def test_a_reader_that_leaves_is_no_error(adder: Shell) -> None:
    command = " ".join(f"'{word}'" for word in adder.words("logs", "adder")) + " | true"
    done = subprocess.run(
        command,
        shell=True,
        cwd=adder.folder,
        env=adder.environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert done.stderr == ""


def test_a_reader_that_leaves_does_not_break_a_deployment(shell: Shell) -> None:
    with shell.start("deploy", "score.py", "--name", "adder") as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(30) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert shell("run", "adder", '{"x": 1}').out == "2\n"


def test_output_that_cannot_be_written_is_said(adder: Shell) -> None:
    for words in (("services",), ("services", "--format", "json")):
        with Path("/dev/full").open("w") as full:
            begun = adder.start(*words, stdout=full)
            _, err = begun.communicate(timeout=60)
        assert begun.returncode == 1
        assert err.startswith("mldeploy: The output could not be written: No space left on device.")
        assert "Traceback" not in err


def test_a_configuration_that_is_no_python(shell: Shell) -> None:
    folder = shell.folder / "jupyter"
    folder.mkdir()
    (folder / "jupyter_mldeploy_config.py").write_text("c.MLDeploy.registry = (")
    shell.environment |= {"JUPYTER_CONFIG_DIR": str(folder)}
    done = shell("services")
    assert done.code == 1
    assert f"{folder / 'jupyter_mldeploy_config.py'} cannot be read: SyntaxError" in done.err


def test_a_deployment_left_to_another_process_is_told_as_json(shell: Shell) -> None:
    done = shell("deploy", "score.py", "--name", "adder", "--no-wait", "--format", "json")
    assert (done.json["service"], done.err) == ({"name": "adder", "state": "deploying"}, "")
    refused = shell("deploy", "score.py", "--name", "adder", "--no-wait", "--format", "json", "--port", "99999")
    assert (refused.code, refused.json["error"]["code"]) == (1, "invalid-value")


def test_nothing_is_registered_for_a_deployment_that_is_refused(shell: Shell) -> None:
    (shell.folder / "words.txt").write_text("one")
    assert shell("deploy", "score.py", "--name", "adder", "--model", "./words.txt", "--port", "99999").code == 1
    assert shell("models", "--format", "json").json == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--env", "BAD"), "env='BAD' is not valid: it is not set here"),
        (("--key", "k123"), "a scoring key has 8 to 256 letters"),
        (("--from-image", "x"), "The local target runs no images."),
        (("--target", "kubernetes", "--context", "nowhere", "--port", "80"), "On Kubernetes a service has no port"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
@pytest.mark.parametrize("script", [("score.py",), ()], ids=["script", "no script"])
def test_what_is_refused_registers_no_model(
    shell: Shell, script: tuple[str, ...], words: tuple[str, ...], said: str
) -> None:
    (shell.folder / "m.joblib").write_text("weights")
    done = shell("deploy", *script, "--name", "a", "--model", "m.joblib", *words)
    assert done.code == 1
    assert said in done.err
    assert done.out == ""
    assert shell("models", "--format", "json").json == []


def test_a_model_that_is_named_twice_is_one(shell: Shell) -> None:
    (shell.folder / "m.txt").write_text("weights")
    done = shell("deploy", "score.py", "--name", "a", "--model", "m.txt", "--model", "m:1", "--until", "register")
    assert "There is no model" in done.err, "it is not registered yet"
    shell("models", "register", "m", "m.txt")
    done = shell("deploy", "score.py", "--name", "a", "--model", "m", "--model", "m:1", "--until", "register")
    assert done.code == 0, done.err


def test_a_verb_of_models_tells_its_own_usage(shell: Shell) -> None:
    done = shell("models", "register", "m", "score.py", "--name", "x")
    assert done.code == 2
    assert done.err.startswith("usage: mldeploy models register")
    assert done.err.rstrip().endswith("unrecognized arguments: --name x")


def test_a_bad_setting_or_requirement_says_where_it_is_written(shell: Shell) -> None:
    shell.environment["MLDEPLOY_TARGET"] = "mars"
    done = shell("deploy", "score.py", "--name", "a")
    assert done.err == "mldeploy: MLDEPLOY_TARGET='mars' is not valid: choose one of local, container, kubernetes.\n"
    del shell.environment["MLDEPLOY_TARGET"]
    (shell.folder / "requirements.txt").write_text("joblib\n# more\nnum py ==1\n")
    done = shell("deploy", "score.py", "--name", "a", "--environment", "requirements.txt")
    assert "requirement='num py ==1' is not valid: pip would refuse it: " in done.err
    assert done.err.endswith("It is written in requirements.txt, line 3.\n")


def test_a_download_that_cannot_be_written_says_what_to_name(shell: Shell) -> None:
    (shell.folder / "m.txt").write_text("weights")
    shell("models", "register", "m", "m.txt")
    done = shell("models", "download", "m", "score.py")
    assert done.code == 1
    assert done.err.endswith("mend its rights, or name a folder of yours.\n")


def test_a_file_is_looked_for_in_no_folder_where_its_path_is_whole(shell: Shell) -> None:
    done = shell("deploy", "/nowhere/s.py", "--name", "a")
    assert done.err == "mldeploy: There is no scoring script '/nowhere/s.py'.\n"


def test_a_disk_that_is_full_is_not_ok(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    told = shutil.disk_usage(shell.folder)._replace(free=30 * 1024**2)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: told)
    done = shell("doctor", "--format", "json")
    home = next(check for check in done.json["checks"] if check["name"] == "home")
    assert not home["ok"]
    assert home["message"].endswith("only 30 MiB free")
    assert done.code == 1
