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


class LightHeaders:
    """Headers, looked up without regard to case; several of one name are kept."""

    def __init__(self, pairs: list[tuple[str, str]] | None = None) -> None:
        self._pairs = list(pairs or [])

    def get(self, name: str, default: Any = None) -> Any:
        """The first value of a header."""
        return next((value for key, value in self._pairs if key.lower() == name.lower()), default)

    def getlist(self, name: str) -> list[str]:
        """All values of a header."""
        return [value for key, value in self._pairs if key.lower() == name.lower()]

    def add(self, name: str, value: Any) -> None:
        """Add a header beside those of its name."""
        self._pairs.append((name, str(value)))

    def remove(self, name: str) -> None:
        """Take every header of a name away."""
        self._pairs = [pair for pair in self._pairs if pair[0].lower() != name.lower()]

    def items(self) -> list[tuple[str, str]]:
        """All headers."""
        return list(self._pairs)

    def keys(self) -> list[str]:
        """All names."""
        return [name for name, _ in self._pairs]

    def __getitem__(self, name: str) -> str:
        value = self.get(name)
        if value is None:
            raise KeyError(name)
        return str(value)

    def __setitem__(self, name: str, value: Any) -> None:
        self.remove(name)
        self.add(name, value)

    def __contains__(self, name: object) -> bool:
        return self.get(str(name)) is not None

    def __iter__(self) -> Any:
        return iter(self._pairs)

    def __len__(self) -> int:
        return len(self._pairs)


class LightValues(dict[str, Any]):
    """Query or form values: the first of each name as a dict, all of them by `getlist`."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__()
        self._pairs = pairs
        for name, value in pairs:
            self.setdefault(name, value)

    def getlist(self, name: str) -> list[Any]:
        """All values of a name."""
        return [value for key, value in self._pairs if key == name]


class LightFile(io.BytesIO):
    """An uploaded file."""

    def __init__(self, data: bytes, filename: str, content_type: str) -> None:
        super().__init__(data)
        self.filename = filename
        self.content_type = self.mimetype = content_type

    @property
    def stream(self) -> LightFile:
        """The file itself, as its data is in memory."""
        return self

    def save(self, destination: Any) -> None:
        """Write the file to a path or a stream."""
        if hasattr(destination, "write"):
            destination.write(self.getvalue())
            return
        with open(destination, "wb") as stream:
            stream.write(self.getvalue())


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
                fields, files = _multipart(self.data, self.content_type)
            self._parts = LightValues(fields), LightValues(files)
        return self._parts


def _multipart(data: bytes, content_type: str) -> tuple[list[tuple[str, Any]], list[tuple[str, Any]]]:
    from email.message import Message
    from email.parser import BytesHeaderParser

    declared = Message()
    declared["content-type"] = content_type
    boundary = declared.get_param("boundary")
    fields: list[tuple[str, Any]] = []
    files: list[tuple[str, Any]] = []
    if not isinstance(boundary, str):
        return fields, files
    for part in (b"\r\n" + data).split(b"\r\n--" + boundary.encode("latin-1"))[1:]:
        if part.startswith(b"--"):
            break
        head, _, content = part.partition(b"\r\n\r\n")
        headers = BytesHeaderParser().parsebytes(head.lstrip(b"\r\n"))
        name = headers.get_param("name", header="content-disposition")
        if name is None:
            continue
        filename = headers.get_filename()
        if filename is None:
            fields.append((str(name), content.decode("utf-8", "replace")))
        else:
            files.append((str(name), LightFile(content, filename, headers.get_content_type())))
    return fields, files


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
