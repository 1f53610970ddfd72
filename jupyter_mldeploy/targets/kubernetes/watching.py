"""Watches that go on: through a dropped connection, an API server that is away, and a history that was cut (410).

Each watch has a thread that reads its stream; what they see comes out of one queue, in the thread that waits.
"""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Self

from jupyter_mldeploy.targets.kubernetes.client import Cluster
from jupyter_mldeploy.targets.kubernetes.faults import Refused, Unreachable

__all__ = ["Seen", "Watches"]

ROUND_SECONDS = 60
"""A stream is begun anew after this time, and given up as dead a little later: a connection may die without a word."""
MOST_DELAY = 5.0


@dataclass(frozen=True)
class Seen:
    """One thing that a watch saw.

    Attributes:
        kind: Of the object.
        change: ``added``, ``changed``, ``deleted``; ``synced`` once all that there was has been told; ``refused``.
        object: The object as it is now (as it was, for ``deleted``); empty for ``synced``.
        error: For ``refused``.
    """

    kind: str
    change: str
    object: dict[str, Any] = field(default_factory=dict)
    error: Refused | None = None


class Watches:
    """Some watches of one namespace, as one stream.

    Args:
        cluster: Whose cancel ends the waiting.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._queue: queue.SimpleQueue[Seen | None] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._responses: set[Any] = set()
        self._watched: set[tuple[str, str, str]] = set()
        self._forget = cluster.cancel.on_cancel(self._wake)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, kind: str, *, labels: str = "", fields: str = "") -> None:
        """Watch what a selector chooses; the same again is nothing new."""
        what = (kind, labels, fields)
        if what in self._watched:
            return
        self._watched.add(what)
        thread = threading.Thread(target=self._run, args=what, name=f"mldeploy-watch-{kind}", daemon=True)
        thread.start()

    def put(self, seen: Seen) -> None:
        """Hand in something that was seen elsewhere, for the same consumer."""
        self._queue.put(seen)

    @property
    def closed(self) -> threading.Event:
        """Set when nobody waits any more."""
        return self._closed

    def next(self, timeout: float | None) -> Seen | None:
        """What is seen next; ``None`` after ``timeout`` seconds.

        Raises:
            Cancelled: The operation was asked to end.
        """
        try:
            seen = self._queue.get(timeout=None if timeout is None else max(0.0, timeout))
        except queue.Empty:
            seen = None
        self._cluster.cancel.check()
        return seen

    def close(self) -> None:
        """End all streams."""
        self._forget()
        self._wake()

    def _wake(self) -> None:
        self._closed.set()
        self._queue.put(None)
        with self._lock:
            responses = list(self._responses)
        for response in responses:
            with suppress(Exception):
                response.shutdown()

    # -- the threads -----------------------------------------------------------------------------------------------

    def _run(self, kind: str, labels: str, fields: str) -> None:
        known: dict[str, dict[str, Any]] = {}
        version, delay = "", 0.1
        while not self._closed.is_set():
            try:
                if not version:
                    version = self._list(kind, labels, fields, known)
                version = self._stream(kind, labels, fields, known, version)
                delay = 0.1
            except Refused as error:
                if error.status == 410:
                    version = ""
                elif error.status < 500 and error.status != 429:
                    self._queue.put(Seen(kind, "refused", error=error))
                    return
                else:
                    delay = self._rest(delay)
            except (Unreachable, TimeoutError):
                delay = self._rest(delay)
            except Exception:  # noqa: BLE001 - see below
                # A response that was shut down from another thread fails in ways that belong to the library.
                if self._closed.is_set():
                    return
                delay = self._rest(delay)

    def _rest(self, delay: float) -> float:
        self._closed.wait(delay)
        return min(MOST_DELAY, delay * 2)

    def _list(self, kind: str, labels: str, fields: str, known: dict[str, dict[str, Any]]) -> str:
        query = {key: value for key, value in (("labelSelector", labels), ("fieldSelector", fields)) if value}
        reply = self._cluster.send("GET", self._cluster.collection(kind), query=query)
        if reply.status >= 400:
            raise Refused(reply.status, reply.text, what=f"watch {kind}s")
        told = json.loads(reply.body)
        there = set()
        for item in told.get("items") or ():
            uid = item["metadata"]["uid"]
            there.add(uid)
            before = known.get(uid)
            if before is None or before["metadata"]["resourceVersion"] != item["metadata"]["resourceVersion"]:
                known[uid] = item
                self._queue.put(Seen(kind, "changed" if before else "added", item))
        for uid in set(known) - there:
            self._queue.put(Seen(kind, "deleted", known.pop(uid)))
        self._queue.put(Seen(kind, "synced"))
        return str(told["metadata"]["resourceVersion"])

    def _stream(self, kind: str, labels: str, fields: str, known: dict[str, dict[str, Any]], version: str) -> str:
        query = {
            "watch": "true",
            "resourceVersion": version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(ROUND_SECONDS),
            **({"labelSelector": labels} if labels else {}),
            **({"fieldSelector": fields} if fields else {}),
        }
        path = self._cluster.collection(kind)
        with self._cluster.lines(path, query, timeout=ROUND_SECONDS + 10) as (lines, response), self.reading(response):
            for line in lines:
                if self._closed.is_set():
                    break
                event = json.loads(line)
                seen = event["object"]
                if event["type"] == "ERROR":
                    raise Refused(int(seen.get("code") or 500), json.dumps(seen), what=f"watch {kind}s")
                version = str(seen["metadata"]["resourceVersion"])
                if event["type"] == "BOOKMARK":
                    continue
                change = {"ADDED": "added", "MODIFIED": "changed", "DELETED": "deleted"}[event["type"]]
                uid = seen["metadata"]["uid"]
                if change == "deleted":
                    known.pop(uid, None)
                else:
                    known[uid] = seen
                self._queue.put(Seen(kind, change, seen))
        return version

    @contextmanager
    def reading(self, response: Any) -> Iterator[None]:
        """While a stream is read: closing the watches ends it, also one that is not a watch."""
        with self._lock:
            self._responses.add(response)
        if self._closed.is_set():
            self._wake()
        try:
            yield
        finally:
            with self._lock:
                self._responses.discard(response)
