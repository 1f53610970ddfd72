"""Bodies that clients have compressed."""

from __future__ import annotations

import zlib

_PIECE = 65_536
_MOST_MEMBERS = 10_000  # each costs a decoder; a body of nothing but empty members would keep the server busy
_GZIP = b"\x1f\x8b"


def inflated(data: bytes, limit: int) -> bytes:
    """Decode gzip, all of its members, or deflate.

    Raises
    ------
    OverflowError
        The result is larger than `limit`, so that a small body cannot fill the memory.
    zlib.error
        It is cut off, something else follows it, or it is not compressed at all.
    """
    if data.startswith(_GZIP):
        return _members(data, limit)
    decoder = zlib.decompressobj()
    try:
        whole = decoder.decompress(data, limit + 1)
    except zlib.error:
        decoder = zlib.decompressobj(-zlib.MAX_WBITS)  # deflate without its zlib wrapper, as some clients send it
        whole = decoder.decompress(data, limit + 1)
    if len(whole) > limit:
        raise OverflowError
    if not decoder.eof or decoder.unused_data:
        raise zlib.error
    return whole


def _members(data: bytes, limit: int) -> bytes:
    view = memoryview(data)
    parts: list[bytes] = []
    at = size = 0
    for _ in range(_MOST_MEMBERS):
        decoder = zlib.decompressobj(zlib.MAX_WBITS | 16)
        while not decoder.eof:
            piece = view[at : at + _PIECE]  # in pieces, because what follows a member is copied at its end
            if not piece:
                raise zlib.error
            parts.append(decoder.decompress(piece, limit + 1 - size))
            size += len(parts[-1])
            if size > limit:
                raise OverflowError
            at += len(piece) - len(decoder.unused_data)
        if at == len(data) or (data[at] == 0 and data.count(0, at) == len(data) - at):  # gzip itself allows padding
            return b"".join(parts)
    raise zlib.error
