"""One client connection: HTTP/1.1 with keep-alive and pipelining over asyncio and httptools.

Requests of one connection are answered one after the other, in order. Everything that a client can do wrong gets an
answer before the connection closes; after such an answer the rest of what the client sends is read and thrown away for
a moment, because closing with unread bytes would reset the connection and could destroy the answer on its way.
"""

from __future__ import annotations

import asyncio
import time
import zlib
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

import httptools

from jupyter_mldeploy.runtime.http_message import HttpRequest, split_target, status_line
from jupyter_mldeploy.runtime.inflating import inflated

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_PIPELINED = 32
_HEAD_LIMIT = 65_536
_CHUNK_FRAME = 32  # bytes around a chunk that need no account: its size, its line ends, a short extension
_SMALL_PART = 4096
_HEAD_TIMEOUT_S = 30.0
_IDLE_TIMEOUT_S = 120.0
_BODY_GRACE_S = 30.0
_SLOWEST_BODY = 1024  # bytes a second, once the grace is over
_STALLED_WRITE_S = 60.0
_LINGER_S = 2.0
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Application(Protocol):
    """What answers the requests."""

    max_body_bytes: int
    connections: set[Connection]

    def handle(self, request: HttpRequest) -> None:
        """Answer a request, now or later, through its connection."""

    def early_refusal(self, request: HttpRequest) -> tuple[int, str] | None:
        """A reason to refuse a request before its body is read."""

    def refuse(self, request: HttpRequest, status: int, message: str) -> None:
        """Answer with an error."""


class Connection(asyncio.Protocol):
    """The server's end of one client connection."""

    def __init__(self, application: Application, clock: Callable[[], float]) -> None:
        self._application = application
        self._clock = clock
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport
        self._request: HttpRequest | None = None  # being received
        self._current: HttpRequest | None = None  # being answered
        self._pending: deque[HttpRequest] = deque()
        self._body: list[bytes | bytearray] = []
        self._body_size = 0
        self._head_size = 0
        self._around_body = 0  # bytes that came with the body, its own not counted
        self._body_counted = -1  # how much of the body is reckoned with; -1: no piece of it yet
        self._chunks = 0
        self._url = b""
        self._phase = "idle"
        self._since = clock()
        self._reading_paused = False
        self._writing_paused = False
        self._stalled_since = 0.0
        self._deaf = False  # whatever still arrives is thrown away
        self._closing = False
        self._advancing = False
        self.on_disconnect: Callable[[], object] | None = None
        self.on_eof: Callable[[], object] | None = None  # for routes where it means: I give up

    # ---- asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        self._transport = transport  # type: ignore[assignment]
        self._application.connections.add(self)

    def connection_lost(self, _exc: Exception | None) -> None:
        """The connection is gone."""
        self._application.connections.discard(self)
        self._closing = True
        self._pending.clear()
        if self.on_disconnect is not None:
            self.on_disconnect()

    def eof_received(self) -> bool:
        """The client sends nothing more; it may still wait for its answer."""
        if self._phase in ("head", "body") and not self._deaf:
            self._break(400, "The request ended before it was complete.")
            return True
        if self._current is None and not self._pending:
            return False
        self._deaf = self._closing = True
        if self.on_eof is not None:
            self.on_eof()
        return True

    def pause_writing(self) -> None:
        """The client does not read its answers."""
        self._writing_paused = True
        self._stalled_since = self._clock()

    def resume_writing(self) -> None:
        """The client reads again."""
        self._writing_paused = False
        self._next()

    def data_received(self, data: bytes) -> None:
        """Bytes of one or several requests."""
        if self._deaf:
            return
        if self._phase == "idle":
            self._phase = "head"
            self._since = self._clock()
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._decline_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            self._break(400, f"The request is not valid HTTP: {_reason(error)}.")
        else:
            if self._phase == "head":
                self._head_size += len(data)
                if self._head_size > _HEAD_LIMIT:
                    self._break(431, f"The request's headers are longer than {_HEAD_LIMIT} bytes.")
            elif self._phase == "body":
                self._account_body(len(data))

    def _account_body(self, arrived: int) -> None:
        """Limit what comes with a body in chunks and is not body: extensions of chunks, and trailers."""
        if self._body_counted >= 0:  # the piece in which the headers ended is not counted: it held other things
            body = self._body_size - self._body_counted
            self._around_body += max(0, arrived - body - _CHUNK_FRAME * self._chunks)
            if self._around_body > _HEAD_LIMIT:
                self._break(431, f"The extensions and trailers of the body are longer than {_HEAD_LIMIT} bytes.")
        self._body_counted, self._chunks = self._body_size, 0

    def _decline_upgrade(self, rest: bytes) -> None:
        """Read on as if the client had not offered another protocol; its parser would take the body for that one."""
        request = self._request
        if request is None:
            self._deaf = True
            return
        lines = [b"%b %b HTTP/1.1\r\n" % (request.method.encode("latin-1"), self._url)]
        lines += [b"%b: %b\r\n" % (n, v) for n, v in request.headers if n.lower() not in (b"upgrade", b"connection")]
        if b"close" in [option.strip() for option in request.fields.get(b"connection", b"").lower().split(b",")]:
            lines.append(b"connection: close\r\n")
        self._parser = httptools.HttpRequestParser(self)
        self.data_received(b"".join(lines) + b"\r\n" + rest)

    # ---- httptools' side

    def on_message_begin(self) -> None:
        """A request begins."""
        self._request = HttpRequest(self)
        self._url = b""
        self._body = []
        self._body_size = 0
        self._head_size = 0
        if self._phase == "idle":
            self._since = self._clock()
        self._phase = "head"

    def on_url(self, url: bytes) -> None:
        """A part of the request target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        request = self._request
        if request is not None and self._phase == "head":  # trailers are read and not used
            request.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Line and headers are whole: decide whether the body is wanted."""
        request = self._request
        if request is None:
            return
        parser = self._parser
        request.method = parser.get_method().decode("latin-1")
        request.path, request.query = split_target(self._url)
        request.version = parser.get_http_version()
        request.keep_alive = parser.should_keep_alive() and request.method != "CONNECT"
        fields = request.fields
        size = len(self._url)
        for raw_name, value in request.headers:
            name = raw_name.lower()
            size += len(name) + len(value) + 4
            fields[name] = fields[name] + b", " + value if name in fields else value
        self._phase = "body"
        self._since = self._clock()
        self._around_body, self._body_counted = 0, -1
        if size > _HEAD_LIMIT:
            self._break(431, f"The request's headers are longer than {_HEAD_LIMIT} bytes.")
            return
        expectation = fields.get(b"expect")
        length = fields.get(b"content-length", b"")
        if length.isdigit() and int(length) > self._application.max_body_bytes:
            self._too_large()
        elif expectation is not None and expectation.lower() == b"100-continue":
            refusal = self._application.early_refusal(request)
            if refusal is not None:
                self._break(*refusal)
            elif request.version != "1.0" and self._current is None:
                self._transport.write(_CONTINUE)

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        if self._request is None:
            return
        self._body_size += len(body)
        if self._body_size > self._application.max_body_bytes:
            self._too_large()
        elif self._body and len(body) < _SMALL_PART:  # in chunks of a byte, a list of them would be many times the body
            last = self._body[-1]
            if isinstance(last, bytearray):
                last += body
            else:
                self._body.append(bytearray(body))
        else:
            self._body.append(body)

    def on_chunk_header(self) -> None:
        """The size of a chunk has been read."""
        self._chunks += 1

    def on_message_complete(self) -> None:
        """The request is whole."""
        request = self._request
        if request is None or (b"upgrade" in request.fields and self._parser.should_upgrade()):
            return
        self._request = None
        self._phase = "idle"
        self._since = self._clock()
        request.arrived = time.perf_counter()
        body = self._body
        request.body = bytes(body[0]) if len(body) == 1 else b"".join(body)
        self._body = []
        encoding = request.fields.get(b"content-encoding")
        if encoding is not None:
            self._decode_body(request, encoding.strip().lower())
        if self._current is None and not self._writing_paused:
            self._current = request
            self._serve(request)
        else:
            self._pending.append(request)
            if len(self._pending) >= _MOST_PIPELINED and not self._reading_paused:
                self._reading_paused = True
                self._transport.pause_reading()

    def _decode_body(self, request: HttpRequest, encoding: bytes) -> None:
        if encoding in (b"", b"identity"):
            return
        if encoding not in (b"gzip", b"x-gzip", b"deflate"):
            request.refusal = (415, "The body's content encoding must be gzip, deflate or identity.")
            return
        limit = self._application.max_body_bytes
        try:
            request.body = inflated(request.body, limit)
        except zlib.error:
            request.refusal = (400, f"The body is not valid {encoding.decode()} data.")
        except OverflowError:
            request.refusal = (413, f"The decoded body is larger than {limit} bytes.")

    # ---- answering

    def _serve(self, request: HttpRequest) -> None:
        if request.refusal is not None:
            self._application.refuse(request, *request.refusal)
        else:
            self._application.handle(request)

    def answer(self, request: HttpRequest, status: int, head: bytes, body: bytes) -> None:
        """Send a whole answer. `head` is header lines without length, connection and the empty line."""
        if self._closing and self._transport.is_closing():
            return
        close = b"" if request.keep_alive and not self._closing else b"connection: close\r\n"
        if not close and request.version == "1.0":
            close = b"connection: keep-alive\r\n"
        length = b"" if status in (204, 304) or status < 200 else b"content-length: %d\r\n" % len(body)
        whole = b"".join((status_line(status), head, length, close, b"\r\n"))
        if body and request.method != "HEAD" and length:
            whole += body
        self._transport.write(whole)
        self._finished(request)

    def begin_stream(self, request: HttpRequest, status: int, head: bytes) -> None:
        """Send the head of an answer without a known length; its end is the end of the connection."""
        request.keep_alive = False
        self._transport.write(status_line(status) + head + b"connection: close\r\n\r\n")

    def stream(self, data: bytes) -> bool:
        """Send a part of such an answer; False once the client is gone."""
        if self._transport.is_closing():
            return False
        self._transport.write(data)
        return True

    def end_stream(self, request: HttpRequest) -> None:
        """End such an answer."""
        self._finished(request)

    def _finished(self, request: HttpRequest) -> None:
        self.on_disconnect = self.on_eof = None
        self._current = None
        if not request.keep_alive or (self._closing and not self._pending):
            self._close_politely()
        else:
            self._next()

    def _next(self) -> None:
        if self._advancing:
            return  # an answer made at once comes back here; the loop below goes on, without recursion
        self._advancing = True
        while self._pending and self._current is None and not self._writing_paused:
            self._current = request = self._pending.popleft()
            self._serve(request)
        self._advancing = False
        if self._reading_paused and len(self._pending) < _MOST_PIPELINED // 2 and not self._closing:
            self._reading_paused = False
            self._transport.resume_reading()

    # ---- refusing and closing

    def _too_large(self) -> None:
        self._break(413, f"The body is larger than {self._application.max_body_bytes} bytes.")

    def _break(self, status: int, message: str) -> None:
        """Refuse the request being received and everything after it."""
        if self._deaf:
            return
        self._deaf = True
        request = self._request or HttpRequest(self)
        self._request = None
        self._phase = "idle"
        request.keep_alive = False
        request.arrived = time.perf_counter()
        request.refusal = (status, message)
        if self._current is None:
            self._current = request
            self._serve(request)
        else:
            self._pending.append(request)

    def _close_politely(self) -> None:
        self._closing = self._deaf = True
        self._pending.clear()
        if self._reading_paused:
            self._transport.resume_reading()
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._phase = "lingering"
        self._since = self._clock()

    def close(self) -> None:
        """Close when idle; otherwise after the answer that is being made."""
        if self._current is None and not self._pending:
            self._transport.close()
        else:
            self._closing = True

    def peer(self) -> str:
        """The client's address."""
        address: Any = self._transport.get_extra_info("peername")
        return str(address[0]) if isinstance(address, tuple) else ""

    def sweep(self, now: float) -> None:
        """End the connection if its client is too slow; called every second or so."""
        waited = now - self._since
        if self._writing_paused and now - self._stalled_since > _STALLED_WRITE_S:
            self._transport.abort()
        elif self._phase == "lingering":
            if waited > _LINGER_S:
                self._transport.abort() if self._writing_paused is False else None
        elif self._phase == "head" and waited > _HEAD_TIMEOUT_S:
            self._break(408, f"The request's headers did not arrive within {_HEAD_TIMEOUT_S:g} seconds.")
        elif self._phase == "body" and waited > _BODY_GRACE_S + self._body_size / _SLOWEST_BODY:
            self._break(408, "The request's body arrived too slowly.")
        elif self._phase == "idle" and self._current is None and waited > _IDLE_TIMEOUT_S:
            self._transport.close()


def _reason(error: Exception) -> str:
    text = str(error)
    if "PRI/Upgrade" in text:
        return "this server speaks HTTP/1.1, and the client began with HTTP/2"
    if "char in url" in text:
        return "its address holds a character that must be written as %XX"
    return text[:1].lower() + text[1:].rstrip(".") if text else "it cannot be parsed"
