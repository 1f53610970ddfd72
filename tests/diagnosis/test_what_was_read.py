"""What an answer gives as read stands in the evidence; nothing else is called a fact."""

from __future__ import annotations

import pytest

from jupyter_mldeploy.diagnosis import diagnose
from jupyter_mldeploy.diagnosis.evidence_file import from_case
from jupyter_mldeploy.diagnosis.pages import fill
from jupyter_mldeploy.evidence import Evidence

MISSING = """Traceback (most recent call last):
  File "/app/{script}", line 3, in <module>
    import xgboost as xgb
ModuleNotFoundError: No module named {quote}xgboost{quote}
"""


def test_of_nothing_nothing_was_read() -> None:
    assert diagnose(Evidence()).to_json()["facts"] == {}
    assert diagnose(Evidence(stage="init", log="Killed")).to_json()["facts"].keys().isdisjoint({"script", "module"})


@pytest.mark.parametrize("quote", ["'", '"'])
@pytest.mark.parametrize("script", ["score.py", "main.py"])
def test_the_module_that_is_missing_is_named_and_not_the_script(script: str, quote: str) -> None:
    told = diagnose(Evidence(stage="init", log=MISSING.format(script=script, quote=quote), script_name=script))
    assert told.cause == "module-not-found"
    assert (told.facts["module"], told.facts["script"]) == ("xgboost", script)
    assert "imports `xgboost`" in told.what
    assert "import xgboost" in told.confirm
    assert f"import {script[:-3]}" not in told.to_text()


def test_the_script_itself_is_named_where_a_step_calls_its_init() -> None:
    told = diagnose(Evidence(stage="init", exit_code=139, log="Segmentation fault", script_name="main.py"))
    assert told.cause == "segfault"
    assert "import main" in told.confirm
    assert "import score" in diagnose(Evidence(stage="init", exit_code=139, log="Segmentation fault")).confirm


def _told(**fields: object) -> dict[str, str]:
    told = diagnose(from_case({"evidence": fields, "stage": fields.pop("stage", "")}))
    return {"cause": told.cause, "remedy": told.remedy, **told.facts}


def _event(message: str, reason: str = "FailedScheduling", count: int = 3) -> list[dict[str, object]]:
    return [{"type": "Warning", "reason": reason, "count": count, "message": message}]


def test_uv_shows_the_requirement_that_it_cannot_read() -> None:
    log = (
        "error: Couldn't parse requirement in `requirements.txt` at position 18\n"
        '  Caused by: no such comparison operator "=", must be one of ~= == != <= >= < > ===\n'
        "numpy=1.26.4\n     ^^^^^^^\n"
    )
    told = _told(stage="build", log=log, exit_code=2)
    assert (told["cause"], told["requirement"]) == ("pip-requirements-invalid", "numpy=1.26.4")
    assert "line 18" not in told["remedy"]


def test_nodes_that_are_cordoned_are_not_down() -> None:
    for words in ("were unschedulable", "had untolerated taint {node.kubernetes.io/unschedulable: }"):
        told = _told(stage="schedule", k8s_events=_event(f"0/1 nodes are available: 1 node(s) {words}."))
        assert told["cause"] == "node-not-ready"
        assert "uncordon" in told["remedy"]
        assert "NotReady" not in told["remedy"]
        assert "out of service" not in told["remedy"]


def test_the_end_of_a_sentence_is_no_part_of_a_resource() -> None:
    assert _told(stage="schedule", log="0/2 nodes are available: 2 Insufficient cpu.")["resource"] == "cpu"


def test_how_often_an_event_was_seen_is_no_reason() -> None:
    said = 'Error: container has runAsNonRoot and image will run as root (pod: "a", container: b)'
    told = _told(stage="launch", k8s_events=_event(said, "Failed", 7), k8s_reason="CreateContainerConfigError")
    assert told["reason"] == 'image will run as root (pod: "a", container: b)'


def test_a_path_may_begin_with_a_dot() -> None:
    told = _told(stage="build", exit_code=1, log='unable to prepare context: path "./servce" not found\n')
    assert told["path"] == "./servce"


def test_a_program_that_is_not_found_is_named_in_other_languages() -> None:
    told = _told(stage="launch", exit_code=127, log="bash: línea 1: gunicorn: orden no encontrada")
    assert (told["cause"], told["command"]) == ("command-not-found", "gunicorn")


def test_the_sides_of_a_conflict_are_those_that_uv_names() -> None:
    log = (
        "  × No solution found when resolving dependencies:\n"
        "  ╰─▶ Because azureml-inference-server-http==0.8.4.2 depends on flask<2.3.0 and\n"
        "      you require flask==3.0.0, we can conclude that your requirements and\n"
        "      azureml-inference-server-http==0.8.4.2 are incompatible.\n"
    )
    told = _told(stage="build", exit_code=1, log=log)
    assert told["sides"] == "azureml-inference-server-http==0.8.4.2 with flask<2.3.0, and flask==3.0.0"


def test_a_library_that_nobody_knows_is_not_one_of_three_others() -> None:
    log = "OSError: libnotthere.so.9: cannot open shared object file: No such file or directory"
    told = diagnose(Evidence(stage="init", target="local", log=log))
    assert told.cause == "missing-shared-library"
    assert "apt-file search libnotthere.so.9" in told.steps[0]
    assert "libgl1" not in told.steps[0]
    assert "in the image" not in told.what


def test_where_no_name_is_known_words_are_not_set_as_one() -> None:
    events = _event('0/3 nodes are available: persistentvolumeclaim "models" not found.')
    assert "in the pod's namespace" in _told(stage="schedule", k8s_events=events)["remedy"]
    assert fill("of `{name|a name}` and `{other|NAME}`", {}) == "of a name and `NAME`"


def test_columns_are_named_without_their_quotes() -> None:
    log = "KeyError: \"['age', 'height in cm'] not in index\""
    assert diagnose(Evidence(stage="run", http_status=500, log=log)).facts["names"] == "age, height in cm"
