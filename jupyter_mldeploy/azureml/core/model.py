"""``Model``: a registered version, over the package's own registry; and ``InferenceConfig``, which is imported from here."""

from __future__ import annotations

import builtins
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from jupyter_mldeploy.azureml.core.resource_configuration import ResourceConfiguration
from jupyter_mldeploy.azureml.exceptions import ModelNotFoundException, WebserviceException
from jupyter_mldeploy.azureml.facade import Facade, facade, module_getattr
from jupyter_mldeploy.azureml.inference import InferenceConfig
from jupyter_mldeploy.azureml.packaging import ModelPackage
from jupyter_mldeploy.azureml.registering import NAME, name_of_path, not_found_text, register, texts
from jupyter_mldeploy.azureml.telling import say, warn_once
from jupyter_mldeploy.azureml.values import check_filters, check_kinds, check_names, dict_of, fits, told_of

if TYPE_CHECKING:
    from jupyter_mldeploy.azureml.core.webservice.webservice import Webservice
    from jupyter_mldeploy.azureml.core.workspace import Workspace
    from jupyter_mldeploy.registry import Model as Registered

__all__ = ["InferenceConfig", "Model", "ModelPackage", "ResourceConfiguration", "name_of_path"]

__getattr__ = module_getattr(
    __name__, {"ModelNotFoundException": "exceptions"}, names=("Model", "InferenceConfig", "ModelPackage")
)


@facade(WebserviceException)
class Model(Facade):
    """One version of a registered model, of a workspace."""

    REFUSED: ClassVar[dict[str, str]] = {
        "profile": "send requests to a service of it, and read p50, p99 and memory in %service_status",
        "get_sas_urls": "the files are on this machine; see download()",
        "add_dataset_references": "datasets are Azure's storage",
    }

    class Framework:
        """Names of frameworks."""

        CUSTOM = "Custom"
        TENSORFLOW = "TensorFlow"
        SCIKITLEARN = "ScikitLearn"
        ONNX = "Onnx"
        TFKERAS = "TfKeras"
        MULTI = "Multi"

    workspace: Workspace
    name: str
    version: int
    id: str
    tags: dict[str, str]
    properties: dict[str, str]
    description: str | None
    created_time: datetime
    created_by: None
    url: str
    mime_type: str
    run_id: str | None
    experiment_name: str | None
    model_framework: str
    model_framework_version: str | None
    resource_configuration: ResourceConfiguration | None

    def __init__(
        self,
        workspace: Workspace,
        name: str | None = None,
        id: str | None = None,
        tags: builtins.list[Any] | None = None,
        properties: builtins.list[Any] | None = None,
        version: int | str | None = None,
        run_id: str | None = None,
        model_framework: str | None = None,
        expand: bool = True,
        **kwargs: Any,
    ) -> None:
        if id is not None:
            name, _, number = str(id).partition(":")
            version = number or version
        if not name:
            raise WebserviceException("Error, one of name or id must be provided.")
        if version is not None and not str(version).isdecimal():
            raise WebserviceException(f"version should be an int, not {version!r}; an id is NAME:VERSION.")
        found = [
            model
            for model in Model.list(workspace, name, tags, properties, run_id, model_framework=model_framework)
            if version is None or model.version == int(version)
        ]
        if not found:
            asked = {
                "tags": tags, "properties": properties, "run_id": run_id, "model_framework": model_framework,
            }  # fmt: skip
            shown = ", ".join(f"{key}={value!r}" for key, value in asked.items() if value is not None)
            raise ModelNotFoundException(not_found_text(workspace, name, version, shown))
        self.__dict__ = max(found, key=lambda model: model.version).__dict__

    @classmethod
    def _of(cls, workspace: Workspace, registered: Registered, facts: dict[str, Any]) -> Model:
        made = cls.__new__(cls)
        made.workspace = workspace
        made.name, made.version = registered.name, registered.version
        made.id = f"{registered.name}:{registered.version}"
        made.tags = dict(registered.tags)
        made.properties = dict_of(facts.get("properties"))
        made.description = registered.description or None
        made.created_time = registered.created
        made.url = f"file://{registered.path}"
        made.mime_type = "application/octet-stream"
        made.run_id = facts.get("run_id")
        made.experiment_name = facts.get("experiment_name")
        made.model_framework = facts.get("framework") or Model.Framework.CUSTOM
        made.model_framework_version = facts.get("framework_version")
        made.resource_configuration = ResourceConfiguration.deserialize(facts.get("resource_configuration"))
        made.created_by = None
        return made

    def __repr__(self) -> str:
        return (
            f"Model(workspace={self.workspace!r}, name={self.name}, id={self.id}, version={self.version}, tags={self.tags}, "
            f"properties={self.properties})"
        )

    # -- registering -------------------------------------------------------------------------------------------------

    @staticmethod
    def register(
        workspace: Workspace,
        model_path: str,
        model_name: str,
        tags: dict[str, str] | None = None,
        properties: dict[str, str] | None = None,
        description: str | None = None,
        datasets: Any = None,
        model_framework: str | None = None,
        model_framework_version: str | None = None,
        child_paths: builtins.list[str] | None = None,
        sample_input_dataset: Any = None,
        sample_output_dataset: Any = None,
        resource_configuration: ResourceConfiguration | None = None,
    ) -> Model:
        """Keep a file or folder as the next version."""
        if child_paths:
            raise WebserviceException(
                "child_paths are not taken apart: put those files in a folder of their own, and register it."
            )
        if datasets or sample_input_dataset or sample_output_dataset:
            warn_once("Datasets are Azure's storage: the model is registered without them.")
        facts = {
            "framework": model_framework,
            "framework_version": model_framework_version,
            "resource_configuration": resource_configuration.serialize() if resource_configuration else None,
        }
        say(f"Registering model {model_name}")
        made, kept = register(workspace, model_path, model_name, tags, properties, description, facts)
        return Model._of(workspace, made, kept)

    @staticmethod
    def list(
        workspace: Workspace,
        name: str | None = None,
        tags: builtins.list[Any] | None = None,
        properties: builtins.list[Any] | None = None,
        run_id: str | None = None,
        latest: bool = False,
        dataset_id: str | None = None,
        expand: bool = True,
        page_count: int = 255,
        model_framework: str | None = None,
    ) -> builtins.list[Model]:
        """Those of a workspace, newest first. A filter is a name, or a name and a value."""
        from jupyter_mldeploy import list_models

        check_filters(tags=tags, properties=properties)
        known = workspace.book.section("models")
        found = []
        for registered in reversed(list_models(name) if name is None or NAME.fullmatch(name) else []):
            facts = (known.get(registered.name) or {}).get(str(registered.version))
            if facts is None:
                continue
            model = Model._of(workspace, registered, facts)
            told = fits(model.tags, tags) and fits(model.properties, properties)
            if told and run_id in {None, model.run_id} and model_framework in {None, model.model_framework}:
                found.append(model)
        if latest:
            newest: dict[str, Model] = {}
            for model in found:
                newest.setdefault(model.name, model)
            return builtins.list(newest.values())
        return found

    @staticmethod
    def get_model_path(model_name: str, version: int | None = None, _workspace: Workspace | None = None) -> str:
        """Where a model is: in a service below ``azureml-models``, outside of one in the registry of a workspace.

        Without ``_workspace`` that is the one of the configuration file, or the only one there is.
        """
        from jupyter_mldeploy.azureml.registering import path_of
        from jupyter_mldeploy.runtime.worker.shims import model_lookup

        if version is not None and not isinstance(version, int):
            raise WebserviceException("version should be an int.")
        try:
            return model_lookup.Model.get_model_path(model_name, version)
        except model_lookup.ModelNotFoundException as error:
            if "can contain only 1" in str(error):
                raise ModelNotFoundException(str(error)) from None
            found, why = path_of(model_name, version, _workspace)
            if found is None:
                raise ModelNotFoundException(str(error), hint=f"In the registry: {why}") from None
            return found

    # -- using it ------------------------------------------------------------------------------------------------------

    def download(self, target_dir: str = ".", exist_ok: bool = False, exists_ok: bool | None = None) -> str:
        """Copy it into a folder and return where it is."""
        from jupyter_mldeploy import download_model
        from jupyter_mldeploy.errors import Conflict

        try:
            return str(download_model(self.name, self.version, target_dir, exist_ok=bool(exists_ok or exist_ok)))
        except Conflict as error:
            raise WebserviceException(
                f"File already exists. To overwrite, set exist_ok to True. {error.summary}", inner_exception=error
            ) from error

    def delete(self) -> None:
        """Delete this version; refused while a service uses it. Another workspace that has it keeps it."""
        from jupyter_mldeploy import delete_model
        from jupyter_mldeploy.azureml.book import books
        from jupyter_mldeploy.errors import Conflict

        number = str(self.version)
        others = [
            b
            for b in books()
            if b.folder != self.workspace.book.folder and number in b.section("models").get(self.name, {})
        ]
        if not others:
            try:
                delete_model(self.name, self.version)
            except Conflict as error:  # nothing is forced here
                raise WebserviceException(
                    error.summary,
                    status_code=error.http_status,
                    inner_exception=error,
                    hint="Delete or update what uses it first.",
                ) from None
        with self.workspace.book.change() as content:
            content["models"].get(self.name, {}).pop(number, None)

    def update(
        self,
        tags: dict[str, str] | None = None,
        description: str | None = None,
        sample_input_dataset: Any = None,
        sample_output_dataset: Any = None,
        resource_configuration: ResourceConfiguration | None = None,
    ) -> None:
        """Change what is said of it."""
        check_kinds(tags=tags, description=description)
        if resource_configuration is not None:
            self._facts(resource_configuration=resource_configuration.serialize())
            self.resource_configuration = resource_configuration
        self._describe(self.tags if tags is None else tags, description)

    def update_tags_properties(
        self,
        add_tags: dict[str, str] | None = None,
        remove_tags: builtins.list[str] | None = None,
        add_properties: dict[str, str] | None = None,
    ) -> None:
        """Change its tags, and add properties, which then stay."""
        check_kinds(tags=add_tags, properties=add_properties)
        kept = {key: value for key, value in self.tags.items() if key not in (remove_tags or ())}
        self._describe({**kept, **(add_tags or {})}, None)
        if add_properties:
            self.properties = {**self.properties, **texts(add_properties)}
            self._facts(properties=self.properties)

    def add_tags(self, tags: dict[str, str]) -> None:
        """Add tags."""
        self.update_tags_properties(add_tags=tags)

    def remove_tags(self, tags: builtins.list[str]) -> None:
        """Take tags off, by name."""
        check_names(tags)
        self.update_tags_properties(remove_tags=tags)

    def add_properties(self, properties: dict[str, str]) -> None:
        """Add properties."""
        self.update_tags_properties(add_properties=properties)

    def serialize(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "createdTime": self.created_time.isoformat(),
            "createdBy": None,
            "description": self.description,
            "id": self.id,
            "mimeType": self.mime_type,
            "name": self.name,
            "framework": self.model_framework,
            "frameworkVersion": self.model_framework_version,
            "tags": self.tags,
            "properties": self.properties,
            "url": self.url,
            "version": self.version,
            "workspace": self.workspace.name,
            "runId": self.run_id,
        }

    @staticmethod
    def deserialize(workspace: Workspace, model_payload: dict[str, Any]) -> Model:
        """The model that ``serialize`` told of."""
        return Model(workspace, id=told_of("Model", model_payload, "id"))

    # -- deploying -----------------------------------------------------------------------------------------------------

    @staticmethod
    def print_configuration(models: Any, inference_config: Any, deployment_config: Any, deployment_target: Any) -> None:
        """Print what is about to be deployed."""
        if models:
            say(f"Models: {[getattr(model, 'id', model) for model in models]}")
        if deployment_target:
            say(f"Compute target: {getattr(deployment_target, 'name', deployment_target)}")
        if inference_config:
            say(f"Entry script: {getattr(inference_config, 'script_path', inference_config)}")
        if hasattr(deployment_config, "print_deploy_configuration"):
            deployment_config.print_deploy_configuration()

    @staticmethod
    def deploy(
        workspace: Workspace,
        name: str,
        models: builtins.list[Any],
        inference_config: InferenceConfig | None = None,
        deployment_config: Any = None,
        deployment_target: Any = None,
        overwrite: bool = False,
        show_output: bool = False,
    ) -> Webservice:
        """Begin a deployment, and return the service; ``wait_for_deployment`` waits for it."""
        from jupyter_mldeploy.azureml.deploying import deploy
        from jupyter_mldeploy.azureml.specifying import check_models

        check_models(models or [])
        if show_output:
            Model.print_configuration(models, inference_config, deployment_config, deployment_target)
        return deploy(workspace, name, models or [], inference_config, deployment_config, deployment_target, overwrite)

    @staticmethod
    def package(
        workspace: Workspace,
        models: builtins.list[Any],
        inference_config: InferenceConfig | None = None,
        generate_dockerfile: bool = False,
        image_name: str | None = None,
        image_label: str | None = None,
    ) -> ModelPackage:
        """Begin to build an image of models, script and environment, or only write its Dockerfile."""
        from jupyter_mldeploy.azureml.packaging import package

        return package(workspace, models or [], inference_config, generate_dockerfile, image_name, image_label)

    def _describe(self, tags: dict[str, str], description: str | None) -> None:
        from dataclasses import replace

        from jupyter_mldeploy import get_model
        from jupyter_mldeploy.azureml.specifying import records
        from jupyter_mldeploy.registry.shelf import Shelf

        registered = get_model(self.name, self.version)
        told = registered.description if description is None else description
        Shelf(records().home / "models").describe(replace(registered, tags=texts(tags), description=told))
        self.tags, self.description = texts(tags), told or None

    def _facts(self, **facts: Any) -> None:
        with self.workspace.book.change() as content:
            content["models"].setdefault(self.name, {}).setdefault(str(self.version), {}).update(facts)
