"""Keep the replicas of a service alive: start them, take in what they report, replace those that die."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy.runtime import failures
from jupyter_mldeploy.runtime.generation import MOST_FAILURES, Generation
from jupyter_mldeploy.runtime.limits import Limits, OomCounter
from jupyter_mldeploy.runtime.recruiting import Recruiter
from jupyter_mldeploy.runtime.spare import Spare

if TYPE_CHECKING:
    from jupyter_mldeploy.runtime.configuration import ServiceConfig
    from jupyter_mldeploy.runtime.dispatch import Dispatcher
    from jupyter_mldeploy.runtime.events import EventLog
    from jupyter_mldeploy.runtime.log import Log
    from jupyter_mldeploy.runtime.scoring import ScoreCall
    from jupyter_mldeploy.runtime.spawning import Lifeline
    from jupyter_mldeploy.runtime.worker_link import WorkerLink

_BACK_OFF_S = 0.5
_STOP_GRACE_S = 3.0


class Pool:
    """The replicas of a service."""

    def __init__(
        self,
        config: ServiceConfig,
        generation: Generation,
        dispatcher: Dispatcher,
        lifeline: Lifeline,
        events: EventLog,
        log: Log,
    ) -> None:
        self.config = config
        self.generation = generation
        self.coming: Generation | None = None  # what a reload starts beside it
        self.dispatcher = dispatcher
        self.events = events
        self.log = log
        self.min_replicas = config.min_replicas
        self.max_replicas = config.max_replicas
        self.wanted = config.min_replicas
        self.failure: dict[str, Any] | None = None
        self.last_failure: dict[str, Any] | None = None  # also of run()
        self.limits = Limits.of(generation.make)
        self.refused = ""  # why the last change was not taken
        self.stopping = False
        self.deaths = 0
        self.reloaded = False
        self.on_start_failure: Callable[[dict[str, Any]], None] | None = None
        self._state = "starting"
        self._why: dict[WorkerLink, dict[str, Any]] = {}
        self.recruiter = Recruiter(self, lifeline)
        self.spare = Spare(self, lifeline)
        self.oom = OomCounter()

    # ---- state

    @property
    def state(self) -> str:
        """`starting`, `ready`, `degraded`, `failed` or `stopping`."""
        if self.stopping:
            return "stopping"
        ready = len(self.generation.ready)
        if ready >= min(self.min_replicas, self.wanted):
            return "degraded" if self.refused else "ready"
        if ready:
            return "degraded"
        return "failed" if self.generation.gave_up else "starting"

    def state_changed(self) -> None:
        """Emit the state when it is another than before."""
        if self.state != self._state:
            self._state = self.state
            self.events.emit("state", state=self._state)

    @property
    def replicas(self) -> list[WorkerLink]:
        """Every live worker that serves or is about to, oldest first."""
        links = self.recruiter.links.values()
        return [
            worker for worker in links if worker.replica and self.recruiter.generation_of[worker] is self.generation
        ]

    def utilization(self) -> float:
        """(busy + queued) / replicas, a fraction; above 1 while calls wait."""
        ready = self.generation.ready
        busy = sum(len(worker.calls) for worker in ready)
        places = sum(worker.slots for worker in ready)
        return (busy + self.dispatcher.queued) / max(1, places)

    def fill(self, generation: Generation | None = None) -> None:
        """Start workers until there are as many as wanted."""
        self.recruiter.fill(generation or self.generation, self.wanted)

    def fit(self) -> None:
        """Start workers, or retire the least useful ones, until there are as many as wanted."""
        generation = self.generation
        surplus = len(generation.ready) + generation.starting - generation.forking - self.wanted
        for worker in sorted(self.replicas, key=lambda one: (one.state != "starting", len(one.calls), -one.replica)):
            if surplus <= 0:
                break
            if not worker.stopping:
                self.retire(worker)
                surplus -= 1
        self.fill()
        if self.coming is not None:
            self.fill(self.coming)
            self.coming.changed()
        self.state_changed()

    # ---- what workers report

    def took_shared(self, worker: WorkerLink, sequence: int) -> None:
        """A worker goes on with a call of the shared queue."""
        self.dispatcher.took(worker, sequence, self.recruiter.generation_of[worker].shared)

    def freed(self, worker: WorkerLink) -> None:
        """A worker has finished a call."""
        if worker.stopping:
            if not worker.calls:
                self._end_soon(worker)
        elif self.recruiter.generation_of[worker] is self.generation:  # another one has only tried a sample yet
            self.dispatcher.offer(worker)

    def noticed(self, worker: WorkerLink, notice: dict[str, Any]) -> None:
        """Take in a report of a worker."""
        kind = notice.pop("kind")
        if kind == "init_started":
            worker.stage = "init"
            self.events.emit("init_started", worker.label)
        elif kind == "init_finished":
            self.events.emit("init_finished", worker.label, ms=notice["ms"])
        elif kind == "ready":
            self._ready(worker, notice)
        elif kind == "parent_ready":
            self._parent_ready(worker, notice)
        elif kind == "replica_ended":
            self.reaped(notice["pid"], notice["status"])
        elif kind == "failure":
            self.recruiter.init_ended(worker)
            self._why[worker] = {**notice["failure"], "replica": worker.label}
            worker.kill()

    def _parent_ready(self, worker: WorkerLink, notice: dict[str, Any]) -> None:
        self.recruiter.init_ended(worker)
        generation = self.recruiter.generation_of[worker]
        worker.stage = "run"
        worker.state = "parent"
        worker.script = notice["script"]
        generation.libraries = notice["libraries"]
        self.fill(generation)

    def _ready(self, worker: WorkerLink, notice: dict[str, Any]) -> None:
        self.recruiter.init_ended(worker)
        generation = self.recruiter.generation_of[worker]
        generation.libraries = notice.get("libraries", generation.libraries)
        if worker is generation.parent:  # forking is not safe: it serves itself, and the others are started anew
            generation.parent, generation.forks = None, False
            worker.replica = self.recruiter.number()
            self.log.info(f"Replicas are started one by one, not forked: {notice['obstacle']}.")
        worker.stage = "run"
        self.took(worker, notice)
        if worker.stopping:  # it was retired while it started
            return
        worker.state = "idle"
        if worker.script != generation.script:  # forked while its parent was being changed
            self.retire(worker)
        generation.failures = 0
        self.events.emit("replica_ready", worker.replica, script=worker.script)
        generation.changed()
        if generation is self.generation:
            self.failure = None
            self.dispatcher.offer(worker)
            self.fit()
            self.keep_spare()
        else:
            self.fill(generation)

    def init_timed_out(self, worker: WorkerLink) -> None:
        """init() has taken longer than allowed."""
        seconds = self.config.init_timeout_s
        message = f"init() had not returned after {seconds:g} seconds."
        self._why[worker] = failures.failure(worker.stage, "timeout", message, replica=worker.label)
        worker.kill()

    def hung(self, worker: WorkerLink, request_id: str) -> None:
        """A call in this worker ran past the scoring time-out: replace the worker."""
        message = f"run() had not returned after {self.config.scoring_timeout_ms} ms."
        self._why[worker] = failures.failure("run", "timeout", message, request_id=request_id, replica=worker.label)
        self.dispatcher.withdraw(worker)
        worker.state = "stopping"
        worker.kill()
        self.fill()

    # ---- the end of workers

    def reaped(self, pid: int, status: int) -> None:
        """A child process has ended."""
        worker = self.recruiter.find(pid)
        if worker is None:
            if self.recruiter.forks_under_way:
                self.recruiter.early_exits[pid] = status  # a replica whose number its parent has not told yet
        elif hasattr(worker, "_loop"):
            worker.exited(status)
        else:
            self.recruiter.early_exits[pid] = status

    def ended(self, worker: WorkerLink) -> None:
        """A worker's process and its socket are gone."""
        self.recruiter.init_ended(worker)
        self.dispatcher.withdraw(worker)
        generation = self.recruiter.generation_of.pop(worker)
        self.dispatcher.died(generation.shared)
        generation.workers.remove(worker)
        if worker is generation.parent:
            generation.parent = None
            for replica in list(generation.workers):
                if replica.parent is worker:
                    replica.orphan()
        self.recruiter.links.pop(worker.pid, None)
        calls: list[ScoreCall] = list(worker.calls.values())  # type: ignore[arg-type]
        worker.calls.clear()
        known = self._why.pop(worker, None)
        if self.stopping or (worker.stopping and not calls):
            self.events.emit("worker_ended", worker.label)
        else:
            self._died(worker, generation, calls, known)
        for call in calls:
            self.dispatcher.finished(call)
            call.worker_died(worker, known)
        self.recruiter.check_all_gone()
        if generation is self.generation:
            self.fill()
            self.state_changed()

    def _died(
        self,
        worker: WorkerLink,
        generation: Generation,
        calls: list[ScoreCall],
        known: dict[str, Any] | None,
    ) -> None:
        request_id = calls[0].request_id.decode("latin-1") if calls else None
        oom = bool(known and known["oom"]) or worker.out_of_memory or self.oom.killed(worker.signal)
        found = known or failures.death(worker, oom=oom, request_id=request_id)
        if known is None or known["kind"] == "timeout":  # otherwise it only was put away after its report
            self.deaths += 1
            self.events.emit(
                "worker_died",
                worker.label,
                exit_code=worker.exit_code,
                signal=failures.signal_name(worker.signal),
                oom=found["oom"],
                request_id=request_id,
            )
        if not worker.told_oom:  # then it has answered with the reason
            self.report(found, worker.label)
        for call in calls:
            call.failure = found
        if worker.stage != "run" or generation is not self.generation:
            self.failed_to_start(generation, found)
        elif known is None and worker.requests == 0 and not calls:
            self._rest(generation, _BACK_OFF_S)  # it stood for nothing: the next one not at once

    def report(self, found: dict[str, Any], replica: int | None) -> None:
        """Log a failure and tell of it."""
        shown = f"\n{found['traceback']}" if found["traceback"] and found["stage"] != "run" else ""
        if found["kind"] == "contract" and found["line"]:
            shown = f" ({found['file']}, line {found['line']})"
        self.log.line("E", "mldeploy", found["message"] + shown, found["request_id"] or "")
        self.tell(found, replica)

    def tell(self, found: dict[str, Any], replica: int | None) -> None:
        """Keep a failure as the last one, for those who ask, and tell those who follow the events."""
        self.last_failure = found
        self.events.emit("failure", replica, failure=found)

    def failed_to_start(self, generation: Generation, found: dict[str, Any]) -> None:
        """A worker of this generation came to nothing: try again after a pause, or give up."""
        generation.failures += 1
        generation.failure = found
        generation.changed()
        if generation is not self.generation:
            return
        self.failure = found
        final = generation.failures >= MOST_FAILURES or found["kind"] in ("syntax", "contract")
        if final or self.on_start_failure is not None:
            generation.gave_up = True
            self.state_changed()
            if self.on_start_failure is not None and not generation.ready:
                self.on_start_failure(found)
            elif not generation.ready:
                self.dispatcher.refuse_waiting()
        else:
            self._rest(generation, _BACK_OFF_S * 2 ** (generation.failures - 1))

    def _rest(self, generation: Generation, seconds: float) -> None:
        generation.resting = True
        asyncio.get_running_loop().call_later(seconds, self._try_again, generation)

    def _try_again(self, generation: Generation) -> None:
        generation.resting = False
        generation.failure = None
        self.fill(generation)

    # ---- changing

    def switch(self, new: Generation) -> None:
        """Send calls to another generation from now on and let the old one finish."""
        old, self.generation = self.generation, new
        old.retired = True
        self.failure = None
        self.reloaded = True  # and so may be again
        self.limits = Limits.of(new.make)
        for worker in list(old.workers):
            self.retire(worker)
        self.dispatcher.described = any(worker.full_request for worker in new.ready)
        self.dispatcher.use(new.shared)
        for worker in new.ready:
            self.dispatcher.offer(worker)
        self.fit()
        self.keep_spare()

    def keep_spare(self) -> None:
        """Have a warm worker made for the next reload, where anybody can ask for one."""
        if self.config.admin_token or self.config.watch or self.reloaded:
            self.spare.wanted()

    def in_place_workers(self) -> list[WorkerLink]:
        """Every worker that an in-place change must reach."""
        parent = self.generation.parent
        return [*self.generation.ready, *([parent] if parent is not None and parent.state == "parent" else [])]

    def took_script(self, script: str, source: bytes, changed: list[WorkerLink]) -> None:
        """The current generation has another script from now on, which `changed` take in place.

        Workers that still load the old one, and those that were forked since the others were prepared, are replaced.
        """
        generation = self.generation
        generation.script, generation.source = script, source
        for worker in list(generation.workers):
            if worker.state == "starting":
                worker.stopping = True
                worker.kill()
            elif worker in generation.ready and worker not in changed:
                self.retire(worker)
        self.fill()

    def took(self, worker: WorkerLink, reply: dict[str, Any]) -> None:
        """A worker has made a change in place."""
        worker.contract = reply["contract"]
        worker.full_request = worker.contract["input"] != "plain" or worker.contract["headers"]
        worker.took(reply["script"])
        if self.recruiter.generation_of[worker] is self.generation:
            self.dispatcher.described = worker.full_request

    def discard(self, generation: Generation) -> None:
        """Give up a generation that never served."""
        generation.retired = True
        for worker in list(generation.workers):
            worker.stopping = True
            worker.kill()

    # ---- stopping

    def retire(self, worker: WorkerLink) -> None:
        """Let a worker finish what it has and end."""
        self.dispatcher.withdraw(worker)
        worker.stop()  # read only once the worker has no call any more
        if not worker.calls:
            self._end_soon(worker)

    def _end_soon(self, worker: WorkerLink) -> None:
        asyncio.get_running_loop().call_later(_STOP_GRACE_S, worker.kill)

    async def stop(self) -> None:
        """End every worker, those that do not go by force."""
        self.stopping = True
        self.spare.drop()
        self.state_changed()
        for worker in list(self.recruiter.links.values()):
            worker.stop() if worker.state in ("idle", "stopping", "parent") else worker.kill()
        try:
            if self.recruiter.links or self.recruiter.spares:
                await asyncio.wait_for(self.recruiter.all_gone.wait(), _STOP_GRACE_S)
        except TimeoutError:
            for worker in list(self.recruiter.links.values()):
                worker.kill()
