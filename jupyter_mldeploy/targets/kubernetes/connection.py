"""From a context to the API server: kubeconfig with its log-in helpers, or the service account of the pod we run in."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_mldeploy.errors import TargetUnavailable
from jupyter_mldeploy.spec import Target

__all__ = ["Connection", "connect", "has_kubeconfig", "kubeconfig"]

IN_CLUSTER = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True)
class Connection:
    """How a cluster is reached.

    Attributes:
        server: URL of the API server.
        context: Name of the kubeconfig context, ``""`` inside a cluster.
        namespace: The context's own.
        configuration: The client library's, which knows certificates, proxies and how tokens are renewed.
        pool: Its connection pool (urllib3).
    """

    server: str
    context: str
    namespace: str
    configuration: Any
    pool: Any

    def headers(self) -> dict[str, str]:
        """What authorises a request now; a log-in helper is asked again when its token has run out."""
        found = {}
        for setting in self.configuration.auth_settings().values():
            if setting["in"] == "header" and setting["value"]:
                found[setting["key"]] = setting["value"]
        return found


_lock = threading.Lock()
_known: dict[tuple[object, ...], Connection] = {}


def connect(target: Target, *, again: bool = False) -> Connection:
    """The connection for a target, kept as long as its kubeconfig does not change.

    Args:
        target: Names the context.
        again: Read it anew, because the API server no longer takes its credentials.

    Raises:
        TargetUnavailable: There is no kubeconfig, no such context, or a log-in helper is missing.
    """
    files = _files()
    key = (target.context, tuple((file, _changed(file)) for file in files))
    with _lock:
        if again or key not in _known:
            _known[key] = _load(target.context, files)
        return _known[key]


def kubeconfig() -> str:
    """The files of the kubeconfig, as the client's functions take them.

    Said each time: the client itself reads ``KUBECONFIG`` once, when it is imported.
    """
    return os.pathsep.join(_files())


def has_kubeconfig() -> bool:
    """Whether there is one to ask a cluster with."""
    return any(Path(file).is_file() for file in _files())


def _files() -> list[str]:
    given = os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
    return [str(Path(file).expanduser()) for file in given.split(os.pathsep) if file]


def _changed(file: str) -> int:
    try:
        return Path(file).stat().st_mtime_ns
    except OSError:
        return 0


def _load(context: str | None, files: list[str]) -> Connection:
    import kubernetes.config
    import yaml
    from kubernetes.client.configuration import Configuration
    from kubernetes.client.rest import RESTClientObject

    config: Any = kubernetes.config  # untyped
    configuration = Configuration()
    name, namespace = "", "default"
    try:
        if any(Path(file).is_file() for file in files):
            joined = os.pathsep.join(files)
            contexts, current = config.list_kube_config_contexts(config_file=joined)
            chosen = current if context is None else next((one for one in contexts if one["name"] == context), None)
            if chosen is None:
                names = ", ".join(sorted(one["name"] for one in contexts))
                raise TargetUnavailable(f"There is no kubeconfig context {context!r}.", f"There is {names or 'none'}.")
            name = chosen["name"]
            namespace = chosen["context"].get("namespace") or namespace
            with _heard_helper() as said:
                config.load_kube_config(config_file=joined, context=name, client_configuration=configuration)
            if said:
                raise TargetUnavailable(
                    f"The log-in helper of the kubeconfig context {name!r} failed: {said[-1]}.",
                    "Log in as it asks for; `kubectl version` with the same context must answer first.",
                )
        elif context is None and os.environ.get("KUBERNETES_SERVICE_HOST"):
            config.load_incluster_config(client_configuration=configuration)
            namespace = (IN_CLUSTER / "namespace").read_text().strip() or namespace
        else:
            raise TargetUnavailable(
                f"There is no kubeconfig: {', '.join(files)} is not a file.",
                "Get one from whoever runs the cluster, and name it with KUBECONFIG.",
            )
        pool = RESTClientObject(configuration).pool_manager
    # Of a file that is no YAML, no text, has other values than it should, or what it names in base64 is not.
    except (
        config.ConfigException,
        OSError,
        LookupError,
        TypeError,
        ValueError,
        AttributeError,
        yaml.YAMLError,
    ) as error:
        why = " ".join(str(error).split()) or repr(error)
        raise TargetUnavailable(
            f"The kubeconfig {', '.join(files)} cannot be used: {why[:300].rstrip('.')}.",
            "`kubectl version` with the same context must answer first.",
        ) from error
    return Connection(configuration.host, name, namespace, configuration, pool)


@contextmanager
def _heard_helper() -> Iterator[list[str]]:
    """What the client library says of a log-in helper that failed: it only logs it, and goes on without credentials."""
    said: list[str] = []

    def hear(record: logging.LogRecord) -> bool:
        text = record.getMessage()
        if not text.startswith("exec: "):
            return True
        said.append(" ".join(text.removeprefix("exec: ").split()).rstrip("."))
        return False

    root = logging.getLogger()
    root.addFilter(hear)
    try:
        yield said
    finally:
        root.removeFilter(hear)
