"""Values of the kinds that the v1 API takes: dictionaries of texts, yes and no, filters of lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from numbers import Integral
from typing import Any

from jupyter_mldeploy.azureml.exceptions import WebserviceException

__all__ = ["check_filters", "check_kinds", "check_names", "dict_of", "fits", "kind_problems", "told_of"]

_DICTS = ("tags", "properties")
_TEXTS = (
    "description", "primary_key", "secondary_key", "namespace", "compute_target_name", "location", "dns_name_label",
    "ssl_cert_pem_file", "ssl_key_pem_file", "ssl_cname", "vnet_name", "subnet_name", "cmk_vault_base_url", "cmk_key_name",
    "cmk_key_version",
)  # fmt: skip
_FLAGS = (
    "auth_enabled", "token_auth_enabled", "ssl_enabled", "autoscale_enabled", "enable_app_insights", "collect_model_data",
)  # fmt: skip


def kind_problems(given: Mapping[str, Any]) -> list[str]:
    """Of tags, properties, descriptions and switches that are something else."""
    found = [
        f"{name.capitalize()} must be a dict, not {given[name]!r}."
        for name in _DICTS
        if given.get(name) is not None and not isinstance(given[name], Mapping)
    ]
    found += [
        f"{name} must be a text, not {'what was given' if 'key' in name else repr(given[name])}."
        for name in _TEXTS
        if given.get(name) is not None and not isinstance(given[name], str)
    ]
    return found + [
        f"{name} must be True or False, not {given[name]!r}."
        for name in _FLAGS
        if given.get(name) is not None and not _is_flag(given[name])
    ]


def check_kinds(**given: Any) -> None:
    """Raise one ``WebserviceException`` with all of them."""
    if wrong := kind_problems(given):
        raise WebserviceException("\n".join(wrong))


def check_names(tags: Any) -> None:
    """Raise for what is no list of the names of tags."""
    if isinstance(tags, str) or not isinstance(tags, Iterable):
        raise WebserviceException(f"tags must be a list of names, not {tags!r}.")


def dict_of(kept: Any) -> dict[str, Any]:
    """What was kept of tags or properties; what is no dictionary is none, so that it breaks no list of others."""
    return dict(kept) if isinstance(kept, Mapping) else {}


def told_of(kind: str, payload: Any, key: str) -> str:
    """Which one ``serialize()`` has told of.

    Raises:
        WebserviceException: Something else has told it.
    """
    found = payload.get(key) if isinstance(payload, Mapping) else None
    if not isinstance(found, str) or not found:
        raise WebserviceException(
            f"{kind}.deserialize(): this is not what serialize() returns: it has no {key!r}, as {payload!r} shows."
        )
    return found


def check_filters(**filters: Any) -> None:
    """Raise for what is no list of names, and of names with a value."""
    for shown, wanted in filters.items():
        if wanted is not None and not (isinstance(wanted, list | tuple) and all(_is_filter(item) for item in wanted)):
            raise WebserviceException(f"{shown} must be a list of names, or of [name, value], not {wanted!r}.")


def fits(found: Mapping[str, Any], wanted: Any) -> bool:
    """Whether tags or properties fit a filter that was checked."""
    for item in wanted or ():
        key, value = (item, None) if isinstance(item, str) else (item[0], item[1])
        if key not in found or (value is not None and found[key] != str(value)):
            return False
    return True


def _is_filter(item: Any) -> bool:
    return isinstance(item, str) or (isinstance(item, list | tuple) and len(item) == 2 and isinstance(item[0], str))


def _is_flag(value: Any) -> bool:
    """Numbers 0 and 1 were as good; a text never is, whatever it says."""
    return type(value).__name__ in {"bool", "bool_"} or (isinstance(value, Integral) and int(value) in {0, 1})
