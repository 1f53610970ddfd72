"""What is advised can be done where the service runs."""

from __future__ import annotations

import pytest

from jupyter_mldeploy.diagnosis import diagnose
from jupyter_mldeploy.diagnosis.actions import carried_out_on
from jupyter_mldeploy.evidence import Evidence


@pytest.mark.parametrize(
    ("target", "without"),
    [("local", ("kubectl", "docker", "container")), ("container", ("kubectl",)), ("kubernetes", ("docker",))],
)
def test_evidence_that_does_not_tell_gives_advice_for_its_target(target: str, without: tuple[str, ...]) -> None:
    told = diagnose(Evidence(stage="launch", target=target, service="adder", exit_code=1, log="it is over"))
    assert told.cause == "insufficient-evidence"
    for words in without:
        assert words not in told.to_text()


def test_a_build_that_failed_on_the_local_target_shows_its_own_log() -> None:
    told = diagnose(Evidence(stage="build", target="local", service="adder", exit_code=2, build_log="it is over"))
    assert "mldeploy logs adder --build" in told.to_text()
    assert "type:  mldeploy logs adder --build" in told.to_text()


def test_a_line_of_requirements_is_named_where_the_file_is_the_users_own() -> None:
    line = "error: Unexpected '-', expected '-c', '-e', '-r' or the start of a requirement: requirements.txt:1:1"
    told = diagnose(Evidence(stage="build", exit_code=2, build_log=line))
    assert told.cause == "pip-requirements-invalid"
    assert "{" not in told.remedy


@pytest.mark.parametrize(("name", "command"), [("cell [20]", "%%deploy"), ("score.py", "--entry_script score.py")])
def test_init_is_called_by_hand_where_the_script_is(name: str, command: str) -> None:
    failure = {"stage": "init", "kind": "exception", "message": "init() raised KeyError", "line": 3, "file": "score.py"}
    told = diagnose(Evidence(stage="init", target="local", service="adder", script_name=name, failure=failure))
    assert told.cause == "crashloop-init-exception"
    assert command in told.steps[1]
    assert "cell [20]" not in told.steps[1], "a cell is no file"


REFUSED = {
    "LimitRange": (
        ('pods "a-1" is forbidden: maximum memory usage per Container is 256Mi, but limit is 512Mi.',),
        None,
        "--memory 256Mi",
    ),
    "LimitRange of processors": (
        ('pods "a-1" is forbidden: maximum cpu usage per Container is 250m, but limit is 1',),
        None,
        "--cpu 0.25",
    ),
    "quota": (
        (
            (
                'pods "a-1" is forbidden: exceeded quota: q, requested: limits.memory=1Gi,requests.memory=1Gi, used: '
                "limits.memory=256Mi,requests.memory=256Mi, limited: limits.memory=768Mi,requests.memory=512Mi"
            ),
        ),
        2**30,
        "--memory 256Mi",
    ),
    "quota with nothing left": (
        (
            (
                'pods "a-1" is forbidden: exceeded quota: q, requested: requests.memory=1Gi, used: requests.memory=1Gi, '
                "limited: requests.memory=1Gi"
            ),
        ),
        2**30,
        "",
    ),
    "nodes that do not tell what they have": (("0/1 nodes are available: 1 Insufficient memory.",), 900 * 2**30, ""),
    "nodes, nothing known": (("0/1 nodes are available: 1 Insufficient cpu.",), None, ""),
    "a node": (
        ("Node didn't have enough resource: memory, requested: 1073741824, used: 536870912, capacity: 1073741824",),
        None,
        "--memory 512Mi",
    ),
}


@pytest.mark.parametrize(("events", "limit", "less"), REFUSED.values(), ids=REFUSED)
def test_what_is_suggested_is_less_than_what_was_refused(events: tuple[str, ...], limit: int | None, less: str) -> None:
    told = diagnose(
        Evidence(stage="schedule", target="kubernetes", service="adder", k8s_events=events, memory_limit=limit)
    )
    offered = [action.command for action in told.actions if action.kind == "lower-request"]
    assert offered == ([f"%service_update adder {less}"] if less else [])


@pytest.mark.parametrize(("target", "offered"), [("local", False), ("container", True), ("kubernetes", False)])
def test_a_debugger_is_offered_where_one_can_be_attached(target: str, offered: bool) -> None:
    failure = {"stage": "run", "kind": "exception", "message": "run() raised KeyError", "line": 3, "file": "score.py"}
    told = diagnose(Evidence(stage="run", target=target, service="adder", http_status=500, failure=failure))
    assert told.cause == "run-exception"
    assert ("mldeploy debug" in told.to_text()) is offered
    kinds = {action.kind for action in carried_out_on(target, told.actions)}
    assert ("attach-debugpy" in kinds) is offered


RAN_OUT = {"kind": "exception", "message": "init() raised MemoryError", "oom": True, "line": 3, "file": "score.py"}
TRACE = (
    'Traceback (most recent call last):\n  File "/app/score.py", line 5, in run\n    a = bytearray(9)\nMemoryError\n'
)
SAID = '{"message": "The worker ran out of memory in run() and was replaced."}'


@pytest.mark.parametrize("target", ["local", "container", "kubernetes"])
@pytest.mark.parametrize(
    ("shown", "said"),
    [
        ({"stage": "init", "failure": {**RAN_OUT, "stage": "init"}, "oom_killed": True}, "init() ran out of memory"),
        ({"stage": "ready", "failure": {**RAN_OUT, "stage": "run"}, "oom_killed": True}, "run() ran out of memory"),
        ({"stage": "init", "failure": {**RAN_OUT, "stage": "import"}, "oom_killed": True}, "mem.py ran out of memory"),
        ({"stage": "run", "http_status": 502, "http_body": SAID, "log": TRACE}, "run() ran out of memory"),
    ],
    ids=["init", "sample", "import", "request"],
)
def test_a_memory_error_kills_nothing(target: str, shown: dict[str, object], said: str) -> None:
    evidence = Evidence(target=target, service="adder", script_name="mem.py", memory_limit=150 * 2**20, **shown)  # type: ignore[arg-type]
    told = diagnose(evidence)
    assert told.cause == "container-oom-killed"
    assert told.what.startswith(said)
    assert "killed because" not in told.what
    assert "150 MiB" in told.what
    assert "--memory 512Mi" in told.steps[0]


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        ({"target": "local", "stage": "run", "failure": {"kind": "signal", "oom": True, "stage": "run"}}, "The worker"),
        ({"target": "container", "stage": "run", "failure": {"kind": "signal", "oom": True}}, "The worker"),
        ({"target": "container", "stage": "launch", "exit_code": 137, "oom_killed": True}, "The container was killed"),
        ({"target": "kubernetes", "stage": "launch", "k8s_reason": "OOMKilled", "log": TRACE}, "The container was"),
    ],
    ids=["local", "worker in a container", "container", "pod"],
)
def test_what_was_killed_for_its_memory_is_named(shown: dict[str, object], said: str) -> None:
    told = diagnose(Evidence(service="adder", memory_limit=150 * 2**20, **shown))  # type: ignore[arg-type]
    assert told.cause == "container-oom-killed"
    assert told.what.startswith(said)
    assert "used more memory than its memory limit (150 MiB)" in told.what
    if shown["target"] == "local":
        assert "container" not in told.to_text()


def test_a_server_that_is_gone_is_started_again_whatever_its_log_tells_of_before() -> None:
    failure = {"stage": "launch", "kind": "gone", "message": "Its process 4711 is gone. Its log ends with: MemoryError"}
    told = diagnose(Evidence(stage="launch", target="local", service="adder", failure=failure, log=TRACE))
    assert told.cause == "process-gone"
    assert "4711" in told.what
    assert "in launch" not in told.to_text()
    assert "type:  mldeploy start adder" in told.to_text()


UV = (
    "error: No solution found when resolving dependencies\n"
    "  cause: Because there is no version of six==999.0 and you require six==999.0, we can conclude that your requirements "
    "are unsatisfiable."
)
PIP = (
    "ERROR: Could not find a version that satisfies the requirement six==999.0 (from versions: 1.15.0, 1.16.0)\n"
    "ERROR: No matching distribution found for six==999.0"
)


@pytest.mark.parametrize(("log", "lists"), [(UV, False), (PIP, True)], ids=["uv", "pip"])
def test_a_version_that_does_not_exist_is_told_in_the_words_of_its_installer(log: str, lists: bool) -> None:
    told = diagnose(Evidence(stage="build", target="local", service="adder", exit_code=1, build_log=log))
    text = " ".join(told.to_text().split())
    assert told.cause == "pip-no-matching-distribution"
    assert "six==999.0" in told.proof[0].shown
    assert ("from versions:" in told.steps[1]) is lists
    assert "PACKAGE" not in text.partition("type:")[2], "nothing is offered that must still be filled in"
    assert "VERSION" not in text.partition("type:")[2]
    if not lists:
        assert "`mldeploy update adder --pip six==VERSION`" in text


ENDED = {
    "stage": "init",
    "kind": "signal",
    "signal": "SIGKILL",
    "message": "The worker was killed by SIGKILL in init().",
}


def test_an_end_without_an_exception_points_to_no_line() -> None:
    told = diagnose(Evidence(stage="init", target="local", service="adder", script_name="a.py", failure=ENDED))
    assert told.cause == "crashloop-init-exception"
    assert "was ended by SIGKILL" in told.what
    assert "line shown above" not in told.to_text()
    assert "lines above" not in told.to_text()


def test_a_script_that_ends_while_it_loads_is_loaded_by_hand() -> None:
    failure = {"stage": "import", "kind": "exception", "message": "The script called sys.exit(3).", "file": "a.py"}
    told = diagnose(Evidence(stage="init", target="local", service="adder", script_name="a.py", failure=failure))
    assert told.steps[1].startswith("Run a.py by hand")


@pytest.mark.parametrize(("name", "module"), [("crash_init.py", "crash_init"), ("cell [4]", "score")])
def test_a_script_is_imported_by_its_own_name(name: str, module: str) -> None:
    evidence = Evidence(stage="init", target="kubernetes", service="adder", script_name=name, failure=ENDED)
    assert f"python -c 'import {module}; {module}.init()'" in diagnose(evidence).steps[1]


SEGFAULT = {"stage": "init", "kind": "signal", "signal": "SIGSEGV", "message": "The worker was killed by SIGSEGV."}
PLAIN = "def init():\n    pass\n"


@pytest.mark.parametrize(
    ("name", "script", "typed"),
    [
        ("crash.py", PLAIN, "type:  mldeploy deploy crash.py --name adder-local --target local"),
        ("crash.py", "import os\nos.environ['AZUREML_MODEL_DIR']\n" + PLAIN, ""),
        ("cell [4]", PLAIN, ""),
    ],
    ids=["file", "of models", "cell"],
)
def test_a_local_trial_is_typed_where_the_script_can_be_named(name: str, script: str, typed: str) -> None:
    told = diagnose(
        Evidence(stage="init", target="kubernetes", service="adder", script_name=name, script=script, failure=SEGFAULT)
    )
    assert told.cause == "segfault"
    assert typed in told.to_text()
    assert "update adder-local" not in told.to_text()
    assert ("adder-local" in told.to_text()) is bool(typed)


@pytest.mark.parametrize(
    ("target", "options"),
    [("local", ""), ("container", " --target container"), ("kubernetes", " --target kubernetes --namespace prod")],
)
def test_more_time_for_init_is_given_where_the_service_is(target: str, options: str) -> None:
    failure = {"stage": "init", "kind": "timeout", "message": "init() had not returned after 5 seconds."}
    events = ("Killing: Container scoring failed startup probe, will be restarted",) if target == "kubernetes" else ()
    place = {"namespace": "prod"} if target == "kubernetes" else {}
    told = diagnose(
        Evidence(stage="init", target=target, service="adder", script_name="hang.py", script=PLAIN, failure=failure,
                 k8s_events=events, facts=place, memory_limit=2**30)
    )  # fmt: skip
    assert told.cause == "worker-timeout"
    line = f"type:  mldeploy deploy hang.py --name adder{options} --memory 1024Mi --init-timeout 900"
    assert line in told.to_text()
    assert told.also == (), "the platform only saw the same from outside"
    assert "also:" not in told.to_text()


def test_an_image_that_cannot_be_pushed_is_a_matter_of_this_machine() -> None:
    said = "failed to do request: Head http://127.0.0.1:5999/v2/: dial tcp 127.0.0.1:5999: connect: connection refused"
    image = {"image": "127.0.0.1:5999/adder:1"}
    told = diagnose(Evidence(stage="push", target="kubernetes", service="adder", build_log=said, facts=image))
    assert told.cause == "image-pull-network"
    assert told.title == "this machine cannot reach the registry"
    assert "127.0.0.1:5999" in told.what
    for words in ("node", "443", "pulls"):
        assert words not in told.remedy


def test_what_is_asked_for_is_shown_as_what_is_allowed() -> None:
    event = 'pods "a-1" is forbidden: maximum memory usage per Container is 100Mi, but limit is 314572800'
    told = diagnose(Evidence(stage="schedule", target="kubernetes", service="adder", k8s_events=(event,)))
    assert told.cause == "limitrange-violation"
    assert "100Mi" in told.what
    assert "300Mi" in told.what


def test_a_proxy_of_this_machine_is_not_the_builds() -> None:
    log = (
        "The build uses HTTPS_PROXY=http://user:***@127.0.0.1:3128 (from the environment).\n"
        "WARNING: Retrying (Retry(total=4)) after connection broken by 'ProxyError('Cannot connect to proxy.',"
        " NewConnectionError('<x>: [Errno 111] Connection refused'))': /simple/six/\n"
        "ERROR: No matching distribution found for six"
    )
    told = diagnose(Evidence(stage="build", target="container", service="adder", exit_code=1, build_log=log))
    assert told.cause == "build-proxy-failure"
    assert "MLDEPLOY_BUILD_NETWORK=host" in told.steps[0]
    elsewhere = diagnose(Evidence(stage="build", build_log=log.replace("127.0.0.1", "proxy.corp.example")))
    assert "MLDEPLOY_BUILD_NETWORK" not in elsewhere.remedy


def test_a_base_image_of_another_python_is_told_as_such() -> None:
    log = "Step 2/20 : RUN python3 -c ...\nThe base image has Python 3.11, but the environment asks for 3.12."
    told = diagnose(Evidence(stage="build", target="container", exit_code=1, build_log=log))
    assert told.cause == "pip-python-version-incompatible"
    assert "--base-image python:3.12-slim" in told.steps[0]


def test_an_engine_with_too_few_cpus_has_no_nodes() -> None:
    log = "Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available"
    told = diagnose(Evidence(stage="launch", target="container", service="adder", log=log))
    assert told.cause == "insufficient-cpu-memory"
    assert "2.00" in told.what
    assert "pods" not in told.to_text()


def test_an_image_that_was_named_is_no_base_and_its_registry_is_told() -> None:
    said = 'Head "http://127.0.0.1:5002/v2/team/adder/manifests/1": no basic auth credentials'
    facts = {"image": "127.0.0.1:5002/team/adder:1", "pulled": "yes"}
    told = diagnose(Evidence(stage="build", target="container", service="adder", build_log=said, facts=facts))
    text = " ".join(told.to_text().split())
    assert told.title == "the image cannot be had"
    assert (
        "`127.0.0.1:5002/team/adder:1` could not be resolved or pulled: you are not logged in to its registry" in text
    )
    assert "`docker login 127.0.0.1:5002`" in text
    assert "--from-image" in text
    assert "FROM" not in text
    base = f"Step 1/2 : FROM 127.0.0.1:5002/team/base:1\n{said}"
    built = diagnose(Evidence(stage="build", target="container", service="adder", build_log=base))
    assert built.title == "the base image cannot be had"
    assert "docker login 127.0.0.1:5002" in built.to_text()


def test_a_push_that_failed_is_read_of_in_the_log_of_the_build() -> None:
    said = 'Get "http://127.0.0.1:5999/v2/": dial tcp 127.0.0.1:5999: connect: connection refused'
    log = f"The push refers to repository [127.0.0.1:5999/zz/adder]\n{said}"
    told = diagnose(Evidence(stage="push", target="container", service="adder", build_log=log))
    assert told.cause == "image-pull-network"
    assert "type:  mldeploy logs adder --build" in told.to_text()


NO_MODEL = "ModelNotFoundException: Model iris not found in cache at azureml-models or in current working directory"


@pytest.mark.parametrize(("stage", "command"), [("init", "docker run --rm r/iris:1"), ("run", "mldeploy exec iris")])
def test_models_are_looked_for_where_there_is_something_to_look_at(stage: str, command: str) -> None:
    facts = {"image": "r/iris:1"}
    told = diagnose(Evidence(stage=stage, target="container", service="iris", log=NO_MODEL, facts=facts))
    assert told.cause == "model-path-lookup-failed"
    assert command in told.steps[0]
    assert ("check-model-path" in [one.kind for one in told.actions]) == (stage == "run")


def test_a_pod_that_was_never_started_has_no_log_to_show() -> None:
    event = "Warning FailedScheduling: 0/3 nodes are available: 3 Insufficient cpu."
    seen = {"stage": "schedule", "target": "kubernetes", "service": "iris", "k8s_events": (event,)}
    told = diagnose(Evidence(**seen, facts={"asked": "100 CPU, 512Mi"}))
    assert told.cause == "insufficient-cpu-memory"
    assert "(100 CPU, 512Mi)" in told.what
    assert "mldeploy logs iris" not in told.to_text()


PIP_HAS_NONE = (
    "ERROR: Could not find a version that satisfies the requirement scikit-lern (from versions: none)\n"
    "ERROR: No matching distribution found for scikit-lern"
)
UV_HAS_NONE = (
    "  × No solution found when resolving dependencies:\n  ╰─▶ Because scikit-lern was not found in the package registry"
    " and you require scikit-lern, we can conclude that your requirements are unsatisfiable."
)


@pytest.mark.parametrize("log", [PIP_HAS_NONE, UV_HAS_NONE])
def test_a_package_of_which_there_is_nothing_has_no_version_to_speak_of(log: str) -> None:
    told = diagnose(Evidence(stage="build", target="container", exit_code=1, build_log=log))
    assert told.cause == "pip-no-matching-distribution"
    assert "that version" not in told.title


def test_another_target_is_named_to_deploy_and_not_to_update() -> None:
    log = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"
    text = diagnose(Evidence(stage="launch", target="container", service="iris", log=log)).to_text()
    assert "mldeploy deploy score.py --name iris --target local" in text
    assert "mldeploy update iris --target" not in text


def test_a_machine_without_a_network_is_no_container_on_the_local_target() -> None:
    log = "urllib.error.URLError: <urlopen error [Errno -3] Temporary failure in name resolution>"
    told = diagnose(Evidence(stage="init", target="local", service="iris", log=log))
    assert told.cause == "runtime-download-blocked"
    assert "container" not in told.what.lower()
