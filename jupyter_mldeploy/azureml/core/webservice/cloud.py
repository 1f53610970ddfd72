"""What ``AciWebservice`` and ``AksWebservice`` have in common: tags and properties, and changes of a service that runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from jupyter_mldeploy.azureml import deploying
from jupyter_mldeploy.azureml.core.webservice.kinds import not_found
from jupyter_mldeploy.azureml.core.webservice.parts import ContainerResourceRequirements
from jupyter_mldeploy.azureml.core.webservice.webservice import Webservice
from jupyter_mldeploy.azureml.exceptions import WebserviceException
from jupyter_mldeploy.azureml.facade import facade, translated
from jupyter_mldeploy.azureml.specifying import model_refs
from jupyter_mldeploy.azureml.values import check_kinds, check_names, kind_problems

if TYPE_CHECKING:
    from jupyter_mldeploy.spec import ServiceSpec

__all__ = ["CloudWebservice"]


@facade(WebserviceException)
class CloudWebservice(Webservice):
    """A service with tags, keys and updates."""

    REFUSED: ClassVar[dict[str, str]] = {
        "deploy_to_cloud": "that belongs to LocalWebservice; deploy with another deployment_config"
    }

    def run(self, input_data: Any) -> Any:
        """Score ``input_data`` and return the answer."""
        return super().run(input_data)

    def add_tags(self, tags: dict[str, str]) -> None:
        """Add tags."""
        check_kinds(tags=tags)
        self._change_entry(tags={**self.tags, **(tags or {})})

    def remove_tags(self, tags: list[str]) -> None:
        """Take tags off, by name."""
        check_names(tags)
        self._change_entry(tags={key: value for key, value in self.tags.items() if key not in tags})

    def add_properties(self, properties: dict[str, str]) -> None:
        """Add properties, which then stay."""
        check_kinds(properties=properties)
        self._change_entry(properties={**self.properties, **(properties or {})})

    def _check_update(self, given: dict[str, Any], check: Callable[[], list[str]] | None = None) -> None:
        """The original's refusals, all in one: those of both kinds, and those that ``check`` finds for one of them."""
        if all(value is None for value in given.values()):
            raise WebserviceException("No parameters provided to update.")
        self._check_at_rest()
        self.update_deployment_state()  # another object may have changed it
        problems = check() if check is not None else kind_problems(given)
        image, inference = given.get("image"), given.get("inference_config")
        if image and inference:
            problems.append("Error, unable to pass both an Image object and an InferenceConfig object to update.")
        if image and self.image_id is None:
            problems.append("Error, unable to use Image object to update Webservice created with Environment object.")
        if inference and getattr(inference, "environment", None) and self.image_id is not None:
            problems.append("Error, unable to use Environment object to update Webservice created with Image object.")
        if given.get("models") and inference is None:
            problems.append(
                'Error, both "models" and "inference_config" inputs must be provided in order to update the models.'
            )
        if problems:
            raise WebserviceException("\n".join(problems) + "\n")

    def _check_at_rest(self) -> None:
        """Nothing is changed while a deployment is under way, and nothing of what is not there."""
        deploying.check_idle(self.name)
        if self._record() is None:
            raise not_found(self.workspace, self.name)

    @property
    def container_resource_requirements(self) -> ContainerResourceRequirements:
        """What its container asks for."""
        return ContainerResourceRequirements.deserialize(self._settings.get("containerResourceRequirements") or {})

    @property
    def enable_app_insights(self) -> bool:
        """Never: that belongs to Azure."""
        return False

    def _begin_update(self, given: dict[str, Any], changes: dict[str, Any], settings: dict[str, Any]) -> None:
        """Begin what must be done; tags, properties and description are changed at once, ``settings`` when it is done."""
        spec = self.service.spec
        if (image := given.get("image")) is not None:
            changes |= {
                "image": image.image_location,
                "inference": image.inference(),
                "models": model_refs(self.workspace, image.model_ids),
            }
            self._change_entry(image=image.id)
        if (inference := given.get("inference_config")) is not None:
            inference.validation_script_content()
            changes |= {"inference": inference.to_spec(spec.target)}
        if given.get("models") is not None:
            changes["models"] = model_refs(self.workspace, given["models"])
        keys_changed = self._change_auth(given.get("auth_enabled"), given.get("token_auth_enabled"))
        told = {key: given[key] for key in ("tags", "description") if given.get(key) is not None}
        if given.get("properties"):
            told["properties"] = {**self.properties, **given["properties"]}
        if told:
            self._change_entry(**told)
        if keys_changed:
            self.service.stop()
        if changes or keys_changed:
            wanted: ServiceSpec = translated(lambda: replace(spec, **changes))
            deploying.start(
                self.workspace,
                wanted,
                variables=inference._service_variables() if inference is not None else None,
                after=lambda: self._change_settings(settings),
            )
        else:
            self._change_settings(settings)

    def _change_auth(self, enabled: bool | None, token: bool | None) -> bool:
        """Whether keys are wanted now that were not, or the other way round. A token is one of the keys."""
        if enabled is None and token is None:
            return False
        by_token = token if token is not None else bool(self._settings.get("aadAuthEnabled")) and not enabled
        by_key = bool(self._settings.get("authEnabled")) and not by_token if enabled is None else enabled
        had, wanted = bool(deploying.keys_of(self.name)), by_key or by_token
        if wanted and not had:
            deploying.write_keys(self.name, [None, None])
        elif had and not wanted:
            deploying.drop_keys(self.name)
        told = {"authEnabled": by_key} | ({"aadAuthEnabled": by_token} if self.TYPE == "AKS" else {})
        self._change_entry(auth=wanted, settings={**self._settings, **told})
        return wanted != had

    def _change_settings(self, settings: dict[str, Any]) -> None:
        self._change_entry(**({"settings": {**self._settings, **settings}} if settings else {}))
