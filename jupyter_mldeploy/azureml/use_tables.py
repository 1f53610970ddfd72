"""What ``mldeploy import`` knows of the v1 API besides the facade's own signatures."""

from __future__ import annotations

__all__ = [
    "ALWAYS_REFUSED",
    "AZURE_ONLY",
    "COMMON_OPTIONS",
    "CONFIGURES",
    "ELEMENTS",
    "GONE",
    "GONE_OF_NUMPY",
    "KINDS_OF",
    "MAKES",
    "MODULES",
    "OPTIONS",
    "OTHER_COMMANDS",
    "PACKAGES",
]

GONE = {
    (
        "sklearn.externals",
        "six",
    ): "scikit-learn no longer brings six: import six itself, and name it in the environment.",
    ("sklearn.preprocessing", "Imputer"): "it is SimpleImputer of sklearn.impute.",
    ("sklearn", "cross_validation"): "it is sklearn.model_selection.",
}
"""Imports of those days that the library does not answer any more."""
GONE_OF_NUMPY = {"object": "object", "int": "int", "float": "float", "bool": "bool", "str": "str", "complex": "complex"}
"""Names that numpy had for Python's own types."""

_CLUSTERS = "clusters are not made here; name a context of your kubeconfig: AksCompute(ws, NAME)"
ALWAYS_REFUSED = {
    ("ComputeTarget", "create"): _CLUSTERS,
    ("AksCompute", "create"): _CLUSTERS,
    ("Environment", "build"): "Model.package(ws, models, inference_config) builds the whole image",
    ("Environment", "build_local"): "Model.package(ws, models, inference_config) builds the whole image",
}
AZURE_ONLY = {
    "ssl_enabled": "TLS is not made here; leave it out, and put a reverse proxy in front.",
    "vnet_name": "there is no Azure network; leave it out.",
    "child_paths": "put those files in a folder of their own, and register it.",
    "schema_file": "decorate run() with inference-schema; the service describes itself.",
}
"""Arguments that are refused."""

_WORKSPACE = ("azureml.core.workspace", "Workspace")
_MODEL = ("azureml.core.model", "Model")
_SERVICE = ("azureml.core.webservice", "Webservice")
_IMAGE = ("azureml.core.image", "Image")
_RUN = ("azureml.core.run", "Run")
_ENVIRONMENT = ("azureml.core.environment", "Environment")
_CONDA = ("azureml.core.conda_dependencies", "CondaDependencies")
_COMPUTE = ("azureml.core.compute", "ComputeTarget")
_CONFIGS = {
    kind: ("azureml.core.webservice", f"the deployment configuration of {kind}")
    for kind in ("AciWebservice", "AksWebservice", "LocalWebservice")
}
CONFIGURES = {config: ("azureml.core.webservice", kind) for kind, config in _CONFIGS.items()}
"""What ``deploy_configuration()`` of a kind returns → the kind that is deployed with it."""
MAKES = {
    **{(kind, "deploy_configuration"): config for kind, config in _CONFIGS.items()},
    ("Workspace", "from_config"): _WORKSPACE,
    ("Workspace", "get"): _WORKSPACE,
    ("Workspace", "create"): _WORKSPACE,
    ("Model", "register"): _MODEL,
    ("Run", "register_model"): _MODEL,
    ("Model", "deploy"): _SERVICE,
    ("Model", "package"): ("azureml.core.model", "ModelPackage"),
    ("Webservice", "deploy_from_image"): _SERVICE,
    ("Webservice", "deploy_from_model"): _SERVICE,
    ("Webservice", "deploy"): _SERVICE,
    ("Image", "create"): _IMAGE,
    ("ContainerImage", "create"): _IMAGE,
    ("Experiment", "start_logging"): _RUN,
    ("Run", "get_context"): _RUN,
    ("Environment", "from_conda_specification"): _ENVIRONMENT,
    ("Environment", "from_pip_requirements"): _ENVIRONMENT,
    ("Environment", "from_docker_image"): _ENVIRONMENT,
    ("Environment", "get"): _ENVIRONMENT,
    ("CondaDependencies", "create"): _CONDA,
    ("ComputeTarget", "attach"): _COMPUTE,
    ("AksCompute", "attach_configuration"): ("azureml.core.compute.aks", "AksAttachConfiguration"),
    ("AksCompute", "provisioning_configuration"): ("azureml.core.compute.aks", "AksProvisioningConfiguration"),
}
"""Class and method → what the method returns."""
ELEMENTS = {
    ("Workspace", "models"): _MODEL,
    ("Workspace", "webservices"): _SERVICE,
    ("Workspace", "images"): _IMAGE,
    ("Workspace", "environments"): _ENVIRONMENT,
    ("Workspace", "compute_targets"): _COMPUTE,
    ("Workspace", "experiments"): ("azureml.core.experiment", "Experiment"),
    ("Model", "list"): _MODEL,
    ("Image", "list"): _IMAGE,
    ("ContainerImage", "list"): _IMAGE,
    ("Webservice", "list"): _SERVICE,
    ("Experiment", "get_runs"): _RUN,
    ("Run", "list"): _RUN,
}
"""Class and member → what the values of the dictionary or list are."""
_WEBSERVICES = ("Webservice", "AciWebservice", "AksWebservice", "LocalWebservice")
KINDS_OF = {
    "Webservice": tuple(("azureml.core.webservice", name) for name in _WEBSERVICES),
    "ComputeTarget": tuple(("azureml.core.compute", name) for name in ("ComputeTarget", "AksCompute")),
    "Image": tuple(("azureml.core.image", name) for name in ("Image", "ContainerImage")),
}
"""Classes of which a variable may be one or the other kind."""
MODULES = (
    "azureml.core",
    "azureml.core.model",
    "azureml.core.webservice",
    "azureml.core.environment",
    "azureml.core.conda_dependencies",
    "azureml.core.image",
    "azureml.core.compute",
    "azureml.exceptions",
)
"""Where a name is looked for that was imported from the wrong module."""
_MODELS, _FILES = {"--model", "-m"}, {"--ic", "--inference-config-file"}
_NAME, _ID, _METADATA = {"--name", "-n"}, {"--model-id", "-i"}, {"--model-metadata-file", "-f"}
_SETTINGS = {
    "--ae", "--as", "--auth-enabled", "--autoscale-enabled", "--autoscale-max-replicas", "--autoscale-min-replicas",
    "--autoscale-target-utilization", "--cc", "--ccl", "--cpu-cores", "--cpu-cores-limit", "--gb", "--gbl", "--gc",
    "--gpu-cores", "--max-request-wait-time", "--memory-gb", "--memory-gb-limit", "--nr", "--num-replicas",
    "--scoring-timeout-ms", "--token-auth-enabled",
}  # fmt: skip
COMMON_OPTIONS = frozenset(
    {"--format", "--help", "--home", "--output", "--query", "--resource-group", "--subscription-id", "--verbose",
     "--workspace-name", "-g", "-h", "-o", "-w"}
)  # fmt: skip
OPTIONS: dict[str, set[str]] = {
    "model register": {
        "--asset-path", "--description", "--experiment-name", "--model-framework", "--model-framework-version",
        "--model-path", "--output-metadata-file", "--property", "--run-id", "--tag", "-d", "-p", "-t", *_NAME,
    },
    "model list": {"--latest", "--model-name", "-l", "-n"},
    "model show": {"--model-name", "--version", "-n", *_ID},
    "model download": {"--overwrite", "--target-dir", "-t", *_ID},
    "model delete": _ID,
    "model deploy": {
        "--compute-target", "--ct", "--dc", "--deploy-config-file", "--description", "--overwrite", "--property", "--tag",
        "-d", *_MODELS, *_FILES, *_NAME, *_METADATA, *_SETTINGS,
    },
    "model package": {"--image-label", "--image-name", "--output-path", *_MODELS, *_FILES},
    "service list": {"--compute-type", "--model-name", "-k"},
    "service show": _NAME,
    "service get-logs": {"--num-lines", "--num_lines", "-l", *_NAME},
    "service run": {"--input-data", "-d", *_NAME},
    "service get-keys": _NAME,
    "service regen-key": {"--key", "--set-key", "-k", "-s", *_NAME},
    "service delete": _NAME,
    "service update": {
        "--add-property", "--add-tag", "--description", "--ic", "--remove-tag", "-d", *_MODELS, *_NAME, *_METADATA, *_SETTINGS,
    },
}  # fmt: skip
"""Of each command, besides ``COMMON_OPTIONS``; a test compares them with the parser's."""
PACKAGES = frozenset(
    {"azureml-core", "azureml-sdk", "azureml-defaults", "azureml-contrib-services", "azureml-inference-server-http"}
)
"""What this package stands for."""
OTHER_COMMANDS = {
    "": "name an action: mldeploy model --help, mldeploy service --help",
    "workspace": "a workspace is a folder here: Workspace.list() and Workspace.create() in Python",
    "environment": "Environment.get, register and save_to_directory do it in Python",
    "computetarget": "a cluster is a context of your kubeconfig: kubectl config get-contexts",
    "image": "mldeploy images and mldeploy build do it",
    "run": "training stays with what trains: run the training code as it is, then mldeploy model register",
    "model": "mldeploy model has register, list, show, download, delete, deploy and package",
    "model profile": "send requests to a service of it: mldeploy status shows p50, p99 and memory",
    "model monitor": "compare what run() has kept with your training data, with any library for it",
    "service": "mldeploy service has list, show, get-logs, run, get-keys, regen-key, delete and update",
    "service create": "mldeploy model deploy does it",
    "service get-access-token": "mldeploy service get-keys prints what a request may carry",
    "folder": "put a config.json into the folder: Workspace.get(NAME).write_config() in Python writes it",
    "experiment": "Experiment.list(ws) in Python shows them; training stays with what trains",
    "endpoint": "a service has one version at a time: mldeploy service update",
}
"""The other groups and commands of ``az ml``, and what works instead."""
