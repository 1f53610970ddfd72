"""The interface as ``openapi.yaml`` describes it: what a request must be like."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jupyter_mldeploy.errors import InvalidValue

__all__ = ["check", "description"]

BASE = "https://mldeploy.invalid/openapi"


@cache
def description() -> dict[str, Any]:
    """The whole description."""
    import yaml

    text = (Path(__file__).parent / "openapi.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def check(schema: str, value: object) -> None:
    """Check a value against ``components/schemas/<schema>``.

    Raises:
        InvalidValue: Names the field, its value and what would be right.
    """
    from jsonschema.exceptions import best_match

    error = best_match(_validator(schema).iter_errors(value))
    if error is None:
        return
    place = ".".join(str(part) for part in error.absolute_path) or "body"
    if place == "body" and error.validator == "type":
        raise InvalidValue(place, "null" if error.instance is None else error.instance, "send a JSON object.")
    # What a pattern means is said beside it: nobody reads regular expressions.
    said = error.schema.get("description") if error.validator == "pattern" else None
    raise InvalidValue(place, error.instance, f"{said or error.message}.")


@cache
def _validator(schema: str) -> Any:
    from jsonschema import Draft202012Validator
    from referencing import Registry
    from referencing.jsonschema import DRAFT202012

    registry: Registry[Any] = Registry().with_resource(BASE, DRAFT202012.create_resource(description()))
    return Draft202012Validator({"$ref": f"{BASE}#/components/schemas/{schema}"}, registry=registry)
