"""Change what a service runs without losing a request.

The new script is checked and loaded in new workers beside the old ones; only when every one of them has run `init()` do
calls move over, and the old workers finish what they have. If anything fails, the old ones go on as if nothing had
happened.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy.runtime import failures
from jupyter_mldeploy.runtime.configuration import content_of
from jupyter_mldeploy.runtime.generation import Generation
from jupyter_mldeploy.runtime.shared_queue import SharedQueue
from jupyter_mldeploy.runtime.worker import frames

if TYPE_CHECKING:
    from jupyter_mldeploy.runtime.configuration import WorkerMake
    from jupyter_mldeploy.runtime.log import Log
    from jupyter_mldeploy.runtime.pool import Pool
    from jupyter_mldeploy.runtime.worker_link import WorkerLink


class ReloadRunningError(RuntimeError):
    """Another reload is not finished yet."""


class ReloadRefusedError(Exception):
    """The change was not taken; `failure` says why."""

    def __init__(self, failure: dict[str, Any]) -> None:
        super().__init__(failure["message"])
        self.failure = failure


class InPlace:
    """A change of the code in every replica, with the values of `init()` kept: all of them, or none.

    `keep` keeps the script for later starts, last before the change is made; it returns the failure, or None.
    """

    def __init__(
        self, pool: Pool, source: bytes, sample: bytes | None, keep: Callable[[], dict[str, Any] | None]
    ) -> None:
        self._pool = pool
        self._source = source
        self._sample = sample
        self._keep = keep

    async def run(self) -> str:
        """Try it; returns the mode that was used, `new-workers` when this one cannot be.

        Raises
        ------
        ReloadRefusedError
            The script itself is at fault.
        """
        workers = self._pool.in_place_workers()
        replies = await self._ask(workers, frames.PREPARE, self._source)
        failed = next((reply["failure"] for reply in replies if "failure" in reply), None)
        modes = {reply.get("mode", "gone") for reply in replies}
        if failed is None and modes == {"in-place"}:
            failed = await self._try(workers) or self._keep()
            if failed is None:
                self._pool.took_script(Generation.script_of(self._source), self._source, workers)
                await asyncio.shield(asyncio.ensure_future(self._commit(workers)))  # all of them, or none
                return "in-place"
        for worker in workers:
            if worker.alive:
                worker.send(frames.ABANDON, {})
        if failed is not None:
            raise ReloadRefusedError(failed)
        if modes == {"unchanged"}:
            return "unchanged"
        reasons = [reply["reason"] for reply in replies if "reason" in reply]
        self._pool.log.info(f"New workers are needed: {reasons[0] if reasons else 'a worker ended meanwhile'}.")
        return "new-workers"

    async def _try(self, workers: list[WorkerLink]) -> dict[str, Any] | None:
        """Run the sample in one of them, a parent or an idle one if there is; the failure, or None."""
        if self._sample is None:
            return None
        worker = min(workers, key=lambda one: (not one.alive, one.state != "parent", len(one.calls)))
        timeout_s = self._pool.config.scoring_timeout_ms / 1000
        asked = worker.ask(frames.TRY, {"timeout_s": timeout_s}, self._sample)
        try:  # it may have a call to end before it comes to the sample
            reply, _ = await asyncio.wait_for(asked, 2 * timeout_s + 5)
        except TimeoutError:
            worker.kill()
            return failures.failure("run", "timeout", "run() did not return within the scoring time-out.")
        except ConnectionError:
            return failures.failure("run", "exit", "The worker ended while run() had the sample.")
        failed: dict[str, Any] | None = reply["failure"]
        return failed

    async def _commit(self, workers: list[WorkerLink]) -> None:
        done = await self._ask(workers, frames.COMMIT, b"")
        for worker, reply in zip(workers, done, strict=True):
            if "script" in reply:
                self._pool.took(worker, reply)

    async def _ask(self, workers: list[WorkerLink], kind: int, body: bytes) -> list[dict[str, Any]]:
        """Every worker's reply; an empty one for a worker that ended meanwhile."""
        asked = (worker.ask(kind, {}, body) for worker in workers)
        answers = await asyncio.gather(*asked, return_exceptions=True)
        return [{} if isinstance(answer, BaseException) else answer[0] for answer in answers]


class Reloader:
    """Runs one reload at a time."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.ended = asyncio.Event()
        self.ended.set()

    async def reload(
        self,
        *,
        source: bytes | None = None,
        make: WorkerMake | None = None,
        keep_init: bool = True,
        sample: bytes | None = None,
    ) -> dict[str, Any]:
        """Take a new script, a new make, or the script file as it is now.

        Parameters
        ----------
        source
            The new script's text; None reads the file. It replaces the file once it was tried and before it serves, so
            that what cannot be written is refused.
        make
            What workers are made of from now on; None keeps it.
        keep_init
            False forces `init()` to run even where its values could be kept.
        sample
            A request body that the new `run()` must answer before anybody else meets it.

        Returns
        -------
        dict
            `mode`, `script`, `ms` and `replicas`, as the control route answers.

        Raises
        ------
        ReloadRunningError
            Another reload is running.
        ReloadRefusedError
            The change failed; what served before goes on serving.
        """
        if not self.ended.is_set():
            raise ReloadRunningError
        self.ended.clear()
        pool = self._pool
        began = time.perf_counter()
        pool.events.emit("reload_started")
        try:
            mode = await self._change(source, make, keep_init=keep_init, sample=sample)
        except asyncio.CancelledError:
            pool.events.emit("reload_given_up")
            raise
        except ReloadRefusedError as refused:
            pool.refused = refused.failure["message"] if pool.generation.ready else ""
            pool.events.emit("reload_refused", failure=refused.failure)
            pool.log.error(f"The reload was refused: {refused.failure['message']}")
            pool.state_changed()
            raise
        finally:
            self.ended.set()
        pool.refused = ""
        milliseconds = round((time.perf_counter() - began) * 1000, 3)
        script = pool.generation.script
        pool.events.emit("reloaded", mode=mode, script=script, ms=milliseconds)
        pool.log.info(f"Reloaded ({mode}) in {milliseconds:.1f} ms: script {script[:12]}")
        pool.state_changed()
        replicas = [{"id": worker.replica, "script": worker.script} for worker in pool.generation.ready]
        return {"mode": mode, "script": script, "ms": milliseconds, "replicas": replicas}

    async def _change(
        self,
        source: bytes | None,
        make: WorkerMake | None,
        *,
        keep_init: bool,
        sample: bytes | None,
    ) -> str:
        old = self._pool.generation
        make = make or old.make
        keep = partial(_keep, make.script_path, source)
        if source is None:
            source = _read(make)
        new = Generation(make, source, SharedQueue())
        mode = "new-workers"
        if make == old.make and keep_init and old.ready and not old.retired:
            mode = await InPlace(self._pool, source, sample, keep).run()
        if mode == "unchanged" and (failed := keep()) is not None:
            raise ReloadRefusedError(failed)
        if mode != "new-workers":
            return mode
        warm = self._pool.spare.take(make)
        if warm is not None:
            new.shared.close()
            new.shared = warm[1]
            self._pool.recruiter.adopt_warm(new, warm[0])
        await self._start_beside(new, sample, keep)
        return "new-workers"

    async def _start_beside(
        self, new: Generation, sample: bytes | None, keep: Callable[[], dict[str, Any] | None]
    ) -> None:
        pool = self._pool
        pool.coming = new
        pool.fill(new)
        try:
            settled = await new.settled(lambda: pool.wanted)
            failure = await self._try(new, sample) if settled else new.failure
        except asyncio.CancelledError:
            pool.discard(new)
            raise
        finally:
            pool.coming = None
        failure = failure or keep()
        if failure is not None:
            pool.discard(new)
            raise ReloadRefusedError(failure)
        pool.switch(new)

    async def _try(self, new: Generation, sample: bytes | None) -> dict[str, Any] | None:
        """Run the sample in one of the new workers; the failure, or None."""
        if sample is None:
            return None
        from jupyter_mldeploy.runtime.sample import SampleCall

        call = SampleCall(sample, self._pool.dispatcher, "reload-sample")
        self._pool.dispatcher.start(new.ready[0], call)
        return await call.done


class FromDisk:
    """Reloads of the script's file that nobody waits for: one that is asked for takes the place of one that still runs."""

    def __init__(self, reloader: Reloader, log: Log) -> None:
        self._reloader = reloader
        self._log = log
        self._task: asyncio.Task[None] | None = None

    def ask(self) -> None:
        """Take the file as it is now."""
        former = self._task
        if former is not None and not former.done():
            self._log.info("Another reload is asked for: the one that runs is given up.")
            former.cancel()
        self._task = asyncio.ensure_future(self._reload(former))

    def cancel(self) -> None:
        """Give up what runs."""
        if self._task is not None:
            self._task.cancel()

    async def _reload(self, former: asyncio.Task[None] | None) -> None:
        if former is not None:
            await asyncio.wait([former])
        while True:
            try:
                await self._reloader.reload()
            except ReloadRunningError:  # one that was asked for over HTTP
                await self._reloader.ended.wait()
            except ReloadRefusedError:
                return  # it has been told
            else:
                return


def _read(make: WorkerMake) -> bytes:
    try:
        return content_of(make.script_path)
    except OSError as error:
        message = f"The scoring script {make.script_path} cannot be read: {error.strerror}."
        raise ReloadRefusedError(failures.failure("reload", "exception", message)) from None


def _keep(path: str, source: bytes | None) -> dict[str, Any] | None:
    """Replace the script's file, unless it was the source; the failure, or None."""
    if source is None:
        return None
    try:
        put_in_place(path, source)
    except OSError as error:
        message = f"The script's file {path} could not be written: {error.strerror or error}."
        return failures.failure("reload", "storage", message)
    return None


def put_in_place(path: str, source: bytes) -> None:
    """Replace a script file atomically, keeping its permissions; a symlink's target is replaced, not the link."""
    from tempfile import mkstemp  # takes its time to import

    target = os.path.realpath(path)
    descriptor, temporary = mkstemp(dir=os.path.dirname(target), prefix=f".{os.path.basename(target)}.")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(source)
        with contextlib.suppress(OSError):
            os.chmod(temporary, os.stat(target).st_mode & 0o7777)
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
