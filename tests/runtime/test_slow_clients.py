"""Clients that take their time, over real sockets and with a clock that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from jupyter_mldeploy.runtime.http_connection import Connection
from jupyter_mldeploy.runtime.http_message import JSON_TYPE, HttpRequest, message_body

LARGE = b"x" * 50_000_000


class Answering:
    """Answers every request; `/large` with more than any socket's buffers hold."""

    max_body_bytes = 1_000_000

    def __init__(self) -> None:
        self.connections: set[Connection] = set()
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    def handle(self, request: HttpRequest) -> None:
        request.connection.answer(request, 200, JSON_TYPE, LARGE if request.path == "/large" else b"1")

    def early_refusal(self, request: HttpRequest) -> tuple[int, str] | None:
        return None

    def refuse(self, request: HttpRequest, status: int, message: str) -> None:
        request.connection.answer(request, status, JSON_TYPE, message_body(message))

    async def after(self, seconds: float) -> None:
        """Move the clock and look at every connection, as the front does each second."""
        await settle()
        self.now += seconds
        for connection in list(self.connections):
            connection.sweep(self.now)
        await settle()


async def settle() -> None:
    """Let everything that has been sent over loopback arrive."""
    for _ in range(50):
        await asyncio.sleep(0.001)


@asynccontextmanager
async def connected(*texts: bytes) -> AsyncIterator[tuple[Answering, asyncio.StreamReader, asyncio.StreamWriter]]:
    application = Answering()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(application, application.clock), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    for text in texts:
        writer.write(text)
        await writer.drain()
    try:
        yield application, reader, writer
    finally:
        writer.close()
        server.close()


async def refused(reader: asyncio.StreamReader) -> bytes:
    """The answer up to the end of the connection."""
    return await asyncio.wait_for(reader.read(), 20)


def test_a_head_that_comes_byte_by_byte_is_given_up_on() -> None:
    async def play() -> None:
        async with connected(b"GET / HT") as (application, reader, writer):
            for byte in b"TP/1.1\r\n":
                await application.after(3)
                writer.write(bytes([byte]))
            await application.after(9)
            assert b"408" in await refused(reader)

    asyncio.run(play())


def test_a_body_that_comes_byte_by_byte_is_given_up_on() -> None:
    async def play() -> None:
        async with connected(b"POST / HTTP/1.1\r\ncontent-length: 1000\r\n\r\n") as (application, reader, writer):
            for _ in range(10):
                await application.after(3)
                writer.write(b"x")
            await application.after(3)
            assert b"The request's body arrived too slowly." in await refused(reader)

    asyncio.run(play())


def test_a_large_body_at_a_modest_pace_is_waited_for() -> None:
    async def play() -> None:
        async with connected(b"POST / HTTP/1.1\r\ncontent-length: 400000\r\n\r\n") as (application, reader, writer):
            for _ in range(10):
                await application.after(30)
                writer.write(b"x" * 40_000)
            assert (await asyncio.wait_for(reader.readline(), 20)).startswith(b"HTTP/1.1 200")

    asyncio.run(play())


@pytest.mark.parametrize("seconds", [100, 121])
def test_an_idle_connection_is_kept_for_two_minutes(seconds: int) -> None:
    async def play() -> None:
        async with connected() as (application, reader, writer):
            await application.after(seconds)
            writer.write(b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n")
            try:
                answer = await refused(reader)
            except ConnectionError:
                answer = b""
            assert answer.startswith(b"HTTP/1.1 200") == (seconds < 120)

    asyncio.run(play())


def test_a_client_that_stops_reading_is_left() -> None:
    async def play() -> None:
        async with connected(b"GET /large HTTP/1.1\r\n\r\n") as (application, _, _writer):
            await application.after(59)
            assert application.connections
            await application.after(2)
            assert not application.connections

    asyncio.run(play())
