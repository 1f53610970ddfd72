"""The three kinds of scripts: plain, raw-HTTP, and decorated with schemas."""

from __future__ import annotations

import inspect
import sys
import traceback
from typing import Any

from . import failure, request, script, shims
from .request import BadRequest, Request
from .scoring import Answer, Scorer


def scorer_for(loaded: script.Script, *, debug: bool, memory_limited: bool) -> Scorer:
    """The scorer that fits a loaded script.

    Raises
    ------
    Refused
        The signature of `run()` is not allowed, or it wants raw requests and schemas at once.
    """
    raw, schema = shims.raw_requested(), _schema_util(loaded)
    if raw and schema is not None:
        message = "run() must not use @rawhttp together with @input_schema or @output_schema."
        raise script.Refused(message)
    kind = RawScorer if raw else SchemaScorer if schema is not None else Scorer
    return kind(loaded, debug=debug, memory_limited=memory_limited)


def forget_decorations() -> None:
    """Before a script loads: nothing that an earlier one registered counts any more."""
    shims.forget_raw_requests()
    registry = sys.modules.get("inference_schema.schema_util")
    for name in ("__functions_schema__", "__versions__"):
        table = getattr(registry, name, None)
        if isinstance(table, dict):
            for key in [key for key in table if str(key).startswith(script.MODULE_NAME + ".")]:
                del table[key]


class RawScorer(Scorer):
    """`run()` gets the HTTP request itself."""

    input = "raw"

    def __init__(self, loaded: script.Script, *, debug: bool, memory_limited: bool) -> None:
        super().__init__(loaded, debug=debug, memory_limited=memory_limited)
        from . import web  # no other kind of script needs it

        self._web = web
        self._kind = web.request_class()

    def arguments(self, asked: Request) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The request object."""
        return (self._web.raw_request(self._kind, asked),), {}


class SchemaScorer(Scorer):
    """`run()` gets keyword arguments from a JSON object, converted by the real inference-schema package."""

    input = "schema"

    def __init__(self, loaded: script.Script, *, debug: bool, memory_limited: bool) -> None:
        super().__init__(loaded, debug=debug, memory_limited=memory_limited)
        self._parameters = [p for p in script.run_parameters(loaded) if p.name != "request_headers"]

    def arguments(self, asked: Request) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Keyword arguments; raises `BadRequest` for what the client left out."""
        given = request.json_object(asked)
        named = {p.name: given.get(p.name, p.default) for p in self._parameters}  # the decorators want each of them
        missing = next((name for name, value in named.items() if value is inspect.Parameter.empty), None)
        if missing is not None:
            raise BadRequest(400, f"A value is not provided for the {missing!r} parameter.")
        return (), named

    def raised(self, asked: Request, error: BaseException) -> Answer:
        """An input that does not fit the schema is the client's mistake; anything else is the script's."""
        if isinstance(error, Exception) and self._is_conversion(error):
            message = f"The input does not fit the schema of run(): {failure.safe_text(error)}"
            error = BadRequest(400, message)
        return super().raised(asked, error)

    def _is_conversion(self, error: Exception) -> bool:
        files = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
        converting = any("inference_schema" in name for name in files)
        return converting and not any(failure.is_user_file(name) for name in files)

    def contract(self) -> dict[str, Any]:
        """Also the schemas themselves, for the service's description."""
        return {**super().contract(), "schemas": _described(self.script)}


def _schema_util(loaded: script.Script) -> Any | None:
    """The inference-schema package's registry, when this script's `run` is in it."""
    util = sys.modules.get("inference_schema.schema_util")
    try:
        return util if util is not None and util.is_schema_decorated(loaded.run) else None
    except Exception:
        return None


def _described(loaded: script.Script) -> dict[str, Any]:
    util: Any = sys.modules["inference_schema.schema_util"]
    run = loaded.run
    try:
        versions = [str(version) for version in util.get_supported_versions(run)]
    except AttributeError:  # before inference-schema 1.5
        versions = ["2.0"]
    return {"input": util.get_input_schema(run), "output": util.get_output_schema(run), "versions": versions}
