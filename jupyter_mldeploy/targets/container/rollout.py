"""The stages of a deployment to a container: what ``ContainerDriver.run_stage`` does, and how it is taken back."""

from __future__ import annotations

import re
import secrets as random_secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from jupyter_mldeploy.config import settings
from jupyter_mldeploy.errors import DeploymentFailed, PortInUse
from jupyter_mldeploy.events import EventKind, Stage
from jupyter_mldeploy.evidence import Evidence
from jupyter_mldeploy.images.engine import Engine
from jupyter_mldeploy.images.inputs import service_file
from jupyter_mldeploy.images.plan import LABEL
from jupyter_mldeploy.images.surroundings import look_around
from jupyter_mldeploy.records import Records
from jupyter_mldeploy.spec import Script, scoring_keys, values_of
from jupyter_mldeploy.targets.base import Work
from jupyter_mldeploy.targets.container.handover import (
    STAGING,
    ensure_staging,
    reachable_at,
    remove_container,
    remove_loose_volumes,
)
from jupyter_mldeploy.targets.container.identity import REVISION, container_name, find_containers, labels_of
from jupyter_mldeploy.targets.container.imaging import build, push
from jupyter_mldeploy.targets.container.logs import await_line, save_log
from jupyter_mldeploy.targets.container.making import (
    Wanted,
    free_port,
    make_container,
    put_files,
    read_file,
    replacing_name,
    start_container,
)
from jupyter_mldeploy.targets.container.state import inspect, ran_out_of_memory, settle
from jupyter_mldeploy.targets.control import RuntimeClient, RuntimeGone
from jupyter_mldeploy.targets.local.waiting import await_replicas
from jupyter_mldeploy.targets.reports import failed_deployment

__all__ = ["RECORD_FILE", "Rollout"]

RECORD_FILE = ".mldeploy/record.json"

ANNOUNCEMENT = b'"port": 5001}'
"""What an image's command prints as soon as its port listens."""
PORT_TRIES = 3
CONNECT_TRIES = 4
_NETWORK = re.compile(
    r"name resolution|name or service not known|network is unreachable|no route to host|max retries exceeded|urlopen error"
    r"|getaddrinfo|connection ?error|connecttimeout|couldn't connect to|failed to connect|timed out",
    re.IGNORECASE,
)

EvidenceOf = Callable[..., Evidence]


@dataclass
class Rollout:
    """One deployment's way through the stages.

    Attributes:
        engine: Where.
        records: The home folder.
        work: What is wanted, and what there is.
        evidence: How a failure's evidence is collected.
    """

    engine: Engine
    records: Records
    work: Work
    evidence: EvidenceOf

    # -- build and push ------------------------------------------------------------------------------------------

    def build(self) -> dict[str, Any]:
        """Build the image, or take the one that was named."""
        learned, told = build(self.engine, self.records, self.work)
        self._learn(**learned)
        return told

    def push(self) -> dict[str, Any]:
        """Push the image, if a registry is set."""
        learned, told = push(self.engine, self.records, self.work)
        self._learn(**learned)
        return told

    # -- launch --------------------------------------------------------------------------------------------------

    def launch(self) -> dict[str, Any]:
        """Start the container, beside the one that serves if there is one, and wait until its port listens."""
        work = self.work
        serving = self._serving()
        self._remove_others(serving)
        if serving is None or work.spec.port not in {None, serving[1]}:
            way = "direct"
        else:
            way = "staged" if ensure_staging(self.engine) else "aside"
        self._start(way, serving[1] if serving else None)
        work.cancel.check()
        return {"message": f"port {work.record.details['port']}", "port": work.record.details["port"]}

    def _start(self, way: str, kept_port: int | None) -> None:
        work = self.work
        for attempt in range(PORT_TRIES):
            port = None if way == "aside" else work.spec.port or kept_port or self._port_before()
            port = port or free_port()
            container = make_container(self.engine, self._wanted(way, port))
            self._learn(container=container, port=port, way=way)
            self._know_script(container)
            if work.previous is None:
                self.records.write(work.record)
            work.cancel.check()
            try:
                start_container(self.engine, container, port)
                break
            except PortInUse:
                remove_container(self.engine, container)
                if way == "staged":
                    way = "aside"  # Podman holds the port whatever network the container is on
                elif work.spec.port or kept_port or attempt == PORT_TRIES - 1:
                    raise  # else a free one was taken by somebody in the meantime
        if not await_line(self.engine, container, ANNOUNCEMENT, work.cancel):
            raise self._died("launch")

    def start_in_place(self, port: int) -> None:
        """Start the container on the port of the one that has just been ended, and wait for ``init()``."""
        self._start("in place", port)
        failure = self._await_replicas()
        if failure:
            raise self._failed("init", failure)

    def _wanted(self, way: str, port: int) -> Wanted:
        work, spec = self.work, self.work.spec
        revision = work.record.revision
        surroundings = look_around(settings().ca_bundle)
        return Wanted(
            name=replacing_name(spec.name) if self._old_is_there() else container_name(spec.name),
            image=str(work.record.details["image_id"]),
            spec=spec,
            port=port,
            labels=labels_of(spec.name, self.records.home, revision),
            environment={**surroundings.proxies, **self._variables(), **self._secrets()},
            files={**self._files(), RECORD_FILE: self._record_text(port)},
            network=STAGING if way == "staged" else "",
        )

    def _files(self) -> dict[str, bytes]:
        """What is put into the volume: how the server is to run, and the script where the image has another."""
        work, spec = self.work, self.work.spec
        script, variables = self._image_says()
        more: dict[str, Any] = {
            "min_replicas": spec.autoscale.minimum,
            "max_replicas": spec.autoscale.maximum,
            "target_utilization": spec.autoscale.target_utilization,
            "scoring_timeout_ms": round(spec.scoring_timeout * 1000),
            "max_request_wait_ms": round(spec.max_request_wait * 1000),
            "init_timeout_s": spec.init_timeout,
        }
        model_dir, source = variables.get("AZUREML_MODEL_DIR"), variables.get("AZUREML_SOURCE_DIRECTORY", ".")
        files = {".mldeploy/service.json": service_file(spec.name, script, model_dir, source, **more)}
        if spec.inference.script.hash != work.record.details.get("image_script") and not work.image_script:
            files[script] = spec.inference.script.text.encode()
        return files

    def _image_says(self) -> tuple[str, dict[str, str]]:
        """Path of the image's scoring script in the app root, and its variables."""
        image = self.engine.has_image(str(self.work.record.details["image_id"])) or {}
        configured = image.get("Config") or {}
        script = (configured.get("Labels") or {}).get(f"{LABEL}entry-script") or "score.py"
        return str(script), dict(pair.partition("=")[::2] for pair in configured.get("Env") or [])

    def _know_script(self, container: str) -> None:
        """The record must say what runs."""
        spec = self.work.spec
        if not self.work.image_script or spec.inference.script.hash == self.work.record.details.get("image_script"):
            return
        path, _ = self._image_says()
        content = read_file(self.engine, container, path)
        if content is not None:
            name = path.rpartition("/")[2]
            script = Script(content.decode("utf-8", "replace"), name, f"{name} of {spec.image}")
            self.work.spec = replace(spec, inference=replace(spec.inference, script=script))
            self.work.record = self.work.record.with_(spec=self.work.spec)
            put_files(self.engine, container, {RECORD_FILE: self._record_text(int(self.work.record.details["port"]))})

    def _record_text(self, port: int) -> bytes:
        """The record as it will be, so that a service can be found again by its container alone."""
        import msgspec

        details = {key: value for key, value in self.work.record.details.items() if key != "way"} | {"port": port}
        return bytes(msgspec.json.encode(self.work.record.with_(state="running", failure="", details=details)))

    def _variables(self) -> dict[str, str]:
        return values_of(self.work.spec.env, self.records.secrets(self.work.spec.name))

    def _secrets(self) -> dict[str, str]:
        """The admin token, kept over updates, and scoring keys where there are any; never in a label or a record."""
        known = self.records.secrets(self.work.spec.name)
        if "admin_token" not in known:
            known["admin_token"] = random_secrets.token_urlsafe(24)
            self.records.write_secrets(self.work.spec.name, known)
        variables = {"MLDEPLOY_ADMIN_TOKEN": known["admin_token"]}
        if keys := scoring_keys(self.work.spec, known):
            variables["MLDEPLOY_SCORING_KEYS"] = keys
        return variables

    # -- init ----------------------------------------------------------------------------------------------------

    def init(self) -> dict[str, Any]:
        """Wait until ``init()`` has returned in every replica."""
        work = self.work
        failure = self._await_replicas()
        if failure and work.record.details["way"] == "staged" and _NETWORK.search(str(failure)):
            work.log(
                Stage.INIT, "init() needs the network, which the new container has only on a port of its own: again."
            )
            remove_container(self.engine, str(work.record.details["container"]))
            self._learn(retried=True)
            self._start("aside", None)
            failure = self._await_replicas()
        if failure:
            raise self._failed("init", failure)
        wanted = work.spec.autoscale.minimum
        return {"message": f"{wanted} replica{'s' * (wanted > 1)}", "replicas": wanted, "ready": wanted}

    def _await_replicas(self) -> Mapping[str, Any] | None:
        work = self.work

        def tell(message: str, **facts: Any) -> None:
            work.emit(Stage.INIT, EventKind.PROGRESS, message, **facts)

        outcome: Mapping[str, Any] | None = None
        for attempt in range(CONNECT_TRIES):
            try:
                outcome = await_replicas(self.client(), work.spec.autoscale.minimum, work.cancel, tell)
                break
            except RuntimeGone as error:
                outcome = {"message": f"the server is gone: {error}", "stage": "init"}
                state = inspect(self.engine, str(work.record.details["container"]))
                if state is None or not state.runs or work.cancel.is_set:
                    break
                # It runs and has said that it listens: the network between us is not ready, and tells nobody when it is.
                settle(self.engine, state.id, patience=0.1 * 2**attempt)  # its end would be told
        work.cancel.check()
        return outcome

    def client(self) -> RuntimeClient:
        """Speaks to the container that is being deployed, wherever it can be reached."""
        details = self.work.record.details
        address = reachable_at(self.engine, str(details["container"]), int(details["port"]))
        return RuntimeClient(address.host, address.port, self._secrets()["MLDEPLOY_ADMIN_TOKEN"])

    def _failed(self, stage: str, failure: Mapping[str, Any]) -> DeploymentFailed:
        state = inspect(self.engine, str(self.work.record.details["container"]))
        if state is None or not state.runs or not self._answers():
            return self._died(stage)
        memory = ran_out_of_memory(self.engine, state)
        message = str(failure.get("message", "init() failed"))
        if memory:
            message = f"a replica used more memory than the container's limit and was killed ({message.rstrip('.')})"
        evidence = self.evidence(self.work.record, stage, failure=failure, oom_killed=memory or None)
        return failed_deployment(stage, message, evidence)

    def _answers(self) -> bool:
        try:
            self.client().status()
        except RuntimeGone:
            return False
        return True

    def _died(self, stage: str) -> DeploymentFailed:
        state = settle(self.engine, str(self.work.record.details["container"]))
        message = f"the container ended: {state.explain()}" if state else "somebody removed the container"
        return failed_deployment(stage, message, self.evidence(self.work.record, stage))

    # -- what there is -------------------------------------------------------------------------------------------

    def _serving(self) -> tuple[str, int] | None:
        """Container and port that serve now, if any."""
        previous = self.work.previous
        if previous is None or "container" not in previous.details:
            return None
        state = inspect(self.engine, str(previous.details["container"]))
        return (state.id, int(previous.details["port"])) if state and state.runs else None

    def _old_is_there(self) -> bool:
        previous = self.work.previous
        return bool(previous and inspect(self.engine, str(previous.details.get("container", "?"))))

    def _port_before(self) -> int | None:
        """A service that was stopped gets its port back, if it is still free: its address is known to others."""
        port = self.work.record.details.get("former_port")
        if port is None:
            return None
        import socket

        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", int(port)))
            except OSError:
                return None
        return int(port)

    def _remove_others(self, serving: tuple[str, int] | None) -> None:
        """Containers of this service that do not serve: the ended one, and what operations that were killed have left."""
        name = self.work.spec.name
        folder = self.records.folder(name)
        for found in find_containers(self.engine.api, self.records.home, name):
            if serving is None or found["Id"] != serving[0]:
                save_log(self.engine, str(found["Id"]), folder / "run.previous.log")
                remove_container(self.engine, str(found["Id"]))
        remove_loose_volumes(self.engine, self.records.home, name)

    def undo(self) -> None:
        """Remove every container that this operation has made; the old one, if there is one, was never touched."""
        work = self.work
        if work.previous and "way" not in work.record.details and "container" in work.record.details:
            return  # it has taken over already, and the old one is gone
        previous = str(work.previous.details.get("container", "")) if work.previous else ""
        for found in find_containers(self.engine.api, self.records.home, work.spec.name):
            made_here = (found.get("Labels") or {}).get(REVISION) == str(work.record.revision)
            if made_here and found["Id"] != previous:
                if work.previous is None:
                    save_log(self.engine, str(found["Id"]), self.records.folder(work.spec.name) / "run.log")
                remove_container(self.engine, str(found["Id"]))

    def _learn(self, **details: Any) -> None:
        self.work.record = self.work.record.with_(details={**self.work.record.details, **details})
