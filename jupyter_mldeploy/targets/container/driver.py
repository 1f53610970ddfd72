"""Deploy to one container. What the engine says is true; the record only helps to find it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar

from jupyter_mldeploy.config import settings
from jupyter_mldeploy.errors import ScoringFailed, TargetUnavailable
from jupyter_mldeploy.events import Cancel, Stage
from jupyter_mldeploy.evidence import Evidence
from jupyter_mldeploy.images.engine import Engine, connect, engine_errors
from jupyter_mldeploy.images.inputs import check_registry
from jupyter_mldeploy.images.plan import LABEL
from jupyter_mldeploy.records import Record, Records
from jupyter_mldeploy.spec import Script, ServiceSpec, TargetKind
from jupyter_mldeploy.targets.base import Answer, LogLine, LogQuery, Receipt, Status, Work
from jupyter_mldeploy.targets.build_logs import build_log
from jupyter_mldeploy.targets.container.autopsy import collect_evidence
from jupyter_mldeploy.targets.container.changing import set_limits
from jupyter_mldeploy.targets.container.following import follow_status
from jupyter_mldeploy.targets.container.handover import remove_container, remove_loose_volumes
from jupyter_mldeploy.targets.container.identity import find_containers
from jupyter_mldeploy.targets.container.limits import check_limits, limits_of
from jupyter_mldeploy.targets.container.logs import container_lines, file_lines, has_former_life, save_log
from jupyter_mldeploy.targets.container.looking import look_at, waits_for_debugger
from jupyter_mldeploy.targets.container.making import HOST, check_name, put_files, read_json
from jupyter_mldeploy.targets.container.promotion import promote, sample_message
from jupyter_mldeploy.targets.container.rollout import Rollout
from jupyter_mldeploy.targets.container.state import ContainerState, inspect
from jupyter_mldeploy.targets.control import RuntimeClient, RuntimeGone, status_from_runtime
from jupyter_mldeploy.targets.reports import failed_deployment, unanswered
from jupyter_mldeploy.targets.runtime_reload import reload_runtime

__all__ = ["ContainerDriver"]

STOP_PATIENCE = 10
SERVICE_FILE = ".mldeploy/service.json"


class ContainerDriver:
    """The ``container`` target.

    Args:
        records: The home folder.
        context: Docker context; ``None`` for the one in force.
    """

    kind: ClassVar[TargetKind] = TargetKind.CONTAINER
    ready_waits: ClassVar[bool] = False
    stages: ClassVar[tuple[Stage, ...]] = (Stage.BUILD, Stage.PUSH, Stage.LAUNCH, Stage.INIT, Stage.READY)

    def __init__(self, records: Records, context: str | None = None) -> None:
        self._records = records
        self._context = context or settings().context_of(TargetKind.CONTAINER)

    @cached_property
    def engine(self) -> Engine:
        """The engine; asked for when it is first needed."""
        return connect(self._context)

    # -- deploying -----------------------------------------------------------------------------------------------

    def check(self, spec: ServiceSpec, *, launches: bool = True) -> None:
        """Refuse what this engine cannot do or does not have, and a name that is somebody else's container's, before a build."""
        check_registry(settings().registry)
        engine = self.engine
        if not engine.is_local:
            raise TargetUnavailable(
                f"The Docker engine at {engine.address} is on another machine, where services would listen on its loopback "
                "interface only.",
                "Choose an engine of this machine with --context, or use --target kubernetes.",
            )
        with engine_errors(engine):
            system = str(engine.api.version().get("Os", "linux"))
        if system != "linux":
            raise TargetUnavailable(f"The Docker engine runs {system} containers.", "Switch it to Linux containers.")
        if launches:
            check_name(engine, spec.name, self._records.home)
            check_limits(engine, spec)

    def current(self, record: Record) -> Record:
        """See ``Driver``. What others can change is which image a name means: one that was pulled or tagged anew is another."""
        found = self.engine.has_image(record.spec.image) if record.spec.image else None
        if found is None or found["Id"] == record.details.get("image_id"):
            return record
        held = ((found.get("Config") or {}).get("Labels") or {}).get(f"{LABEL}script")
        ours = record.spec.inference.script.hash
        return record.with_(details={**record.details, "image_script": held if held != ours else found["Id"]})

    def run_stage(self, stage: Stage, work: Work) -> dict[str, Any]:
        """See ``Driver``."""
        from docker.errors import APIError

        try:
            with engine_errors(self.engine):
                return self._run_stage(stage, self._rollout(work))
        except APIError as error:
            said = str(error.explanation or error).strip().rstrip(".")
            raise failed_deployment(
                str(stage), f"the engine refused: {said}", self.evidence(work.record, str(stage), log=said)
            ) from None

    def _run_stage(self, stage: Stage, rollout: Rollout) -> dict[str, Any]:
        match stage:
            case Stage.BUILD:
                return rollout.build()
            case Stage.PUSH:
                return rollout.push()
            case Stage.LAUNCH:
                return rollout.launch()
            case Stage.INIT:
                return rollout.init()
            case Stage.READY:
                return self._ready(rollout)
        raise AssertionError(f"the container target has no stage {stage}")

    def _rollout(self, work: Work) -> Rollout:
        return Rollout(self.engine, self._records, work, self.evidence)

    def _ready(self, rollout: Rollout) -> dict[str, Any]:
        work = rollout.work
        told: dict[str, Any] = {"message": ""}
        if work.spec.sample is not None:
            body = work.spec.sample.encode()
            answer = rollout.client().score(body, {}, work.spec.scoring_timeout + 5, work.cancel)
            shown = answer.body.decode("utf-8", "replace")
            if answer.status != 200:
                failure = status_from_runtime(rollout.client().status(), "").failure_behind(answer)
                evidence = self.evidence(
                    work.record, "ready", http_status=answer.status, http_body=shown, failure=failure
                )
                raise failed_deployment("ready", unanswered(answer.status, failure), evidence)
            told = sample_message(shown)
        work.cancel.check()
        said = promote(rollout)
        told["message"] = "; ".join(part for part in (said, told["message"]) if part)
        return told

    def undo(self, work: Work) -> None:
        """See ``Driver``."""
        with engine_errors(self.engine):
            self._rollout(work).undo()

    # -- looking -------------------------------------------------------------------------------------------------

    def status(self, record: Record) -> Status:
        """See ``Driver``."""
        try:
            state = self.container_of(record)
        except TargetUnavailable as error:
            return Status(state="unknown", message=str(error))
        client = self._client(record, state) if state and state.runs else None
        status = look_at(record, state, client, self._records.is_busy(record.name))
        if (
            status.state == "deploying"
            and client
            and state
            and read_json(self.engine, state.id, SERVICE_FILE).get("debug_port")
        ):
            return replace(status, message=waits_for_debugger(record.name))
        return status

    def watch(self, record: Record, cancel: Cancel) -> Iterator[Status]:
        """See ``Driver``."""
        began = time.time()
        state = self.container_of(record)
        yield self.status(record)
        if state is None or not state.runs:
            return
        for _ in follow_status(self.engine, state.id, self._client(record, state), cancel, began):
            yield self.status(self._records.find(record.name) or record)
        if not cancel.is_set:
            yield self.status(self._records.find(record.name) or record)  # also when it was the engine that ended

    def score(self, record: Record, body: bytes, headers: Mapping[str, str], timeout: float) -> Answer:
        """See ``Driver``."""
        state = self.container_of(record)
        if state is None or not state.runs:
            raise ScoringFailed(f"The service {record.name!r} is not running.", status=None, body="")
        return self._client(record, state).score(body, headers, timeout)

    def logs(self, record: Record, query: LogQuery, cancel: Cancel) -> Iterator[LogLine]:
        """See ``Driver``."""
        if query.build:
            yield from build_log(self._records, record, query)
            return
        state = self.container_of(record)
        folder = self._records.folder(record.name)
        if state is None or (query.previous and not has_former_life(self.engine, state)):
            name = "run.previous.log" if query.previous else "run.log"
            yield from file_lines(folder / name, query, cancel)
            return
        names: dict[int, str] = {}

        def replica_of(pid: int) -> str:
            if pid not in names and state.runs:
                names.update(self._replica_names(record, state))
            return names.setdefault(pid, "")

        yield from container_lines(self.engine, state, query, cancel, replica_of)

    def _replica_names(self, record: Record, state: ContainerState) -> dict[int, str]:
        try:
            replicas = self._client(record, state).status()["replicas"]
        except RuntimeGone:
            return {}
        return {replica["pid"]: f"{record.name}/{replica['id']}" for replica in replicas}

    def evidence(self, record: Record, stage: str, **known: Any) -> Evidence:
        """See ``Driver``."""
        return collect_evidence(self._engine_or_none(), self._records, record, stage, known)

    def _engine_or_none(self) -> Engine | None:
        try:
            return self.engine
        except TargetUnavailable:
            return None

    # -- changing ------------------------------------------------------------------------------------------------

    def reload(self, record: Record, script: Script, sample: str | None, cancel: Cancel) -> Receipt:
        """See ``Driver``. The server puts the accepted script into the volume, so a restart begins with it."""

        def connect() -> RuntimeClient:
            state = self.container_of(record)
            if state is None or not state.runs:
                raise RuntimeGone("its container does not run")
            return self._client(record, state)

        return reload_runtime(connect, record, script, sample, cancel=cancel, evidence=self.evidence)

    def scale(self, record: Record, wanted: ServiceSpec) -> None:
        """See ``Driver``. The container's limits grow with the number, and a restart begins with the new one."""
        autoscale = wanted.autoscale
        state = self.container_of(record)
        if state is None or not state.runs:
            raise TargetUnavailable(f"The service {record.name!r} is not running.")
        limits = limits_of(record.spec.resources, autoscale.maximum or autoscale.minimum)
        try:
            with engine_errors(self.engine):
                set_limits(self.engine, state.id, limits)
            self._client(record, state).scale(autoscale.minimum, autoscale.maximum)
        except RuntimeGone as error:
            raise TargetUnavailable(f"The service {record.name!r} does not answer: {error}.") from None
        configured = read_json(self.engine, state.id, SERVICE_FILE)
        if configured:
            import json

            configured |= {"min_replicas": autoscale.minimum, "max_replicas": autoscale.maximum}
            put_files(self.engine, state.id, {SERVICE_FILE: json.dumps(configured, indent=1).encode()})

    def stop(self, record: Record) -> None:
        """See ``Driver``."""
        from docker.errors import NotFound

        with engine_errors(self.engine):
            for found in find_containers(self.engine.api, self._records.home, record.name):
                with suppress(NotFound):
                    self.engine.api.stop(found["Id"], timeout=STOP_PATIENCE)

    def delete(self, record: Record) -> None:
        """See ``Driver``. The image stays, for the next deployment; ``mldeploy prune`` removes those of no service."""
        with engine_errors(self.engine):
            for found in find_containers(self.engine.api, self._records.home, record.name):
                save_log(self.engine, str(found["Id"]), self._records.folder(record.name) / "run.log")
                remove_container(self.engine, str(found["Id"]))
            remove_loose_volumes(self.engine, self._records.home, record.name)

    # -- where things are ----------------------------------------------------------------------------------------

    def container_of(self, record: Record) -> ContainerState | None:
        """The container of a record: the one it names, else the one that the engine knows by its labels."""
        named = str(record.details.get("container", ""))
        if named and (state := inspect(self.engine, named)):
            return state
        if record.state != "running":
            return None
        with engine_errors(self.engine):
            others = find_containers(self.engine.api, self._records.home, record.name)
        return inspect(self.engine, str(others[0]["Id"])) if others else None

    def _client(self, record: Record, state: ContainerState) -> RuntimeClient:
        """The token is kept with the service; for one whose folder was lost, the container has it."""
        token = self._records.secrets(record.name).get("admin_token") or state.variables.get("MLDEPLOY_ADMIN_TOKEN", "")
        return RuntimeClient(HOST, state.published_port or int(record.details.get("port", 0)), token)
