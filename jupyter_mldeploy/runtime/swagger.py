"""`/swagger.json`: the service described in Swagger 2, OpenAPI 3.0 and 3.1.

A file in the app root wins. Otherwise the description is made from the schemas that the script declares, or from the type
hints of its `run()`, or says that any JSON goes in and out.
"""

from __future__ import annotations

import copy
import json
import os
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy.runtime.configuration import content_of

if TYPE_CHECKING:
    from jupyter_mldeploy.runtime.configuration import ServiceConfig, WorkerMake

_VERSIONS = {"2": "2.0", "2.0": "2.0", "3": "3.0", "3.0": "3.0", "3.1": "3.1"}
_FILES = {"2.0": "swagger2.json", "3.0": "swagger3.json", "3.1": "swagger3.1.json"}
_SHORT = {"2.0": "2", "3.0": "3", "3.1": "3.1"}
_ANY: dict[str, Any] = {"type": "object", "example": {}}
_HEALTH = "Simple health check endpoint to ensure the service is up at any given point."
_HEALTHY = "If service is up and running, this response will be returned with the content 'Healthy'"
_FAILED = "The service failed to execute due to an error."
_PAYLOAD = "The input payload for executing the real-time machine learning service."
_SCORED = "The service processed the input correctly and provided a result prediction, if applicable."

_SPECIFICATION = {"operationId": "GetSwaggerSpec", "description": "Get the Swagger specification."}
_SPECIFIED = "The Swagger specification."
_BEARER = {
    "type": "apiKey",
    "name": "Authorization",
    "in": "header",
    "description": "For example: Bearer abc123",
}
_VERSION = {"name": "version", "in": "query", "required": False}


class NoSuchVersionError(LookupError):
    """The description cannot be had in this version; the text names those that can."""


def document(version: str, config: ServiceConfig, make: WorkerMake, schemas: dict[str, Any] | None) -> bytes:
    """The description as JSON text.

    Parameters
    ----------
    version
        `2`, `2.0`, `3`, `3.0` or `3.1`.
    schemas
        `input`, `output` and `versions`, from the script; None where it declares none.

    Raises
    ------
    NoSuchVersionError
        The version is unknown, or the schemas cannot be written in it.
    """
    known = _VERSIONS.get(version)
    if known is None:
        raise NoSuchVersionError(f"Swagger version [{version}] is not valid. Supported versions: [2, 3, 3.1].")
    written = _file(known, make)
    if written is not None:
        return written
    supported = [v for v in (schemas or {}).get("versions", list(_FILES)) if v in _FILES]
    if known not in supported:
        names = ", ".join(_SHORT[v] for v in supported)
        raise NoSuchVersionError(
            f"Swagger version [{version}] is not supported for the scoring script. Supported swagger versions: [{names}].",
        )
    taken = (schemas or {}).get("input", _ANY)
    given = (schemas or {}).get("output", _ANY)
    made = _swagger2(config, taken, given) if known == "2.0" else _openapi(known, config, taken, given)
    return json.dumps(made).encode()


def _file(version: str, make: WorkerMake) -> bytes | None:
    for name in (_FILES[version], "swagger.json"):
        try:
            content = content_of(os.path.join(make.root, name))
            value = json.loads(content)
        except (OSError, ValueError):
            continue
        said = str(value.get("swagger") or value.get("openapi") or "2.0") if isinstance(value, dict) else ""
        if name != "swagger.json" or said.startswith(version):
            return content
    return None


def _info(config: ServiceConfig) -> dict[str, str]:
    return {
        "title": config.service,
        "description": f"API specification for the Azure Machine Learning service {config.service}",
        "version": config.service_version,
    }


def _swagger2(config: ServiceConfig, taken: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    error = {"description": _FAILED, "schema": {"$ref": "#/definitions/ErrorResponse"}}
    prefix = _prefix(config)
    return {
        "swagger": "2.0",
        "info": _info(config),
        "schemes": ["https"],
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "securityDefinitions": {"Bearer": dict(_BEARER)},
        "paths": {
            f"{prefix}/": {
                "get": {
                    "operationId": "ServiceHealthCheck",
                    "description": _HEALTH,
                    "responses": {
                        "200": {
                            "description": _HEALTHY,
                            "schema": {"type": "string"},
                            "examples": {"application/json": "Healthy"},
                        },
                        "default": error,
                    },
                },
            },
            f"{prefix}/score": {
                "post": {
                    "operationId": "RunMLService",
                    "description": "Run web service's model and get the prediction output",
                    "security": [{"Bearer": []}],
                    "parameters": [
                        {
                            "name": "serviceInputPayload",
                            "in": "body",
                            "description": _PAYLOAD,
                            "schema": {"$ref": "#/definitions/ServiceInput"},
                        },
                    ],
                    "responses": {
                        "200": {"description": _SCORED, "schema": {"$ref": "#/definitions/ServiceOutput"}},
                        "default": error,
                    },
                },
            },
            f"{prefix}/swagger.json": {
                "get": {
                    **_SPECIFICATION,
                    "parameters": [{**_VERSION, "type": "integer", "enum": [2, 3]}],
                    "responses": {"200": {"description": _SPECIFIED, "schema": {"type": "string"}}, "default": error},
                },
            },
        },
        "definitions": {**_schemas(taken, given)},
    }


def _openapi(version: str, config: ServiceConfig, taken: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    def content(name: str) -> dict[str, Any]:
        return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}

    error = {"description": _FAILED, "content": content("ErrorResponse")}
    prefix = _prefix(config)
    healthy = {"text/plain": {"schema": {"type": "string", "example": "Healthy"}}}
    text = {"text/plain": {"schema": {"type": "string"}}}
    versions = {"type": "integer", "enum": [2, 3]}
    return {
        "openapi": "3.0.3" if version == "3.0" else "3.1.0",
        "info": _info(config),
        "security": [{"Bearer": []}],
        "paths": {
            f"{prefix}/": {
                "get": {
                    "operationId": "ServiceHealthCheck",
                    "description": _HEALTH,
                    "responses": {"200": {"description": _HEALTHY, "content": healthy}, "default": error},
                },
            },
            f"{prefix}/score": {
                "post": {
                    "operationId": "RunMLService",
                    "description": "Run web service's model and get the prediction output",
                    "security": [{"Bearer": []}],
                    "requestBody": {"description": _PAYLOAD, "content": content("ServiceInput")},
                    "responses": {
                        "200": {"description": _SCORED, "content": content("ServiceOutput")},
                        "default": error,
                    },
                },
            },
            f"{prefix}/swagger.json": {
                "get": {
                    **_SPECIFICATION,
                    "parameters": [{**_VERSION, "schema": versions}],
                    "responses": {"200": {"description": _SPECIFIED, "content": text}, "default": error},
                },
            },
        },
        "components": {
            "schemas": _schemas(taken, given),
            "securitySchemes": {"Bearer": dict(_BEARER)},
        },
    }


def _prefix(config: ServiceConfig) -> str:
    return "/" + config.path_prefix.strip("/") if config.path_prefix.strip("/") else ""


def _schemas(taken: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    error = {"type": "object", "properties": {"message": {"type": "string"}}}
    return {
        "ServiceInput": copy.deepcopy(taken),
        "ServiceOutput": copy.deepcopy(given),
        "ErrorResponse": error,
    }
