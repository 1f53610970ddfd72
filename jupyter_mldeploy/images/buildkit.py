"""BuildKit, through ``docker buildx``: packages that were downloaded once are kept, and secrets are mounted and never copied.

Its progress comes as one JSON object a line: vertices (some of them are instructions), their output, and what went wrong.
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import tempfile
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Any

from jupyter_mldeploy.events import Cancel
from jupyter_mldeploy.images.dockerfile import secret_id
from jupyter_mldeploy.images.engine import Engine, engine_errors
from jupyter_mldeploy.images.entries import Entry, stream
from jupyter_mldeploy.images.instructions import Instruction, Instructions
from jupyter_mldeploy.images.plan import Part
from jupyter_mldeploy.images.plugin import builder_of, environment_for
from jupyter_mldeploy.images.steps import COLOURS, PATIENCE, Step, StepFailed
from jupyter_mldeploy.images.surroundings import Surroundings

__all__ = ["NETWORKS", "BuildKitBuild", "NotUsable"]

NETWORKS = ("", "default", "host", "none")
"""Those that BuildKit can give a command; of others it knows nothing."""
_CODE = re.compile(r"exit code: (\d+)")
_UNHEARD = re.compile(r"\[internal\] load (?:remote )?build |copy /context |\[internal\] load \.dockerignore")


class NotUsable(Exception):
    """It ended before anything was built: it is too old, or the engine does not let it in."""


@dataclass
class _Vertex:
    """One thing that BuildKit does."""

    name: str
    instruction: Instruction | None
    step: Step | None = None
    began: datetime | None = None
    ended: datetime | None = None
    cached: bool = False
    error: str = ""
    told: bool = False
    output: list[str] = field(default_factory=list)
    rest: bytes = b""
    """The beginning of a line."""


@dataclass
class BuildKitBuild:
    """The build of one part."""

    program: str
    part: Part
    engine: Engine
    surroundings: Surroundings
    ended: Callable[[Step], None]
    steps: list[Step] = field(default_factory=list)
    output: list[str] = field(default_factory=list)
    _instructions: Instructions = field(default_factory=Instructions)
    _vertices: dict[str, _Vertex] = field(default_factory=dict)
    _announced: set[int] = field(default_factory=set)
    _speaker: _Vertex | None = None
    _said: list[str] = field(default_factory=list)

    def lines(self, cancel: Cancel) -> Generator[str]:
        """Build it, and yield the lines of its log.

        Raises:
            NotUsable: Nothing was begun.
            StepFailed: A step failed, or BuildKit itself.
            TargetUnavailable: The engine went away.
        """
        dockerfile = self.part.buildkit or self.part.dockerfile
        self._instructions = Instructions.of(dockerfile)
        hidden = {entry.path: entry.content.decode() for entry in self.part.entries if entry.path in self.part.secrets}
        sent = (Entry("Dockerfile", dockerfile.encode()), *(e for e in self.part.entries if e.path not in hidden))
        with tempfile.TemporaryDirectory(prefix="mldeploy-buildx-") as folder:
            process = self._start(folder, hidden)
            assert process.stderr is not None
            forget = cancel.on_cancel(process.terminate)
            sending = _Sending(process, sent, cancel)
            try:
                for line in process.stderr:
                    yield from self._heard(line)
                code = process.wait()
            finally:
                forget()
                _end(process)
                sending.join()
        cancel.check()
        sending.check()
        yield from self._at_the_end()
        if code != 0:
            raise self._failure()
        yield from self._silent(one for one in self._instructions.listed if not one.layer)
        self.steps.sort(key=lambda step: int(step.step.partition("/")[0]))  # it may have begun them in another order

    def undo(self) -> str:
        """Nothing is removed: what an interrupted build has finished is in BuildKit's cache, which cleans itself."""
        return "Interrupted: no image was made. Finished steps are in BuildKit's cache, and the next build goes on from there."

    # -- the process -----------------------------------------------------------------------------------------------

    def _start(self, folder: str, hidden: dict[str, str]) -> subprocess.Popen[bytes]:
        words = ["build", "--builder", builder_of(self.engine), "--progress=rawjson", "--tag", self.part.reference]
        values: dict[str, str] = {}
        if self.surroundings.network:
            words += ["--network", self.surroundings.network]
        for name, value in self.surroundings.proxies.items():
            # Those of Docker's client configuration are read there by buildx itself, and are not for its own requests.
            if value in {os.environ.get(name.upper()), os.environ.get(name.lower())}:
                words += ["--build-arg", name]
                values[name] = value
        for number, (path, content) in enumerate(hidden.items()):
            variable = f"MLDEPLOY_BUILD_SECRET_{number}"
            words += ["--secret", f"id={secret_id(path, content.encode())},env={variable}"]
            values[variable] = content
        try:
            return subprocess.Popen(
                [self.program, *words, "--file", "Dockerfile", "-"],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=environment_for(self.engine, folder, values),
                start_new_session=True,  # a Ctrl-C is for us: it gets its own end
            )
        except OSError as error:
            raise NotUsable(f"{self.program} cannot be started: {error.strerror}") from None

    def _failure(self) -> Exception:
        text = "\n".join(self._said) or "docker buildx said nothing."
        failed = [one for one in self._vertices.values() if one.error and "context canceled" not in one.error]
        if not self._vertices:
            return NotUsable(text)
        if failed:
            one = failed[0]
            self.output = one.output
            if one.step is not None:
                self.steps.remove(one.step)
                self.steps.append(one.step)
            code = _CODE.search(one.error)
            return StepFailed(f"{one.error}\n{text}", int(code[1]) if code else None, in_step=one.step is not None)
        self.output = []
        with engine_errors(self.engine):
            self.engine.api.ping()
        return StepFailed(text, in_step=False)

    # -- what it tells ---------------------------------------------------------------------------------------------

    def _heard(self, line: bytes) -> Iterator[str]:
        try:
            told: dict[str, Any] = json.loads(line)
        except ValueError:
            if text := COLOURS.sub("", line.decode("utf-8", "backslashreplace")).rstrip():
                self._said.append(text)
            return
        for vertex in told.get("vertexes") or ():
            yield from self._vertex(vertex)
        for status in told.get("statuses") or ():
            one = self._vertices.get(status.get("vertex"))
            if one and one.instruction and one.instruction.image and status.get("completed"):
                yield f"{status.get('id', '')[:19]} {status.get('name') or 'done'}"
        for log in told.get("logs") or ():
            if one := self._vertices.get(log.get("vertex")):
                yield from self._log(one, base64.b64decode(log.get("data") or ""))
        for warning in told.get("warnings") or ():
            with suppress(ValueError, TypeError):
                yield f"WARNING: {base64.b64decode(warning['short']).decode('utf-8', 'replace')}"

    def _vertex(self, told: dict[str, Any]) -> Iterator[str]:
        name = str(told.get("name") or "")
        one = self._vertices.setdefault(told["digest"], _Vertex(name, self._instructions.meant_by(name)))
        one.began = one.began or _time(told.get("started"))
        one.ended = _time(told.get("completed"))
        one.cached = one.cached or bool(told.get("cached"))
        one.error = str(told.get("error") or "")
        is_step = not name.startswith("[internal]")
        if one.instruction and one.began and one.step is None and (is_step or one.error):
            yield from self._announce(one, one.instruction)
        elif one.ended and not one.told and not one.instruction and not _UNHEARD.match(name):
            one.told = True
            yield f" ---> {name}: {_seconds(one):.1f} s"

    def _announce(self, one: _Vertex, instruction: Instruction) -> Iterator[str]:
        """A step has begun. Others that had ended by then are over: until another begins, BuildKit may take one up again."""
        self._end_steps()
        yield from self._silent(self._instructions.silent_before(instruction))
        one.step = self._step(instruction)
        self._speaker = one
        yield _heading(one.step)
        if one.cached:
            yield " ---> Using cache"

    def _silent(self, instructions: Iterable[Instruction]) -> Iterator[str]:
        """Those that only say something of the image: BuildKit does not speak of them, they cost nothing."""
        for one in instructions:
            if one.number not in self._announced:
                step = self._step(one)
                yield _heading(step)
                self.ended(step)

    def _step(self, instruction: Instruction) -> Step:
        self._announced.add(instruction.number)
        step = Step(f"{instruction.number}/{len(self._instructions.listed)}", instruction.command)
        self.steps.append(step)
        return step

    def _log(self, one: _Vertex, data: bytes) -> Iterator[str]:
        *lines, one.rest = (one.rest + data).split(b"\n")
        for raw in lines:
            yield from self._line(one, raw)

    def _line(self, one: _Vertex, raw: bytes) -> Iterator[str]:
        line = COLOURS.sub("", raw.decode("utf-8", "backslashreplace")).rstrip()
        if not line.strip():
            return
        one.output.append(line)
        if self._speaker is not one and one.step is not None:  # steps that need nothing of each other run at once
            self._speaker = one
            yield _heading(one.step)
        yield line

    def _at_the_end(self) -> Iterator[str]:
        for one in self._vertices.values():
            yield from self._line(one, one.rest)
        self._end_steps()

    def _end_steps(self) -> None:
        for one in self._vertices.values():
            if one.step is not None and one.ended is not None and not one.told:
                one.told = True
                one.step.seconds, one.step.cached = round(_seconds(one), 3), one.cached
                self.ended(one.step)


class _Sending:
    """A context on its way to the standard input of a process."""

    def __init__(self, process: subprocess.Popen[bytes], entries: tuple[Entry, ...], cancel: Cancel) -> None:
        assert process.stdin is not None
        self._process = process
        self._pipe: IO[bytes] = process.stdin
        self._pieces = stream(entries, cancel)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._send, name="mldeploy-build-context", daemon=True)
        self._thread.start()

    def _send(self) -> None:
        try:
            with self._pipe:
                for piece in self._pieces:
                    self._pipe.write(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it ended; why is told there
        except BaseException as error:  # noqa: BLE001 - raised again by whoever waits for the build
            self._error = error
            self._process.terminate()

    def join(self) -> None:
        self._thread.join()

    def check(self) -> None:
        """Raise what went wrong here."""
        if self._error is not None:
            raise self._error


def _end(process: subprocess.Popen[bytes]) -> None:
    """Let it take leave of the engine, which ends the command that it was running."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stderr is not None:
        process.stderr.close()


def _heading(step: Step) -> str:
    return f"Step {step.step} : {step.command}"


def _seconds(one: _Vertex) -> float:
    return max(0.0, (one.ended - one.began).total_seconds()) if one.began and one.ended else 0.0


def _time(text: object) -> datetime | None:
    """RFC 3339 with up to nine digits of a second."""
    if not isinstance(text, str):
        return None
    with suppress(ValueError):
        return datetime.fromisoformat(text)
    return None
