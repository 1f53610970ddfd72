"""Deploy to a Kubernetes cluster: one Deployment a service, one pod a replica; scheduling, healing and scaling are its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, ClassVar

from jupyter_mldeploy.config import settings
from jupyter_mldeploy.errors import DeploymentFailed, MLDeployError, ScoringFailed, TargetUnavailable
from jupyter_mldeploy.events import Cancel, Stage
from jupyter_mldeploy.evidence import Evidence
from jupyter_mldeploy.records import Record, Records
from jupyter_mldeploy.spec import Script, ServiceSpec, TargetKind
from jupyter_mldeploy.targets.base import Answer, LogLine, LogQuery, Receipt, Status, Work
from jupyter_mldeploy.targets.build_logs import build_log
from jupyter_mldeploy.targets.kubernetes import applying, evidencing, logs, looking, operating, reloading
from jupyter_mldeploy.targets.kubernetes.attaching import catch_up
from jupyter_mldeploy.targets.kubernetes.client import PATIENCE, Cluster
from jupyter_mldeploy.targets.kubernetes.delivery import way_for
from jupyter_mldeploy.targets.kubernetes.deploying import Deploying
from jupyter_mldeploy.targets.kubernetes.faults import Refused, Unreachable
from jupyter_mldeploy.targets.kubernetes.lease import OperationLease
from jupyter_mldeploy.targets.kubernetes.manifests import check_size, kinds_needed
from jupyter_mldeploy.targets.kubernetes.manifests.pods import ADMIN_TOKEN
from jupyter_mldeploy.targets.kubernetes.release import Release
from jupyter_mldeploy.targets.kubernetes.rights import check_namespace, check_pull_secrets, check_rights
from jupyter_mldeploy.targets.kubernetes.rollout import Hopeless
from jupyter_mldeploy.targets.kubernetes.runtime_proxy import Question, score_service
from jupyter_mldeploy.targets.log_file import read_lines
from jupyter_mldeploy.targets.reports import failed_deployment, refused_reload, unanswered

__all__ = ["KubernetesDriver"]


class KubernetesDriver:
    """The ``kubernetes`` target. Holds the one deployment that runs through it, and nothing else."""

    kind: ClassVar[TargetKind] = TargetKind.KUBERNETES
    ready_waits: ClassVar[bool] = True
    stages: ClassVar[tuple[Stage, ...]] = (
        Stage.BUILD,
        Stage.PUSH,
        Stage.SCHEDULE,
        Stage.LAUNCH,
        Stage.INIT,
        Stage.READY,
    )

    def __init__(self, records: Records) -> None:
        self._records = records
        self._deploying: Deploying | None = None

    # -- deploying -----------------------------------------------------------------------------------------------

    def check(self, spec: ServiceSpec, *, launches: bool = True) -> None:  # noqa: ARG002 - it is the same
        """Refuse what this cluster, this namespace or this user's rights cannot do, before anything is made."""
        if spec.port is not None:
            raise TargetUnavailable(
                "On Kubernetes a service has no port of this machine.",
                "Leave --port out; `%service_run` and `mldeploy run` reach it through the API server.",
            )
        cluster = Cluster(spec.target)
        way_for(cluster.context, settings().registry, spec.image)
        check_namespace(cluster)
        release = Release(spec=spec, image="image", keda=applying.has_keda(cluster))
        check_size(release)
        check_rights(cluster, kinds_needed(release))
        check_pull_secrets(cluster, spec.placement.pull_secrets)

    def current(self, record: Record) -> Record:
        """See ``Driver``."""
        return catch_up(self._records, record)

    def run_stage(self, stage: Stage, work: Work) -> dict[str, Any]:
        """See ``Driver``."""
        try:
            if stage is Stage.READY:
                return self._ready(work)
            if self._deploying is None:
                self._deploying = Deploying(work, self._records.home)
            match stage:
                case Stage.BUILD:
                    return self._deploying.build()
                case Stage.PUSH:
                    return self._deploying.push()
                case Stage.SCHEDULE:
                    return self._deploying.schedule()
                case Stage.LAUNCH:
                    return self._deploying.launch()
                case Stage.INIT:
                    return self._deploying.init()
        except Hopeless as error:
            raise self._failed(work, error) from None
        except Refused as error:
            known = {"http_status": error.status, "http_body": error.body, "http_server": "api-server"}
            raise self._keep(
                failed_deployment(str(stage), error.summary, self._evidence(work, stage, known))
            ) from error
        except Unreachable as error:
            raise self._keep(failed_deployment(str(stage), error.summary, self._evidence(work, stage, {}))) from error
        raise AssertionError(f"the kubernetes target has no stage {stage}")

    def _ready(self, work: Work) -> dict[str, Any]:
        if self._deploying is None:  # nothing was deployed: the number of replicas may have changed
            operating.await_replicas(self._cluster(work.record, work.cancel, PATIENCE), work)
        told = self._try_sample(work)
        way_in = looking.way_in(self._cluster(work.record, work.cancel, PATIENCE), work.spec.name)
        told["message"] = "; ".join(part for part in (told["message"], way_in) if part)
        if self._deploying is not None:
            self._deploying.finish()
            self._deploying = None
            folder = self._records.folder(work.spec.name)
            (folder / evidencing.FAILURE_FILE).unlink(missing_ok=True)
            with suppress(FileNotFoundError):
                (folder / evidencing.LOG_FILE).replace(folder / evidencing.PREVIOUS_FILE)
        return told

    def _try_sample(self, work: Work) -> dict[str, Any]:
        sample = work.spec.sample
        if sample is None:
            return {"message": ""}
        cluster = self._cluster(work.record, work.cancel, PATIENCE)
        asked = Question(body=sample.encode(), timeout=work.spec.scoring_timeout + 5, cancel=work.cancel)
        answer = score_service(cluster, work.spec.name, self._token(cluster, work.record), asked)
        shown = answer.body.decode("utf-8", "replace")
        if answer.status != 200:
            failure = self.status(work.record).failure_behind(answer)
            known = {"http_status": answer.status, "http_body": shown, "failure": failure}
            raise self._keep(
                failed_deployment(
                    "ready",
                    unanswered(answer.status, failure),
                    self._evidence(work, Stage.READY, known),
                )
            )
        return {"message": f"sample → {shown[:60]}{'…' * (len(shown) > 60)}", "answer": shown[:2000]}

    def undo(self, work: Work) -> None:
        """See ``Driver``."""
        del work  # the deployment that runs through this driver is known
        if self._deploying is not None:
            deploying, self._deploying = self._deploying, None
            deploying.undo()

    def _failed(self, work: Work, error: Hopeless) -> DeploymentFailed:
        verdict = error.verdict
        known = {
            "pod": verdict.pod,
            "k8s_reason": verdict.reason,
            "exit_code": verdict.exit_code,
            "oom_killed": verdict.oom_killed,
            "failure": error.failure,
        }
        evidence = self._evidence(work, verdict.stage, known)
        events = tuple(dict.fromkeys((*error.events, *evidence.k8s_events, verdict.message)))
        return self._keep(failed_deployment(verdict.stage, verdict.message, replace(evidence, k8s_events=events)))

    def _evidence(self, work: Work, stage: str, known: Mapping[str, Any]) -> Evidence:
        return self.evidence(work.record, str(stage), **known)

    def _keep(self, error: DeploymentFailed) -> DeploymentFailed:
        """Pods and their logs are taken away with a first deployment that failed; what they showed is not."""
        with suppress(MLDeployError):
            evidencing.keep(error.evidence, self._records.folder(error.evidence.service))
        return error

    # -- a service that runs --------------------------------------------------------------------------------------

    def status(self, record: Record) -> Status:
        """See ``Driver``."""
        try:
            found = looking.status_of(self._cluster(record), record.name)
        except MLDeployError as error:
            return Status(state="unknown", message=str(error))
        if found is None:
            return self._without_objects(record)
        if found.state == "stopped" != record.state:
            return replace(found, message="Its Deployment wants no replica: somebody scaled it to 0.")
        return found

    def _without_objects(self, record: Record) -> Status:
        if record.state == "stopped":
            return Status(state="stopped", message="It was stopped.")
        if record.state == "deploying":
            if self._records.is_busy(record.name):
                return Status(state="deploying")
            return Status(state="failed", message="Its deployment was broken off; deploy it again.", advises=True)
        failed = record.state == "failed"
        failure = (evidencing.kept(self._records.folder(record.name)).get("failure") or {}) if failed else {}
        gone = f"Its Deployment in namespace {record.place.namespace or 'default'!r} is gone."
        return Status(state="failed", message=record.failure or gone, failure=failure)

    def watch(self, record: Record, cancel: Cancel) -> Iterator[Status]:
        """See ``Driver``."""
        for status in looking.watch_status(self._cluster(record, cancel), record.name, cancel):
            if status is not None:
                yield status
        if not cancel.is_set:
            yield self._without_objects(self._records.find(record.name) or record.with_(state="stopped"))

    def score(self, record: Record, body: bytes, headers: Mapping[str, str], timeout: float) -> Answer:
        """See ``Driver``."""
        try:
            cluster = self._cluster(record)
            token = self._token(cluster, record)
        except (TargetUnavailable, TimeoutError) as error:
            raise ScoringFailed(
                f"The service {record.name!r} cannot be reached: {error}", status=None, body=""
            ) from error
        return score_service(cluster, record.name, token, Question(body=body, headers=headers, timeout=timeout))

    def logs(self, record: Record, query: LogQuery, cancel: Cancel) -> Iterator[LogLine]:
        """See ``Driver``."""
        if query.build:
            yield from build_log(self._records, record, query)
            return
        cluster, told = self._cluster(record, cancel), False
        if looking.has_pods(cluster, record.name):
            for line in logs.read_logs(cluster, record.name, query):
                told = True
                yield line
            if told or not query.previous:
                return
        # What there is not in the cluster any more: of a life that a stop or a failure ended.
        name = evidencing.PREVIOUS_FILE if query.previous else evidencing.LOG_FILE
        path = self._records.folder(record.name) / name
        yield from read_lines(path, replace(query, follow=False), cancel, lambda _: "", lambda: True)

    def reload(self, record: Record, script: Script, sample: str | None, cancel: Cancel) -> Receipt:
        """See ``Driver``."""
        cluster = self._cluster(record, cancel, PATIENCE)
        with OperationLease(cluster, record.name, "reload").held():
            try:
                return reloading.reload_service(cluster, record.name, script, sample, record.spec.init_timeout)
            except reloading.Refusal as error:
                known = {"pod": error.pod, "failure": error.failure, "script": script.text}
                evidence = self.evidence(record, "reload", **known)
                which = f"{error.pod}: " if error.pod else ""
                raise refused_reload(record.name, script, f"{which}{error.message}", evidence) from None

    def scale(self, record: Record, wanted: ServiceSpec) -> None:
        """See ``Driver``."""
        cluster = self._cluster(record, patience=PATIENCE)
        with OperationLease(cluster, record.name, "scaling").held():
            operating.scale(cluster, wanted)

    def stop(self, record: Record) -> None:
        """See ``Driver``."""
        cluster = self._cluster(record, patience=PATIENCE)
        with _ended_by_its_namespace(), OperationLease(cluster, record.name, "stop").held():
            evidencing.keep_logs(cluster, record.name, self._records.folder(record.name))
            operating.stop(cluster, record.name)

    def delete(self, record: Record) -> None:
        """See ``Driver``."""
        cluster = self._cluster(record, patience=PATIENCE)
        with _ended_by_its_namespace(), OperationLease(cluster, record.name, "deletion").held():
            applying.remove_all(cluster, record.name, grace=None, seconds=60)

    def evidence(self, record: Record, stage: str, **known: Any) -> Evidence:
        """See ``Driver``."""
        cluster: Cluster | None = None
        with suppress(MLDeployError):
            cluster = self._cluster(record)
        return evidencing.evidence_of(cluster, record, stage, self._records.folder(record.name), **known)

    # -- where things are -----------------------------------------------------------------------------------------

    def _cluster(self, record: Record, cancel: Cancel | None = None, patience: float = 0.0) -> Cluster:
        return Cluster(record.place, cancel, patience)

    def _token(self, cluster: Cluster, record: Record) -> str:
        deployment = cluster.find("Deployment", record.name)
        release = Release.from_objects(deployment) if deployment else None
        return applying.read_keys(cluster, release).get(ADMIN_TOKEN, "")


@contextmanager
def _ended_by_its_namespace() -> Iterator[None]:
    """A namespace that is gone, or on its way, has ended its services already: there is nothing left to refuse."""
    try:
        yield
    except Refused as error:
        if not error.namespace_ends:
            raise
