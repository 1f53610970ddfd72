"""Environments are made by the real uv, from packages that these tests write themselves: no network."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import zipfile
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from jupyter_mldeploy.environments import list_environments, prepare, prune, with_requirements
from jupyter_mldeploy.environments.installer import find_uv, installer_environment, run_streamed
from jupyter_mldeploy.environments.waiting_lock import locked, locked_if_free
from jupyter_mldeploy.errors import Cancelled, DeploymentFailed, InvalidValue, StorageError, TargetUnavailable
from jupyter_mldeploy.events import Cancel
from jupyter_mldeploy.spec import Environment


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture(autouse=True)
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only packages that uv can find."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for name in list(os.environ):
        if name.startswith(("PIP_", "UV_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    wheel(folder, "mldeploy_greeting", "1.0", "TEXT = 'hello'")
    wheel(folder, "mldeploy_greeting", "2.0", "TEXT = 'hallo'")
    wheel(folder, "mldeploy_polite", "1.0", "from mldeploy_greeting import TEXT", requires=["mldeploy_greeting"])
    return folder


def wheel(folder: Path, name: str, version: str, code: str, requires: list[str] | None = None) -> None:
    information = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": code + "\n",
        f"{information}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        + "".join(f"Requires-Dist: {each}\n" for each in requires or []),
        f"{information}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{information}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{information}/RECORD"])
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)


def make(environment: Environment, home: Path, lines: list[str] | None = None, cancel: Cancel | None = None) -> Path:
    return prepare(environment, home, log=(lines if lines is not None else []).append, cancel=cancel or Cancel())


def said_by(interpreter: Path | str, code: str) -> str:
    return subprocess.run([interpreter, "-c", code], capture_output=True, text=True, check=True, cwd="/").stdout.strip()


def left_over(home: Path) -> list[str]:
    return sorted(path.name.partition(".")[2] or "folder" for path in (home / "environments").iterdir())


def test_current_is_this_interpreter_and_makes_nothing(home: Path) -> None:
    assert make(Environment.kernel(), home) == Path(sys.executable)
    assert not home.exists()


def test_it_is_made_once_with_what_is_required(home: Path) -> None:
    environment = Environment.from_requirements(["mldeploy_polite", "mldeploy_greeting==1.0"])
    lines: list[str] = []
    interpreter = make(environment, home, lines)
    assert interpreter == home / "environments" / environment.hash / "bin" / "python"
    assert said_by(interpreter, "import mldeploy_polite; print(mldeploy_polite.TEXT)") == "hello"
    assert any("mldeploy-polite==1.0" in line for line in lines)
    log = home / "environments" / f"{environment.hash}.log"
    assert log.read_text().splitlines() == lines
    again: list[str] = []
    assert make(environment, home, again) == interpreter
    assert again == []
    (listed,) = list_environments(home)
    assert (listed.hash, listed.interpreter) == (environment.hash, interpreter)
    assert listed.requirements == ("mldeploy_polite", "mldeploy_greeting==1.0")


def test_nothing_is_required(home: Path) -> None:
    environment = Environment(python=f"{sys.version_info.major}.{sys.version_info.minor}")
    assert said_by(make(environment, home), "print(1)") == "1"


def test_it_sees_neither_the_kernels_packages_nor_its_settings(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIRTUAL_ENV", "/somewhere/else")
    interpreter = make(Environment.from_requirements(["mldeploy_greeting"]), home)
    assert said_by(interpreter, "import importlib.util as u; print(u.find_spec('numpy'))") == "None"


def test_on_top_of_the_kernel_its_packages_are_seen_and_only_the_rest_is_installed(home: Path) -> None:
    environment = with_requirements(Environment.kernel(), ["mldeploy_polite"])
    interpreter = make(environment, home)
    code = "import mldeploy_polite, numpy, sys; print(mldeploy_polite.__file__, numpy.__file__, sep='\\n')"
    ours, numpy = said_by(interpreter, code).splitlines()
    assert environment.hash in ours
    assert numpy == said_by(sys.executable, "import numpy; print(numpy.__file__)")


def test_on_top_of_the_kernel_its_versions_stay_unless_named(home: Path, tmp_path: Path) -> None:
    kernel = Environment.from_requirements(["mldeploy_greeting==1.0"])
    interpreter = str(make(kernel, home))
    beside = Environment(name="x", interpreter=interpreter, requirements=("mldeploy_polite",))
    made = make(beside, home)
    assert said_by(made, "import mldeploy_polite; print(mldeploy_polite.TEXT)") == "hello"
    assert said_by(made, "import mldeploy_greeting; print(mldeploy_greeting.__file__)").startswith(
        str(Path(interpreter).parent.parent)
    )
    newer = Environment(name="y", interpreter=interpreter, requirements=("mldeploy_polite", "mldeploy_greeting>=2"))
    assert said_by(make(newer, home), "import mldeploy_polite; print(mldeploy_polite.TEXT)") == "hallo"
    assert said_by(interpreter, "import mldeploy_greeting; print(mldeploy_greeting.TEXT)") == "hello"


def test_an_interpreter_that_is_gone(home: Path) -> None:
    environment = Environment(interpreter="/nowhere/bin/python", requirements=("mldeploy_polite",))
    with pytest.raises((DeploymentFailed, TargetUnavailable)):
        make(environment, home)
    assert left_over(home) == ["lock", "log"]


def test_what_cannot_be_installed_fails_with_the_log_as_evidence(home: Path) -> None:
    environment = Environment.from_requirements(["mldeploy_greeting==99"], name="mine")
    with pytest.raises(DeploymentFailed) as caught:
        make(environment, home)
    error = caught.value
    assert error.stage == "build"
    assert error.summary.startswith("The environment 'mine' could not be installed: No solution found")
    assert "mldeploy-greeting==99" in error.evidence.build_log
    assert error.evidence.requirements == ("mldeploy_greeting==99",)
    assert error.evidence.exit_code
    assert left_over(home) == ["lock", "log"]
    assert list_environments(home) == []


def test_a_python_that_is_not_there(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS", "never")
    with pytest.raises(DeploymentFailed, match=r"No interpreter found for Python 3.98"):
        make(Environment(python="3.98"), home)


def test_conda_that_pip_cannot_have_is_refused_before_anything(home: Path) -> None:
    with pytest.raises(InvalidValue, match="--target container"):
        make(Environment(conda=("cudatoolkit=11.8",)), home)
    assert not home.exists()


def test_notes_are_said_in_the_log(home: Path, wheels: Path) -> None:
    wheel(wheels, "numpy", "9.0", "")
    lines: list[str] = []
    make(Environment(conda=("numpy",)), home, lines)
    assert lines[0] == "The conda package 'numpy' is installed from PyPI, as 'numpy'."


def test_a_half_made_environment_is_made_again(home: Path) -> None:
    environment = Environment.from_requirements(["mldeploy_greeting"])
    folder = make(environment, home).parent.parent
    (folder / "mldeploy.json").unlink()
    shutil.rmtree(folder / "lib")
    assert list_environments(home) == []
    assert said_by(make(environment, home), "import mldeploy_greeting; print(mldeploy_greeting.TEXT)") == "hallo"


def test_an_environment_whose_python_is_gone_is_made_again(home: Path) -> None:
    environment = Environment.from_requirements(["mldeploy_greeting"])
    interpreter = make(environment, home)
    interpreter.unlink()
    assert make(environment, home).exists()


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="could not be stored"):
        make(Environment.from_requirements(["mldeploy_greeting"]), tmp_path / "file")


def test_without_uv(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uv", None)
    monkeypatch.setenv("PATH", str(home))
    with pytest.raises(TargetUnavailable, match="made by uv, which is not installed") as caught:
        make(Environment.from_requirements(["mldeploy_greeting"]), home)
    assert "jupyter-mldeploy[environments]" in caught.value.hint


# -- many at once ------------------------------------------------------------------------------------------------------


def test_two_processes_make_it_once(home: Path) -> None:
    code = """
import sys
from pathlib import Path
from jupyter_mldeploy.environments import prepare
from jupyter_mldeploy.events import Cancel
from jupyter_mldeploy.spec import Environment
sys.stdin.readline()
print(prepare(Environment.from_requirements(["mldeploy_greeting"]), Path(sys.argv[1]), log=print, cancel=Cancel()))
"""
    command = [sys.executable, "-c", code, str(home)]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    for process in processes:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=120)[0].splitlines() for process in processes]
    assert len({answer[-1] for answer in answers}) == 1
    assert sum(any("mldeploy-greeting==2.0" in line for line in answer) for answer in answers) == 1


def blocking(folder: Path, wheels: Path) -> Environment:
    """An environment whose installation builds a package, which starts a child and never ends."""
    project = folder / "endless"
    project.mkdir()
    (project / "pyproject.toml").write_text(
        '[project]\nname = "endless"\nversion = "1"\n'
        '[build-system]\nrequires = []\nbuild-backend = "back"\nbackend-path = ["."]\n'
    )
    pipe = folder / "building"
    os.mkfifo(pipe)
    (project / "back.py").write_text(
        "import os, signal, subprocess, sys\n"
        "def get_requires_for_build_wheel(config=None):\n"
        "    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"    pipe = os.open({str(pipe)!r}, os.O_WRONLY)\n"
        "    os.set_inheritable(pipe, True)\n"
        "    os.write(pipe, b'building\\n')\n"
        "    subprocess.run([sys.executable, '-c', 'import signal; signal.pause()'], close_fds=False)\n"
    )
    return Environment.from_requirements([str(project)])


def cancelled(environment: Environment, home: Path, cancel: Cancel) -> None:
    with pytest.raises(Cancelled):
        make(environment, home, cancel=cancel)


def test_cancelling_ends_every_process_and_leaves_nothing(home: Path, tmp_path: Path, wheels: Path) -> None:
    environment = blocking(tmp_path, wheels)
    cancel = Cancel()
    raised: list[BaseException] = []

    def work() -> None:
        try:
            make(environment, home, cancel=cancel)
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    with (tmp_path / "building").open() as pipe:
        assert pipe.readline() == "building\n"
        cancel.set()
        thread.join(60)
        assert pipe.read() == ""  # the end of the pipe: whoever held it is gone
    assert [type(error) for error in raised] == [Cancelled]
    assert left_over(home) == ["lock", "log"]


def test_who_waits_for_another_can_give_up(home: Path, tmp_path: Path, wheels: Path) -> None:
    environment = blocking(tmp_path, wheels)
    first, second = Cancel(), Cancel()
    thread = threading.Thread(target=cancelled, args=(environment, home, first))
    thread.start()
    with (tmp_path / "building").open() as pipe:
        pipe.readline()
        lines: list[str] = []

        def log(line: str) -> None:
            lines.append(line)
            second.set()

        with pytest.raises(Cancelled):
            prepare(environment, home, log=log, cancel=second)
        assert lines == ["Another process is making the environment 'environment'; waiting for it."]
        first.set()
        thread.join(60)


PREPARE = """
import sys
from pathlib import Path
from jupyter_mldeploy.environments import prepare
from jupyter_mldeploy.events import Cancel
from jupyter_mldeploy.spec import Environment
prepare(Environment.from_requirements([sys.argv[2]]), Path(sys.argv[1]), log=print, cancel=Cancel())
"""


def test_an_interrupt_ends_every_process_and_leaves_nothing(home: Path, tmp_path: Path, wheels: Path) -> None:
    environment = blocking(tmp_path, wheels)
    command = [sys.executable, "-c", PREPARE, str(home), environment.requirements[0]]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    with (tmp_path / "building").open() as pipe:
        assert pipe.readline() == "building\n"
        process.send_signal(signal.SIGINT)
        assert "KeyboardInterrupt" in process.communicate(timeout=60)[1]
        assert pipe.read() == ""
    assert left_over(home) == ["lock", "log"]


def test_while_the_installer_of_a_killed_process_runs_on_nobody_else_begins(
    home: Path, tmp_path: Path, wheels: Path
) -> None:
    environment = blocking(tmp_path, wheels)
    command = [sys.executable, "-c", PREPARE, str(home), environment.requirements[0]]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    lock = home / "environments" / f"{environment.hash}.lock"
    with (tmp_path / "building").open() as pipe:
        assert pipe.readline() == "building\n"
        (installer,) = psutil.Process(process.pid).children()
        process.kill()
        process.wait()
        with locked_if_free(lock) as held:
            assert not held
        os.killpg(installer.pid, signal.SIGKILL)
        assert pipe.read() == ""
    with locked(lock, Cancel(), lambda: None):
        pass
    assert prune(home, set()) == [environment.hash]


def test_prune_keeps_what_is_used_and_what_is_being_made(home: Path, tmp_path: Path, wheels: Path) -> None:
    kept, dropped = (
        Environment.from_requirements(["mldeploy_greeting"]),
        Environment.from_requirements(["mldeploy_polite"]),
    )
    for environment in (kept, dropped):
        make(environment, home)
    making, cancel = blocking(tmp_path, wheels), Cancel()
    thread = threading.Thread(target=cancelled, args=(making, home, cancel))
    thread.start()
    with (tmp_path / "building").open() as pipe:
        pipe.readline()
        assert prune(home, {kept.hash}) == [dropped.hash]
        assert (home / "environments" / making.hash).is_dir()
        cancel.set()
        thread.join(60)
    assert [environment.hash for environment in list_environments(home)] == [kept.hash]
    assert prune(home, {kept.hash}) == []
    assert sorted(path.name for path in (home / "environments").iterdir()) == [
        kept.hash, f"{kept.hash}.lock", f"{kept.hash}.log"
    ]  # fmt: skip


def test_prune_of_nothing(home: Path) -> None:
    assert prune(home, set()) == []


# -- the installer -----------------------------------------------------------------------------------------------------


def test_what_pip_is_told_uv_is_told(tmp_path: Path) -> None:
    configuration = tmp_path / "pip.conf"
    configuration.write_text(
        "[global]\nextra-index-url = https://b/simple\n  https://c/simple\n[install]\ncert = /ca.pem\n"
    )
    variables = installer_environment(
        {"PIP_CONFIG_FILE": str(configuration), "PIP_INDEX_URL": "https://a/simple", "PYTHONPATH": "/x", "HOME": "/h"}
    )
    assert variables["UV_DEFAULT_INDEX"] == "https://a/simple"
    assert variables["UV_INDEX"] == "https://b/simple https://c/simple"
    assert variables["SSL_CERT_FILE"] == "/ca.pem"
    assert "PYTHONPATH" not in variables
    own = installer_environment(
        {"UV_DEFAULT_INDEX": "https://mine", "PIP_INDEX_URL": "https://a", "PIP_CONFIG_FILE": "/dev/null"}
    )
    assert own["UV_DEFAULT_INDEX"] == "https://mine"


def test_secrets_do_not_reach_the_log(home: Path) -> None:
    environment = Environment.from_requirements(["x @ https://ana:s3cret-word@127.0.0.1:1/x-1.0-py3-none-any.whl"])
    lines: list[str] = []
    with pytest.raises(DeploymentFailed) as caught:
        make(environment, home, lines)
    everything = json.dumps([lines, caught.value.to_json(), caught.value.evidence.build_log])
    assert "s3cret-word" not in everything
    assert "s3cret-word" not in (home / "environments" / f"{environment.hash}.log").read_text()


def test_a_command_that_does_not_start(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as lock, pytest.raises(TargetUnavailable, match="could not be started"):
        run_streamed(
            ["/nowhere/uv"], folder=tmp_path, environment={}, log=print, cancel=Cancel(), keep_open=lock.fileno()
        )


def test_output_that_is_no_text_is_kept_readable(tmp_path: Path) -> None:
    lines: list[str] = []
    with (tmp_path / "lock").open("w") as lock:
        code = run_streamed(
            [sys.executable, "-c", "import os; os.write(1, b'caf\\xe9\\nlast'); raise SystemExit(3)"],
            folder=tmp_path, environment={}, log=lines.append, cancel=Cancel(), keep_open=lock.fileno(),
        )  # fmt: skip
    assert (code, lines) == (3, ["caf\ufffd", "last"])


def test_uv_is_found() -> None:
    assert Path(find_uv()).is_file()


def test_current_is_the_python_it_was_said_in(home: Path, tmp_path: Path) -> None:
    mine = Environment.kernel()
    assert mine.interpreter is not None
    assert Path(mine.interpreter).samefile(sys.executable)
    elsewhere = tmp_path / "bin" / "python"
    elsewhere.parent.mkdir()
    elsewhere.symlink_to(sys.executable)
    other = replace(mine, interpreter=str(elsewhere))
    assert other.hash != mine.hash
    assert make(other, home) == elsewhere
    elsewhere.unlink()
    with pytest.raises(TargetUnavailable, match="is gone"):
        make(other, home)
