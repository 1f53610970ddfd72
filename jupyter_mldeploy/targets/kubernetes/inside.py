"""Run a command in a pod of a service: its output as it comes, or a terminal in it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlencode

from jupyter_mldeploy.errors import Conflict, TargetUnavailable
from jupyter_mldeploy.records import Record
from jupyter_mldeploy.targets.kubernetes import verdicts
from jupyter_mldeploy.targets.kubernetes.client import Cluster
from jupyter_mldeploy.targets.kubernetes.connection import connect
from jupyter_mldeploy.targets.kubernetes.kinds import collection
from jupyter_mldeploy.targets.kubernetes.manifests.config import LIVE_ROOT
from jupyter_mldeploy.targets.kubernetes.names import CONTAINER, selector_text
from jupyter_mldeploy.targets.terminal import SHELL, need_terminal, raw_terminal, relay

__all__ = ["PodInside", "enter_pod"]

OUTPUT, ERRORS, OUTCOME, SIZE = 1, 2, 3, 4
"""Channels of the protocol, as the API server numbers them."""
THERE = ("sh", "-c", f'cd {LIVE_ROOT} 2>/dev/null; exec "$@"', "sh")


def enter_pod(record: Record) -> PodInside:
    """A pod of a service: one that is ready, else one whose container runs.

    Raises:
        Conflict: None runs.
    """
    cluster = Cluster(record.place)
    pods = sorted(cluster.list("Pod", labels=selector_text(record.name)), key=_age)
    for fits in (verdicts.is_ready, verdicts.is_started):
        for pod in pods:
            if fits(pod) and not pod["metadata"].get("deletionTimestamp"):
                return PodInside(cluster, str(pod["metadata"]["name"]))
    raise Conflict(f"No pod of {record.name!r} runs.", f"See why: mldeploy status {record.name}")


class PodInside:
    """A pod that runs, to run commands in.

    Attributes:
        pod: Its name.
    """

    def __init__(self, cluster: Cluster, pod: str) -> None:
        self.pod = pod
        self._cluster = cluster

    def run(self, command: Sequence[str], write: Callable[[bytes, bool], None], keys: int | None = None) -> int:
        """Run a command where the script runs and return its exit code.

        Args:
            command: Program and arguments; no shell reads them.
            write: Called with each piece of output, and whether it is the command's stderr.
            keys: Not given to the command: most API servers cannot tell it where its input ends.
        """
        del keys
        wire = self._begin([*THERE, *command], tty=False)
        try:
            while wire.is_open():
                with _cut_short(self.pod):
                    wire.update(timeout=None)
                while self._drained(wire, write):  # reading one channel may have filled the other
                    pass
            return _exit_code(wire)
        finally:
            wire.close()

    def terminal(self) -> int:
        """Give this process's terminal to a shell until it ends; returns its exit code.

        Raises:
            Conflict: Standard input is no terminal.
        """
        need_terminal()
        wire = self._begin([*THERE, *SHELL], tty=True)

        def resized() -> None:
            size = os.get_terminal_size()
            wire.write_channel(SIZE, json.dumps({"Width": size.columns, "Height": size.lines}).encode())

        try:
            with raw_terminal() as (keyboard, screen), _cut_short(self.pod):

                def heard() -> bool:
                    while True:
                        wire.update(timeout=0)
                        os.write(screen, wire.read_channel(OUTPUT))
                        if not wire.is_open() or not getattr(wire.sock.sock, "pending", int)():
                            return bool(wire.is_open())

                relay(keyboard, wire.sock.sock, heard, wire.write_stdin, resized)
            return _exit_code(wire)
        finally:
            wire.close()

    def _drained(self, wire: Any, write: Callable[[bytes, bool], None]) -> bool:
        """Whether there was anything to write."""
        found = False
        for channel in (OUTPUT, ERRORS):
            with _cut_short(self.pod):
                piece = wire.read_channel(channel)
            if piece:
                write(piece, channel == ERRORS)
                found = True
        return found

    def _begin(self, command: Sequence[str], *, tty: bool) -> Any:
        from kubernetes.stream.ws_client import WSClient

        connection = connect(self._cluster.target)
        asked = [("command", word) for word in command]
        asked += [("container", CONTAINER), ("stdout", "true"), ("stderr", str(not tty).lower())]
        asked += [("stdin", "true"), ("tty", "true")] if tty else []
        path = f"{collection('Pod', self._cluster.namespace)}/{self.pod}/exec?{urlencode(asked)}"
        url = f"{connection.server}{path}".replace("http", "ws", 1)
        headers = {**connection.headers(), "sec-websocket-protocol": "v4.channel.k8s.io"}
        with _cut_short(self.pod):
            return WSClient(connection.configuration, url, headers, False, binary=True)  # type: ignore[no-untyped-call]


@contextmanager
def _cut_short(pod: str) -> Iterator[None]:
    """Say in one sentence that the API server refused, or that the connection broke."""
    from websocket import WebSocketBadStatusException, WebSocketException

    try:
        yield
    except WebSocketBadStatusException as error:
        status = error.status_code
        hint = "Ask for the right to create pods/exec in this namespace." if status in {401, 403} else ""
        raise TargetUnavailable(
            f"The API server lets no command run in the pod {pod!r}: HTTP {status}.", hint
        ) from None
    except (WebSocketException, OSError) as error:
        raise TargetUnavailable(
            f"The connection to the pod {pod!r} broke: {str(error) or type(error).__name__}."
        ) from None


def _exit_code(wire: Any) -> int:
    with suppress(KeyError, TypeError, ValueError, IndexError):  # the connection was cut before the outcome was told
        told: Mapping[str, Any] = json.loads(wire.read_channel(OUTCOME))
        if told["status"] == "Success":
            return 0
        causes = (told.get("details") or {}).get("causes") or [{}]
        return int(causes[0]["message"])
    return 137


def _age(pod: Mapping[str, Any]) -> str:
    return str(pod["metadata"].get("creationTimestamp") or "")
