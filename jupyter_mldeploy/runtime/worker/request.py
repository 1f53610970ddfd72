"""A request as the front hands it to a worker, and the argument of `run()` made from it."""

from __future__ import annotations

from json import dumps, loads  # by name: scripts replace those of the module
from typing import Any


class BadRequest(Exception):
    """The client's mistake: `status` and one sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Request:
    """One request: its id, its body and, where the script asked for them, its line and headers."""

    __slots__ = ("body", "headers", "method", "query", "remote", "request_id", "target")

    def __init__(self, request_id: str, described: dict[str, Any] | None, body: bytes) -> None:
        described = described or {}
        self.request_id = request_id
        self.body = body
        self.method: str = described.get("method", "POST")
        self.target: str = described.get("target", "/score")
        self.query: str = self.target.partition("?")[2]
        self.headers: list[tuple[str, str]] = [(name, value) for name, value in described.get("headers", ())]
        self.remote: str = described.get("remote", "")

    @property
    def content_length(self) -> int | None:
        """Bytes of the body; None where there is none and none was announced."""
        return len(self.body) if self.body or self.header("content-length") else None

    def header(self, name: str) -> str:
        """The value of a header, empty when absent."""
        for key, value in self.headers:
            if key.lower() == name:
                return value
        return ""


def titled(headers: list[tuple[str, str]]) -> dict[str, str]:
    """Headers by name as WSGI servers have always handed them to scripts: `Content-Type`, several of a name in one."""
    values: dict[str, str] = {}
    for name, value in headers:
        key = name.title()
        values[key] = f"{values[key]},{value}" if key in values else value
    return values


def text_of(request: Request) -> str:
    """The `str` that a plain `run()` gets.

    Raises
    ------
    BadRequest
        The body is not UTF-8 text.
    """
    if request.method == "GET":
        return dumps(query_values(request.query))
    try:
        return request.body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRequest(400, f"Input cannot be decoded as UTF-8: {error}") from None


def query_values(query: str) -> dict[str, Any]:
    """Query parameters as values: each parsed as JSON where it can be, repeated ones as a list."""
    from urllib.parse import parse_qsl

    values: dict[str, list[Any]] = {}
    try:
        pairs = parse_qsl(query, keep_blank_values=True)
    except ValueError as error:
        raise BadRequest(400, f"The query string cannot be read: {error}.") from None
    for name, text in pairs:
        values.setdefault(name, []).append(_value(text))
    return {name: several[0] if len(several) == 1 else several for name, several in values.items()}


def _value(text: str) -> Any:
    try:
        return loads(text)
    except (ValueError, RecursionError):
        return text


def json_object(request: Request) -> dict[str, Any]:
    """The JSON object that a schema script gets its arguments from.

    Raises
    ------
    BadRequest
        415 for another content type, 400 for broken JSON or another value than an object.
    """
    if request.method == "GET":
        return query_values(request.query)
    kind = request.header("content-type").partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise BadRequest(415, "Expects Content-Type to be application/json")
    try:
        value = loads(request.body)
    except (ValueError, RecursionError) as error:
        if not request.body:
            raise BadRequest(400, "POST body is empty. Expecting a JSON dictionary.") from None
        raise BadRequest(400, f"POST body could not be decoded as JSON: {error}") from None
    if not isinstance(value, dict):
        raise BadRequest(400, "POST body should be a JSON dictionary.")
    return value
