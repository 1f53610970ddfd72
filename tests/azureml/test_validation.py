"""What the original refuses is refused, in its words; what it has and this facade has not is said in a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jupyter_mldeploy.azureml.core import Experiment, Run, Workspace
from jupyter_mldeploy.azureml.core.compute import AksCompute, ComputeTarget
from jupyter_mldeploy.azureml.core.conda_dependencies import CondaDependencies
from jupyter_mldeploy.azureml.core.environment import Environment
from jupyter_mldeploy.azureml.core.image import ContainerImage, Image
from jupyter_mldeploy.azureml.core.model import InferenceConfig, Model
from jupyter_mldeploy.azureml.core.webservice import AciWebservice, AksWebservice, LocalWebservice, Webservice
from jupyter_mldeploy.azureml.exceptions import (
    AzureMLException,
    ComputeTargetException,
    ModelNotFoundException,
    ModelPathNotFoundException,
    UserErrorException,
    WebserviceException,
    WorkspaceException,
)
from jupyter_mldeploy.azureml.facade import NotProvided

from .test_images import entry

NAMESPACE = "^[a-z0-9]([a-z0-9-]{,61}[a-z0-9])?$"

pytestmark = [pytest.mark.filterwarnings("ignore")]


@pytest.fixture
def ws(project: Path) -> Workspace:
    return Workspace.from_config()


def message(call: Any, kind: type[AzureMLException] = WebserviceException) -> str:
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind
    return caught.value.message


# -- deployment configurations -------------------------------------------------------------------------------------------


def test_aks_says_all_problems_in_one_exception() -> None:
    said = message(
        lambda: AksWebservice.deploy_configuration(
            autoscale_enabled=True, autoscale_min_replicas=5, autoscale_max_replicas=2, num_replicas=3, cpu_cores=0,
            memory_gb=2, memory_gb_limit=1, gpu_cores=-1, scoring_timeout_ms=0, namespace="Not_Valid", auth_enabled=True,
            token_auth_enabled=True,
        )
    )  # fmt: skip
    assert said.splitlines() == [
        "Invalid configuration, cpu_cores must be greater than zero.",
        "Invalid configuration, scoring_timeout_ms must be greater than zero.",
        "Invalid configuration, memory_gb_limit must be greater than or equal to memory_gb.",
        "Invalid configuration, gpu_cores must be greater than or equal to zero.",
        f"Invalid configuration, namespace must be a valid Kubernetes namespace. Regex for validation is {NAMESPACE}",
        "Invalid configuration, autoscale enabled and num_replicas provided.",
        "Invalid configuration, autoscale_min_replicas cannot be greater than autoscale_max_replicas.",
        "Invalid configuration, auth_enabled and token_auth_enabled cannot both be true.",
    ]


def test_aks_wants_autoscaling_said_before_its_bounds() -> None:
    assert message(lambda: AksWebservice.deploy_configuration(autoscale_min_replicas=2)) == (
        "Invalid configuration, autoscale_min_replicas provided without enabling autoscaling.\n"
    )
    assert message(lambda: AksWebservice.deploy_configuration(autoscale_enabled=False)) == (
        "Invalid configuration, autoscale disabled but num_replicas not provided.\n"
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, (1, 10, 0.7)),
        ({"num_replicas": 3}, (3, 3, 0.7)),
        ({"autoscale_enabled": True, "autoscale_min_replicas": 2, "autoscale_target_utilization": 30}, (2, 10, 0.3)),
        ({"autoscale_enabled": False, "num_replicas": 1}, (1, 1, 0.7)),
    ],
)
def test_aks_defaults(given: dict[str, Any], expected: tuple[int, int, float]) -> None:
    values = AksWebservice.deploy_configuration(**given).spec_values()
    bounds = values["autoscale"]
    assert (bounds.minimum, bounds.maximum, bounds.target_utilization) == expected
    assert (values["scoring_timeout"], values["max_request_wait"]) == (60.0, 0.5)


def test_aks_takes_keys_unless_told_otherwise() -> None:
    assert AksWebservice.deploy_configuration().auth
    assert not AksWebservice.deploy_configuration(auth_enabled=False).auth
    assert AksWebservice.deploy_configuration(auth_enabled=False, token_auth_enabled=True).auth
    assert not AciWebservice.deploy_configuration().auth


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"cpu_cores": 0}, "Invalid configuration, cpu_cores must be positive."),
        ({"memory_gb": -1}, "Invalid configuration, memory_gb must be positive."),
        ({"ssl_enabled": True}, "SSL is enabled, you must provide a SSL certificate, key, and cname."),
        ({"vnet_name": "v"}, "vnet_name and subnet_name must all have values or both are empty/null"),
        ({"cmk_key_name": "k"}, "customer managed key vault_base_url, key_name and key_version must all have values or all are empty/null"),
    ],
)  # fmt: skip
def test_aci_says_what_the_original_says(given: dict[str, Any], expected: str) -> None:
    assert message(lambda: AciWebservice.deploy_configuration(**given)) == expected


def test_what_would_deceive_is_refused_and_what_is_harmless_is_warned_of(project: Path) -> None:
    for name in ("cert.pem", "key.pem"):
        (project / name).touch()
    said = message(
        lambda: AciWebservice.deploy_configuration(
            ssl_enabled=True,
            ssl_cert_pem_file="cert.pem",
            ssl_key_pem_file="key.pem",
            ssl_cname="a.b",
            vnet_name="v",
            subnet_name="s",
        )
    )
    assert said.splitlines()[0].startswith("ssl_enabled is not possible here: ")
    assert said.splitlines()[1].startswith("vnet_name is not possible here: ")
    with pytest.warns(UserWarning, match="collect_model_data belongs to Azure and is left out"):
        AciWebservice.deploy_configuration(collect_model_data=True)
    with pytest.warns(UserWarning, match="enable_app_insights and dns_name_label belong to Azure"):
        AciWebservice.deploy_configuration(enable_app_insights=True, dns_name_label="mine")


@pytest.mark.parametrize("port", [-1, 0, True, 65536, "8890", 1.5])
def test_a_port_is_a_port(port: Any) -> None:
    assert message(lambda: LocalWebservice.deploy_configuration(port=port)) == (
        "Invalid configuration, port must be an integer in range [1, 65535]"
    )


# -- inference configurations --------------------------------------------------------------------------------------------


def test_inference_configurations(ws: Workspace, project: Path) -> None:
    environment = Environment.from_conda_specification("e", "myenv.yml")
    assert message(lambda: InferenceConfig("")) == "Error, need to specify entry_script."
    assert message(lambda: InferenceConfig("none.py", environment=environment)) == (
        "entry_script none.py doesn't exist. entry_script should be path relative to current working directory"
    )
    assert "source directory" in message(lambda: InferenceConfig("score.py", source_directory="nowhere"))
    assert message(lambda: InferenceConfig("score.py", environment=environment, conda_file="myenv.yml")).startswith(
        "Error, unable to provide runtime, conda_file, "
    )
    (project / "my-score.py").touch()
    assert message(lambda: InferenceConfig("my-score.py")).startswith(
        'Error, invalid name "my-score" for provided entry script.'
    )
    (project / "score.txt").touch()
    assert (
        message(lambda: InferenceConfig("score.txt"))
        == "Invalid driver type. Currently only Python drivers are supported."
    )
    with pytest.warns(DeprecationWarning, match="give an Environment"):
        assert InferenceConfig("score.py", runtime="python", conda_file="myenv.yml").to_spec().environment.requirements
    both = Environment("both")
    both.docker.base_image, both.docker.base_dockerfile = "a", "FROM a"
    assert "only one of base_dockerfile or base_image" in message(lambda: InferenceConfig("score.py", environment=both))


def test_a_script_that_python_cannot_read_is_refused_before_anything_begins(
    ws: Workspace, project: Path, process: None
) -> None:
    (project / "bad.py").write_text("def init(:\n")
    config = InferenceConfig("bad.py", environment=Environment("e"))
    said = message(
        lambda: Model.deploy(ws, "mysvc", [], config, LocalWebservice.deploy_configuration()), UserErrorException
    )
    assert "bad.py, line 1" in said
    assert "Please check it and try local deployment to verify." in said
    assert ws.webservices == {}


# -- models, images, workspaces ---------------------------------------------------------------------------------------------


def test_models(ws: Workspace, project: Path) -> None:
    assert 'provided model path "nowhere.pkl" cannot be found' in message(
        lambda: Model.register(ws, "nowhere.pkl", "m")
    )
    assert "provided model name is invalid" in message(lambda: Model.register(ws, "my_model.pkl", "-m"))
    model = Model.register(
        ws, "my_model.pkl", "clf", tags={"area": "iris", "n": 1}, properties={"p": 2}, description="d"
    )
    assert (model.tags, model.properties, model.description) == ({"area": "iris", "n": "1"}, {"p": "2"}, "d")
    assert "Did you mean 'clf'?" in message(lambda: Model(ws, "cfl"), ModelNotFoundException)
    assert message(lambda: Model(ws, "clf", version=7), ModelNotFoundException) == (
        "ModelNotFound: Model with name clf and version 7 not found in provided workspace. 'clf' is there, as version 1."
    )
    assert message(lambda: Model(ws, "clf", tags=["x"]), ModelNotFoundException) == (
        "ModelNotFound: Model with name clf and tags=['x'] not found in provided workspace. 'clf' is there, as version 1, but "
        "none of them fits tags=['x']."
    )
    (project / "second.pkl").write_text("2")
    second = Model.register(ws, "second.pkl", "clf", tags={"area": "other"})
    assert [each.version for each in Model.list(ws, "clf")] == [2, 1]
    assert [each.version for each in Model.list(ws, tags=[["area", "iris"]])] == [1]
    assert [each.version for each in Model.list(ws, tags=["area"], latest=True)] == [2]
    second.update_tags_properties(add_tags={"new": "1"}, remove_tags=["area"], add_properties={"q": "r"})
    again = Model(ws, id="clf:2")
    assert (again.tags, again.properties) == ({"new": "1"}, {"q": "r"})
    again.download("out")
    assert message(lambda: again.download("out")).startswith("File already exists. To overwrite, set exist_ok to True.")
    again.delete()
    assert [each.id for each in Model.list(ws)] == ["clf:1"]
    other = Workspace.create("other", resource_group="group")
    assert Model.list(other) == []


def test_service_names(ws: Workspace) -> None:
    config = InferenceConfig("score.py", environment=Environment("e"))
    for name in ("ab", "Upper", "with_underscore", "-x1", "a" * 33):
        said = message(lambda name=name: Model.deploy(ws, name, [], config, LocalWebservice.deploy_configuration()))
        assert said.startswith("Error, provided service name is invalid.")
    assert message(lambda: Webservice(ws, "missing")).startswith(
        "WebserviceNotFound: Webservice with name missing not found"
    )
    assert message(lambda: LocalWebservice(ws, "missing")) == "WebserviceNotFound: No local container with name missing"


def test_images(ws: Workspace, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = ContainerImage.image_configuration("score.py", "python", conda_file="myenv.yml")
    assert message(lambda: Image.create(ws, "Not valid", [], config)).startswith(
        "Error, provided image name is invalid."
    )
    assert message(lambda: ContainerImage.image_configuration("score.py", "fortran")).startswith(
        "Provided runtime not supported"
    )
    assert "not in current directory" in message(
        lambda: ContainerImage.image_configuration(str(project / "score.py"), "python")
    )
    assert "does not exist" in message(lambda: ContainerImage.image_configuration("none.py", "python"))
    assert message(lambda: Image(ws, "none")).endswith("not found in provided workspace; it has none.")
    with ws.book.change() as content:
        content["images"]["myimg"] = dict.fromkeys("12", entry())
    assert message(lambda: Image(ws, "myimg", version=99)) == (
        "ImageNotFound: Image with name myimg and version 99 not found in provided workspace; it has myimg as version 1, 2."
    )
    local = LocalWebservice.deploy_configuration()
    assert message(lambda: Webservice.deploy_from_image(ws, "mysvc", None, local)).startswith(
        "This method does not support local deployment configuration."
    )


def test_workspaces(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ws = Workspace.create("mine", subscription_id="1", resource_group="g", tags={"a": "b"})
    assert message(
        lambda: Workspace.create("mine", subscription_id="1", resource_group="g"), WorkspaceException
    ).startswith("Workspace with name 'mine' already exists")
    assert Workspace.create("mine", subscription_id="1", resource_group="g", exist_ok=True).tags == {"a": "b"}
    assert Workspace.get("MINE").get_details()["folder"] == ws.get_details()["folder"]
    assert "There is mine." in str(pytest.raises(WorkspaceException, Workspace.get, "yours").value)
    assert list(Workspace.list("1")) == ["mine"]
    ws.write_config()
    (project / "config.json").unlink()
    below = project / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert Workspace.from_config().name == "mine"
    (project / ".azureml/config.json").write_text('{"subscription_id": "1"}')
    assert "it has no resource_group" in message(Workspace.from_config, UserErrorException)
    (project / ".azureml/config.json").unlink()
    assert "could not be found" in message(Workspace.from_config, UserErrorException)
    ws.delete()
    assert Workspace.list("1") == {}
    for name in ("a/../../b", "", "with space", "-x", 12, "x" * 34):
        assert "is not valid: it has up to 33 letters" in message(
            lambda name=name: Workspace.create(name), UserErrorException
        )


def test_runs(ws: Workspace, project: Path) -> None:
    run = Experiment(ws, "train").start_logging()
    run.log("accuracy", 0.9)
    run.log("loss", 2)
    run.log("loss", 1)
    run.tag("best", "yes")
    assert run.get_metrics() == {"accuracy": 0.9, "loss": [2, 1]}
    assert message(lambda: run.register_model("m", "outputs/none.pkl"), ModelPathNotFoundException).endswith("none.")
    assert message(lambda: run.register_model("bad name", "outputs/none.pkl")).startswith("Error, provided model name")
    assert "there is no portal" in message(lambda: run.get_portal_url, NotProvided)
    run.complete()
    again = ws.get_run(run.id)
    assert (again.status, again.tags) == ("Completed", {"best": "yes"})
    assert [each.id for each in ws.experiments["train"].get_runs()] == [run.id]
    assert run.register_model("m", "outputs/my_model.pkl").run_id == run.id  # written here, as training scripts do
    assert "leads out" in message(lambda: run.upload_file("../../out", "my_model.pkl"), UserErrorException)
    assert Run.get_context().id.startswith("OfflineRun_")
    told = again.get_details()
    assert (told["runId"], told["status"], told["target"]) == (run.id, "Completed", "local")
    assert told["startTimeUtc"] <= told["endTimeUtc"]
    assert told["endTimeUtc"].endswith("Z")
    assert not {"started", "ended", "id"} & set(told)
    failed = Experiment(ws, "train").start_logging()
    failed.fail("no data")
    with pytest.warns(UserWarning, match="is Failed; it stays so"):
        failed.complete()
    assert (failed.status, failed.get_details()["error"]) == ("Failed", {"error": {"message": "no data"}})


def test_environments(ws: Workspace, project: Path) -> None:
    conda = CondaDependencies.create(
        pip_packages=["numpy==1.26", "azureml-defaults"], conda_packages=["scikit-learn=1.4"]
    )
    conda.add_pip_package("numpy==2.0")
    conda.add_channel("mine")
    conda.set_pip_option("--index-url https://mine.example")
    assert list(conda.pip_packages) == ["azureml-defaults", "numpy==2.0"]
    assert list(conda.pip_options) == ["--index-url https://mine.example"]
    conda.save("conda.yml")
    assert CondaDependencies("conda.yml").as_dict() == conda.as_dict()
    made = Environment("mine")
    made.python.conda_dependencies = conda
    registered = made.register(ws)
    assert (registered.version, made.register(ws).version) == ("1", "1")
    spec = Environment.get(ws, "mine").to_spec()
    assert spec.conda == ("scikit-learn=1.4",)
    assert spec.requirements == ("--index-url https://mine.example", "azureml-defaults", "numpy==2.0")
    assert spec.python is None  # nobody asked for the SDK's default version
    conda.set_python_version("3.11.4")
    assert made.to_spec().python == "3.11"
    assert "No environment exists for name: AzureML-Minimal" in message(
        lambda: Environment.get(ws, "AzureML-Minimal"), UserErrorException
    )
    assert "There is no environment file" in message(
        lambda: Environment.from_conda_specification("e", "none.yml"), UserErrorException
    )
    made.environment_variables = {"EXAMPLE_ENV_VAR": "EXAMPLE_VALUE", "AML_APP_ROOT": "/mine"}
    (project / "plain.py").write_text("def init(): pass\ndef run(data): return data\n")
    config = InferenceConfig("plain.py", environment=made)
    said = message(
        lambda: Model.deploy(ws, "mysvc", [], config, LocalWebservice.deploy_configuration()).wait_for_deployment()
    )
    assert "'AML_APP_ROOT'" in said
    assert "this variable is the scoring server's own and cannot be set" in said


def test_clusters(ws: Workspace, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kubeconfig = project / "kubeconfig"
    kubeconfig.write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: mycluster\nclusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]\n"
        "users: [{name: u, user: {}}]\ncontexts: [{name: mycluster, context: {cluster: c, user: u}}]\n"
    )
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    import kubernetes.config.kube_config as kube_config

    monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(kubeconfig))
    assert AksCompute(ws, "mycluster").target().context == "mycluster"
    assert message(lambda: AksCompute(ws, "another"), ComputeTargetException).startswith("ComputeTargetNotFound: ")
    described = AksCompute.attach_configuration("group", "mycluster")
    described.validate_configuration()
    assert "put an Ingress with a certificate" in message(
        lambda: described.enable_ssl(ssl_cname="www.example.com"), NotProvided
    )
    assert message(AksCompute.attach_configuration().validate_configuration, ComputeTargetException).startswith(
        "Name a"
    )
    to_be = AksCompute.provisioning_configuration(agent_count=3)
    to_be.vnet_name = "mynetwork"
    assert (to_be.agent_count, to_be.vm_size, to_be.vnet_name) == (3, None, "mynetwork")
    attached = ComputeTarget.attach(ws, "prod", AksCompute.attach_configuration("group", "mycluster"))
    assert (attached.name, attached.context) == ("prod", "mycluster")
    assert list(ws.compute_targets) == ["prod"]
    assert "cannot be created here" in message(
        lambda: ComputeTarget.create(ws, "new", AksCompute.provisioning_configuration()), ComputeTargetException
    )
    config = InferenceConfig("score.py", environment=Environment("e"))
    said = message(lambda: Model.deploy(ws, "mysvc", [], config, AksWebservice.deploy_configuration()))
    assert said == "Must have a deployment target for an AKS web service."
