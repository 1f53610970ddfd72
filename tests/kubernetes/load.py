"""A bounded, steady load on a service, by its cluster address; what failed of it is told."""

from __future__ import annotations

import http.client
import threading
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

__all__ = ["Load"]


class Load:
    """Two clients that send one request after the other, each on a connection of its own, while a block runs.

    Args:
        address: Where to.
        body: What is sent.
    """

    def __init__(self, address: str, body: bytes) -> None:
        self._where = urlsplit(address)
        self._body = body
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(2)]
        self._moved = threading.Condition()
        self.answers: list[bytes] = []
        self.failures: list[str] = []

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join(30)

    def await_answers(self, more: int) -> None:
        """Return when so many more answers have come, or one request failed."""
        with self._moved:
            wanted = len(self.answers) + more
            assert self._moved.wait_for(lambda: len(self.answers) >= wanted or self.failures, 60)

    def _run(self) -> None:
        while not self._end.is_set() and len(self.answers) < 100_000:
            said, answer = self._ask()
            with self._moved:
                if said:
                    self.failures.append(said)
                else:
                    self.answers.append(answer)
                self._moved.notify_all()

    def _ask(self) -> tuple[str, bytes]:
        """What went wrong, or ``""``; and the answer."""
        try:
            connection = http.client.HTTPConnection(self._where.hostname or "", self._where.port or 80, timeout=30)
            connection.request("POST", self._where.path, self._body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer = response.read()
            connection.close()
        except (OSError, http.client.HTTPException) as error:
            return repr(error), b""
        return ("" if response.status == 200 else f"{response.status}: {answer[:200]!r}"), answer
