"""``Workspace``: a folder of this machine that stands for the workspace of a subscription and a group."""

from __future__ import annotations

import builtins
import json
import logging
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from jupyter_mldeploy.azureml.book import Book, books
from jupyter_mldeploy.azureml.exceptions import UserErrorException, WorkspaceException
from jupyter_mldeploy.azureml.facade import Facade, facade
from jupyter_mldeploy.azureml.telling import say, warn_once
from jupyter_mldeploy.azureml.unknown import DATA, TRAINING

if TYPE_CHECKING:
    from jupyter_mldeploy.azureml.core.compute.aks import AksCompute
    from jupyter_mldeploy.azureml.core.environment import Environment
    from jupyter_mldeploy.azureml.core.experiment import Experiment
    from jupyter_mldeploy.azureml.core.image.image import Image
    from jupyter_mldeploy.azureml.core.model import Model
    from jupyter_mldeploy.azureml.core.webservice.webservice import Webservice

__all__ = ["Workspace", "find_workspace"]

_log = logging.getLogger(__name__)
_NETWORK = "services listen on this machine or in your cluster; there is no Azure network"
_ACCOUNT = "there is no Azure account"


@facade(WorkspaceException)
class Workspace(Facade):
    """What belongs together. Made when it is first named; nothing leaves this machine."""

    DEFAULT_CPU_CLUSTER_CONFIGURATION = None
    REFUSED: ClassVar[dict[str, str]] = {
        "get_portal_url": "there is no portal; get_details tells what there is",
        **dict.fromkeys(("datastores", "datasets", "get_default_datastore", "set_default_datastore"), DATA),
        **dict.fromkeys(("get_default_compute_target", "service_context"), TRAINING),
        **dict.fromkeys(
            ("private_endpoints", "linked_services", "add_private_endpoint", "delete_private_endpoint_connection"), _NETWORK
        ),
        **dict.fromkeys(
            ("update_dependencies", "list_keys", "sync_keys", "setup", "diagnose_workspace", "set_connection", "discovery_url",
             "list_connections", "get_connection", "delete_connection", "get_default_keyvault"), _ACCOUNT,
        ),
        "get_mlflow_tracking_uri": "set MLflow's tracking address yourself; models are registered from files",
    }  # fmt: skip

    def __init__(
        self,
        subscription_id: str,
        resource_group: str,
        workspace_name: str,
        auth: Any = None,
        _location: str | None = None,
        _disable_service_check: bool = False,
        _workspace_id: str | None = None,
        sku: str = "basic",
        tags: dict[str, str] | None = None,
        _cloud: str = "AzureCloud",
    ) -> None:
        self._name_it(subscription_id, resource_group, workspace_name, _location, sku, tags)
        if not self.book.exists:
            with self.book.change():
                _log.info("The workspace %s is kept in %s.", workspace_name, self.book.folder)

    def _name_it(
        self,
        subscription_id: str | None,
        resource_group: str,
        workspace_name: str,
        location: str | None = None,
        sku: str = "basic",
        tags: dict[str, str] | None = None,
    ) -> Workspace:
        """Say which one it is; nothing is written yet."""
        for field, value in (("resource_group", resource_group), ("workspace_name", workspace_name)):
            if not isinstance(value, str) or not value:
                raise UserErrorException(f"{field} must be a name that is not empty, not {value!r}.")
        self._names = (str(subscription_id or ""), resource_group, workspace_name)
        self._sku = sku
        self._location = location
        self.book = Book.of(*self._names)
        self.book.first = {
            "subscription_id": self._names[0],
            "resource_group": resource_group,
            "name": workspace_name,
            "created": datetime.now(UTC).isoformat(),
            "tags": dict(tags or {}),
            "location": location or "local",
        }
        return self

    @staticmethod
    def from_config(
        path: str | None = None, auth: Any = None, _logger: Any = None, _file_name: str | None = None
    ) -> Workspace:
        """Of the names in ``config.json`` or ``.azureml/config.json``, here or in a folder above."""
        found = _find_config(Path(path) if path else Path.cwd(), _file_name or "config.json")
        try:
            content = json.loads(found.read_text(encoding="utf-8-sig"))
            if not isinstance(content, dict):
                raise ValueError("it holds no object with keys")
            names = [content[key] for key in ("subscription_id", "resource_group", "workspace_name")]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserErrorException(
                f"The workspace configuration file {str(found)!r} cannot be used: {_cause(error)}.",
                hint="It is a JSON object with subscription_id, resource_group and workspace_name.",
            ) from None
        return Workspace(names[0], names[1], names[2], auth)

    @staticmethod
    def create(
        name: str,
        auth: Any = None,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        location: str | None = None,
        create_resource_group: bool = True,
        sku: str = "basic",
        tags: dict[str, str] | None = None,
        friendly_name: str | None = None,
        storage_account: str | None = None,
        key_vault: str | None = None,
        app_insights: str | None = None,
        container_registry: str | None = None,
        adb_workspace: str | None = None,
        primary_user_assigned_identity: str | None = None,
        cmk_keyvault: str | None = None,
        resource_cmk_uri: str | None = None,
        hbi_workspace: bool = False,
        default_cpu_compute_target: Any = None,
        default_gpu_compute_target: Any = None,
        private_endpoint_config: Any = None,
        private_endpoint_auto_approval: bool = True,
        exist_ok: bool = False,
        show_output: bool = True,
        user_assigned_identity_for_cmk_encryption: str | None = None,
        system_datastores_auth_mode: str = "accessKey",
        v1_legacy_mode: bool | None = None,
    ) -> Workspace:
        """Make its folder. What belongs to Azure's own resources is not used."""
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9][\w-]{0,32}", name, re.ASCII):
            raise UserErrorException(
                f"The workspace name {name!r} is not valid: it has up to 33 letters, digits, hyphens and underscores, and begins "
                "with a letter or a digit."
            )
        if not exist_ok and Book.of(subscription_id or "", resource_group or name, name).exists:
            raise WorkspaceException(
                f"Workspace with name '{name}' already exists under resource group; use exist_ok=True."
            )
        if any((storage_account, key_vault, app_insights, container_registry, cmk_keyvault, private_endpoint_config)):
            warn_once("Workspaces are folders of this machine: storage, key vault, registry and network are not used.")
        return Workspace(subscription_id or "", resource_group or name, name, auth, location, sku=sku, tags=tags)

    @staticmethod
    def get(
        name: str,
        auth: Any = None,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        location: str | None = None,
        cloud: str = "AzureCloud",
        id: str | None = None,
    ) -> Workspace:
        """The workspace of that name; with a group one that there is not is said, and made when something is kept in it."""
        if resource_group:
            found = Workspace.__new__(Workspace)._name_it(subscription_id, resource_group, name, location)
            if not found.book.exists:
                say(f"The workspace {name!r} of {resource_group!r} is new here: nothing is in it yet.")
            return found
        return find_workspace(name, subscription_id=subscription_id)

    @staticmethod
    def list(
        subscription_id: str, auth: Any = None, resource_group: str | None = None
    ) -> dict[str, builtins.list[Workspace]]:
        """All of a subscription, by name."""
        found: dict[str, builtins.list[Workspace]] = {}
        for each in _all():
            if each.subscription_id == (subscription_id or "") and resource_group in {None, each.resource_group}:
                found.setdefault(each.name, []).append(each)
        return found

    def __repr__(self) -> str:
        subscription, group, name = self._names
        return f"Workspace.create(name='{name}', subscription_id='{subscription}', resource_group='{group}')"

    @property
    def name(self) -> str:
        return self._names[2]

    @property
    def subscription_id(self) -> str:
        return self._names[0]

    @property
    def resource_group(self) -> str:
        return self._names[1]

    @property
    def location(self) -> str:
        return str(self.book.read().get("location") or "local")

    @property
    def sku(self) -> str:
        return self._sku

    @property
    def tags(self) -> dict[str, str]:
        return dict(self.book.read().get("tags") or {})

    @property
    def models(self) -> dict[str, Model]:
        """The newest version of each, by name."""
        from jupyter_mldeploy.azureml.core.model import Model

        return {model.name: model for model in Model.list(self, latest=True)}

    @property
    def webservices(self) -> dict[str, Webservice]:
        """All services, by name."""
        from jupyter_mldeploy.azureml.core.webservice.webservice import Webservice

        return {service.name: service for service in Webservice.list(self)}

    @property
    def images(self) -> dict[str, Image]:
        """The newest version of each, by name."""
        from jupyter_mldeploy.azureml.core.image.image import Image

        return {image.name: image for image in Image.list(self)}

    @property
    def environments(self) -> dict[str, Environment]:
        """The newest version of each registered one, by name."""
        from jupyter_mldeploy.azureml.core.environment import Environment

        return Environment.list(self)

    @property
    def compute_targets(self) -> dict[str, AksCompute]:
        """The attached clusters, by name."""
        from jupyter_mldeploy.azureml.core.compute.compute import ComputeTarget

        return {target.name: target for target in ComputeTarget.list(self)}

    @property
    def experiments(self) -> dict[str, Experiment]:
        """All experiments, by name."""
        from jupyter_mldeploy.azureml.core.experiment import Experiment

        return {experiment.name: experiment for experiment in Experiment.list(self)}

    def get_run(self, run_id: str) -> Any:
        """A run of any experiment."""
        from jupyter_mldeploy.azureml.core.run import Run

        return Run.get(self, run_id)

    def write_config(self, path: str | None = None, file_name: str | None = None) -> None:
        """Write the names to ``.azureml/config.json`` of a folder, from which ``from_config`` reads them."""
        folder = Path(path or ".") / ".azureml"
        folder.mkdir(parents=True, exist_ok=True)
        keys = ("subscription_id", "resource_group", "workspace_name")
        content = json.dumps(dict(zip(keys, self._names, strict=True)), indent=4)
        (folder / (file_name or "config.json")).write_text(content, encoding="utf-8")

    def get_details(self) -> dict[str, Any]:
        """What is known of it."""
        content = self.book.read()
        keys = (
            "name",
            "subscription_id",
            "resource_group",
            "location",
            "tags",
            "created",
            "friendlyName",
            "description",
        )
        return {**{key: content.get(key) for key in keys}, "folder": str(self.book.folder)}

    def update(
        self,
        friendly_name: str | None = None,
        description: str | None = None,
        tags: dict[str, str] | None = None,
        image_build_compute: str | None = None,
        service_managed_resources_settings: Any = None,
        primary_user_assigned_identity: str | None = None,
        allow_public_access_when_behind_vnet: bool | None = None,
        v1_legacy_mode: bool | None = None,
    ) -> dict[str, Any]:
        """Change its description and tags."""
        with self.book.change() as content:
            given = {"friendlyName": friendly_name, "description": description, "tags": tags}
            content.update({key: value for key, value in given.items() if value is not None})
        return self.get_details()

    def delete(self, delete_dependent_resources: bool = False, no_wait: bool = False) -> None:
        """Forget the workspace; refused while it has services or models, unless they are to be deleted, too."""
        from jupyter_mldeploy.azureml.core.image.image import Image
        from jupyter_mldeploy.azureml.core.model import Model

        services, models = self.webservices, Model.list(self)
        for kind, names in (("services", builtins.list(services)), ("models", [model.id for model in models])):
            if names and not delete_dependent_resources:
                raise WorkspaceException(
                    f"The workspace {self.name!r} has {kind}: {', '.join(names)}.",
                    hint="Delete them first, or pass delete_dependent_resources=True.",
                )
        for each in (*services.values(), *Image.list(self), *models):
            each.delete()
        self.book.remove()


def find_workspace(
    name: str | None, subscription_id: str | None = None, resource_group: str | None = None
) -> Workspace:
    """A workspace that is known here, by name; without one that of the configuration file, or the only one there is."""
    if name is None:
        try:
            return Workspace.from_config()
        except UserErrorException:
            pass
    known = _all()
    fitting = [
        each
        for each in known
        if (name is None or each.name.lower() == name.lower())
        and subscription_id in {None, each.subscription_id}
        and resource_group in {None, each.resource_group}
    ]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        groups = ", ".join(f"{each.name} in {each.resource_group}" for each in fitting)
        missing = (
            "--workspace-name"
            if name is None
            else "--resource-group"
            if resource_group is None
            else "--subscription-id"
        )
        raise WorkspaceException(
            f"More than one workspace fits: {groups}.", hint=f"Say which one is meant with {missing}."
        )
    there = f"There is {', '.join(sorted({each.name for each in known}))}." if known else "None is known yet."
    raise WorkspaceException(f"Workspace not found: there is no workspace {name or ''!r} on this machine.", hint=there)


def _all() -> list[Workspace]:
    found = []
    for book in books():
        content = book.read()
        if content.get("name") and content.get("resource_group"):
            found.append(Workspace(content.get("subscription_id", ""), content["resource_group"], content["name"]))
    return found


def _find_config(start: Path, file_name: str) -> Path:
    if start.is_file():
        return start
    for folder in (start.absolute(), *start.absolute().parents):
        for path in (folder / file_name, folder / ".azureml" / file_name, folder / "aml_config" / file_name):
            if path.is_file():
                return path
    raise UserErrorException(
        f"The workspace configuration file {file_name} could not be found in {str(start)!r} or its parent directories.",
        hint="Give its path, or Workspace.create(name=..., resource_group=...), which needs no account.",
    )


def _cause(error: Exception) -> str:
    return f"it has no {error.args[0]}" if isinstance(error, KeyError) else str(error)
