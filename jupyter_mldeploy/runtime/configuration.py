"""What a service is made of, as read from the service file; every value checked once, here.

Named tuples: the first worker waits for this module, and dataclasses would take it longer than all the rest.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple


class ConfigurationError(ValueError):
    """A setting is missing or cannot be used; the text names it."""


class WorkerMake(NamedTuple):
    """What a worker is made of; a reload may replace it whole."""

    entry_script: str
    python: str = sys.executable
    app_root: str = ""
    source_directory: str | None = None
    model_dir: str | None = None
    env: Mapping[str, str] = MappingProxyType({})
    memory_bytes: int | None = None
    cpus: float | None = None

    @property
    def root(self) -> str:
        """The app root as an absolute path."""
        return os.path.abspath(self.app_root or os.curdir)

    @property
    def script_path(self) -> str:
        """The entry script as an absolute path; relative ones are looked for in the source directory, too."""
        plain = os.path.join(self.root, self.entry_script)
        if self.source_directory and not os.path.exists(plain):
            inside = os.path.join(self.root, self.source_directory, self.entry_script)
            if os.path.exists(inside):
                return inside
        return plain

    @classmethod
    def from_json(cls, value: Any) -> WorkerMake:
        """Read a `worker` object; raises `ConfigurationError`."""
        made = cls(**_checked(cls, value, "worker"))
        if not made.entry_script:
            raise ConfigurationError("worker.entry_script is missing; name the scoring script.")
        if not all(isinstance(value, str) for value in dict[str, object](made.env).values()):
            raise ConfigurationError("worker.env must map names to strings.")
        return made

    def to_json(self) -> dict[str, Any]:
        """The object as configured; values of variables that the user gave are not shown."""
        shown = self._asdict()
        shown["env"] = {k: v if k in _OWN else "***" for k, v in self.env.items()}
        shown["app_root"] = self.root
        return shown


class ServiceConfig(NamedTuple):
    """Everything the front is told at start."""

    worker: WorkerMake
    service: str = "ML service"
    host: str = "127.0.0.1"
    port: int = 5001
    min_replicas: int = 1
    max_replicas: int | None = None
    target_utilization: float = 0.7
    scoring_timeout_ms: int = 60_000
    max_request_wait_ms: int | None = 500
    init_timeout_s: float | None = 300
    drain_s: float = 30  # how long running requests may take once the server is told to stop
    max_body_bytes: int = 104_857_600
    cors_origins: tuple[str, ...] = ()
    debug: bool = False
    threads: int = 1
    by_hand: bool = False
    watch: bool = False
    dry_run: bool = False
    sample: str | None = None
    debug_port: int | None = None
    service_version: str = "1.0"
    path_prefix: str = ""
    server_version: str | None = "mldeploy"
    admin_token: str | None = None
    scoring_keys: tuple[str, ...] = ()

    @classmethod
    def from_file(cls, path: str) -> ServiceConfig:
        """Read a service file; raises `ConfigurationError`."""
        try:
            value = json.loads(content_of(path))
        except (OSError, ValueError) as error:
            raise ConfigurationError(not_readable("service file", path, error)) from None
        return cls.from_json(value)

    @classmethod
    def from_json(cls, value: Any) -> ServiceConfig:
        """Read a service object; raises `ConfigurationError`."""
        given = _checked(cls, value, "the service file")
        given["worker"] = WorkerMake.from_json(given.get("worker"))
        for name in ("cors_origins", "scoring_keys"):
            if name in given:
                given[name] = tuple(given[name])
        return cls(**given).validated()

    @property
    def max_wait_s(self) -> float | None:
        """Seconds that a call may wait for a free worker; None: as long as it takes."""
        return None if self.max_request_wait_ms is None else self.max_request_wait_ms / 1000

    def validated(self) -> ServiceConfig:
        """Itself, or `ConfigurationError` with the first setting that cannot be used."""
        if not 0 <= self.port <= 65535:
            raise ConfigurationError(f"port must be between 0 and 65535, not {self.port}.")
        if self.min_replicas < 1:
            raise ConfigurationError(f"min_replicas must be at least 1, not {self.min_replicas}.")
        if self.max_replicas is not None and self.max_replicas < self.min_replicas:
            raise ConfigurationError("max_replicas must not be less than min_replicas.")
        if not 0 < self.target_utilization <= 1:
            raise ConfigurationError("target_utilization must be a fraction above 0, at most 1.")
        if self.max_request_wait_ms is not None and self.max_request_wait_ms < 0:
            raise ConfigurationError(f"max_request_wait_ms must not be below 0, not {self.max_request_wait_ms}.")
        for name in ("scoring_timeout_ms", "max_body_bytes", "threads", "drain_s"):
            if getattr(self, name) <= 0:
                raise ConfigurationError(f"{name} must be above 0, not {getattr(self, name)}.")
        return self

    def with_settings(self, value: Any) -> ServiceConfig:
        """With other values of those settings that a running service can take; raises `ConfigurationError`."""
        if isinstance(value, dict) and (unknown := [name for name in value if name not in LIVE_SETTINGS]):
            allowed = ", ".join(LIVE_SETTINGS)
            raise ConfigurationError(f"{unknown[0]} cannot be changed while the service runs; {allowed} can.")
        return self._replace(**_checked(ServiceConfig, value, "the settings", partial=True)).validated()

    def with_secrets_of(self, environment: dict[str, str]) -> ServiceConfig:
        """Take the admin token and scoring keys out of an environment."""
        token = environment.pop("MLDEPLOY_ADMIN_TOKEN", None)
        keys = environment.pop("MLDEPLOY_SCORING_KEYS", "")
        return self._replace(
            admin_token=token or None,
            scoring_keys=tuple(key.strip() for key in keys.split(",") if key.strip()),
        )


def not_readable(what: str, path: str, error: Exception) -> str:
    """Why a file of settings cannot be used, and what it needs to be."""
    if isinstance(error, OSError):
        return f"The {what} {path} cannot be read: {error.strerror}."
    if isinstance(error, json.JSONDecodeError) and error.doc.strip():
        return f"The {what} {path} is not valid JSON: {error}."
    state = "is empty" if isinstance(error, json.JSONDecodeError) else "is not text"
    return f"The {what} {path} {state}; it must hold a JSON object with settings."


LIVE_SETTINGS = ("scoring_timeout_ms", "max_request_wait_ms", "init_timeout_s", "target_utilization")
_OWN = ("MLDEPLOY_SERVICE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "None": (type(None),),
    "WorkerMake": (dict,),
    "Mapping[str, str]": (dict,),
    "tuple[str, ...]": (list, tuple),
}
_SECRETS = ("admin_token", "scoring_keys", "by_hand", "dry_run", "sample", "watch")


def content_of(path: str) -> bytes:
    """A file's bytes; raises OSError."""
    with open(path, "rb") as stream:
        return stream.read()


def _checked(kind: type, value: Any, where: str, *, partial: bool = False) -> dict[str, Any]:
    """The known keys of an object, each of the type its field asks for; unknown keys are left out."""
    if not isinstance(value, dict):
        raise ConfigurationError(f"{where} must be a JSON object with its settings.")
    checked = {}
    for name, annotation in kind.__annotations__.items():
        if name not in value or name in _SECRETS:
            if name in ("entry_script", "worker") and name not in value and not partial:
                raise ConfigurationError(f"{where} has no {name!r}.")
            continue
        given, wanted = value[name], str(getattr(annotation, "__forward_arg__", annotation))
        allowed = tuple(t for part in wanted.split(" | ") for t in _TYPES[part])
        if not isinstance(given, allowed) or (isinstance(given, bool) and bool not in allowed):
            if given is None:
                continue  # null means the default
            raise ConfigurationError(f"{name} of {where} must be {wanted}, not {given!r}.")
        checked[name] = given
    return checked
