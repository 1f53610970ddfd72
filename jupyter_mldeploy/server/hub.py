"""What the handlers share: the home folder, the bulletin, and the threads in which everything that may take time is done."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from jupyter_mldeploy.api import Service
from jupyter_mldeploy.config import settings
from jupyter_mldeploy.events import Cancel, Sink
from jupyter_mldeploy.records import Records
from jupyter_mldeploy.server.bulletin import Bulletin
from jupyter_mldeploy.server.observer import Observer
from jupyter_mldeploy.server.operations import Operations
from jupyter_mldeploy.server.preferences import Preferences

__all__ = ["MOST_LOGS", "Hub"]

MOST_LOGS = 32
"""Logs that are followed at the same time; each holds a thread."""

LAST_SECONDS = 10.0
"""For what was interrupted to clean up when the server ends."""

Result = TypeVar("Result")


class Hub:
    """One for a server."""

    def __init__(self) -> None:
        self.records = Records(settings().home_path)
        self.bulletin = Bulletin()
        self.observer = Observer(self.records, self.bulletin)
        self.operations = Operations(self.bulletin)
        self.preferences = Preferences()
        self.logs_open = 0
        self.closing = Cancel()
        self._looks = ThreadPoolExecutor(8, thread_name_prefix="mldeploy-look")

    def service(self, name: str) -> Service:
        """A service that has a record."""
        found = Service(name, self.records)
        self.records.get(name)
        return found

    async def look(self, call: Callable[..., Result], *arguments: Any) -> Result:
        """Do what only reads, off the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._looks, partial(call, *arguments))

    async def work(self, name: str, verb: str, call: Callable[[Sink, Cancel], Result]) -> Result:
        """Do an operation on a service, off the event loop, and tell of it. Goes on if the client leaves."""
        return await self.apart(f"{verb}-{name}", partial(self.operations.run, name, verb, call))

    async def apart(self, what: str, call: Callable[[], Result]) -> Result:
        """Do what may take long in a thread of its own.

        Not in one of the pool: eight slow answers would keep everybody from looking, and Python waits for a pool's threads at
        its end before anything could be interrupted.
        """
        done: Future[Result] = Future()

        def run() -> None:
            try:
                done.set_result(call())
            except BaseException as error:  # noqa: BLE001 - handed to whoever waits
                done.set_exception(error)

        threading.Thread(target=run, name=f"mldeploy-{what}", daemon=True).start()
        return await asyncio.shield(asyncio.wrap_future(done))

    def close(self) -> None:
        """The server ends: what runs is interrupted and cleaned up, who listens is let go."""
        self.closing.set()
        self.operations.cancel_all()
        self.observer.stop()
        self._looks.shutdown(wait=False, cancel_futures=True)
        self.operations.wait(LAST_SECONDS)
