"""``LocalWebservice``: a service of this machine, in a container where there is an engine, else in a process."""

from __future__ import annotations

import builtins
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from jupyter_mldeploy.azureml import deploying
from jupyter_mldeploy.azureml.belonging import entry_of
from jupyter_mldeploy.azureml.core.webservice.configuration import WebserviceDeploymentConfiguration
from jupyter_mldeploy.azureml.core.webservice.webservice import Webservice
from jupyter_mldeploy.azureml.exceptions import WebserviceException
from jupyter_mldeploy.azureml.facade import facade, translated
from jupyter_mldeploy.azureml.specifying import local_target, model_refs
from jupyter_mldeploy.azureml.telling import say

if TYPE_CHECKING:
    from jupyter_mldeploy.azureml.core.workspace import Workspace
    from jupyter_mldeploy.azureml.inference import InferenceConfig
    from jupyter_mldeploy.spec import Target

__all__ = ["LocalWebservice", "LocalWebserviceDeploymentConfiguration"]

_STATES = {
    "deploying": "deploying",
    "running": "running",
    "degraded": "running",
    "failed": "failed",
    "stopped": "failed",
    "unknown": "unknown",
}


@facade(WebserviceException)
class LocalWebserviceDeploymentConfiguration(WebserviceDeploymentConfiguration):
    """The port on this machine."""

    def __init__(self, port: int | None = None) -> None:
        super().__init__()
        self.port = port
        self.validate_configuration()

    def validate_configuration(self) -> None:
        """A port is a port."""
        if self.port is None:
            return
        if isinstance(self.port, bool) or not (isinstance(self.port, int) and 1 <= self.port <= 65535):
            raise WebserviceException("Invalid configuration, port must be an integer in range [1, 65535]")

    def print_deploy_configuration(self) -> None:
        """Print it."""
        say(f"Port: {self.port or 'a free one'}")

    def service_class(self) -> Any:
        return LocalWebservice

    def target(self, workspace: Workspace, deployment_target: Any) -> Target:
        if deployment_target is not None:
            raise WebserviceException("A local service takes no deployment_target.")
        return local_target()

    def spec_values(self) -> dict[str, Any]:
        return {"port": self.port or None}


@facade(WebserviceException)
class LocalWebservice(Webservice):
    """See the module. ``reload()`` takes an edited script, ``update()`` anything else."""

    TYPE = "Local"
    STATE_DELETED, STATE_DEPLOYING, STATE_FAILED = "deleted", "deploying", "failed"
    STATE_RUNNING, STATE_UNKNOWN = "running", "unknown"
    REFUSED: ClassVar[dict[str, str]] = {}

    def __new__(cls, workspace: Any = None, name: Any = None, must_exist: Any = True) -> Any:
        """Local ones keep their kind: ``must_exist=False`` is one that is still to be made."""
        return object.__new__(cls)

    def __init__(self, workspace: Workspace, name: str, must_exist: bool = True) -> None:
        if must_exist and (entry_of(workspace, name) or {}).get("type") != self.TYPE:
            raise WebserviceException(f"WebserviceNotFound: No local container with name {name}", status_code=404)
        self._deleted = False
        self._read(workspace, name)

    @staticmethod
    def deploy_configuration(port: int | None = None) -> LocalWebserviceDeploymentConfiguration:
        """How a local service is to run."""
        return LocalWebserviceDeploymentConfiguration(port)

    @property
    def state(self) -> str:
        """``deploying``, ``running``, ``failed``, ``deleted`` or ``unknown``: as it is now."""
        return self.STATE_DELETED if self._deleted else _STATES.get(self._state(), self.STATE_UNKNOWN)

    @property
    def port(self) -> int | None:
        """On this machine."""
        uri = self.scoring_uri
        return urlsplit(uri).port if uri else None

    @property
    def scoring_uri(self) -> str | None:
        """Where requests go, or ``None``."""
        return None if self._deleted else self._answering("scoring_uri")

    @property
    def swagger_uri(self) -> str | None:
        """Where the description of its interface is, or ``None``."""
        return None if self._deleted else self._answering("swagger_uri")

    def update_deployment_state(self, must_exist: bool = False) -> None:
        """Read what the workspace knows of it again."""
        super().update_deployment_state()
        if must_exist and self.state == self.STATE_UNKNOWN:
            raise WebserviceException(f"WebserviceNotFound: No local container with name {self.name}", status_code=404)

    def wait_for_deployment(self, show_output: bool = False) -> None:
        """Wait until it answers; what went wrong is said with its diagnosis."""
        from jupyter_mldeploy.azureml.waiting import wait

        if self._deleted:
            raise WebserviceException("Cannot call wait_for_deployment() when service is deleted.")
        wait(self, show_output, None)
        say(f"Local webservice is running at http://localhost:{self.port}")

    def run(self, input_data: Any) -> Any:
        """Score ``input_data`` and return the answer."""
        self._guard("run", self.STATE_DEPLOYING, self.STATE_RUNNING)
        return super().run(input_data)

    def get_logs(self, num_lines: int = 5000, raw: bool = False) -> str:
        """Its log; that of its build where it never started."""
        self._guard("get_logs", self.STATE_DEPLOYING, self.STATE_FAILED, self.STATE_RUNNING)
        return super().get_logs(num_lines)

    def reload(self, wait: bool = False) -> None:
        """Let it take its edited script and source directory; packages are taken by ``update()``."""
        self._guard("reload", self.STATE_DEPLOYING, self.STATE_FAILED, self.STATE_RUNNING)
        if self.state == self.STATE_FAILED:
            self.update()
            self.wait_for_deployment()
            return
        if self.state == self.STATE_DEPLOYING:
            self.wait_for_deployment()
        super().reload()

    def update(
        self,
        models: builtins.list[Any] | None = None,
        image_config: Any = None,
        deployment_config: LocalWebserviceDeploymentConfiguration | None = None,
        wait: bool = False,
        inference_config: InferenceConfig | None = None,
    ) -> None:
        """Change models, script, environment or port. What is not named stays.

        The documents give the ``InferenceConfig`` as the second argument, which was the place of an image configuration: both are
        taken there.
        """
        from jupyter_mldeploy.azureml.inference import InferenceConfig

        if isinstance(image_config, InferenceConfig) and inference_config is None:
            image_config, inference_config = None, image_config
        self._guard("update", self.STATE_DEPLOYING, self.STATE_FAILED, self.STATE_RUNNING, self.STATE_UNKNOWN)
        _check_types(image_config, deployment_config, inference_config)
        begun = deploying.underway(self.name)
        if begun is not None and not begun.future.done():
            begun.future.exception()  # whatever it comes to
        record = self._record()
        refused = begun is not None and begun.future.exception() is not None
        if record is None and self.created_time is not None and not refused:
            raise WebserviceException(
                f"Cannot call update() of the service {self.name!r}: it was deleted.",
                hint="Model.deploy(...) makes it anew.",
            )
        if record is None or self.workspace.book.section("services").get(self.name, {}).get("type") != self.TYPE:
            if inference_config is None and image_config is not None:
                inference_config = _as_inference(image_config)
            config = deployment_config or LocalWebservice.deploy_configuration()
            deploying.deploy(self.workspace, self.name, models or [], inference_config, config, None, overwrite=False)
        else:
            self._update_spec(models, image_config, deployment_config, inference_config)
        self.update_deployment_state()
        if wait:
            self.wait_for_deployment()

    def delete(self, delete_cache: bool = True, delete_image: bool = False, delete_volume: bool = True) -> None:
        """Remove it."""
        self._guard("delete", self.STATE_DEPLOYING, self.STATE_FAILED, self.STATE_RUNNING)
        record = self._record()
        image = str((record.details or {}).get("image", "")) if delete_image and record is not None else ""
        self._delete()
        self._deleted = True
        if image:
            from jupyter_mldeploy.images.engine import connect

            connect().api.remove_image(image)

    def deploy_to_cloud(
        self, name: str | None = None, deployment_config: Any = None, deployment_target: Any = None
    ) -> Webservice:
        """Deploy the same to another target."""
        record = self._record()
        if record is None:
            raise WebserviceException(
                f"The LocalWebservice is not deployable (state = {self.state}). "
                "Recreate it, or use the Model.deploy() method directly."
            )
        return deploying.deploy_again(
            self.workspace, name or self.name, record.spec, deployment_config, deployment_target
        )

    def get_keys(self) -> Any:
        """Local services have none."""
        raise NotImplementedError("Local web services do not support auth keys.")

    def regen_key(self, key: str) -> None:
        """Local services have none."""
        raise NotImplementedError("Local web services do not support auth keys.")

    def get_token(self) -> Any:
        """Local services have none."""
        raise NotImplementedError("Local web services do not support Token Authentication.")

    @staticmethod
    def list(
        workspace: Workspace, model_name: str | None = None, model_id: str | None = None, all: bool | None = None
    ) -> builtins.list[LocalWebservice]:
        """Those of a workspace that run, or all."""
        found = Webservice.list(workspace, "Local", model_name=model_name, model_id=model_id)
        return [each for each in found if isinstance(each, LocalWebservice) and (all or each.state == "running")]

    @staticmethod
    def deserialize(workspace: Workspace, webservice_payload: dict[str, Any]) -> Any:
        """Not for local services, as in the original."""
        raise NotImplementedError("Local web services cannot be deserialized.")

    def serialize(self) -> dict[str, Any]:
        """As plain data."""
        return {**super().serialize(), "swaggerUri": self.swagger_uri, "port": self.port}

    def _update_spec(self, models: Any, image_config: Any, deployment_config: Any, inference_config: Any) -> None:
        spec = self.service.spec
        if image_config is not None:
            inference_config = _as_inference(image_config)
        changes: dict[str, Any] = {}
        if models is not None:
            changes["models"] = model_refs(self.workspace, models)
        if deployment_config is not None:
            changes["port"] = deployment_config.port or spec.port
        if inference_config is not None:
            inference_config.validation_script_content()
            changes["inference"] = inference_config.to_spec(spec.target)
        elif spec.inference.script.path is not None:
            from jupyter_mldeploy.spec import Script

            path = spec.inference.script.path
            changes["inference"] = replace(spec.inference, script=translated(lambda: Script.from_file(path)))
        variables = inference_config._service_variables() if inference_config is not None else None
        deploying.start(
            self.workspace, translated(lambda: replace(spec, **changes)), variables=variables, after=self._change_entry
        )

    def _guard(self, what: str, *states: str) -> None:
        state = self.state
        if state not in states:
            raise WebserviceException(f"Cannot call {what}() when service is {state}.")


def _check_types(image_config: Any, deployment_config: Any, inference_config: Any) -> None:
    from jupyter_mldeploy.azureml.core.image.container import ContainerImageConfig
    from jupyter_mldeploy.azureml.inference import InferenceConfig

    for given, kind, name in (
        (image_config, ContainerImageConfig, "image"),
        (deployment_config, LocalWebserviceDeploymentConfiguration, "deployment"),
        (inference_config, InferenceConfig, "inference"),
    ):
        if given is not None and not isinstance(given, kind):
            raise WebserviceException(
                f"Error, provided {name} configuration must be of type {kind.__name__} in order to update a local service."
            )
    if image_config is not None and inference_config is not None:
        raise WebserviceException(
            "Error, an image configuration and an inference configuration cannot be provided at the same time."
        )


def _as_inference(image_config: Any) -> InferenceConfig:
    from jupyter_mldeploy.azureml.inference import InferenceConfig, parts_to_environment

    if image_config.dependencies:
        raise WebserviceException(
            "dependencies of an image configuration: name their folder as source_directory instead."
        )
    return InferenceConfig(image_config.execution_script, environment=parts_to_environment(image_config))
