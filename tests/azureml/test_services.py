"""What the documents' blocks do not reach: keys, failures and their words, refusals, other processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from jupyter_mldeploy import services
from jupyter_mldeploy.azureml import telling
from jupyter_mldeploy.azureml.core import Webservice, Workspace
from jupyter_mldeploy.azureml.core.authentication import ServicePrincipalAuthentication
from jupyter_mldeploy.azureml.core.environment import Environment
from jupyter_mldeploy.azureml.core.image import ContainerImage
from jupyter_mldeploy.azureml.core.model import InferenceConfig, Model
from jupyter_mldeploy.azureml.core.webservice import AciWebservice, LocalWebservice
from jupyter_mldeploy.azureml.exceptions import UserErrorException, WebserviceException

pytestmark = [pytest.mark.timeout(300), pytest.mark.filterwarnings("ignore")]

PLAIN = "def init():\n    pass\n\ndef run(data):\n    return {'got': data}\n"
BROKEN = "def init():\n    raise RuntimeError('no weights here')\n\ndef run(data):\n    return data\n"


@pytest.fixture
def ws(project: Path) -> Workspace:
    (project / "plain.py").write_text(PLAIN)
    (project / "broken.py").write_text(BROKEN)
    return Workspace.from_config()


def config(script: str) -> InferenceConfig:
    return InferenceConfig(script, environment=Environment("plain"))


def status(service: Webservice, key: str = "") -> int:
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
    try:
        with urlopen(Request(str(service.scoring_uri), b"{}", headers)) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


@pytest.mark.engine
def test_keys(ws: Workspace, engine: Any) -> None:
    settings = AciWebservice.deploy_configuration(auth_enabled=True, primary_key="first-key")
    service = Model.deploy(ws, "mysvc", [], config("plain.py"), settings)
    service.wait_for_deployment()
    address = service.scoring_uri
    primary, secondary = service.get_keys()
    assert primary == "first-key"
    assert [status(service), status(service, primary), status(service, secondary)] == [401, 200, 200]
    assert service.run("{}") == {"got": "{}"}  # with a key of its own

    service.regen_key("Primary")
    renewed, same = service.get_keys()
    assert same == secondary
    assert service.scoring_uri == address
    assert [status(service, primary), status(service, renewed), status(service, secondary)] == [401, 200, 200]
    with pytest.raises(WebserviceException, match="Valid options are: Primary, Secondary"):
        service.regen_key("third")

    service.update(auth_enabled=False)
    service.wait_for_deployment()
    assert status(service) == 200
    with pytest.raises(WebserviceException, match="without a key"):
        service.get_keys()
    with pytest.raises(WebserviceException, match="already exists"):
        Model.deploy(ws, "mysvc", [], config("plain.py"), settings)
    with pytest.raises(WebserviceException, match="No parameters provided to update"):
        service.update()


def test_a_failure_has_the_originals_words_and_our_diagnosis(ws: Workspace, process: None) -> None:
    service = Model.deploy(ws, "mysvc", [], config("broken.py"), LocalWebservice.deploy_configuration())
    with pytest.raises(WebserviceException) as caught:
        service.wait_for_deployment()
    error = caught.value
    assert error.message.startswith(
        "Service deployment polling reached non-successful terminal state, current service state: failed\nOperation ID: mysvc\n"
        "More information can be found using '.get_logs()'\nError:\n"
    )
    assert '"code": "CrashLoopBackOff"' in error.message
    assert "no weights here" in error.message
    assert error.diagnosis.cause == "crashloop-init-exception"
    assert error.evidence is not None
    assert error.stage == "init"
    assert service.state == "failed"
    assert "no weights here" in service.get_logs()
    with pytest.raises(WebserviceException, match=r"Cannot call run\(\) when service is failed\."):
        service.run("{}")

    (Path.cwd() / "broken.py").write_text(PLAIN)  # mended
    service.reload()
    assert service.run("1") == {"got": "1"}


def test_an_error_of_run_is_told_with_its_answer(ws: Workspace, process: None) -> None:
    (Path.cwd() / "plain.py").write_text(PLAIN.replace("return {'got': data}", "return {}['missing']"))
    service = Model.deploy(ws, "mysvc", [], config("plain.py"), LocalWebservice.deploy_configuration())
    service.wait_for_deployment()
    with pytest.raises(WebserviceException) as caught:
        service.run("{}")
    assert caught.value.message.startswith("Received bad response from service. ")
    assert caught.value.status_code == 500
    assert caught.value.message.splitlines()[-1].count("KeyError: 'missing'") == 1
    assert caught.value.diagnosis is not None
    (Path.cwd() / "plain.py").write_text(PLAIN.replace("return {'got': data}", "raise ValueError('out of range')"))
    service.reload()
    with pytest.raises(WebserviceException) as caught:
        service.run("{}")
    assert caught.value.message.splitlines()[-1].count("out of range") == 1
    (Path.cwd() / "plain.py").write_text("def init(:\n")
    with pytest.raises(WebserviceException):
        service.reload()
    assert service.state == "running"


def test_another_process_finds_everything(ws: Workspace, process: None) -> None:
    Model.deploy(ws, "mysvc", [], config("plain.py"), LocalWebservice.deploy_configuration()).wait_for_deployment()
    code = (
        "from jupyter_mldeploy.azureml.core import Workspace, Webservice\n"
        "service = Webservice(Workspace.from_config(), 'mysvc')\n"
        "service.wait_for_deployment()\n"
        "print(type(service).__name__, service.state, service.run('7'))\n"
        "service.delete()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "LocalWebservice running {'got': '7'}", done.stderr
    assert ws.webservices == {}


def test_a_script_that_ends_waits_for_its_deployment(ws: Workspace, process: None) -> None:
    code = (
        "from jupyter_mldeploy.azureml.core import Workspace\n"
        "from jupyter_mldeploy.azureml.core.model import InferenceConfig, Model\n"
        "from jupyter_mldeploy.azureml.core.environment import Environment\n"
        "from jupyter_mldeploy.azureml.core.webservice import LocalWebservice\n"
        "config = InferenceConfig('plain.py', environment=Environment('plain'))\n"
        "Model.deploy(Workspace.from_config(), 'mysvc', [], config, LocalWebservice.deploy_configuration())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert Webservice(ws, "mysvc").run("1") == {"got": "1"}


def test_interrupting_the_wait_ends_the_deployment(ws: Workspace, process: None, project: Path) -> None:
    os.mkfifo(project / "gate")
    (project / "slow.py").write_text(
        "def init():\n    open('gate', 'w').write('here')\n    open('gate').read()\n\ndef run(d):\n    pass\n".replace(
            "gate", str(project / "gate")
        )
    )
    code = (
        "from jupyter_mldeploy.azureml.core import Workspace\n"
        "from jupyter_mldeploy.azureml.core.model import InferenceConfig, Model\n"
        "from jupyter_mldeploy.azureml.core.environment import Environment\n"
        "from jupyter_mldeploy.azureml.core.webservice import LocalWebservice\n"
        "config = InferenceConfig('slow.py', environment=Environment('plain'))\n"
        "service = Model.deploy(Workspace.from_config(), 'mysvc', [], config, LocalWebservice.deploy_configuration())\n"
        "service.wait_for_deployment()\n"
    )
    script = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    assert (project / "gate").read_text() == "here"  # init() runs
    script.send_signal(signal.SIGINT)
    _, said = script.communicate(timeout=120)
    assert said.rstrip().endswith("KeyboardInterrupt")
    assert ws.webservices == {}
    assert services() == []


def test_a_name_that_was_deleted_by_other_means_is_free(ws: Workspace, process: None) -> None:
    for _ in range(2):
        service = Model.deploy(ws, "mysvc", [], config("plain.py"), LocalWebservice.deploy_configuration())
        service.wait_for_deployment()
        service.service.delete()
        assert ws.webservices == {}


def test_names_of_others_are_not_taken(ws: Workspace, process: None) -> None:
    from jupyter_mldeploy import deploy

    deploy("plain.py", "mysvc")
    with pytest.raises(
        WebserviceException, match="409: the name 'mysvc' is taken by a service outside of the workspace"
    ):
        Model.deploy(ws, "mysvc", [], config("plain.py"), LocalWebservice.deploy_configuration())
    taken = Model.deploy(ws, "mysvc", [], config("plain.py"), LocalWebservice.deploy_configuration(), overwrite=True)
    taken.wait_for_deployment()
    assert list(ws.webservices) == ["mysvc"]


def test_a_model_in_use_is_not_deleted(ws: Workspace, process: None) -> None:
    model = Model.register(ws, "my_model.pkl", "clf")
    service = Model.deploy(ws, "mysvc", [model], config("plain.py"), LocalWebservice.deploy_configuration())
    service.wait_for_deployment()
    assert [each.id for each in service.models] == ["clf:1"]
    with pytest.raises(WebserviceException, match="'clf:1' is used by mysvc") as caught:
        model.delete()
    assert caught.value.hint == "Delete or update what uses it first."
    by_path = Model.deploy(
        ws, "another", ["outputs/my_model.pkl"], config("plain.py"), LocalWebservice.deploy_configuration()
    )
    by_path.wait_for_deployment()
    assert [str(ref) for ref in by_path.service.spec.models] == ["my_model.pkl:1"]
    with pytest.raises(WebserviceException, match="Models must either be of type"):
        Model.deploy(ws, "third", [1], config("plain.py"), LocalWebservice.deploy_configuration())


def test_a_model_is_deployed_without_a_script(ws: Workspace, process: None) -> None:
    import joblib
    from sklearn.linear_model import LinearRegression

    joblib.dump(LinearRegression().fit([[0], [1]], [0, 2]), "line.joblib")
    model = Model.register(
        ws, "line.joblib", "line", model_framework=Model.Framework.SCIKITLEARN, model_framework_version="1.5.0"
    )
    service = Model.deploy(ws, "mysvc", [model], deployment_config=LocalWebservice.deploy_configuration())
    service.wait_for_deployment()
    ((answer,),) = service.run({"data": [[3]]}).values()
    assert round(answer, 6) == 6
    from jupyter_mldeploy.azureml.inference import generated_inference
    from jupyter_mldeploy.spec import ModelRef, Target, TargetKind

    elsewhere = generated_inference((ModelRef("line", 1),), Target(TargetKind.CONTAINER), [model])
    assert "scikit-learn==1.5.0" in elsewhere.environment.requirements


def test_a_package_without_an_engine_is_its_dockerfile(ws: Workspace, project: Path) -> None:
    model = Model.register(ws, "my_model.pkl", "clf")
    package = Model.package(ws, [model], config("plain.py"), generate_dockerfile=True)
    package.wait_for_creation()
    package.save("context")
    dockerfile = (project / "context/Dockerfile").read_text()
    assert dockerfile.count("FROM ") == 3
    assert (project / "context/app/plain.py").read_text() == PLAIN
    assert json.loads((project / "context/models/clf/1/my_model.pkl").read_text()) == [1, 10, 100]
    with pytest.raises(WebserviceException, match="only a Dockerfile was generated"):
        package.pull()


def test_in_a_notebook_the_panel_is_shown_and_the_traceback_is_short(
    ws: Workspace, process: None, project: Path
) -> None:
    source = (
        "from jupyter_mldeploy.azureml.core import Workspace\n"
        "from jupyter_mldeploy.azureml.core.model import InferenceConfig, Model\n"
        "from jupyter_mldeploy.azureml.core.environment import Environment\n"
        "from jupyter_mldeploy.azureml.core.webservice import LocalWebservice\n"
        "config = InferenceConfig('broken.py', environment=Environment('plain'))\n"
        "service = Model.deploy(Workspace.from_config(), 'mysvc', [], config, LocalWebservice.deploy_configuration())\n"
        "service.wait_for_deployment()\n"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    with pytest.raises(CellExecutionError):
        NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(project)}}).execute()
    outputs = notebook.cells[0].outputs
    panel = next(output.data for output in outputs if output.output_type == "display_data")
    assert panel["application/vnd.mldeploy.diagnosis.v1+json"]["cause"] == "crashloop-init-exception"
    error = next(output for output in outputs if output.output_type == "error")
    assert error.ename == "WebserviceException"
    assert not any("jupyter_mldeploy/" in line for line in error.traceback)


def in_a_notebook(source: str, folder: Path) -> Any:
    """The error that a cell ends with."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    with pytest.raises(CellExecutionError):
        NotebookClient(notebook, timeout=240, resources={"metadata": {"path": str(folder)}}).execute()
    said = "".join(output.text for output in notebook.cells[0].outputs if output.output_type == "stream")
    return next(output for output in notebook.cells[0].outputs if output.output_type == "error"), said


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("from azureml.core import Dataset", "ImportError: Dataset of azureml.core is not among the v1 names"),
        ("from azureml.core.model import Nothing", "ImportError: azureml.core.model has no 'Nothing'"),
        ("import azureml.nothing", "ModuleNotFoundError: azureml.nothing is not among the v1 names"),
    ],
)
def test_in_a_notebook_an_import_of_what_is_not_here_is_one_line(project: Path, source: str, line: str) -> None:
    error, _ = in_a_notebook(f"%load_ext jupyter_mldeploy.azureml\n{source}\n", project)
    assert len(error.traceback) == 1
    assert error.traceback[0].startswith(line)


def test_in_a_notebook_an_interrupted_wait_is_one_line(ws: Workspace, process: None, project: Path) -> None:
    os.mkfifo(project / "gate")
    gate = str(project / "gate")
    (project / "slow.py").write_text(f"def init():\n    open({gate!r}).read()\n\ndef run(d):\n    pass\n")
    source = (
        "import os, signal, sys, threading, time, traceback\n"
        "def interrupt():\n"  # as soon as the wait has begun
        "    main = threading.main_thread().ident\n"
        "    while not any(f.name == 'result' for f in traceback.extract_stack(sys._current_frames()[main])):\n"
        "        time.sleep(0.05)\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "from jupyter_mldeploy.azureml.core import Workspace\n"
        "from jupyter_mldeploy.azureml.core.model import InferenceConfig, Model\n"
        "from jupyter_mldeploy.azureml.core.environment import Environment\n"
        "from jupyter_mldeploy.azureml.core.webservice import LocalWebservice\n"
        "config = InferenceConfig('slow.py', environment=Environment('plain'))\n"
        "service = Model.deploy(Workspace.from_config(), 'mysvc', [], config, LocalWebservice.deploy_configuration())\n"
        f"held = os.open({gate!r}, os.O_WRONLY)\n"  # returns when init() has opened the other end
        "threading.Thread(target=interrupt).start()\n"
        "service.wait_for_deployment(True)\n"
    )
    error, said = in_a_notebook(source, project)
    assert error.ename == "KeyboardInterrupt" or "Interrupted" in error.ename
    assert error.traceback == [
        "KeyboardInterrupt: the deployment of 'mysvc' was ended; what it had begun was cleaned up."
    ]
    assert said.rstrip().endswith("interrupted")
    assert "FAILED" not in said
    assert services() == []


def test_an_environment_that_cannot_be_had_is_refused(ws: Workspace, process: None) -> None:
    environment = Environment.from_dockerfile("e", "FROM python:3.11\nCOPY . /app\n")
    with pytest.raises(UserErrorException, match="there is nothing to copy from"):
        Model.deploy(
            ws,
            "mysvc",
            [],
            InferenceConfig("plain.py", environment=environment),
            LocalWebservice.deploy_configuration(),
        )
    assert ws.webservices == {}


def test_a_local_service_is_deployed_again_while_it_is_updated(ws: Workspace, process: None) -> None:
    """The original's ``update()`` of a local service returned when it was made; here the next deployment waits for it."""
    local = LocalWebservice.deploy_configuration()
    service = Model.deploy(ws, "mysvc", [], config("plain.py"), local)
    service.wait_for_deployment()
    Path("plain.py").write_text(PLAIN.replace("got", "first"))
    service.update(inference_config=config("plain.py"))
    Path("plain.py").write_text(PLAIN.replace("got", "second"))
    again = Model.deploy(ws, "mysvc", [], config("plain.py"), local)
    again.wait_for_deployment()
    assert again.run("{}") == {"second": "{}"}


def test_a_warning_names_the_users_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "_said", set())
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        ServicePrincipalAuthentication("tenant", "id", "password")
    [warning] = told
    assert "no account is needed" in str(warning.message)
    assert Path(warning.filename).name == Path(__file__).name


def test_what_is_deprecated_names_the_users_line(ws: Workspace, project: Path) -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        InferenceConfig("plain.py", runtime="python")
        ContainerImage.image_configuration("plain.py", "python")
        with pytest.raises(WebserviceException):
            Webservice.deploy_from_image(ws, "mysvc", None, LocalWebservice.deploy_configuration())
    assert [each.category for each in told] == [DeprecationWarning] * 3
    assert {Path(each.filename).name for each in told} == {Path(__file__).name}
