"""One request on a connection of its own, whose socket can be shut while its answer is waited for.

What is behind the API server's proxy then sees its client leave: a runtime gives up a reload that nobody waits for.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from http.client import HTTPException
from urllib.parse import urlsplit

from jupyter_mldeploy.events import Cancel
from jupyter_mldeploy.targets.kubernetes.connection import Connection
from jupyter_mldeploy.targets.kubernetes.faults import Unreachable, why

__all__ = ["Request", "send_interruptible"]

CONNECT_SECONDS = 10.0


@dataclass(frozen=True)
class Request:
    """What is sent, and how long its answer may take."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes | None
    timeout: float


def send_interruptible(
    connection: Connection, request: Request, cancel: Cancel
) -> tuple[int, Mapping[str, str], bytes]:
    """Status, headers and body of the answer.

    Raises:
        Unreachable: No answer came.
        TimeoutError: None came in time.
        Cancelled: ``cancel`` was set.
    """
    import urllib3

    pool = connection.pool.connection_from_url(connection.server)
    own = pool._new_conn()  # noqa: SLF001 - the pool alone knows certificates and proxies
    own.timeout = CONNECT_SECONDS
    forget: Callable[[], None] = _nothing
    try:
        if pool.proxy:
            pool._prepare_proxy(own)  # noqa: SLF001
        else:
            own.connect()
        own.sock.settimeout(request.timeout)
        forget = cancel.on_cancel(partial(_shut, own.sock))
        base = urlsplit(connection.server).path.rstrip("/")
        headers = {**request.headers, **connection.headers()}
        own.request(request.method, base + request.path, body=request.body, headers=headers)
        response = own.getresponse()
        return response.status, response.headers, response.data
    except TimeoutError:
        raise TimeoutError(f"no answer in {request.timeout:g} s") from None
    except (urllib3.exceptions.HTTPError, HTTPException, OSError) as error:
        cancel.check()
        raise Unreachable(connection.server, why(error)) from error
    finally:
        forget()
        own.close()


def _shut(channel: socket.socket) -> None:
    with suppress(OSError):  # it was closed before
        channel.shutdown(socket.SHUT_RDWR)


def _nothing() -> None:
    """Nothing was registered yet."""
