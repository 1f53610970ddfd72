"""What is to run, where: scripts, inference configurations, targets and the specification of a service."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from jupyter_mldeploy.errors import InvalidValue, NotFound
from jupyter_mldeploy.spec.environment import Environment
from jupyter_mldeploy.spec.kinds import check_kinds
from jupyter_mldeploy.spec.names import check_model_name, check_service_name
from jupyter_mldeploy.spec.placement import Placement
from jupyter_mldeploy.spec.quantities import MOST_SECONDS
from jupyter_mldeploy.spec.resources import Autoscale, Resources
from jupyter_mldeploy.spec.variables import Variable, keys_name

__all__ = ["InferenceConfig", "ModelRef", "Script", "ServiceSpec", "Target", "TargetKind", "scoring_keys"]


_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
RESERVED_FOLDERS = ("azureml-models", ".mldeploy")
"""What an app root has besides the script and its source directory."""


class TargetKind(StrEnum):
    """The kinds of place where a service can run."""

    LOCAL = "local"
    CONTAINER = "container"
    KUBERNETES = "kubernetes"


@dataclass(frozen=True)
class Target:
    """Where a service runs.

    Attributes:
        kind: Process, container or cluster.
        context: Name of the Docker or kubeconfig context, ``None`` for the current one.
        namespace: Kubernetes namespace, ``None`` for the context's.
    """

    kind: TargetKind = TargetKind.LOCAL
    context: str | None = None
    namespace: str | None = None

    @classmethod
    def parse(cls, text: str, context: str | None = None, namespace: str | None = None) -> Target:
        """Read ``local``, ``container`` or ``kubernetes``."""
        try:
            kind = TargetKind(text)
        except ValueError:
            raise InvalidValue("target", text, f"choose one of {', '.join(TargetKind)}.") from None
        return cls(kind, context, namespace)

    def __post_init__(self) -> None:
        check_kinds(self)
        if self.namespace is not None and not _NAMESPACE.fullmatch(self.namespace):
            raise InvalidValue("namespace", self.namespace, "write lower-case letters, digits and '-', at most 63.")
        if self.namespace is not None and self.kind is not TargetKind.KUBERNETES:
            raise InvalidValue("namespace", self.namespace, f"the {self.kind} target has no namespaces.")

    def __str__(self) -> str:
        return str(self.kind)


@dataclass(frozen=True)
class ModelRef:
    """A registered model by name and version."""

    name: str
    version: int

    def __post_init__(self) -> None:
        check_kinds(self)
        check_model_name(self.name)
        if self.version < 1:
            raise InvalidValue("version", self.version, "versions count up from 1.")

    def __str__(self) -> str:
        return f"{self.name}:{self.version}"


@dataclass(frozen=True)
class Script:
    """The text of a scoring script, and where it is from.

    Attributes:
        text: The source. A cell's has one line in the place of its magic, so that line numbers are the cell's.
        file_name: What it is called in the service.
        origin: What people call it: ``cell [4]`` or a path.
        path: The file it was read from, to see whether it was edited since; ``None`` for a cell.
    """

    text: str
    file_name: str = "score.py"
    origin: str = "score.py"
    path: str | None = None

    def __post_init__(self) -> None:
        check_kinds(self)
        if not re.fullmatch(r"\w[\w.-]*\.py", self.file_name):
            raise InvalidValue(
                "script", self.file_name, "name a Python file of letters, digits, '.', '_' and '-', such as score.py."
            )
        try:
            self.text.encode()
        except UnicodeEncodeError as error:
            line = self.text.count("\n", 0, error.start) + 1
            raise InvalidValue(
                "script", self.origin, f"line {line} holds half a character, which is no text."
            ) from None

    @classmethod
    def from_file(cls, path: str | Path) -> Script:
        """Read a script.

        Raises:
            NotFound: There is no such file.
            InvalidValue: It may not be read, is not UTF-8 text, or not a name that Python can import.
        """
        file = Path(path)
        try:
            text = file.read_text(encoding="utf-8-sig")
        except ValueError as error:
            if not isinstance(error, UnicodeDecodeError):  # a zero byte in the path
                raise InvalidValue("script", str(path), "no file can be called so.") from None
            raise InvalidValue("script", str(path), f"it is not UTF-8 text (byte {error.start}).") from None
        except (FileNotFoundError, IsADirectoryError):
            raise NotFound.of_file("scoring script", path) from None
        except OSError as error:
            raise InvalidValue("script", str(path), f"it cannot be read: {error.strerror or error}.") from None
        return cls(text, file.name, str(path), str(file.resolve()))

    @property
    def is_gone(self) -> bool:
        """Whether the file that it was read from is there no more."""
        return self.path is not None and not Path(self.path).exists()

    @property
    def hash(self) -> str:
        """SHA-256 of the text's bytes, as 64 hexadecimal digits: what a receipt shows."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True)
class InferenceConfig:
    """Scoring script, the folder that goes with it, and the environment they run in.

    Attributes:
        script: The scoring script; also takes its path.
        source_directory: Folder that goes with it, or ``None``.
        environment: What they run in.
        source_name: What the folder is called in the app root; ``""``: its files lie in the app root itself.
    """

    script: Script
    source_directory: str | None = None
    environment: Environment = field(default_factory=Environment.kernel)
    source_name: str = ""

    def __post_init__(self) -> None:
        if isinstance(self.script, str | Path):
            object.__setattr__(self, "script", Script.from_file(self.script))
        check_kinds(self)
        name = self.source_name
        if name and (name in {".", "..", *RESERVED_FOLDERS} or set(name) & {"/", "\\", "\0"}):
            raise InvalidValue("source_directory", name, "the service has a folder of that name; rename yours.")


@dataclass(frozen=True, kw_only=True)
class ServiceSpec:
    """Everything that is wanted of one service.

    Attributes:
        name: A DNS label, at most 63 characters.
        inference: Script, source directory, environment.
        target: Where it runs.
        models: Registered models that are put beside the script.
        resources: Limits of one replica.
        autoscale: Number of replicas.
        sample: JSON text that ``run()`` must answer before the service counts as ready, or ``None``.
        port: Port on this machine, or ``None`` for a free one.
        scoring_timeout: Seconds until a request is answered with 504.
        max_request_wait: Seconds a request may wait for a free replica until it is answered with 503.
        init_timeout: Seconds until an ``init()`` that does not return counts as failed.
        image: Image that was built before, instead of building one.
        env: Environment variables of the script, without their values.
        placement: What only a cluster has.
        keys: Mark of the keys that requests need, which are no part of it; ``""``: none are asked for.
    """

    name: str
    inference: InferenceConfig
    target: Target = field(default_factory=Target)
    models: tuple[ModelRef, ...] = ()
    resources: Resources = field(default_factory=Resources)
    autoscale: Autoscale = field(default_factory=Autoscale)
    sample: str | None = None
    port: int | None = None
    scoring_timeout: float = 60.0
    max_request_wait: float = 0.5
    init_timeout: float = 300.0
    image: str | None = None
    env: tuple[Variable, ...] = ()
    placement: Placement = field(default_factory=Placement)
    keys: str = ""

    @property
    def secret_names(self) -> set[str]:
        """What of it is kept among the secrets of the service, by name."""
        return {variable.key for variable in self.env} | ({keys_name(self.keys)} if self.keys else set())

    def __post_init__(self) -> None:
        check_service_name(self.name)
        check_kinds(self)
        if self.port is not None and not 1 <= self.port <= 65535:
            raise InvalidValue("port", self.port, "it is a whole number from 1 to 65535.")
        names = [model.name for model in self.models]
        for name in names:
            if names.count(name) > 1:
                raise InvalidValue("models", name, "a service takes one version of a model.")
        for name in ("scoring_timeout", "max_request_wait", "init_timeout"):
            if not 0 < getattr(self, name) <= MOST_SECONDS:
                raise InvalidValue(name, getattr(self, name), "it is a time in seconds above zero, at most a year.")
        if self.sample is not None:
            _check_json("sample", self.sample)
        environment = self.inference.environment
        if (environment.current or environment.interpreter) and self.target.kind is not TargetKind.LOCAL:
            raise InvalidValue(
                "environment",
                environment.name,
                f"the {self.target} target cannot use the kernel's own Python; take auto or a file.",
            )
        if (option := self.placement.named) and self.target.kind is not TargetKind.KUBERNETES:
            raise InvalidValue(
                "target", str(self.target), f"{option} is for a cluster; add --target kubernetes, or leave it out."
            )


def scoring_keys(spec: ServiceSpec, secrets: Mapping[str, str]) -> str:
    """The keys of a service, with commas between them; without any of the specification's those it had from elsewhere.

    Raises:
        InvalidValue: They are not kept here any more.
    """
    if not spec.keys:
        return secrets.get("scoring_keys", "")
    if keys_name(spec.keys) not in secrets:
        raise InvalidValue("key", "…", "the service's keys are not kept here; say them again: --key ….")
    return secrets[keys_name(spec.keys)]


def _check_json(field_name: str, text: str) -> None:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        raise InvalidValue(
            field_name, text, f"it is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from None
