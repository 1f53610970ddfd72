"""One deployment on a cluster, from its Lease to the answer of the sample; and how it is taken back."""

from __future__ import annotations

import secrets as random_secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from jupyter_mldeploy.config import settings
from jupyter_mldeploy.errors import MLDeployError
from jupyter_mldeploy.events import Cancel, EventKind, Stage
from jupyter_mldeploy.spec import VALUES, values_of
from jupyter_mldeploy.targets.base import Work
from jupyter_mldeploy.targets.kubernetes import applying, imaging, verdicts
from jupyter_mldeploy.targets.kubernetes.attaching import details_of, remember_place
from jupyter_mldeploy.targets.kubernetes.client import PATIENCE, Cluster
from jupyter_mldeploy.targets.kubernetes.delivery import way_for
from jupyter_mldeploy.targets.kubernetes.history import last_revision, releases_of
from jupyter_mldeploy.targets.kubernetes.lease import OperationLease
from jupyter_mldeploy.targets.kubernetes.manifests import check_size
from jupyter_mldeploy.targets.kubernetes.manifests.pods import ADMIN_TOKEN, SCORING_KEYS
from jupyter_mldeploy.targets.kubernetes.outside import choose_class
from jupyter_mldeploy.targets.kubernetes.release import Release
from jupyter_mldeploy.targets.kubernetes.rollout import Hopeless, Rollout
from jupyter_mldeploy.targets.kubernetes.verdicts import Verdict

__all__ = ["Deploying"]

SCHEDULE_SECONDS = 300.0
"""The documents give up after five minutes without a node, and so do we."""
LAUNCH_SECONDS = 900.0
GO_BACK_SECONDS = 60.0


class Deploying:
    """One deployment. Made by the first stage, asked by the others, in one driver.

    Args:
        work: The pipeline's.
        home: Folder of the package's data.
    """

    def __init__(self, work: Work, home: Path) -> None:
        self.work = work
        self._home = home
        self.cluster = Cluster(work.spec.target, work.cancel, PATIENCE)
        self._way = way_for(
            self.cluster.context, settings().registry, work.again.image if work.again else work.spec.image
        )
        self._lease = OperationLease(self.cluster, work.spec.name, "deployment")
        self._lease.acquire()
        try:
            self._before = applying.find_live(self.cluster, work.spec.name)
        except BaseException:
            self._lease.release()
            raise
        self._replicas_before = self._before.replicas if self._before else 0
        self._image = ""
        self._release: Release | None = None
        self._applied = False
        self._rollout: Rollout | None = None
        self.keys: dict[str, str] = {}

    # -- stages ----------------------------------------------------------------------------------------------------

    def build(self) -> dict[str, Any]:
        """The image, here."""
        self._image, told = imaging.build(self.work, self._way, self._home)
        return told

    def push(self) -> dict[str, Any]:
        """The image, where the nodes find it."""
        self._image, told = imaging.deliver(self.work, self._way, self._image)
        return told

    def schedule(self) -> dict[str, Any]:
        """Apply everything, and wait until nodes have taken the first pods."""
        spec = self.work.spec
        last = max(self._before.revision if self._before else 0, last_revision(self.cluster, spec.name))
        self._release = Release(
            spec=spec,
            image=self._image,
            revision=max(last + 1, self.work.record.revision),
            source=str(self.work.record.details.get("source", "")),
            birth=self._birth(),
            ingress_class=choose_class(self.cluster) if spec.placement.ingress else "",
            keda=spec.autoscale.minimum != spec.autoscale.maximum and applying.has_keda(self.cluster),
        )
        check_size(self._release)
        applying.check_names(self.cluster, self._release)
        self.keys = self._keys()
        source = str(self.work.record.details.get("source", ""))
        details = details_of(self.cluster, self._image, self._release.revision, source)
        remember_place(self.work.records, spec.name, self.cluster)
        record = self.work.record.with_(details={**self.work.record.details, **details})
        self.work.record = record
        if self._before is None:  # whoever must find a deployment that was broken off looks here
            self.work.records.write(record)
        known = {"admin_token": self.keys[ADMIN_TOKEN], "scoring_keys": self.keys.get(SCORING_KEYS, "")}
        told = {name: value for name, value in known.items() if value}
        self.work.records.write_secrets(spec.name, told | values_kept(self.keys))
        self._applied = True
        deployment = applying.apply_release(
            self.cluster, self._release, self.keys, self._first_replicas(), self._before
        )
        self._rollout = Rollout(
            self.cluster, spec.name, self._release.revision, self.keys[ADMIN_TOKEN], tell=self._tell, log=self._log
        )
        self._rollout.generation = int(deployment["metadata"]["generation"])
        at_once = 1 if self._before and self._replicas_before else self._first_replicas()
        rollout = self._rollout
        rollout.stage = Stage.SCHEDULE
        rollout.until(
            lambda: rollout.has(verdicts.is_scheduled, at_once),
            SCHEDULE_SECONDS,
            lambda: self._late("schedule", "Unschedulable", "no node took the pods within five minutes"),
        )
        nodes = sorted({str(pod["spec"].get("nodeName", "")) for pod in rollout.pods})
        return {"message": f"on {', '.join(nodes)}", "nodes": nodes, "replicas": rollout.wanted}

    def launch(self) -> dict[str, Any]:
        """Wait until the image is there and the first containers run."""
        rollout = self._following(Stage.LAUNCH)
        rollout.until(
            lambda: rollout.has(verdicts.is_started, 1),
            LAUNCH_SECONDS,
            lambda: self._late("launch", "ContainerCreating", "the containers did not start within fifteen minutes"),
        )
        return {"message": f"revision {rollout.revision}", "replicas": rollout.wanted, "ready": rollout.ready}

    def init(self) -> dict[str, Any]:
        """Wait until ``init()`` has returned in every replica and nothing of the old release is left."""
        rollout = self._following(Stage.INIT)
        limit = self.work.spec.init_timeout
        rollout.until(
            lambda: rollout.complete,
            limit + 90,
            lambda: self._late("init", "InitTimeout", f"init() did not return within {limit:g} s"),
        )
        count = rollout.wanted
        return {"message": f"{count} replica{'s' * (count != 1)}", "replicas": count, "ready": rollout.ready}

    def finish(self) -> None:
        """Everything has come well: what no release needs any more is removed, and the Lease given back."""
        self.close()
        with suppress(MLDeployError):
            applying.prune(self.cluster, self.work.spec.name)
        self._lease.release()

    # -- taking back -----------------------------------------------------------------------------------------------

    def undo(self) -> None:
        """A first deployment leaves nothing; after another, the old release runs as it did."""
        self.close()
        calm = Cluster(self.cluster.target, Cancel(), PATIENCE)  # what was interrupted is taken back all the same
        try:
            if self._applied:
                self._take_back(calm)
        finally:
            self._lease.release()

    def _take_back(self, calm: Cluster) -> None:
        name = self.work.spec.name
        assert self._release is not None
        if self._before is None or self._before.release is None:
            if self._before is None:
                applying.remove_all(calm, name, grace=1, seconds=20)
            return
        before = self._before.release
        deployment = applying.apply_release(calm, before, self.keys, self._replicas_before, self._before, config=False)
        calm.delete("ConfigMap", self._release.config_name)
        if self._replicas_before == 0:
            applying.await_no_pods(calm, name, 20)
            return
        back = Rollout(calm, name, before.revision, self.keys[ADMIN_TOKEN], tell=_unheard, log=_unheard)
        back.generation = int(deployment["metadata"]["generation"])
        late = self._late("ready", "RollbackSlow", "")
        with suppress(
            Hopeless, MLDeployError
        ):  # the old release may have been ill before; what failed is told, not this
            back.until(lambda: back.complete, GO_BACK_SECONDS, lambda: late)
        back.close()

    def close(self) -> None:
        """Stop watching."""
        if self._rollout is not None:
            self._rollout.close()

    # -- helpers ---------------------------------------------------------------------------------------------------

    @property
    def pods(self) -> list[Mapping[str, Any]]:
        """The new release's pods as they were last seen."""
        return self._rollout.pods if self._rollout else []

    def _keys(self) -> dict[str, str]:
        """The Secret's content: the cluster's, and what this home folder has: values of variables, scoring keys (or none)."""
        spec = self.work.spec
        keys = applying.read_keys(self.cluster, self._before.release if self._before else None) or applying.new_keys()
        known = self.work.records.secrets(spec.name)
        keys |= values_kept(known)
        values_of(spec.env, keys)  # each is there
        kept = [release.spec for release, _ in releases_of(self.cluster, spec.name)]
        needed = {name for one in (spec, *kept) for name in one.secret_names}
        keys = {key: value for key, value in keys.items() if not key.startswith(VALUES) or key in needed}
        return {**keys, SCORING_KEYS: known["scoring_keys"]} if "scoring_keys" in known else keys

    def _birth(self) -> str:
        """As it was born; a service that is new, or that nobody can read any more, is born now."""
        before = self._before.release if self._before else None
        return before.birth if before else random_secrets.token_hex(3)

    def _first_replicas(self) -> int:
        """A number where one is wanted; else as many as run, within the bounds."""
        assert self._release is not None
        low, high = self.work.spec.autoscale.minimum, self._release.most
        return low if self._release.fixed else min(high, max(low, self._replicas_before))

    def _following(self, stage: Stage) -> Rollout:
        assert self._rollout is not None
        self._rollout.stage = stage
        return self._rollout

    def _late(self, stage: str, reason: str, message: str) -> Verdict:
        pods = [pod for pod in self.pods if not verdicts.is_ready(pod)]
        said = next((text for pod in pods if (text := verdicts.unschedulable(pod))), "")
        name = str(pods[0]["metadata"]["name"]) if pods else ""
        return Verdict(stage=stage, reason=reason, message=f"{message}: {said}" if said else message, pod=name)

    def _tell(self, message: str, **facts: Any) -> None:
        assert self._rollout is not None
        self.work.emit(self._rollout.stage, EventKind.PROGRESS, message, **facts)

    def _log(self, line: str) -> None:
        assert self._rollout is not None
        self.work.log(self._rollout.stage, line)


def values_kept(secrets: Mapping[str, str]) -> dict[str, str]:
    """Those of the secrets that are keys and values of variables."""
    return {key: value for key, value in secrets.items() if key.startswith(VALUES)}


def _unheard(*_: object, **__: object) -> None:
    """Nobody listens."""
