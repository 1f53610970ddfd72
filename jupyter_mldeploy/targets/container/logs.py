"""The log of a container: its present life, the one before, lines as they come."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from jupyter_mldeploy.events import Cancel
from jupyter_mldeploy.images.engine import Engine
from jupyter_mldeploy.targets.base import LogLine, LogQuery
from jupyter_mldeploy.targets.container.state import ContainerState
from jupyter_mldeploy.targets.log_file import LineFilter, decode_line, read_lines

__all__ = ["await_line", "container_lines", "file_lines", "has_former_life", "save_log", "tail_text"]

CHUNK_LINES = 50_000


def container_lines(
    engine: Engine, state: ContainerState, query: LogQuery, cancel: Cancel, replica_of: Callable[[int], str]
) -> Iterator[LogLine]:
    """Lines of a container's log as a query wants them."""
    chosen = LineFilter(query, replica_of)
    bounds: dict[str, Any] = {}
    if query.previous:
        bounds["until"] = state.started
    elif state.started:
        bounds["since"] = state.started - 0.000001
    # The engine counts lines from the end of the log, whatever life they are of.
    counted_here = chosen.narrows or query.previous
    if query.lines is not None and not counted_here:
        bounds["tail"] = query.lines
    follow = query.follow and not query.previous
    found = (line for text in _lines(engine, state.id, cancel, follow=follow, **bounds) if (line := chosen(text)))
    if query.lines is not None and counted_here and not follow:
        yield from deque(found, maxlen=query.lines)
    else:
        yield from found


def has_former_life(engine: Engine, state: ContainerState) -> bool:
    """Whether it printed something before it was last started, by its policy or by hand."""
    if not state.started:
        return False
    lines = engine.api.logs(state.id, stream=True, follow=False, until=state.started - 0.000001)
    try:
        return any(True for _ in lines)  # the first is enough
    finally:
        lines.close()


def file_lines(path: Path, query: LogQuery, cancel: Cancel) -> Iterator[LogLine]:
    """Lines of the saved log of a container that is gone."""
    return read_lines(path, query, cancel, lambda _: "", lambda: True)


def await_line(engine: Engine, container: str, needle: bytes, cancel: Cancel, since: float | None = None) -> bool:
    """Wait until a container has printed something (``since`` a moment); ``False`` when it ended before.

    Raises:
        Cancelled: ``cancel`` was set.
    """
    stream = engine.api.logs(container, stream=True, follow=True, since=since)

    def close() -> None:
        with suppress(OSError, AttributeError):
            stream.close()

    forget = cancel.on_cancel(close)
    seen = b""
    try:
        for chunk in stream:
            seen = seen[-len(needle) :] + chunk
            if needle in seen:
                return True
    except (OSError, ValueError, AttributeError):
        pass  # closed under the reader
    finally:
        forget()
        close()
    cancel.check()
    return False


def tail_text(engine: Engine, state: ContainerState, limit: int, *, previous: bool = False) -> str:
    """The end of a log, for evidence."""
    bounds: dict[str, Any] = {"until": state.started} if previous else {"tail": CHUNK_LINES}
    if not previous and state.started:
        bounds["since"] = state.started - 0.000001
    text = b"".join(engine.api.logs(state.id, stream=True, follow=False, **bounds)).decode("utf-8", "backslashreplace")
    return text[-limit:]


def save_log(engine: Engine, container: str, path: Path) -> None:
    """Keep the log of a container that is about to be removed."""
    from docker.errors import APIError
    from requests.exceptions import RequestException

    with suppress(APIError, RequestException, OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        content = engine.api.logs(container, stream=True, follow=False, tail=CHUNK_LINES)
        with path.open("wb") as file:
            for chunk in content:
                file.write(chunk)


def _lines(engine: Engine, container: str, cancel: Cancel, *, follow: bool, **bounds: Any) -> Iterator[str]:
    stream = engine.api.logs(container, stream=True, follow=follow, **bounds)

    def close() -> None:
        with suppress(OSError, AttributeError):
            stream.close()

    forget = cancel.on_cancel(close)
    rest = b""
    try:
        for chunk in stream:
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                yield decode_line(line)
    except (OSError, ValueError, AttributeError):
        return  # closed under the reader
    finally:
        forget()
        close()
    if rest:
        yield decode_line(rest)
