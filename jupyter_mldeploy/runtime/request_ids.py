"""The ids a request carries, checked, and the headers that send them back."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_mldeploy.runtime.http_message import HttpRequest

LONGEST = 100
_CHECKED = (b"x-request-id", b"x-ms-request-id", b"x-ms-client-request-id")


class IdTooLongError(Exception):
    """A request id is longer than allowed; the text names the headers."""


def new_id() -> str:
    """A random id in the form of a UUID; it only has to be unlikely to repeat."""
    digits = f"{random.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def ids_of(request: HttpRequest) -> tuple[str, bytes]:
    """The request's id, and the header lines that answer it.

    Raises
    ------
    IdTooLongError
        One of the id headers has more than 100 characters.
    """
    fields = request.fields
    given = fields.get(b"x-request-id")
    client = fields.get(b"x-ms-client-request-id")
    deprecated = fields.get(b"x-ms-request-id")
    if given is None and client is None and deprecated is None:
        request_id = new_id()
        raw = request_id.encode()
        lines = b"x-request-id: %b\r\nx-ms-request-id: %b\r\n" % (raw, raw)
    else:
        long = [name.decode() for name in _CHECKED if len(fields.get(name, b"")) > LONGEST]
        if long:
            raise IdTooLongError(f"{' and '.join(long)} must not exceed {LONGEST} characters")
        raw = given or deprecated or new_id().encode()
        request_id = raw.decode("latin-1")
        lines = b"x-request-id: %b\r\nx-ms-request-id: %b\r\n" % (raw, client or deprecated or raw)
        if client is not None:
            lines += b"x-ms-client-request-id: %b\r\n" % client
    trace = fields.get(b"traceid")
    if trace is not None and len(trace) <= LONGEST:
        lines += b"traceid: %b\r\n" % trace
    return request_id, lines
