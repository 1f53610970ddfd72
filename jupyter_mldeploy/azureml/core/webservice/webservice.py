"""``Webservice``: what services of all three targets have in common."""

from __future__ import annotations

import builtins
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from jupyter_mldeploy.azureml import deploying
from jupyter_mldeploy.azureml.belonging import belongs, entries, entry_of
from jupyter_mldeploy.azureml.core.webservice.configuration import WebserviceDeploymentConfiguration
from jupyter_mldeploy.azureml.core.webservice.kinds import STATES, class_of, deprecated, not_found, refuse_local
from jupyter_mldeploy.azureml.exceptions import WebserviceException
from jupyter_mldeploy.azureml.facade import Facade, check_workspace, facade
from jupyter_mldeploy.azureml.specifying import records
from jupyter_mldeploy.azureml.telling import say
from jupyter_mldeploy.azureml.values import check_filters, dict_of, fits, told_of

if TYPE_CHECKING:
    from jupyter_mldeploy.api import Service
    from jupyter_mldeploy.azureml.core.image.image import Image
    from jupyter_mldeploy.azureml.core.model import Model
    from jupyter_mldeploy.azureml.core.workspace import Workspace
    from jupyter_mldeploy.records import Record

__all__ = ["Webservice", "WebserviceDeploymentConfiguration"]


@facade(WebserviceException)
class Webservice(Facade):
    """A service of a workspace, found by its name from any process."""

    TYPE: ClassVar[str] = ""
    REFUSED: ClassVar[dict[str, str]] = {
        "public_fqdn": "services listen on this machine or in your cluster; see scoring_uri"
    }

    def __new__(cls, workspace: Any = None, name: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Of the kind that the workspace has it as."""
        if workspace is None or name is None:
            return object.__new__(cls)  # what is missing, __init__ says
        check_workspace(cls.__name__, workspace)
        entry = entry_of(workspace, name)
        if entry is None or (cls.TYPE and entry["type"] == "Local"):
            raise not_found(workspace, name)
        return class_of(entry["type"])._of(workspace, name)

    def __init__(self, workspace: Workspace, name: str) -> None:
        """As in the original, ``__new__`` has found it already."""
        if name is None:
            raise WebserviceException("Error, name must be the name of a service, not None.")

    @classmethod
    def _of(cls, workspace: Workspace, name: str) -> Any:
        """One that the workspace has, or is about to have."""
        made = object.__new__(cls)
        made._deleted = False
        made._read(workspace, name)
        return made

    def _read(self, workspace: Workspace, name: str) -> None:
        self.workspace = workspace
        self.name = name
        self.compute_type = self.TYPE
        self.image_digest = self.created_by = None
        self.update_deployment_state()

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(workspace={self.workspace!r}, name={self.name}, image_id={self.image_id}, "
            f"compute_type={self.compute_type}, state={self.state}, scoring_uri={self.scoring_uri}, tags={self.tags}, "
            f"properties={self.properties})"
        )

    # -- how it is made ----------------------------------------------------------------------------------------------

    @staticmethod
    def deploy(
        workspace: Workspace, name: str, model_paths: builtins.list[str], image_config: Any, deployment_config: Any = None,
        deployment_target: Any = None, overwrite: bool = False,
    ) -> Webservice:  # fmt: skip
        """Register models, build an image and deploy it. Deprecated already then: see ``Model.deploy``."""
        return Webservice.deploy_from_model(
            workspace, name, model_paths, image_config, deployment_config, deployment_target, overwrite
        )

    @staticmethod
    def deploy_from_model(
        workspace: Workspace, name: str, models: builtins.list[Any], image_config: Any, deployment_config: Any = None,
        deployment_target: Any = None, overwrite: bool = False,
    ) -> Webservice:  # fmt: skip
        """Build an image of models and deploy it."""
        from jupyter_mldeploy.azureml.core.image.image import Image

        deprecated("deploy_from_model")
        refuse_local(deployment_config)
        image = Image.create(workspace, name, models, image_config)
        image.wait_for_creation()
        return deploying.deploy(workspace, name, [], None, deployment_config, deployment_target, overwrite, image)

    @staticmethod
    def deploy_from_image(
        workspace: Workspace, name: str, image: Image, deployment_config: Any = None, deployment_target: Any = None,
        overwrite: bool = False,
    ) -> Webservice:  # fmt: skip
        """Deploy an image that was created before."""
        deprecated("deploy_from_image")
        deploying.check_name(name)
        refuse_local(deployment_config)
        if image.creation_state != "Succeeded":
            image.update_creation_state()
        if image.creation_state != "Succeeded":
            raise WebserviceException(
                f"The image {image.id} is {image.creation_state}.", hint="See image.wait_for_creation()."
            )
        return deploying.deploy(workspace, name, [], None, deployment_config, deployment_target, overwrite, image)

    @staticmethod
    def deploy_local_from_model(
        workspace: Workspace, name: str, models: builtins.list[Any], image_config: Any, deployment_config: Any = None,
        wait: bool = False,
    ) -> Any:  # fmt: skip
        """Deploy to this machine, in the words of 2018."""
        from jupyter_mldeploy.azureml.core.webservice.local import LocalWebservice

        deprecated("deploy_local_from_model")
        service = LocalWebservice(workspace, name, must_exist=False)
        service.update(models, image_config, deployment_config or LocalWebservice.deploy_configuration(), wait)
        return service

    @staticmethod
    def check_for_existing_webservice(
        workspace: Workspace, name: str, overwrite: bool = False, request_func: Any = None, check_func: Any = None
    ) -> None:
        """Raise if the name is not valid or is taken."""
        deploying.check_name(name)
        if not overwrite and entry_of(workspace, name) is not None:
            raise WebserviceException(f"Error, service {name} already exists in the workspace.", status_code=409)

    # -- what is known of it -------------------------------------------------------------------------------------------

    @property
    def service(self) -> Service:
        """The package's own object of the same service."""
        from jupyter_mldeploy.api import Service

        if not belongs(self.workspace, self.name):
            raise not_found(self.workspace, self.name)
        return Service(self.name, records())

    @property
    def state(self) -> str:
        """As it is now."""
        return "Deleting" if self._deleted else STATES.get(self._state(), "Failed")

    @property
    def scoring_uri(self) -> str | None:
        """Where requests go, or ``None``."""
        return self._answering("scoring_uri")

    @property
    def swagger_uri(self) -> str | None:
        """Where the description of its interface is, or ``None``."""
        return self._answering("swagger_uri")

    @property
    def models(self) -> builtins.list[Model]:
        """What it was deployed with."""
        from jupyter_mldeploy.azureml.core.model import Model

        record = self._record()
        known = self.workspace.book.section("models")
        refs = record.spec.models if record else ()
        return [Model(self.workspace, id=str(r)) for r in refs if str(r.version) in known.get(r.name, {})]

    @property
    def image(self) -> Image | None:
        """The image it was deployed from, if it was."""
        from jupyter_mldeploy.azureml.core.image.container import ContainerImage

        return ContainerImage(self.workspace, id=self.image_id) if self.image_id else None

    def update_deployment_state(self) -> None:
        """Read what the workspace knows of it again."""
        entry = entry_of(self.workspace, self.name) or {}
        self.tags = dict_of(entry.get("tags"))
        self.properties = dict_of(entry.get("properties"))
        self.description = entry.get("description")
        self.image_id = entry.get("image")
        times = [entry.get(key) for key in ("created", "updated")]
        self.created_time, self.updated_time = (datetime.fromisoformat(time) if time else None for time in times)
        self._settings: dict[str, Any] = entry.get("settings") or {}
        self.auth_enabled = bool(self._settings.get("authEnabled", entry.get("auth")))

    @property
    def error(self) -> Any:
        """What its last deployment failed with, or ``None``."""
        begun = deploying.underway(self.name)
        if begun is not None and begun.future.done() and (error := begun.future.exception()) is not None:
            return {"message": getattr(error, "summary", None) or str(error)}
        record = self._record() if begun is None else None
        failed = record is not None and record.state == "failed"
        return {"message": record.failure} if record is not None and failed and record.failure else None

    def wait_for_deployment(self, show_output: bool = False, timeout_sec: float | None = None) -> None:
        """Wait until what was begun has ended; what went wrong is said with its diagnosis."""
        from jupyter_mldeploy.azureml.waiting import wait

        wait(self, show_output, timeout_sec)
        self.update_deployment_state()
        say(f'{self.TYPE} service creation operation finished, operation "Succeeded"')

    @staticmethod
    def list(
        workspace: Workspace, compute_type: str | None = None, image_name: str | None = None, image_id: str | None = None,
        model_name: str | None = None, model_id: str | None = None, tags: builtins.list[Any] | None = None,
        properties: builtins.list[Any] | None = None, image_digest: str | None = None,
    ) -> builtins.list[Webservice]:  # fmt: skip
        """Those of a workspace."""
        if compute_type is not None and compute_type.upper() not in {"ACI", "AKS", "LOCAL"}:
            raise WebserviceException(f'Invalid compute type "{compute_type}". Valid options are "ACI, AKS, Local"')
        check_filters(tags=tags, properties=properties)
        if image_digest is not None:
            raise WebserviceException("image_digest: digests of images are not kept here; image_id and image_name are.")
        found = []
        for name, entry in entries(workspace).items():
            record = records().find(name)
            refs = record.spec.models if record else ()
            image = entry.get("image") or ""
            if (
                compute_type in {None, entry["type"]}
                and image_id in {None, image}
                and image_name in {None, image.partition(":")[0]}
                and model_name in {None, *(ref.name for ref in refs)}
                and model_id in {None, *(str(ref) for ref in refs)}
                and fits(dict_of(entry["tags"]), tags)
                and fits(dict_of(entry["properties"]), properties)
            ):
                found.append(class_of(entry["type"])._of(workspace, name))
        return found

    # -- using it --------------------------------------------------------------------------------------------------------

    def run(self, input: Any) -> Any:
        """Score ``input`` (text, bytes, or what JSON knows) and return the answer."""
        from jupyter_mldeploy.azureml.waiting import run

        return run(self, input)

    def get_logs(self, num_lines: int = 5000, init: bool = False) -> str:
        """Its log; that of its build where it never started."""
        from jupyter_mldeploy.errors import NotFound

        if not isinstance(num_lines, int) or num_lines < 0:
            raise WebserviceException(f"num_lines must be a whole number, not {num_lines!r}.")
        begun = deploying.underway(self.name)
        if self._record() is None and begun is not None and begun.future.done() and (cause := begun.future.exception()):
            raise WebserviceException(
                f"There is no log of the service {self.name!r}: its deployment was refused before anything was started.",
                hint=str(getattr(cause, "summary", "")),
            )
        service = self.service
        try:
            return service.logs(lines=num_lines) or service.logs(lines=num_lines, build=True)
        except NotFound as error:
            if self._record() is not None:
                raise
            why = "it is being deployed" if self._state() == "deploying" else "its deployment was refused"
            raise WebserviceException(
                f"There is no log of the service {self.name!r}: {why}.", inner_exception=error
            ) from error

    def reload(self, wait: bool = False) -> None:
        """Let the running service take its edited script. The original had this for local services only."""
        from jupyter_mldeploy.azureml.waiting import reload

        reload(self)
        self._change_entry()

    def delete(self) -> None:
        """Remove it, and all that is kept of it."""
        self._delete()

    def get_keys(self) -> tuple[str, str]:
        """The two keys that it takes."""
        keys = deploying.keys_of(self.name)
        if len(keys) < 2:
            raise WebserviceException(
                f"The service {self.name!r} takes requests without a key.", hint="Deploy with auth_enabled=True."
            )
        return keys[0], keys[1]

    def regen_key(self, key: str, set_key: str | None = None) -> None:
        """Replace one key. The service is started again, because a process never learns new secrets."""
        if not key:
            raise WebserviceException("Error, must specify which key with be regenerated: Primary, Secondary")
        which = key.capitalize()
        if which not in {"Primary", "Secondary"}:
            raise WebserviceException(
                f"Error, invalid value provided for key: {which}.\nValid options are: Primary, Secondary"
            )
        import secrets

        keys = list(self.get_keys())
        keys[which == "Secondary"] = set_key or secrets.token_urlsafe(24)
        deploying.write_keys(self.name, [*keys])
        self._start_again()

    def get_token(self) -> Any:
        """Only services with ``token_auth_enabled`` have tokens."""
        raise NotImplementedError(
            "Only AksWebservice with token_auth_enabled supports Token Authentication; see get_keys()."
        )

    def update(self, *args: Any) -> None:
        """Of no kind in particular: none."""
        raise NotImplementedError("update() belongs to LocalWebservice, AciWebservice and AksWebservice.")

    def serialize(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "name": self.name,
            "description": self.description,
            "tags": self.tags,
            "properties": self.properties,
            "state": self.state,
            "createdTime": self.created_time.isoformat() if self.created_time else None,
            "updatedTime": self.updated_time.isoformat() if self.updated_time else None,
            "error": self.error,
            "computeType": self.compute_type,
            "workspaceName": self.workspace.name,
            "imageId": self.image_id,
            "imageDigest": None,
            "scoringUri": self.scoring_uri,
            "createdBy": None,
            **self._settings,
        }

    @staticmethod
    def deserialize(workspace: Workspace, webservice_payload: dict[str, Any]) -> Webservice:
        """The service that ``serialize`` told of."""
        return Webservice(workspace, told_of("Webservice", webservice_payload, "name"))

    # -- within ------------------------------------------------------------------------------------------------------------

    def _state(self) -> str:
        begun = deploying.underway(self.name)
        if begun is not None and not begun.future.done():
            return "deploying"
        if self._record() is None:
            return "failed" if begun is not None and begun.future.exception() else "unknown"
        return self.service.state

    def _answering(self, what: str) -> str | None:
        return (getattr(self.service, what) or None) if self._record() is not None else None

    def _record(self) -> Record | None:
        return records().find(self.name) if belongs(self.workspace, self.name) else None

    def _delete(self) -> None:
        deploying.check_idle(self.name)
        if not belongs(self.workspace, self.name):
            say(f"No service with name {self.name} found to delete.")
            return
        if self._record() is None:
            say(f"No service with name {self.name} found to delete.")
        else:
            self.service.delete()
            deploying.forget(self.name)
            self._deleted = True
        with self.workspace.book.change() as content:
            content["services"].pop(self.name, None)

    def _start_again(self) -> None:
        """With the same address, which others know."""
        from dataclasses import replace
        from urllib.parse import urlsplit

        from jupyter_mldeploy import pipeline
        from jupyter_mldeploy.spec import TargetKind

        spec = self.service.spec
        if spec.target.kind is TargetKind.CONTAINER and (uri := self.scoring_uri):
            spec = replace(spec, port=urlsplit(uri).port)
        self.service.stop()
        pipeline.run(spec, records())
        self._change_entry()

    def _change_entry(self, **changes: Any) -> None:
        with self.workspace.book.change() as content:
            if self.name in content["services"]:
                content["services"][self.name].update(changes, updated=datetime.now(UTC).isoformat())
        self.update_deployment_state()
