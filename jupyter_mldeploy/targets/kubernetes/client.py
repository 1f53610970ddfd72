"""The few verbs of the Kubernetes API that are needed, on plain dictionaries.

Nothing is sent through the client library's models: they would refuse or drop fields that are newer than the library.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import quote, urlencode

from jupyter_mldeploy.errors import TargetUnavailable
from jupyter_mldeploy.events import Cancel
from jupyter_mldeploy.spec import Target
from jupyter_mldeploy.targets.kubernetes.connection import Connection, connect
from jupyter_mldeploy.targets.kubernetes.faults import Refused, Unreachable, why
from jupyter_mldeploy.targets.kubernetes.interruptible import Request, send_interruptible
from jupyter_mldeploy.targets.kubernetes.kinds import collection
from jupyter_mldeploy.targets.kubernetes.names import MANAGER

__all__ = ["Cluster", "Reply"]

Object = dict[str, Any]

PATIENCE = 40.0
"""Seconds that an API server may be away in the middle of an operation."""
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"


class Reply:
    """An answer as it came, of the API server or of what stands behind its proxy."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = {name.lower(): value for name, value in headers.items()}
        self.body = body

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


class Cluster:
    """One namespace of one cluster, as one user sees it.

    Args:
        target: Names context and namespace.
        cancel: Ends waiting for an API server that is away.
        patience: Seconds to wait for one; 0 where a person waits for an answer.
    """

    def __init__(self, target: Target, cancel: Cancel | None = None, patience: float = 0.0) -> None:
        self.target = target
        self._connection: Connection = connect(target)
        self.namespace = target.namespace or self._connection.namespace
        self.cancel = cancel or Cancel()
        self._patience = patience

    @property
    def context(self) -> str:
        return self._connection.context

    @property
    def server(self) -> str:
        return self._connection.server

    # -- objects ---------------------------------------------------------------------------------------------------

    def get(self, kind: str, name: str) -> Object:
        """One object; ``Refused`` with status 404 where there is none."""
        return self._json("GET", f"{self.collection(kind)}/{quote(name)}", what=f"show {_a(kind)} {name!r}")

    def find(self, kind: str, name: str) -> Object | None:
        """One object, or ``None``."""
        try:
            return self.get(kind, name)
        except Refused as error:
            if error.status == 404:
                return None
            raise

    def list(self, kind: str, *, labels: str = "", fields: str = "") -> list[Object]:
        """Objects that a selector chooses."""
        query = _selectors(labels, fields)
        found = self._json("GET", self.collection(kind), query=query, what=f"list {kind}s")
        return list(found.get("items") or ())

    def apply(self, made: Mapping[str, Any], *, dry_run: bool = False) -> Object:
        """Server-side apply under our one field manager; what others had set in our fields is ours afterwards."""
        kind, name = str(made["kind"]), str(made["metadata"]["name"])
        query = {"fieldManager": MANAGER, "force": "true", **({"dryRun": "All"} if dry_run else {})}
        path = f"{self.collection(kind)}/{quote(name)}"
        return self._json("PATCH", path, query=query, body=made, content=APPLY, what=f"apply {_a(kind)} {name!r}")

    def merge(self, kind: str, name: str, change: Mapping[str, Any]) -> Object:
        """Merge a change into an object."""
        path = f"{self.collection(kind)}/{quote(name)}"
        query = {"fieldManager": MANAGER}
        return self._json("PATCH", path, query=query, body=change, content=MERGE, what=f"change {_a(kind)} {name!r}")

    def create(self, kind: str, made: Mapping[str, Any]) -> Object:
        """Make an object; ``Refused`` with status 409 where there is one."""
        return self._json("POST", self.collection(kind), body=made, what=f"create {_a(kind)}")

    def replace(self, kind: str, made: Mapping[str, Any]) -> Object:
        """Write an object whole; ``Refused`` with status 409 where somebody else was faster."""
        name = str(made["metadata"]["name"])
        return self._json("PUT", f"{self.collection(kind)}/{quote(name)}", body=made, what=f"write {_a(kind)} {name!r}")

    def delete(self, kind: str, name: str, **options: Any) -> bool:
        """Remove an object; returns whether there was one."""
        body = {"propagationPolicy": "Background", **options}
        try:
            self._json(
                "DELETE", f"{self.collection(kind)}/{quote(name)}", body=body, what=f"delete {_a(kind)} {name!r}"
            )
        except Refused as error:
            if error.status == 404:
                return False
            raise
        return True

    def delete_all(self, kind: str, labels: str, **options: Any) -> None:
        """Remove what a selector chooses. A kind that the cluster does not have is empty."""
        query = _selectors(labels, "")
        body = {"propagationPolicy": "Background", **options}
        try:
            self._json("DELETE", self.collection(kind), query=query, body=body, what=f"delete {kind}s")
        except Refused as error:
            if error.status != 404:
                raise

    def raw(self, path: str) -> Object:
        """Any path of the API, for what is not an object of this namespace."""
        return self._json("GET", path, what=f"show {path}")

    def ask(self, kind: str, body: Mapping[str, Any]) -> Object:
        """A review: create something that is answered and not kept."""
        path = f"/apis/authorization.k8s.io/v1/{kind.lower()}s"
        return self._json("POST", path, body=body, what="say what you may do")

    # -- anything --------------------------------------------------------------------------------------------------

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 30.0,
        cancel: Cancel | None = None,
    ) -> Reply:
        """One request, and its answer whatever its status.

        Args:
            cancel: Ends it at once; whoever is asked then sees that nobody waits for the answer any more.

        Raises:
            Unreachable: No answer came.
            TimeoutError: None came in ``timeout`` seconds.
            Cancelled: ``cancel`` was set.
        """
        if cancel is not None:
            request = Request(method, path, dict(headers or {}), body, timeout)
            status, received, content = send_interruptible(self._connection, request, cancel)
            return Reply(status, received, content)
        with self._open(method, path, query=query, body=body, headers=headers, timeout=timeout) as response:
            return Reply(response.status, response.headers, response.read())

    @contextmanager
    def lines(
        self,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Iterator[tuple[Iterator[bytes], Any]]:
        """An answer that does not end, line by line, and the response, whose ``shutdown`` ends it from another thread.

        Raises:
            Unreachable: No answer came.
            Refused: It was not an answer but a refusal.
        """
        with self._open("GET", path, query=query, headers=headers, timeout=timeout) as response:
            if response.status >= 400:
                raise Refused(response.status, response.read().decode("utf-8", "replace"), what=f"stream {path}")
            yield _split(response), response

    def wait(self, seconds: float) -> None:
        """Let some time pass before another try; the operation's end ends it."""
        woken = threading.Event()
        forget = self.cancel.on_cancel(woken.set)
        woken.wait(seconds)
        forget()
        self.cancel.check()

    # -- underneath ------------------------------------------------------------------------------------------------

    def collection(self, kind: str) -> str:
        """Path of all objects of a kind: those of this namespace, of nodes and namespaces those of the cluster."""
        return collection(kind, None if kind in {"Namespace", "Node"} else self.namespace)

    def _json(
        self,
        method: str,
        path: str,
        *,
        what: str,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        content: str = "application/json",
    ) -> Object:
        """A request that may be sent again: every change here is one that can be repeated."""
        sent = None if body is None else _encoded(body)
        until = time.monotonic() + self._patience
        delay, renewed = 0.1, False
        while True:
            self.cancel.check()
            try:
                reply = self.send(method, path, query=query, body=sent, headers={"Content-Type": content})
            except (Unreachable, TimeoutError) as error:
                if time.monotonic() >= until:
                    raise error if isinstance(error, Unreachable) else Unreachable(self.server, "no answer") from None
                self.wait(delay)
                delay = min(2.0, delay * 2)
                continue
            if reply.status == 401 and not renewed:
                renewed = True
                self._connection = connect(self.target, again=True)
                continue
            if reply.status in {429, 503} and time.monotonic() < until:
                self.wait(delay)
                delay = min(2.0, delay * 2)
                continue
            if reply.status >= 400:
                raise Refused(reply.status, reply.text, what=what)
            told: Object = json.loads(reply.body or b"{}")
            return told

    @contextmanager
    def _open(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
        timeout: float | None,
        body: bytes | None = None,
    ) -> Iterator[Any]:
        import urllib3

        connection = self._connection
        url = connection.server + path + (f"?{urlencode(query)}" if query else "")
        sent = {"Accept": "application/json", **(headers or {}), **connection.headers()}
        limit = urllib3.Timeout(connect=10.0, read=timeout)
        try:
            response = connection.pool.request(
                method,
                url,
                body=body,
                headers=sent,
                timeout=limit,
                retries=False,
                redirect=False,
                preload_content=False,
            )
        except urllib3.exceptions.ReadTimeoutError:
            raise TimeoutError(f"no answer in {timeout:g} s") from None
        except UnicodeEncodeError:
            raise TargetUnavailable(
                f"The credentials of the kubeconfig context {connection.context!r} have characters that no credentials have.",
                "Log in to the cluster again; `kubectl version` with the same context must answer first.",
            ) from None
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Unreachable(connection.server, why(error)) from error
        try:
            yield response
        except urllib3.exceptions.ReadTimeoutError:
            raise TimeoutError(f"no answer in {timeout} s") from None
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Unreachable(connection.server, why(error)) from error
        finally:
            with suppress(Exception):
                if response.closed or response.isclosed():
                    response.release_conn()
                else:
                    response.close()


def _encoded(body: Mapping[str, Any]) -> bytes:
    """JSON that is YAML too, which is what the API server reads it as: there a surrogate pair is no character."""
    text = json.dumps(body, ensure_ascii=False)
    return _NOT_IN_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode()


_NOT_IN_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


def _split(response: Any) -> Iterator[bytes]:
    rest = b""
    for piece in response.stream(65536):
        *whole, rest = (rest + piece).split(b"\n")
        yield from whole
    if rest:
        yield rest


def _selectors(labels: str, fields: str) -> dict[str, str]:
    chosen = {"labelSelector": labels, "fieldSelector": fields}
    return {key: value for key, value in chosen.items() if value}


def _a(kind: str) -> str:
    return f"{'an' if kind[0] in 'AEIOU' else 'a'} {kind}"
