"""Follow a container by two streams at once: the engine's events and the server's own."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from jupyter_mldeploy.events import Cancel
from jupyter_mldeploy.images.engine import Engine
from jupyter_mldeploy.targets.container.state import inspect
from jupyter_mldeploy.targets.control import RuntimeClient, RuntimeGone

__all__ = ["follow_status"]

# What the engine does all the time with a healthy container, such as the commands of its health check.
_QUIET = ("exec_", "top", "attach", "resize", "archive-path", "extract-to-dir")
_OVER = object()


def follow_status(engine: Engine, container: str, client: RuntimeClient, cancel: Cancel, since: float) -> Iterator[str]:
    """Yield a word for each change since a moment, until the container is removed or has ended for good, or ``cancel`` is set.

    The moment is one before the caller looked at the container: what happens between a look and the first event is told too.
    """
    changes: queue.SimpleQueue[Any] = queue.SimpleQueue()
    stream = engine.api.events(since=f"{since:.6f}", filters={"container": container}, decode=True)

    def end() -> None:
        with suppress(OSError, AttributeError):
            stream.close()
        changes.put(_OVER)

    ended = Cancel()  # ends the second stream with the first
    forget = cancel.on_cancel(end)
    forget_too = cancel.on_cancel(ended.set)
    _in_thread(_engine_events, stream, changes)
    _in_thread(_server_events, client, ended, changes)
    try:
        while (change := changes.get()) is not _OVER and not cancel.is_set:
            yield change
            if change == "start":
                _in_thread(_server_events, client, ended, changes)
            elif change == "destroy" or (change == "die" and _is_over(engine, container)):
                return
    finally:
        forget()
        forget_too()
        end()
        ended.set()


def _is_over(engine: Engine, container: str) -> bool:
    state = inspect(engine, container)
    return state is None or state.status in {"exited", "dead", "removing"}


def _engine_events(stream: Any, changes: queue.SimpleQueue[Any]) -> None:
    with suppress(OSError, ValueError, AttributeError):  # closed under the reader
        for event in stream:
            action = str(event.get("Action", ""))
            if not action.startswith(_QUIET):
                changes.put(action)
    changes.put(_OVER)


def _server_events(client: RuntimeClient, ended: Cancel, changes: queue.SimpleQueue[Any]) -> None:
    with suppress(RuntimeGone):
        for event in client.events(client.status()["event"], ended):
            changes.put(str(event["kind"]))


def _in_thread(call: Any, *arguments: Any) -> None:
    threading.Thread(target=call, args=arguments, name="mldeploy-follow-container", daemon=True).start()
