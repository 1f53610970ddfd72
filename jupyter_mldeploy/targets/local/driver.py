"""Deploy to a process of this machine.

An update keeps the port and, as a rule, the server: it is given workers of another make and moves over only when their
``init()`` has returned, so the old version serves until then and goes on serving if the new one fails.
"""

from __future__ import annotations

import secrets as random_secrets
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from jupyter_mldeploy.config import settings
from jupyter_mldeploy.environments import prepare
from jupyter_mldeploy.errors import ReloadRefused, ScoringFailed, TargetUnavailable
from jupyter_mldeploy.events import Cancel, EventKind, Stage
from jupyter_mldeploy.evidence import Evidence, read_log
from jupyter_mldeploy.records import Record, Records
from jupyter_mldeploy.spec import Autoscale, Script, ServiceSpec, TargetKind, show_memory
from jupyter_mldeploy.targets.app_folder import entry_script, fill_app_folder, model_directory
from jupyter_mldeploy.targets.base import Answer, LogLine, LogQuery, Receipt, Status, Work
from jupyter_mldeploy.targets.control import RuntimeClient, RuntimeGone, status_from_runtime
from jupyter_mldeploy.targets.local.process import ServiceProcess, StartFailed
from jupyter_mldeploy.targets.local.waiting import await_replicas
from jupyter_mldeploy.targets.log_file import read_lines
from jupyter_mldeploy.targets.reports import failed_deployment, refused_reload

__all__ = ["LocalDriver"]

HOST = "127.0.0.1"
EVIDENCE_LOG = 200_000


class LocalDriver:
    """The ``local`` target. Holds no state but where the records are."""

    kind: ClassVar[TargetKind] = TargetKind.LOCAL
    stages: ClassVar[tuple[Stage, ...]] = (Stage.BUILD, Stage.LAUNCH, Stage.INIT, Stage.READY)

    def __init__(self, records: Records) -> None:
        self._records = records

    # -- deploying -----------------------------------------------------------------------------------------------

    def check(self, spec: ServiceSpec) -> None:
        """Refuse what one machine's processes cannot do."""
        if sys.platform == "win32":
            raise TargetUnavailable("The local target needs Linux or macOS.", "Use WSL, or --target container.")
        if spec.image is not None:
            raise TargetUnavailable("The local target runs no images.", "Use --target container with --from-image.")

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
        python = prepare(
            environment, self._records.home, log=lambda line: work.log(Stage.BUILD, line), cancel=work.cancel
        )
        work.record = work.record.with_(details={**work.record.details, "python": str(python)})
        return {"message": f"environment {environment.name}", "cached": environment.current}

    def _launch(self, work: Work) -> dict[str, Any]:
        app = self._app_folder(work.record)
        shutil.rmtree(app, ignore_errors=True)  # of an operation that was killed
        fill_app_folder(app, work.spec.inference, work.spec.models, work.models)
        config = self._server_config(work)
        process = ServiceProcess.of(work.previous.details) if work.previous else None
        if process and process.is_running():
            if work.previous and self._server_settings(work.previous.spec) == self._server_settings(work.spec):
                return self._replace_workers(work, config)
            process.stop()
        return self._start(work, config)

    def _start(self, work: Work, config: dict[str, Any]) -> dict[str, Any]:
        folder = self._records.folder(work.spec.name)
        log = folder / "run.log"
        if log.exists():
            log.replace(folder / "run.previous.log")
        token = random_secrets.token_urlsafe(24)
        self._records.write_secrets(work.spec.name, {"admin_token": token})
        try:
            process, port = ServiceProcess.start(
                config, folder / f"serve-{work.record.revision}.json", log, {"MLDEPLOY_ADMIN_TOKEN": token}, work.cancel
            )
        except StartFailed as error:
            work.cancel.check()
            raise failed_deployment(
                "launch", str(error), self.evidence(work.record, "launch", exit_code=error.exit_code)
            ) from None
        details = {"pid": process.pid, "create_time": process.create_time, "port": port, "log": str(log)}
        work.record = self._records.write(work.record.with_(details={**work.record.details, **details}))
        return {"message": f"port {port}", "port": port, "pid": process.pid}

    def _replace_workers(self, work: Work, config: dict[str, Any]) -> dict[str, Any]:
        """Give the running server workers of another make; the old ones serve until these are ready."""
        assert work.previous is not None
        inherited = ("pid", "create_time", "port", "log")
        details = {key: work.previous.details[key] for key in inherited}
        work.record = work.record.with_(details={**work.record.details, **details})
        client = self._client(work.record)
        body: dict[str, Any] = {"worker": config["worker"], "keep_init": False}
        if work.spec.sample is not None:
            body["sample"] = work.spec.sample
        status, answer = client.reload(body, work.spec.init_timeout + 30, work.cancel)
        if status != 200:
            evidence = self.evidence(work.record, "init", failure=answer.get("failure") or {})
            raise failed_deployment("init", answer.get("message", "the new version was refused"), evidence)
        client.scale(work.spec.autoscale.minimum, work.spec.autoscale.maximum)
        return {"message": f"port {details['port']} kept", "port": details["port"], "pid": details["pid"]}

    def _await_init(self, work: Work) -> dict[str, Any]:
        wanted = work.spec.autoscale.minimum

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
        note = f", no {' or '.join(unsupported)} limit on this system" if unsupported else ""
        return {"message": f"{wanted} replica{'s' * (wanted > 1)}{note}", "replicas": wanted, "ready": wanted}

    def _try_sample(self, work: Work) -> dict[str, Any]:
        sample = work.spec.sample
        if sample is None:
            return {"message": ""}
        answer = self.score(work.record, sample.encode(), {}, work.spec.scoring_timeout + 5)
        shown = answer.body.decode("utf-8", "replace")
        if answer.status != 200:
            failure = self.status(work.record).failure
            evidence = self.evidence(work.record, "ready", http_status=answer.status, http_body=shown, failure=failure)
            raise failed_deployment("ready", f"run() did not answer the sample: HTTP {answer.status}", evidence)
        return {"message": f"sample → {shown[:60]}{'…' * (len(shown) > 60)}", "answer": shown[:2000]}

    def undo(self, work: Work) -> None:
        """See ``Driver``: end what was started; where an old version was replaced, bring it back."""
        now, before = ServiceProcess.of(work.record.details), None
        if work.previous:
            before = ServiceProcess.of(work.previous.details)
        if now and now != before:
            now.stop(patience=2)
        if work.previous and before and work.previous.state == "running":
            if before == now and before.is_running() and work.record.revision != work.previous.revision:
                self._go_back(work.previous)
            elif not before.is_running():
                self._restart_as(work.previous)
        shutil.rmtree(self._app_folder(work.record), ignore_errors=True)

    def _go_back(self, previous: Record) -> None:
        """Make the running server use the previous version's workers, if it has moved on already."""
        import json

        config = json.loads(self._config_file(previous).read_text())
        client = self._client(previous)
        if client.status()["worker"].get("app_root") != config["worker"]["app_root"]:
            client.reload({"worker": config["worker"], "keep_init": False}, timeout=previous.spec.init_timeout + 30)

    def _restart_as(self, previous: Record) -> None:
        import json

        config = {**json.loads(self._config_file(previous).read_text()), "port": previous.details["port"]}
        log = Path(previous.details["log"])
        token = self._records.secrets(previous.name)
        process, port = ServiceProcess.start(
            config, self._config_file(previous), log, {"MLDEPLOY_ADMIN_TOKEN": token["admin_token"]}, Cancel()
        )
        details = {"pid": process.pid, "create_time": process.create_time, "port": port}
        self._records.write(previous.with_(details={**previous.details, **details}))

    # -- a service that runs --------------------------------------------------------------------------------------

    def status(self, record: Record) -> Status:
        """See ``Driver``."""
        process = ServiceProcess.of(record.details)
        if record.state == "stopped":
            return Status(state="stopped", message="It was stopped.")
        if process is None or not process.is_running():
            return self._status_without_process(record, process)
        try:
            told = self._client(record).status()
        except RuntimeGone as error:
            return Status(state="failed", message=f"Its process does not answer: {error}.")
        return status_from_runtime(told, f"http://{HOST}:{record.details['port']}/score")

    def _status_without_process(self, record: Record, process: ServiceProcess | None) -> Status:
        if record.state == "deploying":
            if self._records.is_busy(record.name):
                return Status(state="deploying")
            return Status(state="failed", message="Its deployment was broken off; deploy it again.")
        if record.state == "failed":
            return Status(state="failed", message=record.failure)
        log = read_log(self._records.folder(record.name) / "run.log", 2_000).strip().splitlines()
        ended = f" Its log ends with: {log[-1]}" if log else ""
        return Status(state="failed", message=f"Its process {process.pid if process else ''} is gone.{ended}")

    def watch(self, record: Record, cancel: Cancel) -> Iterator[Status]:
        """See ``Driver``."""
        status = self.status(record)
        yield status
        if not status.scoring_uri:
            return
        client = self._client(record)
        try:
            since = client.status()["event"]
            for _ in client.events(since, cancel):
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

    def reload(self, record: Record, script: Script, sample: str | None) -> Receipt:
        """See ``Driver``."""
        import time

        began = time.monotonic()
        body = {"script": script.text} if sample is None else {"script": script.text, "sample": sample}
        try:
            status, answer = self._client(record).reload(body, timeout=record.spec.init_timeout + 30)
        except RuntimeGone as error:
            evidence = self.evidence(record, "reload")
            raise ReloadRefused(
                f"The service {record.name!r} does not answer: {error}.", stage="reload", evidence=evidence
            ) from None
        if status != 200:
            evidence = self.evidence(record, "reload", failure=answer.get("failure") or {}, script=script.text)
            raise refused_reload(record.name, script, answer.get("message", f"HTTP {status}"), evidence)
        return Receipt(
            mode=answer["mode"],
            script=answer["script"],
            replicas=tuple(f"{record.name}/{replica['id']}" for replica in answer["replicas"]),
            seconds=time.monotonic() - began,
        )

    def scale(self, record: Record, autoscale: Autoscale) -> None:
        """See ``Driver``."""
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
        """See ``Driver``: the record's folder, which ``Records.remove`` takes, holds everything."""

    def evidence(self, record: Record, stage: str, **known: Any) -> Evidence:
        """See ``Driver``."""
        folder = self._records.folder(record.name)
        spec = record.spec
        facts = {"python": str(record.details.get("python", sys.executable))}
        if spec.resources.memory:
            facts["limit"] = show_memory(spec.resources.memory)
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

    def _server_settings(self, spec: ServiceSpec) -> dict[str, Any]:
        """What the server itself is started with; a change of it needs another server."""
        return {
            "port": spec.port,
            "scoring_timeout_ms": round(spec.scoring_timeout * 1000),
            "max_request_wait_ms": round(spec.max_request_wait * 1000),
            "init_timeout_s": spec.init_timeout,
            "target_utilization": spec.autoscale.target_utilization,
        }

    def _server_config(self, work: Work) -> dict[str, Any]:
        spec = work.spec
        port = spec.port or (work.previous.details.get("port") if work.previous else None) or 0
        environment = {"MLDEPLOY_SERVICE": spec.name}
        if settings().ca_bundle:
            environment |= {"SSL_CERT_FILE": settings().ca_bundle, "REQUESTS_CA_BUNDLE": settings().ca_bundle}
        return {
            **self._server_settings(spec),
            "service": spec.name,
            "host": HOST,
            "port": port,
            "min_replicas": spec.autoscale.minimum,
            "max_replicas": spec.autoscale.maximum,
            "worker": {
                "python": work.record.details["python"],
                "app_root": str(self._app_folder(work.record)),
                "entry_script": entry_script(spec.inference),
                "source_directory": "." if spec.inference.source_directory else None,
                "model_dir": model_directory(spec.models),
                "env": environment,
                "memory_bytes": spec.resources.memory,
                "cpus": spec.resources.cpu,
            },
        }
