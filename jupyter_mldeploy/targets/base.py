"""The seam between the pipeline and the places where services run.

A driver knows one kind of target. The pipeline (``deploy.py``) and ``Service`` call it; it calls neither. Each method says
who calls it and when. A driver waits on events of its engine and registers with ``work.cancel`` how its waits are woken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

from jupyter_mldeploy.errors import InvalidValue
from jupyter_mldeploy.events import Cancel, Event, EventKind, Sink, Stage, staged
from jupyter_mldeploy.evidence import Evidence
from jupyter_mldeploy.records import Record, Records
from jupyter_mldeploy.spec import Script, ServiceSpec, TargetKind, check_kinds, parse_seconds
from jupyter_mldeploy.targets.revisions import Revision

__all__ = ["Answer", "Driver", "LogLine", "LogQuery", "Receipt", "ReplicaStatus", "Status", "Work"]


@dataclass(frozen=True, kw_only=True)
class ReplicaStatus:
    """One replica as it is now. Times in milliseconds, memory in bytes; ``None`` where it is not known yet."""

    name: str
    state: str
    script: str = ""
    requests: int = 0
    errors: int = 0
    p50_ms: float | None = None
    p99_ms: float | None = None
    memory_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class Status:
    """A service as it is now.

    Attributes:
        state: ``deploying``, ``running``, ``degraded``, ``failed``, ``stopped``, or ``unknown`` where engine or cluster do not
            answer.
        message: One sentence that says why, where there is something to say.
        advises: Whether the message says what to do, so that nobody adds other advice.
        replicas: Each with its receipt.
        scoring_uri: Where requests go, or ``""``.
        script: Hash of the script that it runs.
        utilization: (busy + queued) / replicas, a fraction.
        requests, errors: Since the service's process started.
        recent: The last requests, newest last: ``time, request_id, status, ms, replica``.
        limits: What is enforced: ``{"memory": "enforced", "cpu": "unsupported"}``.
        failure: The runtime's report of what keeps it from running well, or empty.
        last_failure: Its report of the last failure, also of one request only.
    """

    state: str
    message: str = ""
    replicas: tuple[ReplicaStatus, ...] = ()
    scoring_uri: str = ""
    script: str = ""
    utilization: float = 0.0
    requests: int = 0
    errors: int = 0
    recent: tuple[Mapping[str, Any], ...] = ()
    limits: Mapping[str, str] = field(default_factory=dict)
    failure: Mapping[str, Any] = field(default_factory=dict)
    last_failure: Mapping[str, Any] = field(default_factory=dict)
    advises: bool = False

    def failure_behind(self, answer: Answer) -> Mapping[str, Any]:
        """What an answer with an error came of, as the runtime reported it."""
        asked = answer.headers.get("x-ms-request-id")
        return self.last_failure if asked and self.last_failure.get("request_id") == asked else self.failure

    @property
    def ready(self) -> int:
        """Number of replicas that can take a request."""
        return sum(replica.state in {"idle", "busy", "ready"} for replica in self.replicas)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the service answered. ``seconds`` is measured by the caller."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """Proof of what a service runs after a reload.

    Attributes:
        mode: ``unchanged``, ``in-place`` (``init()`` kept) or ``new-workers`` (``init()`` ran again).
        script: Hash of the script; the same for each replica, or the reload would have been refused.
        replicas: Names of the replicas that confirmed it.
        seconds: How long it took.
    """

    mode: str
    script: str
    replicas: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, kw_only=True)
class LogQuery:
    """Which lines of a log.

    Attributes:
        lines: The last so many, or ``None`` for all.
        follow: Go on until cancelled or the service ends.
        previous: Of the life before the last restart.
        build: Of the build instead of the run.
        replica: Of one replica only.
        grep: Only lines that contain this text (case does not matter).
        since: Only lines younger than so many seconds; also takes ``"5m"``.
    """

    lines: int | None = None
    follow: bool = False
    previous: bool = False
    build: bool = False
    replica: str | None = None
    grep: str | None = None
    since: float | None = None

    def __post_init__(self) -> None:
        since: object = self.since
        if isinstance(since, str):
            object.__setattr__(self, "since", parse_seconds(since, "since"))
        check_kinds(self)
        if self.since is not None and not self.since > 0:
            raise InvalidValue("since", self.since, "it is a time above zero, such as 300 or 5m.")
        if self.build:  # its lines have no time, and it has one life
            for name in ("previous", "replica", "since"):
                if given := getattr(self, name):
                    raise InvalidValue(
                        name, given, "the log of a build has neither lives nor replicas nor times; leave it out."
                    )
        if self.lines is not None and self.lines < 0:
            raise InvalidValue("lines", self.lines, "it is a whole number from 0 on.")

    def of_nothing(self, service: str) -> str:
        """What is said where no line was found."""
        if self.previous:
            return f"Nothing is kept of a former life of {service}; what was printed since its start is in its log."
        which = f"The {'build log' if self.build else 'log'} of {service}"
        return f"{which} has no such lines." if self.grep or self.since or self.replica else f"{which} is empty."


@dataclass(frozen=True, kw_only=True)
class LogLine:
    """One line as it was printed, and whose it is."""

    text: str
    replica: str = ""

    @property
    def shown(self) -> str:
        """The text, and before it the end of the pod's name where it came from a pod: what ``replica`` takes."""
        pod = self.replica.rpartition("/")[2]
        return f"{pod.rpartition('-')[2]}  {self.text}" if "-" in pod else self.text


@dataclass(kw_only=True)
class Work:
    """One running operation: what is wanted, what there is, and how to say what happens.

    ``previous`` is the version that serves now, or ``None`` where none does. ``record`` is replaced as the driver learns
    details; what must be found after a crash is written to ``records`` at once.
    """

    spec: ServiceSpec
    record: Record
    previous: Record | None
    records: Records
    models: Mapping[str, Path]
    """Path of each model's one entry, by ``name:version``."""
    sink: Sink
    cancel: Cancel
    again: Revision | None = None
    """The earlier revision that it goes back to, whose image is there already."""
    image_script: bool = False
    """Whether the script is wanted that is in the image of ``spec``."""

    def emit(self, stage: Stage, kind: EventKind, message: str = "", **data: Any) -> None:
        """Tell the sink."""
        self.sink(Event(service=self.spec.name, stage=stage, kind=kind, message=message, data=data))

    def log(self, stage: Stage, line: str) -> None:
        """Tell the sink one line of a stage's log."""
        self.emit(stage, EventKind.LOG, line)

    def stage(self, stage: Stage) -> AbstractContextManager[dict[str, Any]]:
        """Run one stage; see ``staged``."""
        return staged(self.spec.name, stage, self.sink, self.cancel)


class Driver(Protocol):
    """One kind of target."""

    kind: ClassVar[TargetKind]
    stages: ClassVar[tuple[Stage, ...]]
    """The stages that a deployment has here, in order, from ``build`` on."""
    ready_waits: ClassVar[bool]
    """Whether its last stage waits until as many replicas are ready as are wanted, and says why they are not."""

    def check(self, spec: ServiceSpec, *, launches: bool = True) -> None:
        """Raise ``TargetUnavailable`` or another ``MLDeployError`` if the deployment cannot work here.

        ``launches``: something is to be started too, not only built.

        Called by the pipeline first of all, before anything is made.
        """
        ...

    def current(self, record: Record) -> Record:
        """The record as the target has the service now, where others can change it too. Nothing is written but its secrets."""
        ...

    def run_stage(self, stage: Stage, work: Work) -> dict[str, Any]:
        """Do one stage of ``work``; return its message and facts for the event.

        Called by the pipeline for each of ``stages``. For a service that runs already (``work.previous``) the old one must go
        on serving until the new one is ready.

        Raises:
            DeploymentFailed: With the evidence.
        """
        ...

    def undo(self, work: Work) -> None:
        """Take back what ``run_stage`` began. Called by the pipeline after a failure or an interrupt, at any stage.

        A first deployment leaves nothing running; an update leaves the old version whole.
        """
        ...

    def status(self, record: Record) -> Status:
        """Look at the service now. Never raises for a service that is gone: that is a status."""
        ...

    def score(self, record: Record, body: bytes, headers: Mapping[str, str], timeout: float) -> Answer:
        """Send one request.

        Raises:
            ScoringFailed: No answer came.
        """
        ...

    def logs(self, record: Record, query: LogQuery, cancel: Cancel) -> Iterator[LogLine]:
        """Read or follow the log."""
        ...

    def reload(self, record: Record, script: Script, sample: str | None, cancel: Cancel) -> Receipt:
        """Let the running service take a script.

        Raises:
            ReloadRefused: With the evidence; the old script goes on serving.
            Cancelled: ``cancel`` was set before the service had taken it; the old script goes on serving.
        """
        ...

    def scale(self, record: Record, wanted: ServiceSpec) -> None:
        """Change the bounds of the number of replicas, and the addresses outside: the workers stay the same."""
        ...

    def stop(self, record: Record) -> None:
        """End the service's processes. Called by ``Service.stop`` and ``delete``. One that is gone is not an error."""
        ...

    def delete(self, record: Record) -> None:
        """Remove what the target keeps of the service, besides the record. Called after ``stop``."""
        ...

    def evidence(self, record: Record, stage: str, **known: Any) -> Evidence:
        """Collect what there is to see of a failure, within a second; ``known`` are fields the caller knows already."""
        ...

    def watch(self, record: Record, cancel: Cancel) -> Iterator[Status]:
        """Yield the status now and after each change, until cancelled or the service ends."""
        ...
