"""Two workspaces of one machine: what one has, the other neither finds, changes nor deletes."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_mldeploy import register_model
from jupyter_mldeploy import service as the_service
from jupyter_mldeploy.azureml.core import Webservice, Workspace
from jupyter_mldeploy.azureml.core.environment import Environment
from jupyter_mldeploy.azureml.core.model import InferenceConfig, Model
from jupyter_mldeploy.azureml.core.webservice import LocalWebservice
from jupyter_mldeploy.azureml.exceptions import ModelNotFoundException, WebserviceException

pytestmark = [pytest.mark.timeout(300), pytest.mark.filterwarnings("ignore")]


@pytest.fixture
def a(project: Path) -> Workspace:
    (project / "plain.py").write_text("def init():\n    pass\n\ndef run(data):\n    return {'got': data}\n")
    (project / "config.json").unlink()
    return Workspace.create("a", resource_group="g")


@pytest.fixture
def b(a: Workspace) -> Workspace:
    return Workspace.create("b", resource_group="g")


def deploy(workspace: Workspace, name: str, overwrite: bool = False) -> Webservice:
    config = InferenceConfig("plain.py", environment=Environment("plain"))
    local = LocalWebservice.deploy_configuration()
    return Model.deploy(workspace, name, [], config, local, overwrite=overwrite)


def test_the_same_file_in_two_workspaces_has_tags_of_its_own_in_each(a: Workspace, b: Workspace) -> None:
    mine = Model.register(a, "my_model.pkl", "two", tags={"who": "a"}, properties={"p": 1})
    theirs = Model.register(b, "my_model.pkl", "two", tags={"who": "b"}, description="of b")
    theirs.add_tags({"more": "1"})
    found = Model(a, "two")
    assert (found.version, found.tags, found.description, found.properties) == (
        mine.version, {"who": "a"}, None, {"p": "1"},
    )  # fmt: skip
    assert (Model(b, "two").tags, Model(b, "two").description) == ({"who": "b", "more": "1"}, "of b")
    assert [[model.id for model in Model.list(each)] for each in (a, b)] == [[mine.id], [theirs.id]]
    mine.delete()
    assert Path(Model(b, "two").download("of-b")).read_text() == "[1, 10, 100]"


def test_the_newest_version_is_the_one_that_was_registered_last(a: Workspace) -> None:
    paths = ("my_model.pkl", "outputs/my_model.pkl", "my_model.pkl")
    assert [Model.register(a, path, "clf").version for path in paths] == [1, 2, 3]
    newest = Model(a, "clf")
    assert (newest.version, Path(newest.download("out")).read_text()) == (3, "[1, 10, 100]")


def test_a_model_is_deployed_by_its_name_from_its_own_workspace(a: Workspace, b: Workspace, process: None) -> None:
    Model.register(b, "my_model.pkl", "fw")
    Model.register(a, "outputs/my_model.pkl", "of-a")
    register_model("nobodys", Path("my_model.pkl"))
    local = LocalWebservice.deploy_configuration()
    config = InferenceConfig("plain.py", environment=Environment("plain"))
    for wanted in ("fw", "fw:1"):
        with pytest.raises(ModelNotFoundException) as caught:
            Model.deploy(a, "fin-a", [wanted], config, local)
        assert caught.value.message.endswith("not found in provided workspace. There is of-a.")
    for wanted in ("outputs/none.pkl", "of-a:x"):
        with pytest.raises(WebserviceException, match=f'Error, provided model path "{wanted}" cannot be found'):
            Model.deploy(a, "fin-a", [wanted], config, local)
    with pytest.raises(ModelNotFoundException, match=r"and version 9 not found .* 'of-a' is there, as version 1\."):
        Model.deploy(a, "fin-a", ["of-a:9"], config, local)
    assert a.webservices == {}
    service = Model.deploy(a, "fin-a", ["of-a", "nobodys"], config, local)
    service.wait_for_deployment()
    assert [str(ref) for ref in the_service("fin-a").spec.models] == ["of-a:1", "nobodys:1"]
    with pytest.raises(ModelNotFoundException) as caught:
        service.update(models=["nope"])
    assert "fw" not in caught.value.message


def test_a_model_path_is_of_the_workspace_that_is_meant(a: Workspace, b: Workspace, project: Path) -> None:
    Model.register(a, "my_model.pkl", "two")
    Model.register(b, "outputs/my_model.pkl", "two")
    Model.register(b, "outputs/my_model.pkl", "only")
    assert Path(Model.get_model_path("two", _workspace=a)).read_text() == "[1, 10, 100]"
    assert Path(Model.get_model_path("two", _workspace=b)).read_text() == "[1, 1, 1]"
    with pytest.raises(ModelNotFoundException) as caught:
        Model.get_model_path("only", _workspace=a)
    assert "there is no model 'only' in the workspace 'a'" in caught.value.hint
    with pytest.raises(ModelNotFoundException) as caught:
        Model.get_model_path("two")
    assert "pass _workspace, or put a config.json here" in caught.value.hint
    a.write_config()
    assert Path(Model.get_model_path("two")).read_text() == "[1, 10, 100]"
    with pytest.raises(ModelNotFoundException):
        Model.get_model_path("two", version=2)


def test_a_service_belongs_to_one_workspace(a: Workspace, b: Workspace, process: None) -> None:
    service = deploy(a, "same2")
    service.wait_for_deployment()
    for overwrite in (False, True):
        with pytest.raises(
            WebserviceException, match="409: the name 'same2' is taken by a service of the workspace 'a'"
        ):
            deploy(b, "same2", overwrite)
    assert (list(a.webservices), list(b.webservices)) == (["same2"], [])
    for kind in (Webservice, LocalWebservice):
        with pytest.raises(WebserviceException, match="WebserviceNotFound"):
            kind(b, "same2")
    b.delete(delete_dependent_resources=True)
    assert service.run("1") == {"got": "1"}


def test_a_name_that_two_workspaces_wrote_down_is_the_last_writers(a: Workspace, b: Workspace, process: None) -> None:
    """As versions before this one left it."""
    deploy(a, "same2").wait_for_deployment()
    entry = a.book.section("services")["same2"]
    with b.book.change() as content:
        content["services"]["same2"] = {**entry, "updated": "2019-01-01T00:00:00+00:00"}
    assert (list(a.webservices), list(b.webservices)) == (["same2"], [])
    before = Webservice(a, "same2")
    with b.book.change() as content:
        content["services"]["same2"]["updated"] = "2999-01-01T00:00:00+00:00"
    assert (list(a.webservices), list(b.webservices)) == ([], ["same2"])
    before._delete()  # an object that was made when the name was still the workspace's own
    assert the_service("same2").state == "running"


def test_get_makes_nothing_until_something_is_kept(a: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    asked = Workspace.get("nonexist", subscription_id="1", resource_group="g")
    assert "The workspace 'nonexist' of 'g' is new here" in capsys.readouterr().out
    assert (asked.models, asked.webservices, asked.tags) == ({}, {}, {})
    assert Workspace.list("1") == {}
    Model.register(asked, "my_model.pkl", "clf")
    [[listed]] = Workspace.list("1").values()
    assert (listed.name, listed.resource_group, list(listed.models)) == ("nonexist", "g", ["clf"])


def test_a_configuration_is_written_where_it_is_looked_for(a: Workspace, project: Path) -> None:
    a.write_config(path="cfgout")
    assert [path.relative_to(project).as_posix() for path in project.glob("cfgout/**/*.json")] == [
        "cfgout/.azureml/config.json"
    ]
    assert Workspace.from_config("cfgout").name == "a"
