"""The pipeline: from a specification to a service that answers, in stages, with events.

It does the least that is needed: a changed script is reloaded, another model or environment gets new workers, and nothing is
done about nothing. Whatever fails or is interrupted is taken back by the target; what is known of it is diagnosed here, once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from jupyter_mldeploy.capture import check_script, raise_for
from jupyter_mldeploy.changes import Change, compare
from jupyter_mldeploy.diagnosis import diagnose
from jupyter_mldeploy.errors import (
    Conflict,
    DeploymentFailed,
    InvalidValue,
    MLDeployError,
    NotFound,
    RecordDamaged,
    ScoringFailed,
)
from jupyter_mldeploy.events import Cancel, Event, EventKind, Sink, Stage, silent
from jupyter_mldeploy.records import Record, Records
from jupyter_mldeploy.registry import ModelRegistry
from jupyter_mldeploy.spec import InferenceConfig, ServiceSpec
from jupyter_mldeploy.targets import driver_for
from jupyter_mldeploy.targets.app_folder import source_digest
from jupyter_mldeploy.targets.base import Driver, Receipt, Work
from jupyter_mldeploy.targets.revisions import Revision

__all__ = ["Outcome", "Wishes", "check", "explain", "run"]

_PREPARING = (Stage.REGISTER, Stage.BUILD, Stage.PUSH)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a deployment came to.

    Attributes:
        record: The service as it was left.
        change: What was done, and why.
        receipt: Of the reload, if that was enough.
        answer: What ``run()`` answered to the sample, as text, or ``""``.
        image: What was built or taken, on targets that run images.
    """

    record: Record
    change: Change
    receipt: Receipt | None = None
    answer: str = ""
    image: str = ""


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """How a deployment is to be done, besides what is to come of it.

    Attributes:
        until: Last stage to run: one of those that prepare, which leave a running service as it is.
        overwrite: Take over a name that a service of another script or target has.
        keeps_files: Leave edits of the source directory for a later reload, where no new workers are needed anyway.
        image_script: Take the script that is in the image that is named.
        values: Scoring keys and values of environment variables that are new, to be kept among the service's secrets.
        again: The earlier revision that ``spec`` is of.
    """

    until: Stage | None = None
    overwrite: bool = False
    keeps_files: bool = False
    image_script: bool = False
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    again: Revision | None = None

    def __post_init__(self) -> None:
        if self.until not in {None, Stage.READY, *_PREPARING}:
            allowed = ", ".join((*_PREPARING, Stage.READY))
            raise InvalidValue(
                "until", str(self.until), f"choose one of {allowed}: what has been launched is brought to the end."
            )

    @property
    def prepares(self) -> bool:
        """Whether only the first stages are wanted."""
        return self.until in _PREPARING


def run(
    spec: ServiceSpec,
    records: Records,
    *,
    wishes: Wishes | None = None,
    sink: Sink = silent,
    cancel: Cancel | None = None,
) -> Outcome:
    """Deploy ``spec``, or bring the service of that name to it.

    Raises:
        NotFound: A model is not registered.
        Conflict: The name is in use on another target.
        OperationInProgress: Another operation on the service is running.
        DeploymentFailed: A stage failed; carries evidence and diagnosis.
        Cancelled: It was interrupted; what was begun has been cleaned up.
    """
    wishes = wishes or Wishes()
    cancel = cancel or Cancel()
    with records.operation(spec.name, "deployment"):
        former, displaced = former_of(spec, records, wishes)
        driver = driver_for(spec.target, records)
        again = wishes.again
        driver.check(replace(spec, image=again.image) if again else spec, launches=not wishes.prepares)
        former = driver.current(former) if former else None
        asked_at = time.time()
        digest = cache(lambda: source_digest(spec.inference))  # of files that may be many: read once, if at all
        taken = str(former.details.get("source", "")) if former else ""
        kept = wishes.keeps_files or _is_gone(spec, former)
        source = again.source if again else taken if kept else digest()
        change = _change(spec, source, former, driver, wishes)
        makes = again is None and (wishes.prepares or change.kind in {"created", "updated"})
        if makes and not wishes.prepares:
            source = digest()
        models = _model_paths(spec, records, former) if makes else {}
        alive = former if change.kind != "created" else None
        if former and not alive and not wishes.prepares:
            driver.stop(former)  # what may be left of it
        work = Work(
            spec=spec,
            record=_next_record(spec, source, asked_at, former),
            previous=alive,
            records=records,
            models=models,
            sink=sink,
            cancel=cancel,
            again=again,
            image_script=wishes.image_script,
        )
        try:
            if displaced:
                return _displace(displaced, change, work, driver, wishes)
            records.keep_values(spec, former, wishes.values)
            outcome = _carry_out(change, work, driver, wishes, former)
            if change.kind != "unchanged":
                records.remove_evidence(spec.name)
            return outcome
        except DeploymentFailed as error:
            explain(error)
            if alive:
                records.write_evidence(spec.name, error.evidence)
            raise


def check(inference: InferenceConfig, model_names: Collection[str], notebook_names: Collection[str] = ()) -> None:
    """Look at a script before anything is built.

    Raises:
        InvalidScript: With all problems at once.
    """
    folder = inference.source_directory
    problems = check_script(
        inference.script,
        environment=inference.environment,
        source_directory=Path(folder) if folder else None,
        source_name=inference.source_name,
        model_names=list(model_names),
        notebook_names=frozenset(notebook_names),
    )
    raise_for(inference.script, problems)


def explain(error: DeploymentFailed | ScoringFailed) -> None:
    """Give an error the diagnosis of its evidence, and the first step as its hint."""
    if error.diagnosis is None and error.evidence is not None:
        error.diagnosis = diagnose(error.evidence)


def _model_paths(spec: ServiceSpec, records: Records, former: Record | None) -> Mapping[str, Path]:
    registry = ModelRegistry(records.home)
    paths = {}
    for model in spec.models:
        try:
            paths[str(model)] = registry.get(model.name, model.version).path
        except NotFound as error:
            if former is None or model not in former.spec.models:
                raise
            raise NotFound(
                f"The service {spec.name!r} has the model {model}, which was deleted from the registry.",
                f"Register it again and name it: `mldeploy update {spec.name} --model {model.name}`.",
            ) from error
    return paths


def _is_gone(spec: ServiceSpec, former: Record | None) -> bool:
    """Whether the source directory that the service has taken is there no more: what was taken of it is what it has."""
    folder = spec.inference.source_directory
    same = former is not None and folder == former.spec.inference.source_directory
    return bool(same and folder and not Path(folder).is_dir())


def former_of(spec: ServiceSpec, records: Records, wishes: Wishes) -> tuple[Record | None, Record | None]:
    """The service of that name on this target, and the one on another target whose place is taken."""
    try:
        former = records.find(spec.name)
    except RecordDamaged:
        if not wishes.overwrite:
            raise
        return None, None
    if former is None or former.spec.target.kind == spec.target.kind:
        return former, None
    if not wishes.overwrite:
        raise Conflict(
            f"The name {spec.name!r} is taken by a service on the {former.spec.target} target.",
            "Choose another name, delete that service, or add --overwrite to replace it.",
        )
    return None, former


def _displace(displaced: Record, change: Change, work: Work, driver: Driver, wishes: Wishes) -> Outcome:
    """Deploy beside the service on the other target, which ends once the new one is ready and stays whole if it fails."""
    name, records = work.spec.name, work.records
    secrets = records.secrets(name)
    replaced = False
    try:
        records.keep_values(work.spec, displaced, wishes.values)
        outcome = _carry_out(change, work, driver, wishes, displaced)
        replaced = not wishes.prepares
    finally:
        if not replaced:
            records.write(displaced)
            records.write_secrets(name, secrets)
    if not replaced:
        return replace(outcome, record=displaced)
    other = driver_for(displaced.spec.target, records)
    other.stop(displaced)
    other.delete(displaced)
    return outcome


def _next_record(spec: ServiceSpec, source: str, asked_at: float, former: Record | None) -> Record:
    details: dict[str, object] = {"source": source, "source_at": asked_at}
    if former is None:
        return Record(spec=spec, details=details)
    details["former_port"] = former.details.get("port")
    return Record(spec=spec, revision=former.revision + 1, created=former.created, details=details)


def _change(spec: ServiceSpec, source: str, former: Record | None, driver: Driver, wishes: Wishes) -> Change:
    if former is None:
        return Change("created")
    if former.state == "running" and driver.status(former).state in {"running", "degraded"}:
        held = former.details.get("image_script") if wishes.image_script else ""
        return compare(former.spec, spec, str(former.details.get("source", "")), source, str(held or ""))
    why = {"failed": "it had failed", "deploying": "its deployment was broken off"}
    return Change("created", (why.get(former.state, "it was not running"),))


def _carry_out(change: Change, work: Work, driver: Driver, wishes: Wishes, former: Record | None) -> Outcome:
    match change.kind:
        case _ if wishes.prepares:
            return _prepare(work, driver, wishes, former)
        case "unchanged" | "scaled":
            return _keep(work, change, driver)
        case "reloaded":
            return _reload(change, work, driver)
    try:
        return _stages(change, work, driver)
    except BaseException as error:
        _take_back(error, work, driver, former)
        raise


def _keep(work: Work, change: Change, driver: Driver) -> Outcome:
    previous = work.previous
    assert previous is not None
    record = previous.with_(spec=_with_port(work))
    try:
        if change.kind == "scaled":
            driver.scale(previous, work.spec)
            work.records.write(record)
            if not driver.ready_waits:
                _await_replicas(work, driver, record)
        answer = _try_sample(work, driver, record)
    except BaseException:
        if change.kind == "scaled":
            driver.scale(previous, previous.spec)
            work.records.write(previous)
        raise
    return Outcome(record=work.records.write(record), change=change, answer=answer)


def _await_replicas(work: Work, driver: Driver, record: Record) -> None:
    """Until as many replicas as were asked for are ready, or it shows that they will not be."""
    enough = Cancel()
    timer = threading.Timer(work.spec.init_timeout, enough.set)
    timer.daemon = True
    timer.start()
    forget = work.cancel.on_cancel(enough.set)
    try:
        for status in driver.watch(record, enough):
            if status.ready >= work.spec.autoscale.minimum or status.failure or status.state == "failed":
                break
    finally:
        forget()
        timer.cancel()
    work.cancel.check()


def _with_port(work: Work) -> ServiceSpec:
    """The new specification, but with the port that the service keeps when none is asked for any more."""
    assert work.previous is not None
    return replace(work.spec, port=work.spec.port or work.previous.spec.port)


def _try_sample(work: Work, driver: Driver, record: Record) -> str:
    """Ask the service that runs for its answer to the sample; ``""`` where there is none."""
    work.record = record
    with work.stage(Stage.READY) as told:
        told.update(driver.run_stage(Stage.READY, work))
        return str(told.get("answer", ""))


def _reload(change: Change, work: Work, driver: Driver) -> Outcome:
    assert work.previous is not None
    with work.stage(Stage.INIT) as told:
        receipt = driver.reload(work.previous, work.spec.inference.script, work.spec.sample, work.cancel)
        # At once: whoever interrupts now interrupts what is done already, and the record must say what runs.
        record = work.records.write(work.previous.with_(spec=_with_port(work)))
        how = "init() kept" if receipt.mode == "in-place" else "init() ran again"
        told.update(message=f"reloaded, {how}", mode=receipt.mode)
        told.update(replicas=len(receipt.replicas), ready=len(receipt.replicas))
    return Outcome(record=record, change=change, receipt=receipt, answer=_try_sample(work, driver, record))


def _stages(change: Change, work: Work, driver: Driver) -> Outcome:
    answer = _run_stages(work, driver, driver.stages)
    image = str(work.record.details.get("image", ""))
    record = work.records.write(work.record.with_(state="running", failure=""))
    return Outcome(record=record, change=change, answer=answer, image=image)


def _run_stages(work: Work, driver: Driver, stages: Sequence[Stage]) -> str:
    """One after another; returns the answer to the sample, if one of them asked for it."""
    answer = ""
    if work.previous is None:
        work.records.write(work.record)
    for stage in stages:
        with work.stage(stage) as told:
            told.update(driver.run_stage(stage, work))
            answer = str(told.get("answer", answer))
    return answer


def _prepare(work: Work, driver: Driver, wishes: Wishes, former: Record | None) -> Outcome:
    """The first stages only; a service that runs goes on as it is."""
    assert wishes.until is not None
    wanted = list(Stage)[: list(Stage).index(wishes.until) + 1]
    try:
        _run_stages(work, driver, [stage for stage in driver.stages if stage in wanted])
    except BaseException as error:
        _take_back(error, work, driver, former)
        raise
    driver.undo(work)
    change, image = Change("prepared"), str(work.record.details.get("image", ""))
    record = work.previous or work.records.write(work.record.with_(state="stopped", failure=""))
    return Outcome(record=record, change=change, image=image)


def _tell_first(error: DeploymentFailed, work: Work) -> None:
    """Say why it failed before it is cleaned up, which takes its time: pods end slowly."""
    explain(error)
    stage = Stage(error.stage) if error.stage in set(Stage) else Stage.READY
    work.sink(Event(service=work.spec.name, stage=stage, kind=EventKind.EXPLAINED, message=error.summary, error=error))


def _take_back(error: BaseException, work: Work, driver: Driver, former: Record | None) -> None:
    """Leave nothing half-done.

    An old version that was serving stays whole; a first one that failed leaves its log, so that it can be spoken of; one that
    was interrupted or refused leaves what was there before.
    """
    if isinstance(error, DeploymentFailed):
        _tell_first(error, work)
    try:
        driver.undo(work)
    except MLDeployError as trouble:
        error.add_note(f"Cleaning up went wrong too: {trouble}")
    if work.previous is not None:
        return
    if isinstance(error, DeploymentFailed):
        work.records.write_evidence(work.spec.name, error.evidence)
        work.records.write(work.record.with_(state="failed", failure=error.summary))
    elif former is not None:
        work.records.write(former)
    else:
        work.records.remove(work.spec.name)
