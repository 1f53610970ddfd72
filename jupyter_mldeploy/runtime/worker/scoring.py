"""Call `run()` for one request and make its answer."""

from __future__ import annotations

import sys
import time
from json import dumps  # by name: scripts replace that of the module
from typing import Any, NamedTuple

from . import answer, failure, frames, output, request, script
from .request import BadRequest, Request

_PLAIN = frozenset((dict, list, str, int, float, bool, tuple))
GENERIC_RUN_ERROR = "An unexpected error occurred in scoring script. Check the logs for more info."


class Answer(NamedTuple):
    """What goes back to the front for one request; `meta` is empty for a plain JSON answer."""

    status: int
    body: bytes
    flags: int = 0
    exec_us: int = 0
    meta: bytes = b""


class Scorer:
    """Calls one script's `run()` the way that script wants to be called."""

    input = "plain"

    def __init__(self, loaded: script.Script, *, debug: bool, memory_limited: bool) -> None:
        self.script = loaded
        self.debug = debug
        self.memory_limited = memory_limited
        names = [p.name for p in script.run_parameters(loaded)]
        self.wants_headers = "request_headers" in names
        self.data_name = next(name for name in names if name != "request_headers")

    def contract(self) -> dict[str, Any]:
        """What the front must know of the script."""
        known: dict[str, Any] = {"input": self.input, "headers": self.wants_headers}
        if self.input == "plain" and getattr(self.script.run, "__annotations__", None):
            from . import hints  # loads typing

            known["schemas"] = hints.described(self.script.run, self.data_name)
        return known

    def arguments(self, asked: Request) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Positional and keyword arguments of `run()`; raises `BadRequest`."""
        return (request.text_of(asked),), {}

    def serialise(self, result: Any) -> tuple[int, bytes, list[list[str]] | None]:
        """Status, body and headers (none: plain JSON) of a result; raises `Unanswerable`."""
        if result is not None and type(result) not in _PLAIN and _may_be_response():
            from . import web

            made = web.as_http_answer(result)
            if made is not None:
                return made
        return 200, answer.to_json(result), None

    def score(self, asked: Request) -> Answer:
        """Answer one request; never raises."""
        try:
            positional, named = self.arguments(asked)
        except BadRequest as error:
            return refusal(error.status, error.message)
        if self.wants_headers:
            named["request_headers"] = request.titled(asked.headers)
        began = time.perf_counter_ns()
        try:
            result = self.script.run(*positional, **named)
            spent = (time.perf_counter_ns() - began) // 1000
            status, body, headers = self.serialise(result)
        except BaseException as error:
            return self.raised(asked, error)
        flags = frames.RUN_RETURNED
        meta = b""
        if headers is not None:
            said = any(
                name.lower() == "x-ms-run-function-failed" and value.lower() == "true" for name, value in headers
            )
            if said or status >= 500:
                flags |= frames.RUN_FAILED
            meta = dumps({"headers": headers}).encode()
        return Answer(status, body, flags, min(spent, frames.MAX_EXEC_US), meta)

    def raised(self, asked: Request, error: BaseException) -> Answer:
        """The answer when `run()`, or what made JSON of its result, raised."""
        if isinstance(error, BadRequest):
            return refusal(error.status, error.message)
        if isinstance(error, answer.Unanswerable):
            found = failure.failure("run", "contract", str(error), request_id=asked.request_id)
            text, flags = str(error), 0
        else:
            found = failure.from_exception("run", error, asked.request_id)
            output.report(found["traceback"])
            text, flags = GENERIC_RUN_ERROR, frames.RUN_FAILED
            if isinstance(error, MemoryError) and self.memory_limited:
                return out_of_memory(found, "The worker ran out of memory in run() and was replaced.", flags)
        body: dict[str, Any] = {"message": text}
        if self.debug and found["traceback"]:
            body["unsafe_for_production"] = True
            body["traceback"] = found["traceback"]
        meta: dict[str, Any] = {"failure": found}
        return Answer(500, dumps(body).encode(), flags, 0, dumps(meta).encode())


def _may_be_response() -> bool:
    """Whether anything is loaded that makes objects which are HTTP answers."""
    return f"{__package__}.web" in sys.modules or "werkzeug" in sys.modules


def out_of_memory(found: dict[str, Any], message: str, flags: int) -> Answer:
    """The last answer of a worker whose memory is used up."""
    found["oom"] = True
    meta = dumps({"failure": found}).encode()
    return Answer(502, dumps({"message": message}).encode(), flags | frames.LEAVING, 0, meta)


def refusal(status: int, message: str) -> Answer:
    """The answer to a request that `run()` never saw."""
    return Answer(status, dumps({"message": message}).encode())
