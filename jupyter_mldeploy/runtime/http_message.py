"""Requests and answers of HTTP/1.1 as values, without a connection."""

from __future__ import annotations

import json
import time
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_mldeploy.runtime.http_connection import Connection

STATUS_LINES = {int(s): f"HTTP/1.1 {int(s)} {s.phrase}\r\n".encode() for s in HTTPStatus}
JSON_TYPE = b"content-type: application/json\r\n"
HTML_TYPE = b"content-type: text/html; charset=utf-8\r\n"
TEXT_TYPE = b"content-type: text/plain; charset=utf-8\r\n"

Headers = list[tuple[bytes, bytes]]


class HttpRequest:
    """One request as it came in; header names are lower case in `fields`."""

    __slots__ = (
        "arrived",
        "body",
        "connection",
        "fields",
        "headers",
        "keep_alive",
        "method",
        "path",
        "query",
        "refusal",
        "version",
    )

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.method = ""
        self.path = ""
        self.query = ""
        self.version = "1.1"
        self.headers: Headers = []
        self.fields: dict[bytes, bytes] = {}
        self.body = b""
        self.keep_alive = False
        self.refusal: tuple[int, str] | None = None
        self.arrived = 0.0

    @property
    def target(self) -> str:
        """Path and query as they were asked for."""
        return f"{self.path}?{self.query}" if self.query else self.path


def split_target(raw: bytes) -> tuple[str, str]:
    """Path and query of a request target, in origin form or absolute form."""
    if not raw.startswith(b"/") and b"://" in raw:
        raw = b"/" + raw.partition(b"://")[2].partition(b"/")[2]
    raw = raw.partition(b"#")[0]
    path, _, query = raw.partition(b"?")
    if path.startswith(b"//"):
        path = b"/" + path.lstrip(b"/")
    return path.decode("latin-1"), query.decode("latin-1")


def message_body(message: str) -> bytes:
    """The JSON body of every error."""
    return json.dumps({"message": message}).encode()


def status_line(status: int) -> bytes:
    """`HTTP/1.1 404 Not Found` with its line end; unknown codes get no phrase."""
    return STATUS_LINES.get(status) or f"HTTP/1.1 {status} \r\n".encode()


def header(name: str, value: str) -> bytes:
    """One header line; characters that would end it or are not Latin-1 are left out or replaced."""
    clean = value.replace("\r", " ").replace("\n", " ").replace("\0", " ")
    return f"{name}: {clean}\r\n".encode("latin-1", "replace")


class DateHeader:
    """The `date` header, made once a second."""

    def __init__(self) -> None:
        self._second = 0
        self._line = b""

    def line(self) -> bytes:
        """The header line for now."""
        now = int(time.time())
        if now != self._second:
            self._second = now
            self._line = time.strftime("date: %a, %d %b %Y %H:%M:%S GMT\r\n", time.gmtime(now)).encode()
        return self._line
