"""The ids a request carries, checked, and the headers that send them back."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_mldeploy.runtime.http_message import HttpRequest

LONGEST = 100


class IdTooLongError(Exception):
    """A request id is longer than allowed; the text names the headers.

    Attributes
    ----------
    lines
        Header lines of those ids that may be sent back all the same.
    """

    def __init__(self, message: str, lines: bytes = b"") -> None:
        super().__init__(message)
        self.lines = lines


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
    trace = fields.get(b"traceid")
    traced = b"" if trace is None or len(trace) > LONGEST else b"traceid: %b\r\n" % trace
    own = fields.get(b"x-request-id") or new_id().encode()
    if len(own) > LONGEST:
        raise IdTooLongError(f"x-request-id must not exceed {LONGEST} characters", traced)
    lines = b"x-request-id: %b\r\n" % own + traced
    deprecated = fields.get(b"x-ms-request-id")
    client = fields.get(b"x-ms-client-request-id") or deprecated
    if client is None:
        return own.decode("latin-1"), lines + b"x-ms-request-id: %b\r\n" % own
    if len(client) > LONGEST or len(deprecated or b"") > LONGEST:
        message = f"x-ms-request-id and x-ms-client-request-id must not exceed {LONGEST} characters"
        raise IdTooLongError(message, lines)
    lines += b"x-ms-request-id: %b\r\nx-ms-client-request-id: %b\r\n" % (deprecated or client, client)
    return own.decode("latin-1"), lines
