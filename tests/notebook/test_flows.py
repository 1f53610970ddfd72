"""From a cell to a service in a real kernel, seen as a front end sees it."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.notebook.kernels import WIDGET, Kernel, started

DEPLOYMENT = "application/vnd.mldeploy.deployment.v1+json"
SERVICE = "application/vnd.mldeploy.service.v1+json"

CELL = """%%deploy NAME --model clf --sample {"x": 4}
import json
import pickle
from azureml.core.model import Model

def init():
    global model
    with open(Model.get_model_path("clf"), "rb") as file:
        model = pickle.load(file)

def run(data):
    return model["factor"] * json.loads(data)["x"]
"""


def cell(name: str, old: str = "", new: str = "") -> str:
    """The cell for a service, with one edit."""
    assert old in CELL
    return CELL.replace("NAME", name).replace(old, new) if old else CELL.replace("NAME", name)


def threads(kernel: Kernel) -> str:
    """Names of this package's threads in the kernel."""
    return kernel.run(
        "import threading\nprint(sorted(t.name for t in threading.enumerate() if t.name.startswith('mldeploy')))"
    ).text.strip()


@pytest.fixture(autouse=True)
def model(kernel: Kernel) -> None:
    """The model is a variable of the notebook."""
    kernel.run('clf = {"factor": 2}')


def test_deploy_then_edit_then_nothing(kernel: Kernel) -> None:
    first = kernel.run(cell("road"))
    assert first.error is None
    timeline, panel = first.bundles
    assert list(timeline) == [DEPLOYMENT, "text/html", "text/plain"], "the widget made place for what can be saved"
    assert [stage["state"] for stage in timeline[DEPLOYMENT]["stages"]] == ["done"] * 5
    assert "road · local · deployed to local in" in timeline["text/plain"]
    assert "clf is the notebook's variable (dict)" in timeline["text/plain"]
    assert WIDGET in panel
    assert "road · local · running" in panel["text/plain"]

    edited = kernel.run(cell("road", 'json.loads(data)["x"]', 'json.loads(data)["x"] + 1'))
    assert "script changed → reloaded in place in" in edited.text
    assert SERVICE in first.bundles[1], "the former panel became a picture when the new one opened"

    again = kernel.run(cell("road", 'json.loads(data)["x"]', 'json.loads(data)["x"] + 1'))
    assert "nothing changed, it goes on running" in again.text

    kernel.run("answer = %service_run road {dict(x=10)}")
    assert kernel.run("answer").text == "21"
    assert kernel.run('%service_run road {"x": 1}').text == "3"
    assert kernel.run("%service_delete road --yes").error is None, "what is typed in a terminal works in a cell"


def test_the_value_is_the_service(kernel: Kernel) -> None:
    run = kernel.run(cell("valued"))
    assert [output["type"] for output in run.outputs] == ["display_data", "display_data"], "and is not shown once more"
    assert kernel.run("print(_.name, _.state)").text.strip() == "valued running"
    kernel.run("%service_delete valued")


def test_a_failure_is_shown_and_stops_run_all(kernel: Kernel) -> None:
    failed = kernel.run(cell("broken", "pickle.load(file)", "pickle.lod(file)"))
    assert failed.error is not None
    assert failed.error["ename"] == "DeploymentFailed"
    assert len(failed.error["traceback"]) <= 2, "one or two lines, no traceback through our own code"
    bundle = failed.bundles[0]
    assert bundle[DEPLOYMENT]["state"] == "failed"
    number = kernel.run("print(len(In) - 1)").text.strip()
    assert f"cell [{int(number) - 1}], line 9" in bundle["text/plain"]
    assert "pickle.lod(file)" in bundle["text/html"]
    assert kernel.run("%services").text.count("failed") == 1
    kernel.run("%service_delete broken")


def test_a_sample_that_fails_after_an_edit_is_a_matter_of_ready(kernel: Kernel) -> None:
    assert kernel.run(cell("sampled")).error is None
    edited = kernel.run(cell("sampled", 'json.loads(data)["x"]', "1 / 0"))
    assert edited.error is not None
    assert edited.error["ename"] == "ReloadRefused"
    bundle = edited.bundles[0]
    states = {stage["stage"]: stage["state"] for stage in bundle[DEPLOYMENT]["stages"]}
    assert (states["init"], states["ready"]) == ("done", "failed")
    assert "sampled · local · FAILED in ready: " in bundle["text/plain"]
    assert kernel.run('%service_run sampled {"x": 4}').text == "8"
    kernel.run("%service_delete sampled")


def test_problems_of_a_script_are_found_before_anything_is_made(kernel: Kernel) -> None:
    failed = kernel.run("%%deploy nothing\ndef init():\n    pass\n")
    assert failed.error is not None
    assert failed.error["ename"] == "InvalidScript"
    assert "no run" in failed.html or "run()" in failed.html
    assert "nothing" not in kernel.run("%services").text


def test_interrupting_cleans_up(kernel: Kernel) -> None:
    running = kernel.begin(cell("slow", "global model", "global model; import time; time.sleep(60)"))
    kernel.until(lambda: "in init()" in kernel.texts())
    kernel.manager.interrupt_kernel()
    kernel.until(lambda: running.status == "idle")
    assert running.error is not None
    assert running.error["traceback"] == ["Cancelled: The operation was interrupted; what it had begun was cleaned up."]
    assert running.bundles[0][DEPLOYMENT]["state"] == "cancelled"
    assert "slow" not in kernel.run("%services").text


def test_interrupting_a_request_is_told_in_a_line(kernel: Kernel, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    kernel.run(
        cell(
            "patient",
            "return model",
            f"open({str(begun)!r}, 'w'); import time; time.sleep(json.loads(data).get('s', 0)); return model",
        )
    )
    begun.unlink()
    running = kernel.begin('%service_run patient {"x": 1, "s": 30}')
    while not begun.exists():
        threading.Event().wait(0.01)
    kernel.manager.interrupt_kernel()
    kernel.until(lambda: running.status == "idle")
    assert running.error is not None
    assert running.error["traceback"] == [
        "Cancelled: The request to 'patient' was interrupted; its answer is not waited for any more."
    ]
    kernel.run("%service_delete patient")


def test_no_wait_returns_at_once_and_can_be_cancelled(kernel: Kernel) -> None:
    begun = kernel.run(cell("later --no-wait", "global model", "global model; import time; time.sleep(60)"))
    assert begun.error is None
    assert "later" in begun.text
    kernel.click("Cancel")
    kernel.until(lambda: DEPLOYMENT in begun.bundles[0])
    assert begun.bundles[0][DEPLOYMENT]["state"] == "cancelled"
    assert "mldeploy-work" not in threads(kernel)


def test_no_wait_ends_in_its_own_cell_where_nobody_watches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLDEPLOY_HOME", str(tmp_path / "home"))
    sources = [
        "%load_ext jupyter_mldeploy",
        "%%deploy aside --no-wait\ndef init():\n    pass\ndef run(data):\n    return 1",
        "import threading\n[one.join() for one in threading.enumerate() if one.name == 'mldeploy-show-aside'];",
        "%service_delete aside",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])  # type: ignore[no-untyped-call]
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    begun, waited = notebook.cells[1].outputs, notebook.cells[2].outputs
    assert [output.data[DEPLOYMENT]["state"] for output in begun if output.output_type == "display_data"] == ["done"]
    assert not waited


def test_the_panel_scores_stops_starts_and_ends(kernel: Kernel) -> None:
    deployed = kernel.run(cell("panel"))
    kernel.click("Score")
    kernel.until(lambda: "<code>8</code>" in kernel.texts())
    kernel.click("Stop")
    kernel.until(lambda: kernel.offers("Stop it"))
    kernel.click("Stop it")
    kernel.until(lambda: kernel.offers("Start"))
    kernel.click("Start")
    kernel.until(lambda: kernel.offers("Stop"))
    kernel.until(lambda: "running, 1 of 1 replica ready" in kernel.texts() and "starting …" not in kernel.texts())
    assert kernel.run("%service_delete panel").error is None
    kernel.until(lambda: SERVICE in deployed.bundles[1])
    assert deployed.bundles[1][SERVICE]["message"] == "It was deleted."


def test_the_panel_says_when_the_file_was_edited(kernel: Kernel, tmp_path: Path) -> None:
    script = tmp_path / "score.py"
    script.write_text("def init():\n    pass\n\ndef run(data):\n    return 1\n")
    kernel.run(f"%deploy filed --script {script}")
    assert "edited, not reloaded" not in kernel.texts()
    script.write_text(script.read_text().replace("1", "2"))
    kernel.until(lambda: "edited, not reloaded" in kernel.texts())
    kernel.click("Reload")
    kernel.until(lambda: "reloaded, init() kept" in kernel.texts())
    assert kernel.run("%service_run filed 0").text == "2"
    kernel.run("%service_delete filed")


def test_following_a_log_ends_on_interrupt_without_a_traceback(kernel: Kernel) -> None:
    kernel.run(cell("talk", "return model", "print('hello', data, flush=True)\n    return model"))
    following = kernel.begin("%service_logs talk -f")
    kernel.until(lambda: "hello" in following.text)
    kernel.manager.interrupt_kernel()
    kernel.until(lambda: following.status == "idle")
    assert following.error is None
    assert len(following.outputs) == 1, "one output, however many lines"
    assert "log, ended" in following.html
    assert "hello" in kernel.run("%service_logs talk --grep hello -n 1").text
    kernel.run("%service_delete talk")


def test_bad_lines_say_what_would_be_right(kernel: Kernel) -> None:
    assert "did you mean --replicas?" in kernel.run("%deploy x --replcias 2").text
    missing = kernel.run("%service_logs nobody")
    assert missing.error is not None
    assert missing.error["traceback"][0] == "NotFound: There is no service 'nobody'."


def test_completion_in_a_real_kernel(kernel: Kernel) -> None:
    kernel.run(cell("complete"))
    for line, word in (("%service_status comp", "complete"), ("%%deploy complete --rep", "--replicas")):
        kernel.client.complete(line, len(line))
        reply = kernel.client.get_shell_msg(timeout=30)
        while reply["msg_type"] != "complete_reply":
            reply = kernel.client.get_shell_msg(timeout=30)
        assert word in reply["content"]["matches"]
    kernel.run("%service_delete complete")


def test_help_reads_well(kernel: Kernel) -> None:
    text = kernel.run("print(get_ipython().find_line_magic('deploy').__doc__)").text
    assert "%%deploy iris --model clf" in text
    assert "--autoscale MIN:MAX" in text


def test_unattended_no_widget_is_left(tmp_path: Path) -> None:
    with started(tmp_path, tmp_path / "home", attended=False) as kernel:
        kernel.run('clf = {"factor": 2}')
        run = kernel.run(cell("quiet"))
        assert run.error is None
        assert [list(bundle) for bundle in run.bundles] == [[DEPLOYMENT, "text/html", "text/plain"]]
        assert kernel.widgets == {}
        json.dumps(run.bundles)
        assert kernel.run("import sys; print('ipywidgets' in sys.modules)").text.strip() == "False"


def test_a_script_that_is_written_takes_the_notebooks_values_and_is_shown(kernel: Kernel) -> None:
    kernel.run(
        "import numpy, pandas\nfrom sklearn.linear_model import LinearRegression\n"
        "X = numpy.array([[1.0, 0.0], [2.0, 1.0], [3.0, 5.0]])\nline = LinearRegression().fit(X, X[:, 0])"
    )
    deployed = kernel.run("%deploy written --model line --sample {X[:2]}")
    assert deployed.error is None
    assert "def run(data):" in deployed.bundles[0]["text/plain"]
    for data in ("{X[:2]}", "{pandas.DataFrame(X[:2], columns=['a', 'b'])}", '{"data": [[1, 0], [2, 1]]}'):
        kernel.run(f"answer = %service_run written {data}")
        assert kernel.run("[round(y) for y in answer['result']]").text == "[1, 2]"
    failed = kernel.run("%deploy unfit --model line --sample {X[:2, :1]}")
    assert failed.error is not None
    assert "FAILED in ready" in failed.bundles[0]["text/plain"]
    assert "def run(data):" in failed.bundles[0]["text/plain"]
    assert "the script that was written for the model" in failed.bundles[0]["text/html"]
    kernel.run("%service_delete written")
    kernel.run("%service_delete unfit")


def test_the_panel_tells_the_owner_why_run_raised(kernel: Kernel) -> None:
    deployed = kernel.run(cell("raising"))
    kernel.write_sample('{"y": 1}')
    kernel.click("Score")
    kernel.until(lambda: "KeyError" in kernel.texts() and "line 12" in kernel.texts())
    kernel.write_sample('{"x": 2}')
    kernel.click("Score")
    kernel.until(lambda: "<code>4</code>" in kernel.texts())
    assert "KeyError" not in kernel.texts()
    kernel.run("from jupyter_mldeploy import service; service('raising').panel()")
    kernel.until(lambda: SERVICE in deployed.bundles[1])
    assert "as it was at " in deployed.bundles[1]["text/plain"], "another panel goes on; this one is a picture"
    kernel.run("%service_delete raising")


def test_in_a_notebook_magics_are_named(kernel: Kernel) -> None:
    kernel.run(cell("dead"))
    kernel.run("import os, signal\nfrom jupyter_mldeploy import service")
    kernel.run("os.kill(service('dead').record.details['pid'], signal.SIGKILL)")
    reload = kernel.widgets[kernel.widget("Reload")]
    kernel.until(lambda: bool(reload.get("disabled")))
    asked = kernel.run('%service_run dead {"x": 1}')
    assert asked.error is not None
    assert asked.error["traceback"][-1] == "  → Start it with `%service_start dead`."
    kernel.run("%service_delete dead")
    kernel.run(cell("failed", "pickle.load(file)", "pickle.lod(file)"))
    asked = kernel.run('%service_run failed {"x": 1}')
    assert asked.error is not None
    assert "has no attribute 'lod'" in asked.error["traceback"][0]
    assert asked.error["traceback"][-1] == "  → Mend that and deploy it again; `%diagnose failed` says how."
    kernel.run("%service_delete failed")


def test_a_damaged_record_is_told_in_a_line(tmp_path: Path) -> None:
    with started(tmp_path, tmp_path / "home") as kernel:
        record = tmp_path / "home" / "services" / "torn" / "service.json"
        record.parent.mkdir(parents=True)
        record.write_text("{")
        told = kernel.run("%services").text
        assert "torn" in told
        assert "Warning" not in told
        assert "jupyter_mldeploy/" not in told
