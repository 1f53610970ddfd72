"""Everything that runs on the event loop, put together."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy.runtime import orphans, watching
from jupyter_mldeploy.runtime.admin import Admin
from jupyter_mldeploy.runtime.configuration import content_of
from jupyter_mldeploy.runtime.dispatch import Dispatcher
from jupyter_mldeploy.runtime.events import EventLog
from jupyter_mldeploy.runtime.generation import Generation
from jupyter_mldeploy.runtime.http_connection import Connection
from jupyter_mldeploy.runtime.log import Log
from jupyter_mldeploy.runtime.pool import Pool
from jupyter_mldeploy.runtime.reload import FromDisk, Reloader
from jupyter_mldeploy.runtime.scaling import Scaler
from jupyter_mldeploy.runtime.service import Service

if TYPE_CHECKING:
    from jupyter_mldeploy.runtime.configuration import ServiceConfig
    from jupyter_mldeploy.runtime.shared_queue import SharedQueue
    from jupyter_mldeploy.runtime.spawning import Channels, Lifeline

EXIT_SCRIPT = 3
EXIT_RUN_FAILED = 4
_SWEEP_S = 1.0


async def serve(
    config: ServiceConfig,
    listener: socket.socket,
    lifeline: Lifeline,
    shared: SharedQueue,
    first: tuple[int, Channels] | None,
) -> int:
    """Serve on `listener` until SIGTERM or SIGINT; returns the exit code."""
    loop = asyncio.get_running_loop()
    not_ours = orphans.children() - ({first[0]} if first else set())  # of a shell that has become this process
    log = Log()
    log.attach(loop)
    events = EventLog()
    dispatcher = Dispatcher(config.max_wait_s, config.scoring_timeout_ms / 1000)
    generation = _generation(config, shared)
    dispatcher.use(generation.shared)
    pool = Pool(config, generation, dispatcher, lifeline, events, log)
    service = Service(config, dispatcher, pool, events, log)
    reloader = Reloader(pool)
    scaler = Scaler(pool)
    if config.admin_token:
        service.admin = Admin(service, reloader, scaler, config.admin_token)
    front = _Front(service, reloader, loop)
    address = listener.getsockname()
    events.emit("listening", host=address[0], port=address[1])
    log.info(f"Listening on http://{address[0]}:{address[1]}")
    _tell_missing_folders(config, log)
    if first is not None:
        pool.recruiter.adopt(generation, *first)
    if config.by_hand:
        pool.on_start_failure = front.start_failed
    pool.fill()
    scaler.start()
    if config.watch:
        front.run_task(watching.follow(config.worker, front.from_disk, log))
    if config.dry_run:
        front.run_task(front.dry_run())
    server = await loop.create_server(lambda: Connection(service, loop.time), sock=listener, backlog=4096)
    front.install()
    adopting = orphans.adopt()
    code = await front.finished
    await front.leave(server)
    if adopting:
        orphans.end_all(not_ours)
    log.flush()
    return code


def _tell_missing_folders(config: ServiceConfig, log: Log) -> None:
    """The settings are taken as given, but a typing error in one should not first show in init()."""
    make = config.worker
    given = {"AZUREML_MODEL_DIR": make.model_dir, "AZUREML_SOURCE_DIRECTORY": make.source_directory}
    for name, folder in given.items():
        if folder and not os.path.exists(os.path.join(make.root, folder)):
            log.warning(f"{name} is {folder}, which does not exist in {make.root}.")


def _generation(config: ServiceConfig, shared: SharedQueue) -> Generation:
    try:
        return Generation.read(config.worker, shared)
    except OSError:
        return Generation(config.worker, b"", shared)


class _Front:
    """Signals, the sweep over slow clients, and the end."""

    def __init__(self, service: Service, reloader: Reloader, loop: asyncio.AbstractEventLoop) -> None:
        self._service = service
        self.from_disk = FromDisk(reloader, service.log)
        self._loop = loop
        self._tasks: set[asyncio.Task[Any]] = set()
        self.finished: asyncio.Future[int] = loop.create_future()

    def install(self) -> None:
        """Listen to signals and begin sweeping."""
        loop = self._loop
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._finish, 0)
        loop.add_signal_handler(signal.SIGHUP, self.from_disk.ask)
        # uvloop keeps SIGCHLD from add_signal_handler; a plain handler wakes both loops through their wake-up socket.
        signal.signal(signal.SIGCHLD, lambda *_: loop.call_soon_threadsafe(self._reap))
        self._reap()
        loop.call_later(_SWEEP_S, self._sweep)

    def _finish(self, code: int) -> None:
        if not self.finished.done():
            self.finished.set_result(code)

    def start_failed(self, _failure: dict[str, Any]) -> None:
        """By hand: a script that cannot start ends the server."""
        self._finish(EXIT_SCRIPT)

    def run_task(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something beside the serving, to its end or the server's."""
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def dry_run(self) -> None:
        """Wait until the script is ready, run the sample, and finish."""
        service = self._service
        if not await service.pool.generation.settled(lambda: 1):
            return  # start_failed() has been told
        sample = service.config.sample
        if sample is None:
            service.log.info("init() has run; no sample was given.")
            self._finish(0)
            return
        from jupyter_mldeploy.runtime.sample import SampleCall

        try:
            body = content_of(sample)
        except OSError as error:
            service.log.error(f"The sample {sample} cannot be read: {error.strerror}.")
            self._finish(1)
            return
        call = SampleCall(body, service.dispatcher, "dry-run")
        service.dispatcher.submit(call)
        failure = await call.done
        if failure is not None:
            service.log.error(f"run() failed with the sample: {failure['message']}")
        else:
            service.log.info(call.told)
        self._finish(0 if failure is None else EXIT_RUN_FAILED)

    def _reap(self) -> None:
        """Take the exit status of every child that has ended, adopted orphans of a container included."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self._service.pool.reaped(pid, status)

    def _sweep(self) -> None:
        self._service.tell_activity()
        now = self._loop.time()
        for connection in list(self._service.connections):
            connection.sweep(now)
        self._loop.call_later(_SWEEP_S, self._sweep)

    async def leave(self, server: asyncio.Server) -> None:
        """Stop accepting, let running calls finish for a bounded time, end the workers."""
        service = self._service
        service.events.emit("stopping")
        server.close()
        pool = service.pool
        self.from_disk.cancel()
        for task in self._tasks:
            task.cancel()
        seconds, running = service.config.drain_s, len(service.dispatcher.running)
        if running:
            have = "requests have" if running > 1 else "request has"
            service.log.info(f"Stopping; {running} running {have} {seconds:g} seconds to finish.")
        deadline = self._loop.time() + seconds
        for connection in list(service.connections):
            connection.close()
        while service.dispatcher.running and self._loop.time() < deadline:
            await asyncio.sleep(0.02)
        await pool.stop()
        for connection in list(service.connections):
            connection.close()
