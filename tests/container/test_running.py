"""A container that runs, and what may happen to it."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_mldeploy import service, services
from jupyter_mldeploy.errors import (
    Conflict,
    DeploymentFailed,
    InvalidValue,
    PortInUse,
    ScoringFailed,
    TargetUnavailable,
)
from jupyter_mldeploy.images.engine import Engine
from jupyter_mldeploy.images.plan import LABEL
from jupyter_mldeploy.targets.container.driver import ContainerDriver
from jupyter_mldeploy.targets.container.identity import home_id

from ..contract.scripts import ADDING, edited
from .conftest import Deploy, Heard, Ran, unique
from .under_test import ContainerUnderTest

EATS = "def eat():\n    kept = []\n    while True:\n        kept.append(bytearray(2**20))\n"
ON_COMMAND = """\
import json, os, sys

def init(): pass

def run(data):
    match json.loads(data)["do"]:
        case "bytes":
            sys.stdout.buffer.write(b"caf\\xe9 \\xff\\n")
            sys.stdout.flush()
        case "say":
            print("said", json.loads(data)["what"])
    return "done"
"""


def container_of(made: object) -> str:
    return str(made.record.details["container"])  # type: ignore[attr-defined]


# -- where there is no engine -----------------------------------------------------------------------------------------


def test_no_engine_runs(deployed: Deploy, monkeypatch: pytest.MonkeyPatch, mldeploy: Callable[..., Ran]) -> None:
    made = deployed()
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
        with pytest.raises(
            TargetUnavailable, match=r"Cannot connect to the Docker engine at unix:///nowhere/docker.sock"
        ):
            deployed(name="other")
        status = made.status()
        assert status.state == "unknown"
        assert "Cannot connect to the Docker engine" in status.message
        told = mldeploy("status", "adder")
        assert told.code == 0
        assert "Cannot connect" in told.out
        assert mldeploy("services").code == 0
        assert mldeploy("images").code == 0
        assert mldeploy("prune", "--yes").code == 1
    assert made.run({"x": 1})["sum"] == 2
    assert [known.name for known in services()] == ["adder"]


def test_no_permission_on_the_socket(engine: Engine, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody who may not use the socket")
    code = (
        "import os, docker, docker.tls, requests, jupyter_mldeploy.images.engine as e\n"
        "os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)\n"
        "try:\n    e.connect()\nexcept e.TargetUnavailable as error:\n    print(error)\n"
    )
    environment = {**os.environ, "HOME": str(tmp_path), "DOCKER_HOST": engine.address}
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert "You may not use the Docker engine" in told.stdout
    assert "permission denied" in told.stdout
    assert "usermod -aG docker" in told.stdout


def test_a_context_that_is_not_there(
    deployed: Deploy, docker_config: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    docker_config("{}")
    with pytest.raises(TargetUnavailable, match="There is no Docker context 'nowhere'"):
        deployed(context="nowhere")


def test_without_an_engine_nobody_knows_what_it_has(
    deployed: Deploy, monkeypatch: pytest.MonkeyPatch, mldeploy: Callable[..., Ran]
) -> None:
    image = str(deployed(until="build").record.details["image"])
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
        listed, shown = mldeploy("images"), mldeploy("image", "adder")
    for told in (listed, shown):
        assert told.code == 0
        assert "Cannot connect to the Docker engine at unix:///nowhere/docker.sock" in told.err
    assert re.search(rf"^{image} +adder +unknown ", listed.out, re.MULTILINE)
    assert "nobody knows whether it is on the engine" in shown.out
    assert re.search(rf"^{image} +adder +(built|found) ", mldeploy("images").out, re.MULTILINE)


def test_the_log_of_a_build_has_no_lives_replicas_or_times(deployed: Deploy, mldeploy: Callable[..., Ran]) -> None:
    deployed(until="build")
    for words, said in (
        (("--since", "5m"), "since=300.0 is not valid"),
        (("--previous",), "previous=True is not valid"),
        (("--replica", "1"), "replica='1' is not valid"),
    ):
        told = mldeploy("logs", "adder", "--build", *words)
        assert (told.code, told.out) == (1, "")
        assert f"{said}: the log of a build has neither lives nor replicas nor times" in told.err


# -- ends -------------------------------------------------------------------------------------------------------------


def watched_to_its_end(made: object) -> str:
    """The last message of a watcher that was told of the end."""
    return list(made.watch())[-1].message  # type: ignore[attr-defined]


def test_docker_kill_is_told_apart_from_memory(deployed: Deploy, target: ContainerUnderTest) -> None:
    made = deployed(memory="200Mi")
    told: list[str] = []
    watcher = threading.Thread(target=lambda: told.append(watched_to_its_end(made)))
    watcher.start()
    target.kill(made)
    watcher.join(30)
    assert not watcher.is_alive()
    assert "killed from outside, not for its memory (exit code 137, SIGKILL)" in told[0]
    evidence = ContainerDriver(made._records).evidence(made.record, "run")
    assert (evidence.exit_code, evidence.oom_killed) == (137, False)
    assert (made.diagnose().cause, made.diagnose().facts["ended"]) == ("process-gone", "killed")


def test_run_that_eats_the_memory(deployed: Deploy) -> None:
    script = f"{EATS}\ndef init(): pass\ndef run(data):\n    return eat() if 'eat' in data else 'well'\n"
    made = deployed(script, memory="150Mi")
    with pytest.raises(ScoringFailed) as failed:
        made.run('{"eat": 1}')
    assert failed.value.diagnosis is not None
    assert failed.value.diagnosis.cause in {"container-oom-killed", "gunicorn-worker-oom"}, failed.value.diagnosis
    assert next(status for status in made.watch() if status.ready).state == "running"
    assert made.run("{}") == "well"


def test_init_that_eats_the_memory(deployed: Deploy, target: ContainerUnderTest) -> None:
    with pytest.raises(DeploymentFailed) as failed:
        deployed(f"{EATS}\ndef init(): eat()\ndef run(data): return 1\n", memory="150Mi")
    assert failed.value.stage == "init"
    assert failed.value.evidence.oom_killed
    assert failed.value.diagnosis is not None
    assert failed.value.diagnosis.cause in {"container-oom-killed", "gunicorn-worker-oom"}
    assert target.leftovers() == []


def test_init_that_fails(deployed: Deploy, target: ContainerUnderTest) -> None:
    with pytest.raises(DeploymentFailed) as failed:
        deployed("def init():\n    open('no-such-' + 'model.pkl')\ndef run(data): return 1\n")
    assert "no-such-model.pkl" in failed.value.summary
    assert failed.value.diagnosis is not None
    assert failed.value.diagnosis.cause == "model-file-not-found"
    assert "no-such-model.pkl" in service("adder").logs()
    assert target.leftovers() == []


def test_init_that_hangs(deployed: Deploy, target: ContainerUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLDEPLOY_INIT_TIMEOUT", "2")
    with pytest.raises(DeploymentFailed) as failed:
        deployed("import threading\ndef init(): threading.Event().wait()\ndef run(data): return 1\n")
    assert failed.value.stage == "init"
    assert re.search(r"init\(\).*2", failed.value.summary)
    assert target.leftovers() == []


def test_a_server_that_ends_by_itself_is_started_again(deployed: Deploy, engine: Engine) -> None:
    made = deployed()
    before = made.run({"x": 1})["started"]
    pid = engine.api.inspect_container(container_of(made))["State"]["Pid"]
    watcher = made.watch()
    assert next(watcher).state == "running"
    os.kill(pid, 9)  # of the container's first process, as a crash would
    for status in watcher:
        if status.state == "running" and status.ready:
            break
    assert made.run({"x": 1})["started"] != before
    assert "init ran" in made.logs(previous=True)
    assert made.logs(previous=True).count("init ran") == 1
    assert made.logs().count("init ran") == 1


# -- changed behind our back ------------------------------------------------------------------------------------------


def test_a_container_that_somebody_removed_is_gone_not_an_error(
    deployed: Deploy, engine: Engine, mldeploy: Callable[..., Ran]
) -> None:
    made = deployed()
    engine.api.remove_container(container_of(made), force=True)
    status = made.status()
    assert (status.state, status.scoring_uri) == ("stopped", "")
    assert "somebody removed it" in status.message
    assert mldeploy("status", "adder").code == 0
    told = mldeploy("diagnose", "adder").out
    assert "its container was removed from outside" in told
    assert "type:  mldeploy start adder" in told
    assert mldeploy("run", "adder", "{}").err.strip().endswith("somebody removed it. Deploy it again.")
    assert mldeploy("reload", "adder").err.strip().endswith("somebody removed it. Deploy it again.")
    made.start()
    assert made.run({"x": 1})["sum"] == 2
    engine.api.remove_container(container_of(made), force=True)
    made.stop()
    assert deployed().run({"x": 1})["sum"] == 2
    engine.api.remove_container(container_of(made), force=True)
    made.delete()
    assert services() == []


def test_a_kill_is_told_as_one_also_where_a_replica_ran_out_of_memory_before(
    deployed: Deploy, target: ContainerUnderTest
) -> None:
    eats = f"{EATS}def init(): pass\ndef run(data):\n    return eat() if 'eat' in data else 'fine'\n"
    made = deployed(eats, memory="150Mi")
    with pytest.raises(ScoringFailed):
        made.run({"do": "eat"})
    assert made.run({"do": "answer"}) == "fine"
    target.kill(made)
    assert target.engine.api.inspect_container(container_of(made))["State"]["OOMKilled"], "the engine says so"
    assert "killed from outside, not for its memory" in made.status().message
    found = made.diagnose()
    assert (found.cause, found.facts["ended"]) == ("process-gone", "killed")


def test_a_paused_container_is_said_to_be(deployed: Deploy, engine: Engine, mldeploy: Callable[..., Ran]) -> None:
    made = deployed()
    engine.api.pause(container_of(made))
    assert "docker unpause" in made.status().message
    assert (made.diagnose().cause, made.diagnose().facts["ended"]) == ("process-gone", "paused")
    assert mldeploy("run", "adder", "{}").err.strip().endswith("`docker unpause` lets it go on.")
    engine.api.unpause(container_of(made))
    assert made.state == "running"
    assert made.diagnose().cause == ""


def test_a_container_that_somebody_stopped_is_diagnosed(deployed: Deploy, engine: Engine) -> None:
    made = deployed()
    engine.api.stop(container_of(made))
    assert (made.diagnose().cause, made.diagnose().facts["ended"]) == ("process-gone", "stopped")
    made.start()
    made.stop()
    assert made.diagnose().cause == ""


def test_an_image_that_was_removed_is_built_again(deployed: Deploy, engine: Engine, heard: Heard) -> None:
    text = unique(edited(ADDING, "+ 1", "+ 1"))
    made = deployed(text)
    image = str(made.record.details["image"])
    engine.api.remove_image(image, force=True)
    assert engine.has_image(image) is None
    assert made.run({"x": 1})["sum"] == 2
    made.update(memory="300Mi", sink=heard)
    assert made.run({"x": 1})["sum"] == 2
    assert engine.has_image(image) is not None
    (told,) = heard.of("build", "finished")
    assert told.message.endswith("built script")


def test_a_lost_record_is_made_again_from_the_container(
    deployed: Deploy, home: Path, mldeploy: Callable[..., Ran], target: ContainerUnderTest
) -> None:
    import shutil

    made = deployed(sample={"x": 1})
    before = made.run({"x": 1})
    shutil.rmtree(home / "services")
    assert services() == []
    (found,) = target.containers()
    told = mldeploy("services")
    assert found["Id"][:12] in told.err
    assert "has no record" in told.err
    assert service("adder").run({"x": 1}) == before
    assert service("adder").spec.sample == '{"x": 1}'
    assert [known.name for known in services()] == ["adder"]
    service("adder").scale(2)  # the token was found too
    assert "has no record" not in mldeploy("services").err


def test_prune_removes_what_no_record_knows(
    deployed: Deploy, home: Path, engine: Engine, mldeploy: Callable[..., Ran], target: ContainerUnderTest
) -> None:
    import shutil

    deployed(unique(edited(ADDING, "+ 1", "+ 1")))
    kept = deployed(unique(edited(ADDING, "+ 1", "+ 2")), name="other")
    shutil.rmtree(home / "services" / "adder")
    image = next(found["Image"] for found in target.containers() if found["Labels"]["mldeploy.service"] == "adder")
    asked = mldeploy("prune")
    assert asked.code == 1
    assert "add --yes to prune without being asked" in asked.err
    assert len(target.containers()) == 2
    done = mldeploy("prune", "--yes")
    assert done.code == 0, done.err
    assert "Removed 1 container and 1 image." in done.out
    assert engine.has_image(image) is None
    (left,) = target.containers()
    assert left["Labels"]["mldeploy.service"] == "other"
    assert kept.run({"x": 1})["sum"] == 3
    assert engine.has_image(str(kept.record.details["image"]))
    assert mldeploy("prune", "--yes").out == "Nothing to remove.\n"


def test_a_service_is_deleted_with_its_images(
    deployed: Deploy, engine: Engine, mldeploy: Callable[..., Ran], target: ContainerUnderTest
) -> None:
    text = unique(edited(ADDING, "+ 1", "+ 1"))
    first = str(deployed(text).record.details["image"])
    made = deployed(edited(text, "given[", "given ["), memory="200Mi")
    second = str(made.record.details["image"])
    other = deployed(unique(ADDING), name="other")
    assert first != second
    done = mldeploy("delete", "adder", "--yes", "--image")
    assert done.code == 0, done.err
    assert set(done.out.strip().split(" · ")) == {"adder", "deleted", first, second}
    assert engine.has_image(first) is engine.has_image(second) is None
    assert engine.has_image(str(other.record.details["image"]))
    assert other.run({"x": 1})["sum"] == 2


def test_what_the_engine_refuses_is_said(
    deployed: Deploy, target: ContainerUnderTest, made_of: Callable[..., str]
) -> None:
    empty = made_of("FROM scratch", f'LABEL {LABEL}version="1"')
    with pytest.raises(DeploymentFailed, match=r"adder failed in launch: the engine refused: No command") as failed:
        deployed(from_image=empty)
    assert failed.value.diagnosis is not None
    assert target.leftovers() == []


def test_limits_that_the_engine_has_not_are_refused_before_a_build(
    deployed: Deploy, target: ContainerUnderTest, heard: Heard
) -> None:
    told = target.engine.api.info()
    cpus, memory = told["NCPU"], told["MemTotal"]
    for wishes, said in (
        ({"cpu": cpus + 1}, rf"cpu={cpus + 1} is not valid: the engine has {cpus} CPUs?\."),
        (
            {"cpu": cpus, "replicas": 2},
            rf"cpu={cpus} is not valid: 2 replicas may use {2 * cpus} CPUs together, and the engine has {cpus} CPUs?\.",
        ),
        ({"cpu": 0.001}, r"cpu=0.001 is not valid: the least that an engine gives to a container is 0.01 CPUs\."),
        ({"memory": f"{memory // 1024**3 + 1}Gi"}, r"memory='\d+Gi' is not valid: the engine has [\d.]+Gi\."),
    ):
        with pytest.raises(InvalidValue, match=f"^{said}$"):
            deployed(unique(ADDING), sink=heard, **wishes)
    assert heard.of("build", "started") == []
    assert services() == []
    # All replicas together may be allowed more memory than there is.
    made = deployed(memory=f"{memory * 3 // 4 // 1024**2}Mi", replicas=2, cpu=cpus / 2)
    assert made.run({"x": 1})["sum"] == 2
    with pytest.raises(InvalidValue, match=r"3 replicas may use"):
        made.scale(3)
    assert made.status().ready == 2


def test_its_health_check_does_not_fill_its_log(deployed: Deploy, engine: Engine) -> None:
    made = deployed()
    found = engine.api.inspect_container(container_of(made))
    kind, *command = found["Config"]["Healthcheck"]["Test"]
    assert kind == "CMD"
    for _ in range(3):
        asked = engine.api.exec_create(found["Id"], command)["Id"]
        assert engine.api.exec_start(asked) == b""
        assert engine.api.exec_inspect(asked)["ExitCode"] == 0
    with urllib.request.urlopen(f"{made.scoring_uri.removesuffix('/score')}/", timeout=30) as answer:
        assert answer.status == 200
    said = b""
    for chunk in engine.api.logs(found["Id"], stream=True, follow=True):
        said += chunk
        if b"GET / 200" in chunk:
            break
    assert said.count(b"GET / ") == 1


# -- names and ports --------------------------------------------------------------------------------------------------


def test_a_port_that_is_taken(deployed: Deploy, target: ContainerUnderTest) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(PortInUse, match=f"Port {port} is in use"):
            deployed(port=port)
    assert target.leftovers() == []
    assert deployed(port=port).scoring_uri == f"http://127.0.0.1:{port}/score"
    with pytest.raises(PortInUse, match=r"is in use by the container 'mldeploy-adder"):
        deployed(name="other", port=port)


def test_a_name_that_somebody_elses_container_has(
    deployed: Deploy, someone_elses: Callable[[str], str], target: ContainerUnderTest, engine: Engine, heard: Heard
) -> None:
    name = f"taken-{os.urandom(3).hex()}"
    theirs = someone_elses(f"mldeploy-{name}")
    with pytest.raises(
        Conflict, match=f"The container name 'mldeploy-{name}' is taken by somebody else's container"
    ) as refused:
        deployed(unique(ADDING), name=name, sink=heard)
    assert f"docker rm --force mldeploy-{name}" in refused.value.hint
    assert heard.of("build", "started") == []
    assert deployed(name=name, until="build").state == "stopped"
    with pytest.raises(Conflict, match="is taken by somebody else's container"):
        service(name).start()
    assert engine.api.inspect_container(theirs)["Name"] == f"/mldeploy-{name}"
    assert target.leftovers() == []


def test_two_data_folders_have_a_service_of_one_name(
    deployed: Deploy, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    from jupyter_mldeploy.config import MLDeploy

    name = f"both-{os.urandom(3).hex()}"
    first = deployed(name=name)
    monkeypatch.setenv("MLDEPLOY_HOME", str(tmp_path / "second"))
    MLDeploy.clear_instance()
    second = deployed(edited(ADDING, "+ 1", "+ 100"), name=name)
    try:
        second.update(memory="300Mi")
        assert (first.run({"x": 1})["sum"], second.run({"x": 1})["sum"]) == (2, 101)
        names = {engine.api.inspect_container(container_of(made))["Name"] for made in (first, second)}
        assert names == {f"/mldeploy-{name}", f"/mldeploy-{name}-{home_id(tmp_path / 'second')}"}
    finally:
        second.delete()
        monkeypatch.setenv("MLDEPLOY_HOME", str(home))
        MLDeploy.clear_instance()
    assert first.run({"x": 1})["sum"] == 2


# -- logs -------------------------------------------------------------------------------------------------------------


def test_bytes_that_are_no_text_survive_in_the_log(deployed: Deploy) -> None:
    made = deployed(ON_COMMAND)
    made.run({"do": "bytes"})
    made.run({"do": "say", "what": "end"})
    assert r"caf\xe9 \xff" in made.logs()


def test_logs_by_number_time_and_text(deployed: Deploy, engine: Engine) -> None:
    made = deployed(ON_COMMAND)
    for number in range(5):
        made.run({"do": "say", "what": f"number {number}"})
    lines = made.logs(lines=2, grep="said").splitlines()
    assert [line[-8:] for line in lines] == ["number 3", "number 4"]
    assert len(made.logs(lines=3).splitlines()) == 3
    assert "number 4" in made.logs(since=60)
    assert re.match(r"Step 1/|mldeploy/adder:\w+ was on the engine already", made.logs(build=True))
    assert "number 4" not in made.logs(build=True)
    engine.api.restart(container_of(made))
    assert "number 4" not in made.logs()
    assert "number 4" in made.logs(previous=True)


def test_following_goes_on_until_the_container_ends(deployed: Deploy, target: ContainerUnderTest) -> None:
    from jupyter_mldeploy.targets.base import LogQuery

    made = deployed(ON_COMMAND)
    heard: list[str] = []
    said = threading.Event()

    def follow() -> None:
        for line in made.follow(LogQuery(follow=True)):
            heard.append(line.text)
            if "said now" in line.text:
                said.set()

    thread = threading.Thread(target=follow)
    thread.start()
    made.run({"do": "say", "what": "now"})
    assert said.wait(30)
    target.kill(made)
    thread.join(30)
    assert not thread.is_alive()


# -- inside -----------------------------------------------------------------------------------------------------------


def test_a_command_in_the_container(deployed: Deploy, mldeploy: Callable[..., Ran], tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("six==1.17.0\n")
    deployed(environment=tmp_path / "requirements.txt")
    done = mldeploy("exec", "adder", "--", "pip", "freeze")
    assert (done.code, done.out.split()) == (0, ["six==1.17.0"])
    done = mldeploy("exec", "adder", "--", "sh", "-c", "pwd; echo wrong >&2; exit 7")
    assert (done.code, done.out, done.err) == (7, "/var/azureml-app\n", "wrong\n")
    done = mldeploy("exec", "--format", "json", "adder", "--", "id", "-u")
    assert '"stdout": "10001\\n"' in done.out
    assert mldeploy("exec", "adder", "--", "no-such-program").code in {126, 127}
    assert mldeploy("exec", "adder").code == 1
    assert "needs a terminal" in mldeploy("shell", "adder").err
    service("adder").stop()
    assert "does not run" in mldeploy("exec", "adder", "--", "id").err


def test_a_shell_on_a_real_terminal(deployed: Deploy) -> None:
    import pty

    deployed()
    words = [sys.executable, "-m", "jupyter_mldeploy.cli", "shell", "adder"]
    master, slave = pty.openpty()
    process = subprocess.Popen(words, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
    os.close(slave)
    seen = b""
    try:
        os.write(master, b"echo $((40+2)) in $PWD; exit 5\n")
        while b"42 in /var/azureml-app" not in seen:
            seen += os.read(master, 4096)
        # Read on until the end: a full terminal would hold it up.
        threading.Thread(target=_drain, args=(master,), daemon=True).start()
        assert process.wait(60) == 5
    finally:
        process.kill()
        process.wait()
        os.close(master)


def _drain(master: int) -> None:
    try:
        while os.read(master, 4096):
            pass
    except OSError:
        return
