"""What ``AksWebservice.update`` is refused for: the original's rules, and those that only its service side had."""

from __future__ import annotations

from typing import Any

from jupyter_mldeploy.azureml.core.webservice.aks_configuration import DEFAULTS, problems

__all__ = ["scaled_before", "update_problems"]

_LIMITS = (("cpu_cores", "cpu", "cpu_limit"), ("memory_gb", "memory_in_gb", "memory_in_gb_limit"))


def scaled_before(settings: dict[str, Any]) -> dict[str, Any]:
    """The bounds that a service was told before, by the names of arguments."""
    told = settings.get("autoScaler") or {}
    return {
        "autoscale_enabled": bool(told.get("autoscaleEnabled")),
        "autoscale_min_replicas": told.get("minReplicas") or DEFAULTS["autoscale_min_replicas"],
        "autoscale_max_replicas": told.get("maxReplicas") or DEFAULTS["autoscale_max_replicas"],
        "autoscale_target_utilization": told.get("targetUtilization") or DEFAULTS["autoscale_target_utilization"],
        "num_replicas": settings.get("numReplicas"),
    }


def update_problems(given: dict[str, Any], service: Any, settings: dict[str, Any]) -> list[str]:
    """Everything that is wrong with an update of a service."""
    found = [text for text in problems(given, "Error, ") if "cannot both be true" not in text]
    if any(text.startswith("Invalid configuration") for text in found):
        return found  # values that are no numbers can be compared with none
    if any("must be a whole number" in text for text in found):
        return found
    found += _against_stored_limits(given, service.container_resource_requirements)
    if given["autoscale_enabled"] and not any("autoscale_m" in text for text in found):
        before = scaled_before(settings)
        low = given["autoscale_min_replicas"] or before["autoscale_min_replicas"]
        high = given["autoscale_max_replicas"] or before["autoscale_max_replicas"]
        if low > high:
            found.append(
                f"Error, autoscale_min_replicas cannot be greater than autoscale_max_replicas: with what the service has "
                f"already, they would be {low} and {high}."
            )
    return found + _auth_problems(given, service)


def _against_stored_limits(given: dict[str, Any], stored: Any) -> list[str]:
    found = []
    for name, needs, limit in _LIMITS:
        asked, bound = given[name], given[f"{name}_limit"]
        has, has_limit = getattr(stored, needs), getattr(stored, limit)
        if asked is not None and bound is None and has_limit is not None and asked > has_limit:
            found.append(f"Error, {name} must be less than or equal to container_resource_requirements.{limit}.")
        if bound is not None and asked is None and has is not None and bound < has:
            found.append(
                f"Error, {name}_limit must be greater than or equal to container_resource_requirements.{needs}."
            )
    return found


def _auth_problems(given: dict[str, Any], service: Any) -> list[str]:
    key, token = given["auth_enabled"], given["token_auth_enabled"]
    if token and key:
        return ["Error, cannot set both token_auth_enabled and auth_enabled."]
    if token and service.auth_enabled and key is None:
        return ["Error, cannot set token_auth_enabled without disabling key auth (set auth_enabled to False)."]
    if key and service.token_auth_enabled and token is None:
        return ["Error, cannot set auth_enabled without disabling token auth (set token_auth_enabled to False)."]
    return []
