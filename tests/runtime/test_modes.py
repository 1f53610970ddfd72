"""Dry runs, watching the file, warm workers and debugging."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from runtime_harness import DEADLINE_S, Serve, Server

MODULE = [sys.executable, "-m", "jupyter_mldeploy.runtime"]


def dry_run(folder: Path, script: str, sample: str | None) -> subprocess.CompletedProcess[str]:
    (folder / "score.py").write_text(script)
    command = [*MODULE, "--entry_script", "score.py", "--port", "0", "--dry_run"]
    if sample is not None:
        (folder / "sample.json").write_text(sample)
        command += ["--sample", "sample.json"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=DEADLINE_S, check=False)


@pytest.mark.parametrize(
    ("script", "sample", "code", "words"),
    [
        ("def init(): pass\ndef run(data): return data + '!'\n", "hello", 0, "run() answered 200"),
        ("def init(): pass\ndef run(data): return 1\n", None, 0, "init() has run"),
        ("def init(): pass\ndef run(data): return 1 / 0\n", "x", 4, "ZeroDivisionError"),
        ("def init(): 1 / 0\ndef run(data): return 1\n", "x", 3, "ZeroDivisionError"),
        ("import os\ndef init(): pass\ndef run(data): os._exit(1)\n", "x", 4, "exit code 1"),
    ],
)
def test_dry_run(tmp_path: Path, script: str, sample: str | None, code: int, words: str) -> None:
    done = dry_run(tmp_path, script, sample)
    assert done.returncode == code, done.stdout
    assert words in done.stdout


def test_the_file_is_watched(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "score.py").write_text("def init(): pass\ndef run(data): return 1\n")
    process = subprocess.Popen(
        [*MODULE, "--entry_script", "score.py", "--port", "0", "--reload"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if "Watching" in line:
                break
        time.sleep(0.5)  # the watcher has no way to say that it is in place
        (tmp_path / "new.py").write_text("def init(): pass\ndef run(data): return 2\n")
        (tmp_path / "new.py").replace(tmp_path / "score.py")
        for line in process.stdout:
            if "Reloaded" in line:
                break
    finally:
        process.terminate()
        assert process.wait(DEADLINE_S) == 0


def test_a_warm_worker_takes_the_next_load(serve: Serve) -> None:
    text = "import os, time, yaml\ndef init():\n    global pid\n    pid = os.getpid()\ndef run(data): return pid\n"
    server = serve(text)
    server.wait_for("spare_ready")
    children = {child.pid for child in psutil.Process(server.process.pid).children()}
    (spare,) = children - {server.score().json}
    answer = server.reload(script=text.replace("global pid", "global pid  # edited\n    time.sleep(0)"))
    assert answer.json["mode"] == "new-workers"
    assert server.score().json == spare
    assert server.stop() == 0


def test_a_spare_whose_app_root_is_gone(serve: Serve, tmp_path: Path) -> None:
    root = tmp_path / "app"
    (root / "site-packages").mkdir(parents=True)
    (root / "site-packages" / "light.py").write_text("")
    text = "import sys\nsys.path.append('site-packages')\nimport light\ndef init(): pass\ndef run(data): return 1\n"
    (root / "score.py").write_text(text)
    server = serve("", worker={"app_root": str(root)})
    shutil.rmtree(root)
    server.wait_for("spare_ready")
    assert "Traceback" not in server.log
    assert server.score().json == 1


def test_a_spare_that_still_imports_takes_the_load_too(serve: Serve, tmp_path: Path) -> None:
    """Its imports end before its init() begins; they are not made a second time."""
    packages = tmp_path / "site-packages"
    packages.mkdir()
    (packages / "slow.py").write_text("import time\ntime.sleep(3)\n")
    text = "import os, slow\ndef init():\n    global pid\n    pid = os.getpid()\ndef run(data): return pid\n"
    server = serve(text, worker={"env": {"PYTHONPATH": str(packages)}})
    front = psutil.Process(server.process.pid)
    first = server.score().json
    deadline = time.monotonic() + DEADLINE_S
    while not (spares := {child.pid for child in front.children()} - {first}):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert server.reload(keep_init=False).json["mode"] == "new-workers"
    assert {server.score().json} == spares


def test_without_debugpy_the_reason_is_told(tmp_path: Path) -> None:
    (tmp_path / "score.py").write_text("def init(): pass\ndef run(data): return 1\n")
    (tmp_path / "debugpy.py").write_text("raise ModuleNotFoundError('debugpy')\n")
    command = [*MODULE, "--entry_script", "score.py", "--port", "0", "--debug_port", "5678"]
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=DEADLINE_S, check=False
    )
    assert done.returncode == 3
    assert "pip install debugpy" in done.stdout


def test_metrics(serve: Serve) -> None:
    server = serve("plain.py", service='odd "name"')
    server.score(1)
    server.score({"k": "raise"})
    text = server.request("GET", "/metrics").body.decode()
    name = 'service="odd \\"name\\""'
    assert f'mldeploy_requests_total{{{name},code="200"}} 1' in text
    assert f'mldeploy_requests_total{{{name},code="500"}} 1' in text
    assert 'le="+Inf"} 2' in text
    assert server.status()["script"] in text


def test_activity_is_told_without_pushing_out_what_happened(serve: Serve) -> None:
    server = serve("def init(): pass\ndef run(data): return 1 / int(data)\n")
    seen = []
    for body in ("1", "0"):
        server.request("POST", "/score", body)
        seen.append(server.wait_for("activity", requests=len(seen) + 1))
    assert [(event["requests"], event["errors"]) for event in seen] == [(1, 0), (2, 1)]
    assert next(server.events())["kind"] == "listening"


def test_changes_that_the_system_does_not_tell_of(tmp_path: Path) -> None:
    """Links whose target is swapped, as mounted configuration does it, and a folder that is made anew."""
    root = tmp_path / "watched"

    def write(folder: str, value: int) -> None:
        (root / folder).mkdir(parents=True)
        (root / folder / "score.py").write_text(f"def init(): pass\ndef run(data): return {value}\n")

    write("one", 1)
    write("two", 2)
    (root / "data").symlink_to("one")
    (root / "score.py").symlink_to("data/score.py")
    with watching(root) as server:
        assert server.score().json == 1
        (root / "next").symlink_to("two")
        (root / "next").replace(root / "data")
        server.wait_for_log("Reloaded")
        assert server.score().json == 2
        root.rename(tmp_path / "away")
        write(".", 3)
        wait_until(lambda: server.score().json == 3)
        (root / "score.py").write_text("def init(): pass\ndef run(data): return 4\n")
        wait_until(lambda: server.score().json == 4)


def test_modules_of_packages_beside_the_script_are_watched(tmp_path: Path) -> None:
    root = tmp_path / "watched"
    (root / "features").mkdir(parents=True)
    (root / "features" / "sums.py").write_text("def total(rows): return sum(rows)\n")
    script = "import json\nfrom features.sums import total\n\ndef init(): pass\ndef run(data): return total(json.loads(data))\n"
    (root / "score.py").write_text(script)
    with watching(root) as server:
        assert server.score([1, 2]).json == 3
        (root / "features" / "sums.py").write_text("def total(rows): return 100 + sum(rows)\n")
        wait_until(lambda: server.score([1, 2]).json == 103)


def test_folders_that_do_not_exist_are_told(tmp_path: Path) -> None:
    (tmp_path / "score.py").write_text("def init(): pass\ndef run(data): return 1\n")
    command = [*MODULE, "--entry_script", "score.py", "--port", "0", "--dry_run", "--model_dir", "modles"]
    environment = {**os.environ, "AZUREML_SOURCE_DIRECTORY": "."}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert f"AZUREML_MODEL_DIR is modles, which does not exist in {tmp_path}." in done.stdout
    assert "AZUREML_SOURCE_DIRECTORY" not in done.stdout


@contextlib.contextmanager
def watching(folder: Path) -> Iterator[Server]:
    log_path = folder.parent / "log.txt"
    with log_path.open("wb") as log:
        command = [*MODULE, "--entry_script", str(folder / "score.py"), "--port", "0", "--reload"]
        process = subprocess.Popen(command, cwd=folder.parent, stdout=log, stderr=log)
    server = Server(process, 0, log_path)
    try:
        line = next(line for line in server.wait_for_log("Listening on").splitlines() if "Listening on" in line)
        server.port = int(line.rpartition(":")[2])
        server.wait_for_log("Watching")
        yield server
    finally:
        server.stop()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
