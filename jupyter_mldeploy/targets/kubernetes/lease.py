"""One operation on a service at a time, whichever machine it is begun on: a Lease in the service's namespace.

Whether a holder still lives is judged by the API server's clock alone: when it wrote the Lease last, and what time it says it
is. Clocks of laptops differ. A holder on this very machine is asked for: a kernel that was killed keeps nobody waiting.
"""

from __future__ import annotations

import getpass
import os
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from typing import Any

from jupyter_mldeploy.errors import MLDeployError, OperationInProgress
from jupyter_mldeploy.targets.kubernetes.client import Cluster
from jupyter_mldeploy.targets.kubernetes.faults import Refused
from jupyter_mldeploy.targets.kubernetes.kinds import collection
from jupyter_mldeploy.targets.kubernetes.names import MANAGER, labels, lease_name

__all__ = ["OperationLease"]

SECONDS = 30
RENEW_SECONDS = 8
WHAT = f"{MANAGER}/operation"
WHO = f"{MANAGER}/holder"
"""Machine, number and start of the holder's process."""


class OperationLease:
    """The Lease of one service's operations.

    Args:
        cluster: Where.
        service: Name of the service.
        what: The operation, in a word or two.
    """

    def __init__(self, cluster: Cluster, service: str, what: str) -> None:
        self._cluster = cluster
        self._service = service
        self._what = what
        self._holder = f"{_user()}@{socket.gethostname()}, process {os.getpid()}"
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._held: dict[str, Any] | None = None

    def acquire(self) -> None:
        """Take it.

        Raises:
            OperationInProgress: Somebody else holds it: who, what for, since when.
        """
        wanted = self._lease()
        try:
            self._held = self._cluster.create("Lease", wanted)
        except Refused as error:
            if error.status != 409:
                raise
            found = self._cluster.find("Lease", lease_name(self._service))
            if found is None:
                return self.acquire()  # it was given back between the two questions
            if not (_has_died(found) or self._expired(found)):
                raise _in_progress(self._service, found) from None
            wanted["metadata"]["resourceVersion"] = found["metadata"]["resourceVersion"]
            try:
                self._held = self._cluster.replace("Lease", wanted)
            except Refused as later:
                if later.status != 409:
                    raise
                raise _in_progress(self._service, found) from None
        self._thread = threading.Thread(target=self._renew, name="mldeploy-lease", daemon=True)
        self._thread.start()
        return None

    def release(self) -> None:
        """Give it back, if it is still ours. Whatever goes wrong here, it runs out by itself."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(5)
        held, self._held = self._held, None
        if held is None:
            return
        with suppress(MLDeployError):
            precondition = {"uid": held["metadata"]["uid"], "resourceVersion": held["metadata"]["resourceVersion"]}
            calm = Cluster(self._cluster.target)  # an operation that was cancelled gives its Lease back all the same
            calm.delete("Lease", lease_name(self._service), preconditions=precondition)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold it for the length of a block."""
        self.acquire()
        try:
            yield
        finally:
            self.release()

    def _renew(self) -> None:
        while not self._ended.wait(RENEW_SECONDS):
            if self._held is None:
                return
            fresh = {**self._held, "spec": {**self._held["spec"], "renewTime": _now()}}
            try:
                self._held = self._cluster.replace("Lease", fresh)
            except Refused:
                self._held = None  # it ran out while the cluster was away, and somebody else has it
                return
            except MLDeployError:
                continue  # the cluster is away; the next time will tell

    def _lease(self) -> dict[str, Any]:
        now = _now()
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {
                "name": lease_name(self._service),
                "namespace": self._cluster.namespace,
                "labels": labels(self._service),
                "annotations": {WHAT: self._what, WHO: _process(os.getpid())},
            },
            "spec": {
                "holderIdentity": self._holder,
                "leaseDurationSeconds": SECONDS,
                "acquireTime": now,
                "renewTime": now,
            },
        }

    def _expired(self, found: dict[str, Any]) -> bool:
        reply = self._cluster.send("GET", f"{collection('Lease', self._cluster.namespace)}/{lease_name(self._service)}")
        written = [entry["time"] for entry in found["metadata"].get("managedFields") or () if entry.get("time")]
        if not written or "date" not in reply.headers:
            return False
        last = max(datetime.fromisoformat(time) for time in written)
        now = parsedate_to_datetime(reply.headers["date"])
        duration = (found.get("spec") or {}).get("leaseDurationSeconds") or SECONDS
        return (now - last).total_seconds() > duration


def _in_progress(service: str, lease: dict[str, Any]) -> OperationInProgress:
    spec = lease.get("spec") or {}
    what = (lease["metadata"].get("annotations") or {}).get(WHAT, "operation")
    since = ""
    with suppress(ValueError, KeyError):
        since = f"begun at {datetime.fromisoformat(spec['acquireTime']).astimezone():%H:%M:%S} "
    return OperationInProgress(
        f"Another operation on {service!r} is running ({what}, {since}by {spec.get('holderIdentity', 'somebody')}).",
        "Wait for it to end, or interrupt it there.",
    )


def _has_died(lease: dict[str, Any]) -> bool:
    """Whether the holder was a process of this machine that runs no more."""
    machine, _, process = str((lease["metadata"].get("annotations") or {}).get(WHO) or "").partition(" ")
    number = process.partition(" ")[0]
    return machine == _machine() and number.isdecimal() and _process(int(number)) != f"{machine} {process}"


def _process(number: int) -> str:
    """What tells a process from every other, also from a later one of the same number."""
    import psutil

    try:
        return f"{_machine()} {number} {psutil.Process(number).create_time():.2f}"
    except psutil.Error:
        return f"{_machine()} {number} ended"


@cache
def _machine() -> str:
    """This run of this machine, and the room of its process numbers: containers of one machine have their own."""
    import psutil

    with suppress(OSError):
        return (
            f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()}/{Path('/proc/self/ns/pid').stat().st_ino}"
        )
    return f"{uuid.getnode():x}/{psutil.boot_time():.0f}"


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"
