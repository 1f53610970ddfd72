"""Turn an exception of the user's code into the failure that travels to the front.

Tracebacks begin at the user's file: frames of the runtime and of the import machinery above it are dropped. Nothing that
a user's exception does (a `__str__` that raises, a text of megabytes) can break the report.
"""

from __future__ import annotations

import linecache
import os
import time
import traceback
from types import TracebackType
from typing import Any

_OWN_FOLDER = os.path.dirname(os.path.abspath(__file__)) + os.sep
_LONGEST_TEXT = 10_000
_LONGEST_TRACEBACK = 100_000
# Entry scripts are the user's wherever they lie, even in a folder called site-packages.
_SCRIPTS: set[str] = set()
_STDLIB = os.path.dirname(os.__file__) + os.sep


def _is_own(filename: str) -> bool:
    return filename.startswith((_OWN_FOLDER, "<frozen importlib"))


def user_traceback(trace: TracebackType | None) -> TracebackType | None:
    """The traceback from its first frame that is not the runtime's own."""
    while trace is not None and _is_own(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    return trace


def is_user_file(filename: str) -> bool:
    """Whether a file is the user's own: not a library, not built in, not the runtime."""
    if filename in _SCRIPTS:
        return True
    if filename.startswith(("<", _STDLIB)) or _is_own(filename):
        return False
    return "site-packages" not in filename and "dist-packages" not in filename


def safe_text(error: BaseException) -> str:
    """The text of an exception, whatever its `__str__` does."""
    try:
        text = str(error)
    except BaseException as second:
        text = f"<no text: its __str__ raised {type(second).__name__}>"
    if len(text) > _LONGEST_TEXT:
        text = text[:_LONGEST_TEXT] + f"… ({len(text)} characters in all)"
    return text


def formatted(error: BaseException) -> str:
    """The traceback as Python prints it, beginning in the user's code."""
    try:
        text = "".join(traceback.format_exception(type(error), error, user_traceback(error.__traceback__)))
    except BaseException:
        frames = "".join(traceback.format_tb(user_traceback(error.__traceback__)))
        text = f"Traceback (most recent call last):\n{frames}{type(error).__name__}: {safe_text(error)}\n"
    if len(text) > _LONGEST_TRACEBACK:
        half = _LONGEST_TRACEBACK // 2
        text = f"{text[:half]}\n…\n{text[-half:]}"
    return text.rstrip("\n")


def failure(
    stage: str,
    kind: str,
    message: str,
    *,
    error: BaseException | None = None,
    request_id: str | None = None,
    file: str | None = None,
    line: int | None = None,
) -> dict[str, Any]:
    """A failure as the front and its clients know it; the place is taken from `error` where it has one."""
    place: dict[str, Any] = {"file": file, "line": line, "function": None, "source": None}
    if file is not None and line is not None:
        place["source"] = linecache.getline(os.path.abspath(file), line).strip() or None
    if error is not None:
        found = _place(error)
        place = found if found["file"] is not None else place
    return {
        "stage": stage,
        "kind": kind,
        "message": message,
        "exception": None if error is None else _described(error),
        **place,
        "traceback": None if error is None else formatted(error),
        "exit_code": _exit_code(error) if isinstance(error, SystemExit) else None,
        "signal": None,
        "oom": isinstance(error, MemoryError),
        "request_id": request_id,
        "replica": None,
        "time": time.time(),
    }


def from_exception(stage: str, error: BaseException, request_id: str | None = None) -> dict[str, Any]:
    """The failure of user code that raised `error` in `stage` (import, init or run)."""
    where = {"import": "The script", "init": "init()", "run": "run()"}.get(stage, "The script")
    if isinstance(error, SyntaxError) and stage == "import":
        line = f" in line {error.lineno}" if error.lineno else ""
        message = f"The script is not valid Python: {error.msg}{line}."
        return failure(stage, "syntax", message, error=error, request_id=request_id)
    if isinstance(error, SystemExit):
        message = f"{where} called sys.exit({'' if error.code is None else repr(error.code)[:200]})."
        return failure(stage, "exit", message, error=error, request_id=request_id)
    text = safe_text(error).strip()
    first_line = text.split("\n", 1)[0][:500]
    message = f"{where} raised {type(error).__name__}{': ' + first_line if first_line else ''}"
    message = message if message.endswith((".", "!", "?")) else message + "."
    return failure(stage, "exception", message, error=error, request_id=request_id)


def _described(error: BaseException) -> dict[str, str]:
    kind = type(error)
    return {"type": kind.__qualname__, "module": kind.__module__, "text": safe_text(error)}


def _exit_code(error: SystemExit) -> int:
    if error.code is None:
        return 0
    return error.code if isinstance(error.code, int) else 1


def _place(error: BaseException) -> dict[str, Any]:
    if isinstance(error, SyntaxError) and error.filename and is_user_file(error.filename):
        source = (error.text or "").strip() or None
        return {"file": short(error.filename), "line": error.lineno, "function": None, "source": source}
    place: dict[str, Any] = {"file": None, "line": None, "function": None, "source": None}
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if is_user_file(code.co_filename):
            place = {
                "file": short(code.co_filename),
                "line": trace.tb_lineno,
                "function": code.co_name,
                "source": linecache.getline(code.co_filename, trace.tb_lineno).strip() or None,
            }
        trace = trace.tb_next
    return place


def short(filename: str) -> str:
    """The path as seen from the app root, the way users write it."""
    root = os.getcwd() + os.sep
    return filename.removeprefix(root)


def claim_as_user_file(filename: str) -> None:
    """Count `filename` as the user's own, wherever it lies."""
    _SCRIPTS.add(filename)
