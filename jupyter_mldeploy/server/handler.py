"""What all handlers share: who may ask, errors in the form of the error tree, JSON that is checked."""

from __future__ import annotations

import json
from http.client import responses
from typing import Any, ClassVar

from jupyter_server.base.handlers import APIHandler
from tornado.web import HTTPError

from jupyter_mldeploy.errors import InvalidValue, MLDeployError
from jupyter_mldeploy.server.contract import check
from jupyter_mldeploy.server.hub import Hub

__all__ = ["HUB", "Handler"]

HUB = "mldeploy_hub"
_REASONS = {499: "Interrupted"}


class Handler(APIHandler):
    """Every verb of a handler is ``@authenticated`` and ``@authorized`` for the resource ``mldeploy``."""

    auth_resource: ClassVar[str] = "mldeploy"

    @property
    def hub(self) -> Hub:
        """The one of this server."""
        found = self.settings[HUB]
        assert isinstance(found, Hub)
        return found

    def body(self, schema: str) -> dict[str, Any]:
        """The body, which must be like the schema.

        Raises:
            InvalidValue: It is not.
        """
        text = self.request.body.decode("utf-8", "replace").strip() or "{}"
        try:
            value = json.loads(text)
        except ValueError as error:
            raise InvalidValue("body", text, f"it is not JSON: {error}.") from None
        check(schema, value)
        found: dict[str, Any] = value
        return found

    def flag(self, name: str) -> bool:
        """A ``true`` or ``false`` of the query; false where it is not given."""
        value = self.get_query_argument(name, "false")
        if value not in {"true", "false"}:
            raise InvalidValue(name, value, "it is true or false.")
        return value == "true"

    def number(self, name: str, default: int | None, least: int, most: int) -> int | None:
        """A whole number of the query."""
        value = self.get_query_argument(name, None)
        if value is None:
            return default
        if not (value.isdecimal() and len(value) < 12 and least <= int(value) <= most):
            raise InvalidValue(name, value, f"it is a whole number from {least} to {most}.")
        return int(value)

    def write_error(self, status_code: int, **about: Any) -> None:
        """Answer an error in the form of the tree; a bug of ours is logged by the server and told without its inside."""
        error = about.get("exc_info", (None, None, None))[1]
        if isinstance(error, MLDeployError):
            status_code, told = error.http_status, error.to_json()
            if isinstance(error, InvalidValue):
                told = {**told, "field": error.field}  # a form shows it there
        elif isinstance(error, HTTPError):
            summary = error.log_message or responses.get(status_code, "The request failed")
            told = {"code": f"http-{status_code}", "summary": str(summary), "hint": ""}
        else:
            told = {"code": "internal", "summary": "Something went wrong in the server.", "hint": "Its log says more."}
        self.set_status(status_code, _REASONS.get(status_code))
        self.finish(json.dumps(told))

    def log_exception(self, typ: Any, value: BaseException | None, tb: Any) -> None:
        """What a user did wrong is not worth a traceback in the server's log."""
        if isinstance(value, MLDeployError):
            self.log.info("mldeploy: %s %s: %s", self.request.method, self.request.path, value)
        else:
            super().log_exception(typ, value, tb)
