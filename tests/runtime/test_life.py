"""Start, stop, failures at start, and that no worker outlives its front."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from runtime_harness import DEADLINE_S, Serve, Server, in_background, make_config, start_server

from jupyter_mldeploy.runtime import worker

MODULE = [sys.executable, "-m", "jupyter_mldeploy.runtime"]


def by_hand(folder: Path, script: str, *flags: str, **environment: str) -> subprocess.CompletedProcess[str]:
    (folder / "score.py").write_text(script)
    command = [*MODULE, "--entry_script", "score.py", "--port", "0", *flags]
    env = {**os.environ, **environment}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=DEADLINE_S, check=False)


GOOD = "def init(): pass\ndef run(data): return data\n"


def test_a_script_that_cannot_start_ends_a_server_by_hand(tmp_path: Path) -> None:
    done = by_hand(tmp_path, "def init():\n    raise ValueError('bad model')\n\ndef run(data): pass\n")
    assert done.returncode == 3
    lines = done.stdout.rstrip().splitlines()
    assert lines[-1] == "ValueError: bad model"
    assert 'score.py", line 2, in init' in lines[-3]
    assert "jupyter_mldeploy/runtime" not in done.stdout


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("def init(:\n", "not valid Python"),
        ("import no_such_module\n", "No module named 'no_such_module'"),
        ("import sys\nsys.exit('stop')\n", "sys.exit('stop')"),
        ("import os\nos._exit(4)\n", "exit code 4"),
        ("import os\ndef init(): os.kill(os.getpid(), 11)\ndef run(data): pass\n", "SIGSEGV"),
    ],
)
def test_reasons_of_a_failed_start(tmp_path: Path, script: str, words: str) -> None:
    done = by_hand(tmp_path, script)
    assert (done.returncode, words in done.stdout) == (3, True), done.stdout


def test_wrong_arguments_end_with_usage(tmp_path: Path) -> None:
    for flags in (["--nonsense"], ["--port", "x"], ["--port", "70000", "--entry_script", "x.py"]):
        done = subprocess.run(
            [*MODULE, *flags], cwd=tmp_path, capture_output=True, text=True, timeout=DEADLINE_S, check=False
        )
        assert done.returncode == 1, flags
    done = subprocess.run(MODULE, cwd=tmp_path, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert done.returncode == 1
    assert "Either provide an entry_script" in done.stderr


def test_a_service_keeps_its_port_when_init_fails(serve: Serve) -> None:
    server = serve("def init():\n    x = 1\n    raise KeyError('weights')\ndef run(data): pass\n", wait=False)
    server.wait_for("state", state="failed")
    failures = list(server.control("GET", "status").json["failure"].items())
    failure = dict(failures)
    assert (failure["stage"], failure["kind"], failure["file"]) == ("init", "exception", "score.py")
    assert (failure["line"], failure["function"], failure["source"]) == (3, "init", "raise KeyError('weights')")
    assert failure["exception"] == {"type": "KeyError", "module": "builtins", "text": "'weights'"}
    for answer in (server.request("GET", "/"), server.score()):
        assert answer.status == 503
        assert "weights" in answer.message


def test_a_script_that_is_not_there(serve: Serve) -> None:
    server = serve(GOOD, wait=False, worker={"entry_script": "missing.py"})
    assert "missing.py cannot be read: No such file" in server.wait_for("failure")["failure"]["message"]


def test_an_interpreter_that_is_not_there(serve: Serve) -> None:
    server = serve(GOOD, wait=False, worker={"python": "/no/such/python"})
    assert "/no/such/python" in server.wait_for("failure")["failure"]["message"]
    assert server.request("GET", "/").status == 503


def test_init_timeout(serve: Serve) -> None:
    server = serve("import time\ndef init(): time.sleep(60)\ndef run(data): pass\n", wait=False, init_timeout_s=0.3)
    failure = server.wait_for("failure")["failure"]
    assert (failure["stage"], failure["kind"]) == ("init", "timeout")


def test_a_taken_port(serve: Serve, tmp_path: Path) -> None:
    server = serve(GOOD)
    (tmp_path / "score.py").write_text(GOOD)
    command = [*MODULE, "--entry_script", "score.py", "--port", str(server.port)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert done.returncode == 98
    assert str(server.port) in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_events_begin_with_listening_and_end_with_ready(serve: Serve) -> None:
    server = serve(GOOD)
    kinds = []
    for event in server.events():
        kinds.append(event["kind"])
        if event["kind"] == "state":
            break
    assert kinds == ["listening", "worker_started", "init_started", "init_finished", "replica_ready", "state"]
    assert next(server.events(since=2))["event"] == 3


@pytest.mark.parametrize("replicas", [1, 3])
def test_sigterm_finishes_what_runs(serve: Serve, replicas: int) -> None:
    server = serve("plain.py", min_replicas=replicas, max_replicas=replicas)
    workers = psutil.Process(server.process.pid).children(recursive=True)
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(server.score({"k": "sleep", "s": 0.5})))
    thread.start()
    while server.control("GET", "utilization").json["busy"] == 0:
        pass
    assert server.stop() == 0
    thread.join()
    assert answers[0].json == "slept"
    _, alive = psutil.wait_procs(workers, timeout=DEADLINE_S)
    assert not alive


@pytest.mark.parametrize("replicas", [1, 3])
@pytest.mark.parametrize("busy", [False, True])
def test_workers_end_with_a_killed_front(serve: Serve, replicas: int, busy: bool) -> None:
    server = serve("plain.py", min_replicas=replicas, max_replicas=replicas)
    if busy:
        threading.Thread(target=lambda: pytest.raises(Exception, server.score, {"k": "sleep", "s": 60})).start()
        while server.control("GET", "utilization").json["busy"] == 0:
            pass
    workers = psutil.Process(server.process.pid).children(recursive=True)
    assert workers
    server.process.kill()
    _, alive = psutil.wait_procs(workers, timeout=DEADLINE_S)
    assert not alive


def test_children_of_a_script_end_with_its_worker(serve: Serve) -> None:
    text = "import subprocess\ndef init():\n    global child\n    child = subprocess.Popen(['sleep', '600'])\n"
    server = serve(text + "def run(data): return child.pid\n")
    child = psutil.Process(server.score().json)
    server.process.kill()
    child.wait(DEADLINE_S)


def test_a_worker_killed_while_idle_is_replaced(serve: Serve) -> None:
    server = serve("plain.py")
    os.kill(server.status()["replicas"][0]["pid"], signal.SIGKILL)
    died = server.wait_for("worker_died")
    assert (died["signal"], died["request_id"]) == ("SIGKILL", None)
    assert (
        server.wait_for("failure")["failure"]["message"]
        == "The worker was killed by SIGKILL while it waited for requests."
    )
    server.wait_for("replica_ready", replica=2)
    assert server.score(1).status == 200


@pytest.mark.parametrize(
    ("end", "how"),
    [("os._exit(5)", "exit code 5"), ("os.kill(os.getpid(), 9)", "SIGKILL"), ("os.kill(os.getpid(), 11)", "SIGSEGV")],
)
def test_a_worker_that_ends_itself_while_idle_is_replaced(serve: Serve, end: str, how: str) -> None:
    text = f"""
import os, threading
def init(): pass
def run(data):
    threading.Timer(0.1, lambda: {end}).start()
    return os.getpid()
"""
    server = serve(text)
    first = server.score(1).json
    failure = server.wait_for("failure")["failure"]
    assert how in failure["message"]
    server.wait_for("replica_ready", replica=2)
    assert server.score(1).json != first


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="subreapers are of Linux")
def test_orphans_of_a_container_are_reaped(tmp_path: Path) -> None:
    """As process 1 of a container would, the front takes the exit status of processes that lost their parents."""
    text = """
import os
def init(): pass
def run(data):
    read, write = os.pipe()
    if os.fork() == 0:
        os.setsid()
        middle = os.getpid()
        if os.fork() == 0:
            while os.getppid() == middle: pass
            os.write(write, f"{os.getpid()} {os.getppid()}".encode())
        os._exit(0)
    os.wait()
    return os.read(read, 40).decode().split()
"""
    wrapper = tmp_path / "python"
    adopt = "import ctypes, os, sys; ctypes.CDLL(None).prctl(36, 1, 0, 0, 0); os.execv(sys.argv[1], sys.argv[1:])"
    wrapper.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{adopt}" {sys.executable} "$@"\n')
    wrapper.chmod(0o755)
    config = make_config(tmp_path, text, {"worker": {"python": sys.executable}})
    server = start_server(tmp_path, config, python=str(wrapper)).wait_ready()
    try:
        orphan, parent = map(int, server.score().json)
        assert parent == server.process.pid
        deadline = time.monotonic() + DEADLINE_S
        while psutil.pid_exists(orphan):
            assert time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        assert server.stop() == 0


def test_settings_of_the_reference_server(tmp_path: Path) -> None:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "main_script.py").write_text(
        "def init(): pass\ndef run(data):\n    import os\n    return dict(os.environ)\n"
    )
    (folder / "config.json").write_text(json.dumps({"SERVICE_NAME": "from file", "WORKER_COUNT": 2}))
    read, write = os.pipe()
    process = subprocess.Popen(
        [
            *MODULE,
            "--entry_script",
            "main_script.py",
            "--port",
            "0",
            "--model_dir",
            "./models",
            "--announce_fd",
            str(write),
        ],
        cwd=folder,
        env={**os.environ, "WORKER_COUNT": "1", "MLDEPLOY_ADMIN_TOKEN": "test-token"},
        pass_fds=[write],
        stdout=subprocess.DEVNULL,
    )
    os.close(write)
    with os.fdopen(read) as stream:
        server = Server(process, json.loads(stream.readline())["port"], tmp_path / "log")
    try:
        server.wait_ready()
        status = server.status()
        assert status["service"] == "from file"
        assert (status["min_replicas"], status["max_replicas"]) == (1, 1)
        environment = server.score().json
        assert environment["AZUREML_MODEL_DIR"] == "./models"
        assert environment["AML_APP_ROOT"] == str(folder)
        assert server.request("GET", "/swagger.json").json["info"]["title"] == "from file"
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"worker": {}}, "entry_script"),
        ({"worker": {"entry_script": "a.py"}, "port": "x"}, "port"),
        ({"worker": {"entry_script": "a.py"}, "min_replicas": 3, "max_replicas": 1}, "max_replicas"),
        ({"worker": {"entry_script": "a.py"}, "target_utilization": 7}, "target_utilization"),
        ([], "object"),
    ],
)
def test_wrong_service_files(tmp_path: Path, config: Any, words: str) -> None:
    file = tmp_path / "service.json"
    file.write_text(json.dumps(config))
    done = subprocess.run(
        [*MODULE, "--service_config", str(file)], capture_output=True, text=True, timeout=DEADLINE_S, check=False
    )
    assert done.returncode == 1
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("version", ["3.9", "3.10", "3.12", "3.13"])
def test_workers_of_other_pythons(serve: Serve, version: str) -> None:
    found = sorted(Path("~/.pyenv/versions").expanduser().glob(f"{version}.*/bin/python"))
    if not found:
        pytest.skip(f"no Python {version} here")
    text = "import sys\ndef init(): pass\ndef run(data): return [sys.version.split()[0], data]\n"
    server = serve(text, min_replicas=2, max_replicas=2, worker={"python": str(found[0])})
    assert server.score(1).json[0].startswith(version)
    assert server.reload(script=text.replace("data]", "data, 2]"), sample="1").json["mode"] == "in-place"
    assert server.score(1).json[1:] == ["1", 2]
    assert server.reload(script="def init(:").status == 422


def test_the_users_modules_are_not_shadowed(serve: Serve) -> None:
    server = serve(
        "import frames, script, output\ndef init(): pass\ndef run(data): return frames.A, script.A, output.A\n",
        wait=False,
    )
    folder = server.log_path.parent
    for name in ("frames", "script", "output"):
        (folder / f"{name}.py").write_text("A = 'mine'\n")
    assert server.reload().status == 200
    assert server.score().json == ["mine"] * 3


def test_the_front_is_small(serve: Serve) -> None:
    server = serve(GOOD)
    server.score(1)
    assert psutil.Process(server.process.pid).memory_info().rss < 40_000_000


def test_unused_start(tmp_path: Path) -> None:
    """A front whose announce descriptor nobody reads starts all the same."""
    (tmp_path / "score.py").write_text(GOOD)
    server = start_server(tmp_path / "s", {"worker": {"entry_script": str(tmp_path / "score.py")}})
    began = time.monotonic()
    server.wait_ready()
    assert time.monotonic() - began < DEADLINE_S
    assert server.stop() == 0


def test_an_imported_function_has_no_line_of_the_script(serve: Serve) -> None:
    server = serve("from json import loads as run\ndef init(): pass\n", wait=False)
    server.wait_for("state", state="failed")
    failure = server.status()["failure"]
    assert (failure["kind"], failure["line"]) == ("contract", None)


def test_run_that_does_not_finish_before_the_stop(serve: Serve) -> None:
    server = serve(
        "import time\ndef init(): pass\ndef run(data):\n    print('begun')\n    time.sleep(600)\n", drain_s=0.2
    )
    with in_background(server.score) as answers:
        server.wait_for_log("begun")
        assert server.stop() == 0
    assert answers[0].status == 502
    assert answers[0].message == "The server is stopping; run() had not finished within 0.2 seconds."
    assert "Stopping; 1 running request has 0.2 seconds to finish." in server.log


def test_an_app_root_that_is_not_there(serve: Serve, tmp_path: Path) -> None:
    server = serve(GOOD, wait=False, worker={"app_root": str(tmp_path / "gone"), "entry_script": "score.py"})
    found = server.wait_for("failure")["failure"]
    assert (
        "gone cannot be entered: No such file or directory" in found["message"] or "cannot be read" in found["message"]
    )


@pytest.mark.parametrize("script", ["def run(*args)", "def run(a, /)", "def run()", "def run(request_headers)"])
def test_refusals_name_file_and_line(tmp_path: Path, script: str) -> None:
    done = by_hand(tmp_path, f"def init(): pass\n{script}: pass\n")
    assert done.returncode == 3
    assert "(score.py, line 2)" in done.stdout


def test_a_python_that_is_too_old(serve: Serve, tmp_path: Path) -> None:
    old = tmp_path / "python"
    boot = Path(worker.__file__).with_name("boot.py")
    old.write_text(
        f"#!{sys.executable}\nimport sys, runpy\nsys.version_info = (3, 8, 1)\n"
        f"sys.argv = sys.argv[1:]\nrunpy.run_path({str(boot)!r}, run_name='__main__')\n"
    )
    old.chmod(0o755)
    server = serve(GOOD, wait=False, worker={"python": str(old)})
    assert "needs Python 3.9 or newer" in server.wait_for("failure")["failure"]["message"]
    assert "Traceback" not in server.log


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="subreapers are of Linux")
@pytest.mark.parametrize("crash", [False, True])
def test_sessions_that_a_script_began_end_with_the_front(serve: Serve, crash: bool) -> None:
    text = """
import os, subprocess
def init(): pass
def run(data):
    if data == "1": os._exit(1)
    return subprocess.Popen(["sleep", "600"], start_new_session=True).pid
"""
    server = serve(text)
    child = psutil.Process(server.score().json)
    if crash:
        assert server.score(1).status == 502
        server.wait_for("replica_ready", replica=2)
        assert child.ppid() == server.process.pid
    assert server.stop() == 0
    assert not child.is_running()


@pytest.mark.parametrize(
    ("flags", "environment", "words"),
    [
        (["--config_file", "."], {}, "is a folder"),
        (["--config_file", "empty.json"], {}, "is empty; it must hold a JSON object"),
        (["--config_file", "binary.json"], {}, "is not text; it must hold a JSON object"),
        (["--config_file", "score.py"], {}, "is not valid JSON"),
        (["--max_request_wait_ms", "-1"], {}, "max_request_wait_ms must not be below 0"),
        (["--debug_port", "99999"], {}, "debug_port must be between 1 and 65535"),
        (["--dry_run", "--sample", "nope"], {}, "The sample nope cannot be read"),
        ([], {"AML_APP_ROOT": "/no/such"}, "The app root /no/such, from AML_APP_ROOT, is not a folder"),
    ],
)
def test_settings_that_cannot_be_used(
    tmp_path: Path, flags: list[str], environment: dict[str, str], words: str
) -> None:
    (tmp_path / "empty.json").write_text("")
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x80")
    done = by_hand(tmp_path, "def init(): print('begun')\ndef run(data): pass\n", *flags, **environment)
    assert done.returncode == 1
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "begun" not in done.stdout
