"""Deploy to a process of this machine.

An update keeps the port and, as a rule, the server: it is given workers of another make and moves over only when their
``init()`` has returned, so the old version serves until then and goes on serving if the new one fails.
"""

from __future__ import annotations

import json
import secrets as random_secrets
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from jupyter_mldeploy.environments import prepare
from jupyter_mldeploy.errors import DeploymentFailed, PortInUse, ScoringFailed, TargetUnavailable
from jupyter_mldeploy.events import Cancel, EventKind, Stage
from jupyter_mldeploy.evidence import Evidence, read_log
from jupyter_mldeploy.records import Record, Records, write_aside
from jupyter_mldeploy.spec import Script, ServiceSpec, TargetKind, scoring_keys, show_memory, values_of
from jupyter_mldeploy.targets.app_folder import fill_app_folder
from jupyter_mldeploy.targets.base import Answer, LogLine, LogQuery, Receipt, Status, Work
from jupyter_mldeploy.targets.control import RuntimeClient, RuntimeGone, status_from_runtime
from jupyter_mldeploy.targets.local.process import ServiceProcess, StartFailed, end_servers_of
from jupyter_mldeploy.targets.local.server_config import HOST, server_config, server_settings
from jupyter_mldeploy.targets.local.waiting import await_replicas
from jupyter_mldeploy.targets.log_file import read_lines
from jupyter_mldeploy.targets.reports import failed_deployment, stage_of, unanswered
from jupyter_mldeploy.targets.runtime_reload import reload_runtime

__all__ = ["LocalDriver"]

EVIDENCE_LOG = 200_000


class LocalDriver:
    """The ``local`` target. Holds no state but where the records are."""

    kind: ClassVar[TargetKind] = TargetKind.LOCAL
    ready_waits: ClassVar[bool] = False
    stages: ClassVar[tuple[Stage, ...]] = (Stage.BUILD, Stage.LAUNCH, Stage.INIT, Stage.READY)

    def __init__(self, records: Records) -> None:
        self._records = records

    # -- deploying -----------------------------------------------------------------------------------------------

    def check(self, spec: ServiceSpec, *, launches: bool = True) -> None:  # noqa: ARG002 - it is the same
        """Refuse what one machine's processes cannot do."""
        if sys.platform == "win32":
            raise TargetUnavailable("The local target needs Linux or macOS.", "Use WSL, or --target container.")
        if spec.image is not None:
            raise TargetUnavailable("The local target runs no images.", "Use --target container with --from-image.")

    def current(self, record: Record) -> Record:
        """See ``Driver``: nobody else changes it."""
        return record

    def run_stage(self, stage: Stage, work: Work) -> dict[str, Any]:
        """See ``Driver``."""
        match stage:
            case Stage.BUILD:
                return self._build(work)
            case Stage.LAUNCH:
                return self._launch(work)
            case Stage.INIT:
                return self._await_init(work)
            case Stage.READY:
                return self._try_sample(work)
        raise AssertionError(f"the local target has no stage {stage}")

    def _build(self, work: Work) -> dict[str, Any]:
        environment = work.spec.inference.environment
        try:
            python = prepare(
                environment, self._records.home, log=lambda line: work.log(Stage.BUILD, line), cancel=work.cancel
            )
        except DeploymentFailed as error:
            if error.evidence is not None:  # an environment does not know whose it is
                error.evidence = replace(error.evidence, service=work.spec.name, target="local")
            raise
        work.record = work.record.with_(details={**work.record.details, "python": str(python)})
        return {"message": f"environment {environment.name}", "cached": environment.current}

    def _launch(self, work: Work) -> dict[str, Any]:
        app = self._app_folder(work.record)
        if work.previous is None:
            end_servers_of(self._records.folder(work.spec.name))  # of a record that was lost
        self._forget_revisions(work)
        fill_app_folder(app, work.spec.inference, work.spec.models, work.models)
        port = work.spec.port or work.record.details.get("former_port") or 0
        config = server_config(
            work.spec,
            python=work.record.details["python"],
            app_folder=app,
            port=port,
            variables=values_of(work.spec.env, self._records.secrets(work.spec.name)),
        )
        if work.previous is not None:
            same_keys = work.spec.keys == work.previous.spec.keys  # which a server is only given at its start
            if same_keys and work.spec.port in {None, work.previous.details["port"]}:
                return self._keep_server(work, config)
            self.stop(work.previous)
        return self._start(work, config)

    def _forget_revisions(self, work: Work) -> None:
        """Remove what earlier revisions and operations that were killed have left, but for the one that serves."""
        kept = work.previous.revision if work.previous else None
        for path in self._records.folder(work.spec.name).glob("app-*"):
            if path.name != f"app-{kept}":
                shutil.rmtree(path, ignore_errors=True)
        for path in self._records.folder(work.spec.name).glob("serve-*.json"):
            if path.name != f"serve-{kept}.json":
                path.unlink(missing_ok=True)

    def _start(self, work: Work, config: dict[str, Any]) -> dict[str, Any]:
        folder = self._records.folder(work.spec.name)
        log = folder / "run.log"
        if log.exists():
            log.replace(folder / "run.previous.log")
        token = random_secrets.token_urlsafe(24)
        known = self._records.secrets(work.spec.name)
        self._records.write_secrets(work.spec.name, {**known, "admin_token": token})
        secrets = self._secrets(work.spec)
        config_file = self._config_file(work.record)
        try:
            process, port = self._start_on_a_port(work, config, config_file, log, secrets)
        except StartFailed as error:
            work.cancel.check()
            evidence = self.evidence(work.record, "launch", exit_code=error.exit_code)
            raise failed_deployment("launch", str(error), evidence) from None
        details = {"pid": process.pid, "create_time": process.create_time, "port": port, "log": str(log)}
        work.record = self._records.write(work.record.with_(details={**work.record.details, **details}))
        return {"message": f"port {port}", "port": port, "pid": process.pid}

    def _start_on_a_port(
        self, work: Work, config: dict[str, Any], config_file: Path, log: Path, secrets: dict[str, str]
    ) -> tuple[ServiceProcess, int]:
        try:
            return ServiceProcess.start(config, config_file, log, secrets, work.cancel)
        except PortInUse:
            if work.spec.port is not None:
                raise
            # The port of the service's former life was taken meanwhile, and nobody asked for it.
            return ServiceProcess.start({**config, "port": 0}, config_file, log, secrets, work.cancel)

    def _keep_server(self, work: Work, config: dict[str, Any]) -> dict[str, Any]:
        """The running server stays; its workers are replaced in the next stage."""
        assert work.previous is not None
        inherited = {key: work.previous.details[key] for key in ("pid", "create_time", "port", "log")}
        work.record = work.record.with_(details={**work.record.details, **inherited})
        write_aside(self._config_file(work.record), json.dumps({**config, "port": inherited["port"]}).encode(), 0o600)
        return {"message": f"port {inherited['port']} kept", "port": inherited["port"]}

    def _replace_workers(self, work: Work) -> None:
        """Give the running server workers of another make; the old ones serve until these are ready."""
        config = json.loads(self._config_file(work.record).read_bytes())
        body = {"worker": config["worker"], "keep_init": False, "sample": work.spec.sample}
        client = self._client(work.record)
        try:
            client.configure(server_settings(work.spec))
            status, answer = client.reload(body, work.spec.init_timeout + 30, work.cancel)
            if status == 200:
                client.scale(work.spec.autoscale.minimum, work.spec.autoscale.maximum)
                return
        except RuntimeGone as error:
            evidence = self.evidence(work.record, "launch")
            raise failed_deployment("launch", f"its server is gone: {error}", evidence) from None
        failure = answer.get("failure") or {}
        stage = stage_of(failure, str(failure.get("stage") or "init"))
        evidence = self.evidence(work.record, stage, failure=failure)
        raise failed_deployment(evidence.stage, answer.get("message", "the new version was refused"), evidence)

    def _await_init(self, work: Work) -> dict[str, Any]:
        wanted = work.spec.autoscale.minimum
        if work.previous and ServiceProcess.of(work.previous.details) == ServiceProcess.of(work.record.details):
            self._replace_workers(work)

        def tell(message: str, **facts: Any) -> None:
            work.emit(Stage.INIT, EventKind.PROGRESS, message, **facts)

        try:
            outcome = await_replicas(self._client(work.record), wanted, work.cancel, tell)
        except RuntimeGone:
            outcome = {"message": "the server process is gone"}
        work.cancel.check()
        if outcome is not None:
            evidence = self.evidence(work.record, "init", failure=outcome)
            raise failed_deployment("init", str(outcome.get("message", "init() failed")), evidence)
        limits = self.status(work.record).limits
        unsupported = [name for name, how in limits.items() if how == "unsupported"]
        if work.spec.resources.gpus:
            unsupported.append("GPU")  # its process sees those that there are
        note = f", no {' or '.join(unsupported)} limit on this system" if unsupported else ""
        return {"message": f"{wanted} replica{'s' * (wanted > 1)}{note}", "replicas": wanted, "ready": wanted}

    def _try_sample(self, work: Work) -> dict[str, Any]:
        sample = work.spec.sample
        if sample is None:
            return {"message": ""}
        answer = self._client(work.record).score(sample.encode(), {}, work.spec.scoring_timeout + 5, work.cancel)
        shown = answer.body.decode("utf-8", "replace")
        if answer.status != 200:
            failure = self.status(work.record).failure_behind(answer)
            evidence = self.evidence(work.record, "ready", http_status=answer.status, http_body=shown, failure=failure)
            raise failed_deployment("ready", unanswered(answer.status, failure), evidence)
        return {"message": f"sample → {shown[:60]}{'…' * (len(shown) > 60)}", "answer": shown[:2000]}

    def undo(self, work: Work) -> None:
        """See ``Driver``: end what was started; where a server was replaced, bring the old one back."""
        now = ServiceProcess.of(work.record.details)
        before = ServiceProcess.of(work.previous.details) if work.previous else None
        if now and now != before:
            now.stop(patience=2)
        if work.previous and before:
            if not before.is_running():
                self._restart_as(work.previous)
            else:
                self._go_back(work.previous)
        shutil.rmtree(self._app_folder(work.record), ignore_errors=True)

    def _secrets(self, spec: ServiceSpec) -> dict[str, str]:
        """What its server is given by its environment."""
        known = self._records.secrets(spec.name)
        keys = {"MLDEPLOY_SCORING_KEYS": scoring_keys(spec, known)} if spec.keys else {}
        return {"MLDEPLOY_ADMIN_TOKEN": known["admin_token"], **keys}

    def _go_back(self, previous: Record) -> None:
        """Make the running server use the previous version's workers, if it has moved on already."""
        config = json.loads(self._config_file(previous).read_text())
        client = self._client(previous)
        client.configure(server_settings(previous.spec))
        if client.status()["worker"].get("app_root") != config["worker"]["app_root"]:
            client.reload({"worker": config["worker"], "keep_init": False}, timeout=previous.spec.init_timeout + 30)

    def _restart_as(self, previous: Record) -> None:
        config = {**json.loads(self._config_file(previous).read_text()), "port": previous.details["port"]}
        log = Path(previous.details["log"])
        secrets = self._secrets(previous.spec)
        process, port = ServiceProcess.start(config, self._config_file(previous), log, secrets, Cancel())
        details = {"pid": process.pid, "create_time": process.create_time, "port": port}
        self._records.write(previous.with_(details={**previous.details, **details}))

    # -- a service that runs --------------------------------------------------------------------------------------

    def status(self, record: Record) -> Status:
        """See ``Driver``."""
        process = ServiceProcess.of(record.details)
        if process is None or not process.is_running():
            return self._status_without_process(record, process)
        try:
            told = self._client(record).status()
        except RuntimeGone as error:
            if record.state == "stopped":  # it is on its way
                return self._status_without_process(record, None)
            return Status(state="failed", message=f"Its process does not answer: {error}.")
        return status_from_runtime(told, f"http://{HOST}:{record.details['port']}/score")

    def _status_without_process(self, record: Record, process: ServiceProcess | None) -> Status:
        if record.state == "stopped":
            return Status(state="stopped", message="It was stopped.")
        if record.state == "deploying":
            if self._records.is_busy(record.name):
                return Status(state="deploying")
            return Status(state="failed", message="Its deployment was broken off; deploy it again.", advises=True)
        if record.state == "failed":
            return Status(state="failed", message=record.failure)
        log = read_log(self._records.folder(record.name) / "run.log", 2_000).strip().splitlines()
        ended = f" Its log ends with “{log[-1].strip()}”." if log else ""
        return Status(state="failed", message=f"Its process {process.pid if process else ''} is gone.{ended}")

    def watch(self, record: Record, cancel: Cancel) -> Iterator[Status]:
        """See ``Driver``."""
        # First the number of the newest event, then the first look: what happens between the two is told again, not missed.
        since = 0
        if record.details.get("port"):
            with suppress(RuntimeGone):
                since = self._client(record).status()["event"]
        status = self.status(record)
        yield status
        if not status.scoring_uri:
            return
        try:
            for _ in self._client(record).events(since, cancel):
                yield self.status(record)
        except RuntimeGone:
            pass  # it ended between two looks
        if not cancel.is_set:
            yield self.status(self._records.find(record.name) or record.with_(state="stopped"))

    def score(self, record: Record, body: bytes, headers: Mapping[str, str], timeout: float) -> Answer:
        """See ``Driver``."""
        if not record.details.get("port"):
            raise ScoringFailed(f"The service {record.name!r} is not running.", status=None, body="")
        return self._client(record).score(body, headers, timeout)

    def logs(self, record: Record, query: LogQuery, cancel: Cancel) -> Iterator[LogLine]:
        """See ``Driver``."""
        folder = self._records.folder(record.name)
        if query.build:
            path = self._records.home / "environments" / f"{record.spec.inference.environment.hash}.log"
        else:
            path = folder / ("run.previous.log" if query.previous else "run.log")
        names: dict[int, str] = {}

        def replica_of(pid: int) -> str:
            if pid not in names:
                names.update(self._replica_names(record))
            return names.setdefault(pid, "")

        process = ServiceProcess.of(record.details)
        return read_lines(path, query, cancel, replica_of, lambda: process is None or not process.is_running())

    def _replica_names(self, record: Record) -> dict[int, str]:
        try:
            replicas = self._client(record).status()["replicas"] if record.details.get("port") else []
        except RuntimeGone:
            return {}
        return {replica["pid"]: f"{record.name}/{replica['id']}" for replica in replicas}

    def reload(self, record: Record, script: Script, sample: str | None, cancel: Cancel) -> Receipt:
        """See ``Driver``."""
        return reload_runtime(
            lambda: self._client(record), record, script, sample, cancel=cancel, evidence=self.evidence
        )

    def scale(self, record: Record, wanted: ServiceSpec) -> None:
        """See ``Driver``."""
        autoscale = wanted.autoscale
        try:
            self._client(record).scale(autoscale.minimum, autoscale.maximum)
        except RuntimeGone as error:
            raise TargetUnavailable(f"The service {record.name!r} does not answer: {error}.") from None

    def stop(self, record: Record) -> None:
        """See ``Driver``."""
        process = ServiceProcess.of(record.details)
        if process:
            process.stop()

    def delete(self, record: Record) -> None:
        """See ``Driver``: the record's folder, which ``Records.remove`` takes, holds everything but a server it does not know.

        Such a one is left where a deploying process was killed before it could write down what it had started.
        """
        end_servers_of(self._records.folder(record.name))

    def evidence(self, record: Record, stage: str, **known: Any) -> Evidence:
        """See ``Driver``."""
        folder = self._records.folder(record.name)
        spec = record.spec
        facts = {"limit": show_memory(spec.resources.memory)} if spec.resources.memory else {}
        filled = {
            "log": read_log(folder / "run.log", EVIDENCE_LOG),
            "previous_log": read_log(folder / "run.previous.log", EVIDENCE_LOG) if stage == "launch" else "",
            "script": spec.inference.script.text,
            "script_name": spec.inference.script.origin,
            "requirements": spec.inference.environment.requirements,
            "memory_limit": spec.resources.memory,
            "oom_killed": (known.get("failure") or {}).get("oom") or None,
            "exit_code": (known.get("failure") or {}).get("exit_code"),
            "facts": facts,
        }
        return Evidence(stage=stage, target="local", service=record.name, **{**filled, **known})

    # -- where things are -----------------------------------------------------------------------------------------

    def _client(self, record: Record) -> RuntimeClient:
        token = self._records.secrets(record.name).get("admin_token", "")
        return RuntimeClient(HOST, int(record.details["port"]), token)

    def _app_folder(self, record: Record) -> Path:
        return self._records.folder(record.name) / f"app-{record.revision}"

    def _config_file(self, record: Record) -> Path:
        return self._records.folder(record.name) / f"serve-{record.revision}.json"
