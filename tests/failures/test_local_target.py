"""Failures of scoring scripts, produced on the local target and diagnosed."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from jupyter_mldeploy import Service, deploy, services
from jupyter_mldeploy.config import MLDeploy
from jupyter_mldeploy.errors import DeploymentFailed, ReloadRefused, ScoringFailed
from jupyter_mldeploy.events import Event

from .gallery.scripts import IN_INIT, IN_RUN, Broken


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home of its own for all of them; nothing of it is left running."""
    folder = tmp_path_factory.mktemp("gallery")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLDEPLOY_HOME", str(folder / "home"))
        patch.chdir(folder)
        MLDeploy.clear_instance()
        yield folder
        for service in services():
            service.delete()
    MLDeploy.clear_instance()


def written(broken: Broken, folder: Path) -> Path:
    """The script and its files, in a folder of their own."""
    source = folder / broken.cause
    source.mkdir(exist_ok=True)
    for name, data in broken.files.items():
        (source / name).write_bytes(data)
    script = source / "score.py"
    script.write_text(broken.text, "utf-8")
    return script


@pytest.mark.parametrize("broken", IN_INIT, ids=[broken.cause for broken in IN_INIT])
def test_it_fails_in_init(broken: Broken, folder: Path) -> None:
    script = written(broken, folder)
    with pytest.raises(DeploymentFailed) as failed:
        deploy(script, "broken", target="local", source_directory=script.parent)
    diagnosis = failed.value.diagnosis
    assert diagnosis is not None
    assert diagnosis.cause == broken.cause, failed.value.evidence
    assert diagnosis.proof, "the line that proves it is shown"
    assert diagnosis.steps


def test_a_script_that_fails_while_it_is_loaded(folder: Path) -> None:
    script = folder / "loading.py"
    script.write_text('tables = {}\nrates = tables["rates"]\ndef init():\n    pass\ndef run(data):\n    return 1\n')
    with pytest.raises(DeploymentFailed) as failed:
        deploy(script, "loading")
    diagnosis = failed.value.diagnosis
    assert diagnosis is not None
    assert diagnosis.title == "loading.py failed with KeyError"
    assert diagnosis.what.startswith("loading.py raised KeyError: 'rates'."), "not init(), which has not begun"
    assert (diagnosis.where, diagnosis.source_line) == ("loading.py, line 2", 'rates = tables["rates"]')
    assert '         loading.py, line 2: rates = tables["rates"]' in diagnosis.to_text().splitlines()
    assert diagnosis.remedy.startswith("loading.py failed with KeyError.\n")
    Service("loading").delete()


def test_a_python_that_does_not_exist(folder: Path) -> None:
    (folder / "env.yml").write_text("dependencies: [python=3.99]\n", "utf-8")
    (folder / "any.py").write_text(Broken("").text, "utf-8")
    with pytest.raises(DeploymentFailed) as failed:
        deploy(folder / "any.py", "unmade", target="local", environment=folder / "env.yml")
    diagnosis = failed.value.diagnosis
    assert diagnosis is not None
    assert diagnosis.cause == "conda-package-not-found", failed.value.evidence
    assert diagnosis.title == "there is no Python 3.99 to be had"
    assert "python=3.99" in diagnosis.to_text()
    assert "channel" not in diagnosis.to_text(), "uv made it, not conda"
    assert "--pip" not in diagnosis.to_text(), "a Python is no package"


@pytest.mark.parametrize(
    ("name", "text", "cause", "said"),
    [
        (
            "editable.yml",
            "dependencies:\n- pip:\n  - -e .\n",
            "requirements-file-missing",
            "a folder that is no Python project",
        ),
        ("option.txt", "--no-such-option\nsix\n", "pip-requirements-invalid", "the line `--no-such-option`"),
    ],
)
def test_requirements_that_cannot_be_installed(folder: Path, name: str, text: str, cause: str, said: str) -> None:
    (folder / name).write_text(text, "utf-8")
    (folder / "any.py").write_text(Broken("").text, "utf-8")
    with pytest.raises(DeploymentFailed) as failed:
        deploy(folder / "any.py", "uninstalled", environment=folder / name)
    diagnosis = failed.value.diagnosis
    assert diagnosis is not None
    assert diagnosis.cause == cause, failed.value.evidence
    assert said in " ".join(diagnosis.to_text().split())
    assert "/requirements.txt" not in failed.value.summary, "that file is ours, not the user's"


@pytest.fixture(scope="module")
def service(folder: Path) -> Service:
    script = folder / "well.py"
    script.write_text(Broken("").text, "utf-8")
    return deploy(script, "gallery", target="local")


@pytest.mark.parametrize("broken", IN_RUN, ids=[broken.cause for broken in IN_RUN])
def test_it_fails_in_run(broken: Broken, folder: Path, service: Service) -> None:
    next(status for status in service.watch() if status.state == "running")  # the last one may have cost a worker
    service.reload(written(broken, folder))
    with pytest.raises(ScoringFailed) as failed:
        service.run(broken.send)
    diagnosis = failed.value.diagnosis
    assert diagnosis is not None
    assert diagnosis.cause == broken.cause, failed.value.evidence
    assert diagnosis.proof
    assert diagnosis.steps


KILLED = "import os\ndef init():\n    pass\ndef run(data):\n    os.kill(os.getpid(), 9)\n"
RAISES = "def init():\n    pass\ndef run(data):\n    return 1 / 0\n"
WELL = "def init():\n    pass\ndef run(data):\n    return 1\n"


@pytest.mark.parametrize("memory", ["", "200Mi"], ids=["the same make", "another make"])
@pytest.mark.parametrize("existing", [False, True], ids=["new", "edited"])
@pytest.mark.parametrize(
    ("text", "title", "said"),
    [
        (RAISES, "run() raised ZeroDivisionError: division by zero", "ZeroDivisionError"),
        (KILLED, "the process of run() was killed by SIGKILL", "was killed by SIGKILL"),
    ],
    ids=["raises", "killed"],
)
def test_a_sample_that_fails_is_a_matter_of_ready(
    folder: Path, text: str, title: str, said: str, existing: bool, memory: str
) -> None:
    script = folder / "sampled.py"
    if existing:
        script.write_text(WELL, "utf-8")
        deploy(script, "sampled", sample="{}")
    script.write_text(text, "utf-8")
    told: list[Event] = []
    asked = {"memory": memory} if memory else {}
    with pytest.raises(DeploymentFailed) as failed:
        deploy(script, "sampled", sample="{}", sink=told.append, **asked)
    ended = {str(event.stage): event.kind for event in told if event.kind in {"finished", "failed"}}
    assert (ended["init"], ended["ready"]) == ("finished", "failed")
    assert failed.value.stage == "ready"
    assert said in failed.value.summary
    assert "HTTP" not in failed.value.summary
    diagnosis = failed.value.diagnosis
    assert diagnosis is not None
    assert (diagnosis.title, diagnosis.stage) == (title, "ready")
    assert "mldeploy debug" not in diagnosis.to_text(), "it debugs containers"
    if existing:
        assert Service("sampled").run({}) == 1
    Service("sampled").delete()


def test_a_process_that_is_killed_in_init(folder: Path) -> None:
    script = folder / "killed.py"
    script.write_text("import os\ndef init():\n    os.kill(os.getpid(), 9)\ndef run(data):\n    return 1\n")
    with pytest.raises(DeploymentFailed) as failed:
        deploy(script, "killed")
    diagnosis = failed.value.diagnosis
    assert diagnosis is not None
    assert diagnosis.title == "init() failed with SIGKILL"
    assert diagnosis.what.startswith("`init()` of the scoring script was ended by SIGKILL")
    Service("killed").delete()


def test_a_server_that_was_killed_from_outside_is_started_again(folder: Path) -> None:
    script = folder / "outlived.py"
    script.write_text(WELL, "utf-8")
    killed = deploy(script, "outlived")
    process = psutil.Process(killed.record.details["pid"])
    process.kill()
    process.wait()
    told = killed.diagnose()
    assert (told.cause, told.stage) == ("process-gone", "")
    assert "type:  mldeploy start outlived" in told.to_text()
    killed.start()
    assert killed.diagnose().cause == ""
    killed.delete()


def test_memory_that_is_not_to_be_had_kills_nothing(folder: Path) -> None:
    script = folder / "greedy.py"
    script.write_text("def init():\n    bytearray(800 * 2**20)\ndef run(data):\n    return 1\n", "utf-8")
    with pytest.raises(DeploymentFailed) as failed:
        deploy(script, "greedy", memory="150Mi")
    diagnosis = failed.value.diagnosis
    assert diagnosis is not None
    assert diagnosis.what.startswith("init() ran out of memory")
    assert "container" not in diagnosis.to_text()
    Service("greedy").delete()


def test_a_failed_request_names_what_was_raised_and_where(folder: Path) -> None:
    script = folder / "raising.py"
    script.write_text(RAISES, "utf-8")
    raising = deploy(script, "raising")
    with pytest.raises(ScoringFailed) as failed:
        raising.run({})
    raised = "HTTP 500: run() raised ZeroDivisionError: division by zero ("
    assert failed.value.summary.startswith(f"raising answered {raised}")
    assert failed.value.summary.endswith("raising.py, line 4: return 1 / 0).")
    raising.delete()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(disk)]
    try:
        mounted = subprocess.run(command, check=False, capture_output=True).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        pytest.skip("needs the right to mount a small file system")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_disk_that_is_full_refuses_the_new_script(
    small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLDEPLOY_HOME", str(small_disk))
    MLDeploy.clear_instance()
    script = tmp_path / "score.py"
    script.write_text("def init():\n    pass\ndef run(data):\n    return 1\n")
    try:
        full = deploy(script, "full")
        descriptor = os.open(small_disk / "filling", os.O_WRONLY | os.O_CREAT)
        with contextlib.suppress(OSError):
            while True:
                os.write(descriptor, b"\0" * 4096)
        os.close(descriptor)
        script.write_text(script.read_text().replace("return 1", "return 2"))
        for change in (full.reload, lambda: deploy(script, "full")):
            with pytest.raises(ReloadRefused) as refused:
                change()
            said = str(refused.value)
            assert said.startswith("full did not take the new script: The script's file /")
            assert said.endswith("could not be written: No space left on device. The old script goes on serving.")
            diagnosis = refused.value.diagnosis
            assert diagnosis is not None
            assert diagnosis.cause == "build-disk-full"
            assert "docker" not in diagnosis.to_text()
            assert "--build" not in diagnosis.to_text(), "nothing was built"
            assert full.run({}) == 1
        (small_disk / "filling").unlink()
        full.reload()
        assert full.run({}) == 2
        full.delete()
    finally:
        MLDeploy.clear_instance()


def test_what_became_of_the_last_request_is_told_until_one_is_answered(folder: Path) -> None:
    script = folder / "ends.py"
    script.write_text("import os\ndef init(): pass\ndef run(data):\n    return os._exit(3) if 'end' in data else 1\n")
    made = deploy(script, "ends")
    assert made.diagnose().cause == ""
    with pytest.raises(ScoringFailed):
        made.run("end")
    told = made.diagnose()
    assert told.cause == "http-502-run-crashed"
    assert "exit code 3" in told.title
    made.run("go on")
    assert made.diagnose().cause == ""


def test_an_overloaded_service_is_not_well(folder: Path) -> None:
    script = folder / "slow.py"
    script.write_text("import time\ndef init(): pass\ndef run(data):\n    time.sleep(3)\n    return 1\n")
    made = deploy(script, "slow", replicas=1)  # a request waits for half a second at most
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: made.answer("1").status, range(8)))
    assert answers.count(503) > 4
    told = made.diagnose()
    assert told.cause == "http-503-overloaded"
    assert told.what.startswith(f"Of the last 8 requests {answers.count(503)} were refused.")
