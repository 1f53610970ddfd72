"""``Service``: one deployed service, found by name from any process; and ``deploy``, which makes one."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Unpack

from jupyter_mldeploy import pipeline
from jupyter_mldeploy.asked import Asked, ModelWish, Outside
from jupyter_mldeploy.config import settings
from jupyter_mldeploy.diagnosis.report import Diagnosis
from jupyter_mldeploy.errors import Conflict, InvalidValue, MLDeployError, NotFound, TargetUnavailable
from jupyter_mldeploy.events import Cancel, Sink, Stage, silent
from jupyter_mldeploy.examining import examine
from jupyter_mldeploy.pipeline import Outcome, Wishes
from jupyter_mldeploy.records import Record, Records
from jupyter_mldeploy.request import Request, carry_out, in_thread, read_script
from jupyter_mldeploy.scoring import ask, decoded
from jupyter_mldeploy.spec import Autoscale, Environment, Script, ServiceSpec, Target, check_service_name, parse_seconds
from jupyter_mldeploy.targets import driver_for
from jupyter_mldeploy.targets.app_folder import source_edited
from jupyter_mldeploy.targets.base import Answer, LogLine, LogQuery, Receipt, Status
from jupyter_mldeploy.targets.leftovers import delete_service, look_up
from jupyter_mldeploy.targets.revisions import Revision, choose, revisions_of

__all__ = ["Service", "deploy", "service", "services"]


class Service:
    """One service of this home folder, by name. Holds no connection: every call looks at what is true now.

    Attributes:
        name: Its name.
        outcome: What the deployment made through this object came to, or ``None``.
    """

    def __init__(self, name: str, records: Records | None = None, running: Future[Outcome] | None = None) -> None:
        self.name = check_service_name(name)
        self.outcome: Outcome | None = None
        self._records = records or Records(settings().home_path)
        self._running = running

    def __repr__(self) -> str:
        record = self._records.find(self.name)
        if record is None:
            return f"<Service {self.name}: {'deploying' if self._running else 'not deployed'}>"
        return f"<Service {self.name}: {self.state} on {record.spec.target}, {self.scoring_uri or 'no address'}>"

    # -- what is known -------------------------------------------------------------------------------------------

    @property
    def record(self) -> Record:
        """The record as it is on disk now."""
        return self._records.get(self.name)

    @property
    def spec(self) -> ServiceSpec:
        """What was wanted of it."""
        return self.record.spec

    @property
    def target(self) -> str:
        """``local``, ``container`` or ``kubernetes``."""
        return str(self.spec.target)

    @property
    def state(self) -> str:
        """``deploying``, ``running``, ``degraded``, ``failed``, ``stopped`` or ``unknown``: as it is now."""
        return self.status().state

    @property
    def scoring_uri(self) -> str:
        """Where requests go, or ``""`` while nothing listens."""
        return self.status().scoring_uri

    @property
    def swagger_uri(self) -> str:
        """Where the description of its interface is, or ``""``."""
        uri = self.scoring_uri
        return uri.removesuffix("/score") + "/swagger.json" if uri else ""

    @property
    def edited(self) -> bool:
        """Whether the script's file, or one of its source directory, has changed since the service took it."""
        record = self.record
        inference = record.spec.inference
        if source_edited(inference, str(record.details.get("source", "")), float(record.details.get("source_at", 0))):
            return True
        script = inference.script
        if script.path is None:
            return False
        try:
            return Script.from_file(script.path).hash != script.hash
        except (NotFound, InvalidValue):
            return True

    def status(self) -> Status:
        """Look at it now."""
        record = self.record
        return driver_for(record.spec.target, self._records).status(record)

    def watch(self, cancel: Cancel | None = None) -> Iterator[Status]:
        """Yield the status now and after each change, until cancelled or the service ends."""
        record = self.record
        return driver_for(record.spec.target, self._records).watch(record, cancel or Cancel())

    def diagnose(self) -> Diagnosis:
        """Explain what is wrong with it now; ``cause`` is ``""`` when nothing is."""
        return examine(self.record, self._records)

    # -- using it --------------------------------------------------------------------------------------------------

    def answer(self, data: object, *, timeout: str | float | None = None) -> Answer:
        """Send a request and return the answer, whatever its status.

        Args:
            data: Text and bytes are sent as they are, anything else as JSON.
            timeout: Seconds; the default leaves the service's own time-out the first word.
        """
        return ask(self.record, self._records, data, timeout)

    def run(self, data: object, *, timeout: str | float | None = None) -> Any:
        """Score ``data`` and return the decoded answer.

        Raises:
            ScoringFailed: The service answered with an error; carries evidence and diagnosis.
        """
        return decoded(self.answer(data, timeout=timeout), self.record, self._records)

    def logs(
        self,
        lines: int | None = None,
        *,
        previous: bool = False,
        build: bool = False,
        replica: str | None = None,
        grep: str | None = None,
        since: str | float | None = None,
    ) -> str:
        """Its log as text; see ``LogQuery``."""
        youngest = None if since is None else parse_seconds(since, "since")
        query = LogQuery(lines=lines, previous=previous, build=build, replica=replica, grep=grep, since=youngest)
        return "\n".join(line.text for line in self.follow(query, Cancel()))

    def follow(self, query: LogQuery, cancel: Cancel | None = None) -> Iterator[LogLine]:
        """Its log line by line; with ``query.follow`` until cancelled or the service ends."""
        record = self.record
        driver = driver_for(record.spec.target, self._records)
        if query.replica and not query.previous:
            query = replace(query, replica=self._replica(query.replica, driver.status(record)))
        return driver.logs(record, query, cancel or Cancel())

    def _replica(self, wanted: str, status: Status) -> str:
        """Its name without the service's, which logs show before it."""
        name = wanted.removeprefix(f"{self.name}/")
        known = [replica.name for replica in status.replicas]
        if known and not any(one == name or one.endswith(f"-{name}") for one in known):
            raise NotFound(f"The service {self.name!r} has no replica {wanted!r}.", f"It has {', '.join(known)}.")
        return name

    # -- changing it -----------------------------------------------------------------------------------------------

    def reload(
        self, script: Script | str | Path | None = None, *, sink: Sink = silent, cancel: Cancel | None = None
    ) -> Receipt:
        """Let the running service take an edited script (and edited files of its source directory).

        Args:
            script: The new script or its path; ``None`` reads the script's file again.
            sink: Hears the stages.
            cancel: Interrupts.

        Raises:
            ReloadRefused: The old script goes on serving; carries evidence and diagnosis.
        """
        spec = self._of_running("reload").spec
        before = spec.inference.script
        taken = read_script((before.path or before) if script is None else script)
        if script is None:
            taken = replace(taken, origin=before.origin)
        inference = replace(spec.inference, script=taken)
        pipeline.check(inference, [model.name for model in spec.models])
        outcome = pipeline.run(replace(spec, inference=inference), self._records, sink=sink, cancel=cancel)
        self.outcome = outcome
        if outcome.receipt:
            return outcome.receipt
        status = self.status()
        mode = "unchanged" if outcome.change.kind == "unchanged" else "new-workers"
        names = tuple(f"{self.name}/{replica.name}" for replica in status.replicas)
        return Receipt(mode=mode, script=status.script, replicas=names, seconds=0.0)

    def update(self, *, sink: Sink = silent, cancel: Cancel | None = None, **changes: Any) -> Service:
        """Change what the service is made of; what is not named stays.

        ``changes`` are arguments of ``deploy``: ``script, models, environment, pip, apt, source_directory, replicas, autoscale,
        cpu, memory, gpus, sample, port, timeout, image, env, keys`` and what only a cluster has.
        """
        base = self._current().spec
        request = Request(name=self.name, target=base.target, base=base, asked=Asked.of(**changes))
        self.outcome = carry_out(request, self._records, Wishes(), sink, cancel or Cancel())
        return self

    def scale(self, replicas: int | None = None, *, autoscale: str | Autoscale | None = None) -> Service:
        """Change the number of replicas, or its bounds."""
        self._of_running("scale")
        return self.update(replicas=replicas, autoscale=autoscale)

    def history(self) -> list[Revision]:
        """The revisions that its target keeps, newest first; only Kubernetes keeps any but the one that runs."""
        return revisions_of(self.record)

    def rollback(self, revision: int | None = None, *, sink: Sink = silent, cancel: Cancel | None = None) -> Service:
        """Go back to an earlier revision (``None``: the last one). The number of replicas and the addresses stay."""
        chosen = choose(self.name, revisions_of(self._current()), revision)
        self.outcome = pipeline.run(chosen.spec, self._records, wishes=Wishes(again=chosen), sink=sink, cancel=cancel)
        return self

    def start(self, *, sink: Sink = silent, cancel: Cancel | None = None) -> Service:
        """Start a service that was stopped or whose process is gone."""
        self.outcome = pipeline.run(self._current().spec, self._records, sink=sink, cancel=cancel)
        return self

    def stop(self) -> Service:
        """End its processes and keep what is known of it, so that it can be started again."""
        with self._records.operation(self.name, "stop"), self._records.ending(self.record) as record:
            driver_for(record.spec.target, self._records).stop(record)
        return self

    def delete(self, *, images: bool = False, forget: bool = False) -> list[str]:
        """Remove it: its processes, what the target keeps of it, and its record.

        Args:
            images: Also the images that were built for it here and that nothing else needs. Those of a registry stay.
            forget: Its record only: what it ran on is gone for good.

        Returns:
            The images that were removed.
        """
        return delete_service(self._records, self.name, images=images, forget=forget)

    def wait(self, timeout: float | None = None) -> Service:
        """Wait for a deployment begun with ``wait=False``; raises what it raised, ``TimeoutError`` while it goes on.

        Another object of a service whose first deployment failed tells so too.
        """
        if timeout:  # 0 asks whether it has ended
            timeout = parse_seconds(timeout, "timeout")
        if self._running is not None:
            try:
                self.outcome = self._running.result(timeout)
            except TimeoutError:
                if self._running.done():
                    raise  # its own
                raise TimeoutError(f"{self.name!r} is not ready after {timeout:g} s; its deployment goes on.") from None
        elif self.record.state == "failed":
            raise MLDeployError(f"The last deployment of {self.name!r} failed: {self.record.failure}")
        return self

    def panel(self) -> Any:
        """A live panel of the service, for notebooks."""
        # By name: the one place where a lower layer needs a higher one, and only when a person asks for it.
        import importlib

        return importlib.import_module("jupyter_mldeploy.notebook.panel").service_panel(self)

    def _current(self) -> Record:
        """The record with what others did to the service since it was written."""
        record = self.record
        return driver_for(record.spec.target, self._records).current(record)

    def _of_running(self, what: str) -> Record:
        status = self.status()
        if status.state == "unknown":
            raise TargetUnavailable(f"Cannot {what} {self.name!r}: {status.message}")
        if status.state not in {"running", "degraded"}:
            summary = f"Cannot {what} {self.name!r}: it is {status.state}. {status.message}".strip()
            raise Conflict(summary, "" if status.advises else f"Start it with `mldeploy start {self.name}`.")
        return self._current()


def service(name: str) -> Service:
    """The service of that name.

    Raises:
        NotFound: There is none; the nearest name is given.
    """
    found = Service(name)
    look_up(Records(settings().home_path), name)  # its container or its objects may outlive its record
    return found


def services() -> list[Service]:
    """Every service of this home folder, by name. A damaged record is kept aside and said as a warning."""
    records = Records(settings().home_path)
    known, troubles = records.every()
    for trouble in troubles:
        warnings.warn(str(trouble), stacklevel=2)
    return [Service(one.name, records) for one in known]


def deploy(
    script: Script | str | Path | None,
    name: str,
    *,
    target: str | Target | None = None,
    models: Sequence[ModelWish] = (),
    environment: str | Path | Environment | None = None,
    pip: Sequence[str] = (),
    apt: Sequence[str] = (),
    source_directory: str | Path | None = None,
    replicas: int | None = None,
    autoscale: str | Autoscale | None = None,
    cpu: str | float | None = None,
    memory: str | float | None = None,
    gpus: int | None = None,
    sample: object | None = None,
    port: int | None = None,
    timeout: str | float | None = None,
    env: Iterable[str] | Mapping[str, str | None] | None = None,
    keys: Iterable[str] | None = None,
    until: str | Stage | None = None,
    from_image: str | None = None,
    overwrite: bool = False,
    context: str | None = None,
    namespace: str | None = None,
    notebook_names: Collection[str] = (),
    wait: bool = True,
    sink: Sink = silent,
    cancel: Cancel | None = None,
    **outside: Unpack[Outside],
) -> Service:
    """Deploy a scoring script, or bring the service of that name to what is asked.

    Args:
        script: Path of the script, a ``Script``, or ``None`` to have one written for the models.
        name: A DNS label of at most 63 characters.
        target: ``local``, ``container`` or ``kubernetes``.
        models: ``NAME``, ``NAME:VERSION``, a path, a registered ``Model``, or ``(name, object)`` to register first.
        environment: ``current``, ``auto``, a conda or requirements file, or an ``Environment``.
        pip, apt: Requirements, and Debian packages of the image, besides.
        source_directory: Folder that goes with the script.
        replicas, autoscale: A number, or ``MIN:MAX``.
        cpu, memory, gpus: Of one replica: cores, a quantity such as ``512Mi`` (a bare number is GB), whole GPUs.
        sample: JSON text, ``@FILE`` or a value that ``run()`` must answer before the service counts as ready.
        port: On this machine; a free one is taken where none is named.
        timeout: Seconds (or ``"2m"``) until a request is answered with 504.
        env: Environment variables of the script: a mapping, or ``NAME=VALUE`` and ``NAME`` (its value here).
        keys: What requests must have one of, as ``Authorization: Bearer KEY``; none are asked for where none are named.
        until: ``register``, ``build`` or ``push``: end after it; a service that runs goes on as it is.
        from_image: Image that was built before.
        overwrite: Take over a name that a service of another script file or target uses.
        context, namespace: Of Docker or Kubernetes.
        notebook_names: Names that live in the notebook.
        wait: Return when the service is ready; else at once (see ``Service.wait``).
        sink, cancel: Hears the stages; interrupts, and what was begun is cleaned up.
        outside: What only a cluster has: ``node_selector, tolerations, pull_secrets, ingress, load_balancer``.

    Raises:
        MLDeployError: See ``jupyter_mldeploy.errors``.
    """
    check_service_name(name)
    force = settings()
    if not isinstance(target, Target):
        kind = target or force.target
        place = namespace or (force.namespace if kind == "kubernetes" else None)
        target = Target.parse(kind, context or force.context_of(kind), place or None)
    try:
        last = Stage(until) if until else None
    except ValueError:
        raise InvalidValue("until", until, "choose one of register, build, push, ready.") from None
    wishes = Wishes(until=last, overwrite=overwrite)
    asked = Asked.of(
        script=script, models=models, environment=environment, pip=pip, apt=apt, source_directory=source_directory,
        replicas=replicas, autoscale=autoscale, cpu=cpu, memory=memory, gpus=gpus, sample=sample, port=port,
        timeout=timeout, image=from_image, env=env, keys=keys, **outside,
    )  # fmt: skip
    request = Request(name=name, target=target, asked=asked, notebook_names=frozenset(notebook_names))
    records = Records(force.home_path)
    begin = partial(carry_out, request, records, wishes, sink, cancel or Cancel())
    if not wait:
        return Service(name, records, running=in_thread(begin, name))
    made = Service(name, records)
    made.outcome = begin()
    return made
