"""Requests and answers of raw-HTTP scripts, with flask or werkzeug where the user has them and without where not."""

from __future__ import annotations

import contextlib
import io
import json
import re
from importlib import import_module
from importlib.util import find_spec
from typing import Any
from urllib.parse import parse_qsl

from .answer import Unanswerable
from .request import Request
from .web_fields import LightAccept, LightAgent, LightAuthorization, LightHeaders, LightValues, multipart

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def _first_of(name: str) -> Any:
    for library in ("flask", "werkzeug.wrappers"):
        if find_spec(library.partition(".")[0]) is not None:
            with contextlib.suppress(Exception):  # a broken flask must not take the script down
                return getattr(import_module(library), name)
    return None


def request_class() -> Any:
    """flask's or werkzeug's `Request`, or ours."""
    return _first_of("Request") or LightRequest


def response_class() -> Any:
    """flask's or werkzeug's `Response`, or ours."""
    return _first_of("Response") or LightResponse


def environ_of(asked: Request) -> dict[str, Any]:
    """The request as a WSGI environment."""
    path, _, query = asked.target.partition("?")
    from urllib.parse import unquote_to_bytes

    host, _, port = asked.header("host").partition(":")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": asked.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "RAW_URI": asked.target,
        "REQUEST_URI": asked.target,
        "QUERY_STRING": query,
        "SERVER_NAME": host or "localhost",
        "SERVER_PORT": port or "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": asked.remote,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(asked.body),
        "wsgi.input_terminated": True,
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if asked.content_length is not None:
        environ["CONTENT_LENGTH"] = str(asked.content_length)
    for name, value in asked.headers:
        key = name.upper().replace("-", "_")
        if key in ("CONTENT_LENGTH", "TRANSFER_ENCODING", "CONTENT_ENCODING"):
            continue  # the body is whole and decoded
        if key != "CONTENT_TYPE":
            key = f"HTTP_{key}"
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    return environ


def raw_request(kind: Any, asked: Request) -> Any:
    """The object that a raw-HTTP `run()` gets."""
    return kind(asked) if kind is LightRequest else kind(environ_of(asked))


class LightRequest:
    """The request where there is no flask: the attributes that scoring scripts use."""

    def __init__(self, asked: Request) -> None:
        self.method = asked.method
        self.path, _, self.query_text = asked.target.partition("?")
        self.query_string = self.query_text.encode("latin-1")
        self.full_path = f"{self.path}?{self.query_text}"
        self.headers = LightHeaders([(name.title(), value) for name, value in asked.headers])
        self.remote_addr = asked.remote
        self.host = self.headers.get("host", "localhost")
        self.url = f"http://{self.host}{asked.target}"
        self.base_url = f"http://{self.host}{self.path}"
        self.args = LightValues(parse_qsl(self.query_text, keep_blank_values=True))
        self.data = asked.body
        self.stream = io.BytesIO(asked.body)
        self.content_type = self.headers.get("content-type", "")
        self.mimetype = self.content_type.partition(";")[0].strip().lower()
        self.content_length = asked.content_length
        self.is_json = self.mimetype == "application/json" or self.mimetype.endswith("+json")
        self.content_encoding: str | None = None  # the body is decoded
        self.scheme = "http"
        self.is_secure = False
        self.host_url = self.url_root = self.root_url = f"http://{self.host}/"
        self.root_path = self.script_root = ""
        self.access_route = [asked.remote]
        self.referrer = self.headers.get("referer")
        self.user_agent = LightAgent(self.headers.get("user-agent", ""))
        self.authorization = LightAuthorization.read(self.headers.get("authorization", ""))
        self.accept_mimetypes = LightAccept(self.headers.get("accept", ""))
        self._asked = asked
        self._parts: tuple[LightValues, LightValues] | None = None

    def get_data(self, _cache: bool = True, as_text: bool = False, **_: Any) -> Any:
        """The body, as bytes or text."""
        return self.data.decode("utf-8") if as_text else self.data

    def get_json(self, force: bool = False, silent: bool = False, **_: Any) -> Any:
        """The body as JSON; None for another content type unless forced."""
        if not (force or self.is_json):
            return None
        try:
            return json.loads(self.data)
        except ValueError:
            if silent:
                return None
            raise

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return self.get_json()

    @property
    def environ(self) -> dict[str, Any]:
        """The request as a WSGI environment."""
        return environ_of(self._asked)

    @property
    def cookies(self) -> LightValues:
        """The cookies."""
        from http.cookies import CookieError, SimpleCookie

        found = SimpleCookie()
        with contextlib.suppress(CookieError):
            found.load(self.headers.get("cookie", ""))
        return LightValues([(name, morsel.value) for name, morsel in found.items()])

    @property
    def values(self) -> LightValues:
        """The query's values and the form's."""
        return LightValues([*self.args.pairs(), *self.form.pairs()])

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        message = f"this request has no {name!r}; with flask installed in the script's environment it is Flask's own"
        raise AttributeError(message)

    @property
    def form(self) -> LightValues:
        """The fields of a form."""
        return self._form_and_files()[0]

    @property
    def files(self) -> LightValues:
        """The files of a multipart form."""
        return self._form_and_files()[1]

    def _form_and_files(self) -> tuple[LightValues, LightValues]:
        if self._parts is None:
            fields: list[tuple[str, Any]] = []
            files: list[tuple[str, Any]] = []
            if self.mimetype == "application/x-www-form-urlencoded":
                fields = list(parse_qsl(self.data.decode("utf-8", "replace"), keep_blank_values=True))
            elif self.mimetype == "multipart/form-data":
                fields, files = multipart(self.data, self.content_type)
            self._parts = LightValues(fields), LightValues(files)
        return self._parts


class LightResponse:
    """An answer where there is no flask."""

    def __init__(
        self,
        response: Any = b"",
        status: int = 200,
        headers: Any = None,
        mimetype: str | None = None,
        content_type: str | None = None,
    ) -> None:
        self.status_code = int(status)
        self.headers = LightHeaders()
        kind = content_type or mimetype or "text/html"
        if kind.startswith("text/") and "charset" not in kind:
            kind += "; charset=utf-8"
        self.headers.add("Content-Type", kind)
        for name, value in dict(headers or {}).items():
            self.headers[name] = value
        if isinstance(response, str):
            self._data = response.encode("utf-8")
        elif isinstance(response, (bytes, bytearray, memoryview)):
            self._data = bytes(response)
        else:
            self._data = b"".join(p.encode() if isinstance(p, str) else bytes(p) for p in response)

    def get_data(self) -> bytes:
        """The body."""
        return self._data

    data = property(get_data)


def as_http_answer(result: Any) -> tuple[int, bytes, list[list[str]]] | None:
    """Status, body and headers of a response object of flask, werkzeug or ours; None for any other value.

    Raises
    ------
    Unanswerable
        Its status or a header's name is none that an answer can have.
    """
    if not isinstance(result, LightResponse) and not any(
        base.__module__.partition(".")[0] == "werkzeug" and base.__name__ in ("Response", "BaseResponse")
        for base in type(result).__mro__
    ):
        return None
    if getattr(result, "direct_passthrough", False):
        result.direct_passthrough = False
    status, headers = int(result.status_code), [[str(name), str(value)] for name, value in result.headers.items()]
    if not 200 <= status <= 599:
        raise Unanswerable(f"run() answered with the HTTP status {status}; an answer has one from 200 to 599.")
    for name, _ in headers:
        if not _HEADER_NAME.fullmatch(name):
            raise Unanswerable(f"run() answered with a header {name!r}, which is no name that HTTP knows.")
    return status, result.get_data(), headers
