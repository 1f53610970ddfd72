"""Values of the wrong kind get a sentence, never an error from inside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jupyter_mldeploy.azureml import telling
from jupyter_mldeploy.azureml.core import Webservice, Workspace
from jupyter_mldeploy.azureml.core.conda_dependencies import CondaDependencies
from jupyter_mldeploy.azureml.core.environment import Environment
from jupyter_mldeploy.azureml.core.model import InferenceConfig, Model
from jupyter_mldeploy.azureml.core.webservice import AciWebservice, AksWebservice, LocalWebservice
from jupyter_mldeploy.azureml.exceptions import AzureMLException, UserErrorException, WebserviceException
from jupyter_mldeploy.azureml.facade import NotProvided, translated
from jupyter_mldeploy.azureml.unknown import argument_words
from jupyter_mldeploy.cli import main
from jupyter_mldeploy.errors import InvalidValue

pytestmark = [pytest.mark.filterwarnings("ignore")]


@pytest.fixture
def ws(project: Path) -> Workspace:
    return Workspace.from_config()


def a_model(ws: Workspace) -> Model:
    return Model.register(ws, "my_model.pkl", "x")


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda ws: InferenceConfig("score.py", environment="env"), "environment must be an Environment, not 'env'"),
        (lambda ws: InferenceConfig(12), "entry_script must be the path of a script, not 12"),
        (lambda ws: Model("ws", "x"), "workspace must be a Workspace, not 'ws'"),
        (lambda ws: Model(ws, id="mm:x"), "version should be an int, not 'x'"),
        (lambda ws: Webservice("ws", "x"), "workspace must be a Workspace, not 'ws'"),
        (lambda ws: Model.deploy("ws", "mysvc", []), "workspace must be a Workspace, not 'ws'"),
        (lambda ws: Model.register("ws", "my_model.pkl", "x"), "workspace must be a Workspace, not 'ws'"),
        (lambda ws: Model.register(ws, "my_model.pkl", "x", tags=["a"]), "Tags must be a dict"),
        (lambda ws: Model.register(ws, "my_model.pkl", "x", properties="a"), "Properties must be a dict"),
        (lambda ws: Model.register(ws, None, "x"), "model_path must be the path of a file or folder, not None"),
        (
            lambda ws: Model.deploy(ws, "ok-name", Model.register(ws, "my_model.pkl", "x"), show_output=True),
            "models must be a list of models, also where it is one: not x:1, but [x:1].",
        ),
        (lambda ws: AciWebservice.deploy_configuration(cpu_cores="1"), "cpu_cores must be a number, not '1'"),
        (lambda ws: AksWebservice.deploy_configuration(num_replicas="3"), "num_replicas must be a number, not '3'"),
        (
            lambda ws: AksWebservice.deploy_configuration(autoscale_enabled=True, autoscale_max_replicas=[1]),
            "autoscale_max_replicas must be a number, not [1]",
        ),
        (lambda ws: AciWebservice.deploy_configuration(tags="x"), "Tags must be a dict, not 'x'."),
        (
            lambda ws: AciWebservice.deploy_configuration(auth_enabled="no"),
            "auth_enabled must be True or False, not 'no'.",
        ),
        (
            lambda ws: AksWebservice.deploy_configuration(tags=[1], properties="x"),
            "Invalid configuration, Tags must be a dict, not [1].\nInvalid configuration, Properties must be a dict, not 'x'.",
        ),
        (lambda ws: a_model(ws).update(tags="xyz"), "Tags must be a dict, not 'xyz'."),
        (lambda ws: a_model(ws).update(description=1), "description must be a text, not 1."),
        (lambda ws: a_model(ws).add_tags("x"), "Tags must be a dict, not 'x'."),
        (lambda ws: a_model(ws).add_properties([1]), "Properties must be a dict, not [1]."),
        (lambda ws: a_model(ws).remove_tags("x"), "tags must be a list of names, not 'x'."),
        (
            lambda ws: a_model(ws) and Model.list(ws, tags="x"),
            "tags must be a list of names, or of [name, value], not 'x'.",
        ),
        (lambda ws: a_model(ws) and Model(ws, "x", properties=[["x", "y", "z"]]), "properties must be a list of names"),
        (lambda ws: Webservice.list(ws, tags={"x": "y"}), "tags must be a list of names, or of [name, value]"),
    ],
)
def test_the_sentence(ws: Workspace, call: Any, expected: str) -> None:
    with pytest.raises(AzureMLException) as caught:
        call(ws)
    assert expected in caught.value.message


def test_an_environment_takes_no_attribute_that_it_does_not_have() -> None:
    environment = Environment("e")
    with pytest.raises(AttributeError, match=r"Environment has no 'pythn'; the nearest that works is 'python'"):
        environment.pythn = 1
    with pytest.raises(NotProvided, match="DockerSection has no 'base_imag'; the nearest that works is 'base_image'"):
        environment.docker.base_imag = 1
    with pytest.raises(AttributeError, match="PythonSection has no 'foo'"):
        environment.python.foo = 1
    environment.docker.enabled = True
    copy = environment.clone("copy")
    copy.environment_variables = {"A": "1"}
    with pytest.raises(AttributeError):
        copy.docker.foo = 1


def test_what_was_kept_of_a_wrong_kind_breaks_no_list(ws: Workspace, process: None) -> None:
    Path("plain.py").write_text("def init():\n    pass\n\ndef run(data):\n    return data\n")
    config = InferenceConfig("plain.py", environment=Environment("plain"))
    model = Model.register(ws, "my_model.pkl", "x", tags={"a": "b"})
    Model.deploy(ws, "mysvc", [model], config, LocalWebservice.deploy_configuration()).wait_for_deployment()
    with ws.book.change() as content:
        content["services"]["mysvc"].update(type="ACI", tags="xyz", properties=[1])
        content["models"]["x"]["1"]["properties"] = [1]
    assert Webservice.list(ws, tags=[["x", "y"]]) == []
    [found] = Webservice.list(ws)
    assert (found.tags, found.properties) == ({}, {})
    for call in (lambda: found.update(tags="xyz"), lambda: found.add_tags("x"), lambda: found.update(properties=[1])):
        with pytest.raises(WebserviceException, match="must be a dict"):
            call()
    with pytest.raises(WebserviceException, match="tags must be a list of names, not 'a'"):
        found.remove_tags("a")
    found.add_tags({"a": "b"})
    assert [each.name for each in Webservice.list(ws, tags=[["a", "b"]])] == ["mysvc"]
    assert [each.properties for each in Model.list(ws, tags=["a"])] == [{}]


def test_internals_are_not_suggested(ws: Workspace) -> None:
    with pytest.raises(NotProvided) as caught:
        ws.foo  # noqa: B018
    assert "book" not in caught.value.message


def test_in_a_terminal_it_is_one_line(ws: Workspace, process: None, capsys: pytest.CaptureFixture[str]) -> None:
    Path("plain.py").write_text("def init():\n    pass\n\ndef run(data):\n    return data\n")
    config = InferenceConfig("plain.py", environment=Environment("plain"))
    Model.deploy(ws, "localsvc", [], config, LocalWebservice.deploy_configuration()).wait_for_deployment()
    capsys.readouterr()
    for words, expected in (
        (
            ["service", "get-keys", "-n", "localsvc"],
            "'localsvc' is a local web service: those do not support auth keys.",
        ),
        (["service", "regen-key", "-n", "localsvc", "-k", "Primary"], "those do not support auth keys."),
        (["model", "deploy", "-n", "q8x", "-m", "mm:x"], "version should be an int, not 'x'"),
    ):
        assert main(words) == 1
        said = capsys.readouterr().err
        assert expected in said
        assert "Traceback" not in said


def test_a_text_is_no_list_of_packages() -> None:
    for call in (
        lambda: CondaDependencies.create(pip_packages="numpy"),
        lambda: CondaDependencies.create(conda_packages="numpy"),
        lambda: CondaDependencies().set_pip_requirements("numpy"),
    ):
        with pytest.raises(UserErrorException, match=r"must be a list, also of one: \['numpy'\]\."):
            call()


def test_a_configuration_with_a_number_for_a_name(project: Path) -> None:
    (project / "config.json").write_text('{"subscription_id": "1", "resource_group": "g", "workspace_name": 12}')
    with pytest.raises(UserErrorException, match="workspace_name must be a name that is not empty, not 12"):
        Workspace.from_config()


@pytest.mark.filterwarnings("default")
def test_what_is_left_out_is_said_with_its_own_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "_said", set())
    with pytest.warns(UserWarning, match="left out") as told:
        AksWebservice.deploy_configuration(enable_app_insights=True, period_seconds=3)
    assert [str(each.message) for each in told] == [
        "enable_app_insights: left out, because Azure alone has them; see the service's log and its /metrics.",
        "period_seconds: left out, because the cluster's probes are chosen here.",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Define it in the cell; if it is a model, ship it with --model clf.", "ship it with models=[clf]."),
        ("Leave --port out.", "Leave port of LocalWebservice.deploy_configuration out."),
        ("Name a --namespace, or --source-directory", "Name a namespace, or source_directory"),
        ("See `mldeploy update x --model clf`.", "See `mldeploy update x --model clf`."),
        ("a --- b -- c x--port", "a --- b -- c x--port"),
    ],
)
def test_options_are_called_as_the_arguments_are(text: str, expected: str) -> None:
    assert argument_words(text).endswith(expected)


def test_an_error_of_the_package_leaves_in_the_words_of_the_api() -> None:
    def refuse() -> None:
        raise InvalidValue("models", "m", "leave --model out, or build anew.")

    with pytest.raises(WebserviceException) as caught:
        translated(refuse)
    assert caught.value.message == "models='m' is not valid: leave models out, or build anew."
