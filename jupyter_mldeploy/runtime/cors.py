"""Cross-origin access, for the origins that the service allows."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_mldeploy.runtime.http_message import HttpRequest

_METHODS = b"GET, POST"


class Cors:
    """The CORS header lines of answers; `*` in an origin stands for anything."""

    def __init__(self, origins: tuple[str, ...]) -> None:
        self._origins = tuple(origin.strip() for origin in origins if origin.strip())

    @property
    def enabled(self) -> bool:
        """Whether any origin is allowed."""
        return bool(self._origins)

    def lines(self, request: HttpRequest) -> bytes:
        """Header lines for this request's origin; none without CORS."""
        if not self._origins:
            return b""
        origin = request.fields.get(b"origin")
        if "*" in self._origins:
            allowed = b"*"
        elif origin is not None and self._allows(origin.decode("latin-1")):
            allowed = origin
        else:
            return b"" if origin is None else b"vary: Origin\r\n"
        lines = b"access-control-allow-origin: %b\r\n" % allowed
        if allowed != b"*":
            lines += b"vary: Origin\r\n"
        asked = request.fields.get(b"access-control-request-method")
        if request.method == "OPTIONS" and asked in (b"GET", b"POST"):
            headers = request.fields.get(b"access-control-request-headers")
            if headers:
                lines += b"access-control-allow-headers: %b\r\n" % headers
            lines += b"access-control-allow-methods: %b\r\n" % _METHODS
        return lines

    def _allows(self, origin: str) -> bool:
        lowered = origin.lower()
        return any(fnmatchcase(lowered, allowed.lower()) for allowed in self._origins)
