"""The frames that the front and a worker exchange over their socket.

A frame is a fixed header, then `meta` bytes, then `body` bytes. Bodies travel as they are; JSON is only for small meta
data. The same layout serves both directions:

    request   status = length of the request id that opens `meta`; the rest of `meta` is JSON or empty
    answer    status = HTTP status, exec_us = microseconds in run(); `meta` is JSON with headers, or empty for plain JSON;
              taken = the call from the shared queue that the worker runs next, or 0
    others    `meta` is JSON, `body` is bytes that belong to it (a script's source, for one)
"""

from __future__ import annotations

import struct

# kind, flags, status, sequence, exec_us, length of meta, length of body, sequence of the call taken next
HEADER = struct.Struct("<BBHIIIII")
HEADER_SIZE = HEADER.size

# front → worker
REQUEST = 1
LOAD = 2  # load a script and run init()
WARM = 3  # import these modules and stand ready
PREPARE = 4  # an in-place change: build it, do not use it yet
COMMIT = 5  # use what was prepared
ABANDON = 6  # forget what was prepared
FORK = 7  # fork a replica; its descriptors come with the frame
STOP = 8
TRY = 9  # run a sample with what was prepared, without anybody else meeting it

# worker → front
ANSWER = 32
NOTICE = 33  # something happened: init started, finished, failed
REPLY = 34  # the answer to PREPARE, TRY, COMMIT, FORK

# flags of an answer
RUN_FAILED = 1
RUN_RETURNED = 2  # exec_us is valid
OUTPUT_PENDING = 4  # bytes of this request still lie in the output pipe
LEAVING = 8  # the worker ends itself after this answer

MOST_SHARED = 32_768  # bytes of meta and body of a call in the shared queue
MAX_EXEC_US = 0xFFFFFFFF

# how a worker ends itself
EXIT_OUT_OF_MEMORY = 137
EXIT_CONNECTION_BROKEN = 140  # the socket to the front is closed, or another thing by now


def pack(
    kind: int,
    sequence: int = 0,
    meta: bytes = b"",
    body: bytes = b"",
    *,
    flags: int = 0,
    status: int = 0,
    exec_us: int = 0,
) -> bytes:
    """One frame as bytes."""
    return b"".join(
        (HEADER.pack(kind, flags, status, sequence, exec_us, len(meta), len(body), 0), meta, body),
    )
