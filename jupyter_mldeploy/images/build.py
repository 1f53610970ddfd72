"""Build the parts of an image that are missing, with the engine's own builder, and keep what it says."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_mldeploy.errors import Cancelled, DeploymentFailed
from jupyter_mldeploy.events import Cancel
from jupyter_mldeploy.evidence import Evidence, redact
from jupyter_mldeploy.images.build_log import BuildLogs, ImageEntry, writing
from jupyter_mldeploy.images.engine import Engine
from jupyter_mldeploy.images.entries import Entry, stream
from jupyter_mldeploy.images.plan import ImagePlan, Part
from jupyter_mldeploy.images.stream import post_stream
from jupyter_mldeploy.images.surroundings import Surroundings

__all__ = ["Built", "Step", "build_image"]

_STEP = re.compile(r"Step (\d+)/(\d+) : (.*)", re.DOTALL)
_LAYER = re.compile(r" ---> ([0-9a-f]{12,64})\s*")
_RUNNING = re.compile(r" ---> Running in ([0-9a-f]{12,64})\s*")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


_BOOKKEEPING = re.compile(r" ---> |Removing intermediate container ")
"""The classic builder's own: kept in the log, of no use while it builds."""
_REMOVING = "Removing intermediate container"
PATIENCE = 15
"""Seconds for the engine to end the command of a build that was interrupted."""


@dataclass
class Step:
    """One instruction of a Dockerfile, while and after it was carried out."""

    step: str
    command: str
    seconds: float = 0.0
    cached: bool = False

    def __str__(self) -> str:
        took = "cached" if self.cached else f"{self.seconds:.1f} s"
        return f"{self.step} {_short(self.command)}: {took}"


@dataclass(frozen=True, kw_only=True)
class Built:
    """What a build came to.

    Attributes:
        reference, id: Of the image.
        parts: What was built; empty when everything was there.
        seconds: How long it took.
    """

    reference: str
    id: str
    parts: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(kw_only=True)
class Listener:
    """Who hears of a build: every line, and every step that has ended."""

    line: Callable[[str], None] = lambda _: None
    step: Callable[[Step], None] = lambda _: None


def build_image(
    plan: ImagePlan,
    engine: Engine,
    home: Path,
    surroundings: Surroundings,
    *,
    service: str,
    target: str = "container",
    listener: Listener | None = None,
    cancel: Cancel | None = None,
) -> Built:
    """Build what is missing of an image; nothing when it is there.

    Raises:
        DeploymentFailed: A step failed; carries its log and command.
        Cancelled: It was interrupted; its layers were removed.
        TargetUnavailable: The engine went away.
    """
    began = time.monotonic()
    cancel = cancel or Cancel()
    listener = listener or Listener()
    known = [engine.has_image(part.reference) for part in plan.parts]
    if found := known[-1]:
        _note_found(BuildLogs(home), plan, service)
        return Built(reference=plan.reference, id=found["Id"])
    first = max((index + 1 for index, image in enumerate(known) if image), default=0)
    for note in plan.notes if first == 0 else ():
        listener.line(f"The build uses {note}.")
    for index, part in enumerate(plan.parts[first:], first):
        parents = tuple(other.reference for other in plan.parts[:index])
        _PartBuild(
            part, parents, plan.dockerfile, engine, BuildLogs(home), surroundings, service, target, listener
        ).run(cancel)
    built = engine.has_image(plan.reference)
    assert built is not None
    names = tuple(part.name for part in plan.parts[first:])
    return Built(reference=plan.reference, id=built["Id"], parts=names, seconds=time.monotonic() - began)


def _note_found(logs: BuildLogs, plan: ImagePlan, service: str) -> None:
    """An image that another data folder has built is listed too; there is no log of it here."""
    if logs.find(plan.reference) is None:
        parents = tuple(part.reference for part in plan.parts[:-1])
        entry = ImageEntry(
            reference=plan.reference, service=service, state="found", parents=parents, dockerfile=plan.dockerfile
        )
        logs.say(plan.reference, f"{plan.reference} was on the engine already: nothing was built.")
        logs.keep(entry)


@dataclass
class _PartBuild:
    """The build of one part."""

    part: Part
    parents: tuple[str, ...]
    dockerfile: str
    engine: Engine
    logs: BuildLogs
    surroundings: Surroundings
    service: str
    target: str
    listener: Listener
    steps: list[Step] = field(default_factory=list)
    layers: list[str] = field(default_factory=list)
    output: list[str] = field(default_factory=list)
    running: str = ""
    held: str = ""
    """Said after a command that failed too, but then it would read as if the step had succeeded."""
    began: float = field(default_factory=time.monotonic)
    step_began: float = 0.0

    def run(self, cancel: Cancel) -> None:
        from docker.errors import APIError

        with writing(self.logs.path(self.part.reference)), self.logs.open(self.part.reference) as log:
            try:
                for line in self._lines(cancel):
                    log.write(redact(line).encode("utf-8", "backslashreplace") + b"\n")
                    if not _BOOKKEEPING.match(line):
                        self.listener.line(line)
            except _StepFailed as error:
                log.write(redact(error.text).encode("utf-8", "backslashreplace") + b"\n")
                self._keep("failed")
                raise self._failed(error) from None
            except APIError as error:
                text = str(error.explanation or error)
                log.write(redact(text).encode("utf-8", "backslashreplace") + b"\n")
                self._keep("failed")
                raise self._failed(_StepFailed(text)) from None
            except BaseException as error:
                interrupted = isinstance(error, Cancelled | KeyboardInterrupt)
                self._keep("interrupted" if interrupted else "failed")
                if interrupted:
                    self._remove_layers()
                raise
        self._keep("built")

    def _lines(self, cancel: Cancel) -> Iterator[str]:
        params: dict[str, Any] = {"t": self.part.reference, "rm": "1", "forcerm": "1"}
        if self.surroundings.proxies:  # arguments that Docker knows: neither in the history nor in the cache's key
            params["buildargs"] = json.dumps(dict(self.surroundings.proxies))
        if self.surroundings.network:
            params["networkmode"] = self.surroundings.network
        context = stream((Entry("Dockerfile", self.part.dockerfile.encode()), *self.part.entries), cancel)
        headers = {"Content-Type": "application/tar", **_registry_credentials()}
        pulled: set[str] = set()
        for told in post_stream(self.engine, "build", params, cancel, data=context, headers=headers):
            if "error" in told:
                self._end_step()
                raise _StepFailed(str(told["error"]), (told.get("errorDetail") or {}).get("code"))
            if "stream" in told:
                yield from self._heard(_COLOURS.sub("", str(told["stream"])))
            elif "status" in told and told.get("status") not in {"Downloading", "Extracting", "Waiting"}:
                line = " ".join(str(told[key]) for key in ("id", "status") if told.get(key))
                if line not in pulled:
                    pulled.add(line)
                    yield line
        self._end_step()

    def _heard(self, text: str) -> Iterator[str]:
        if match := _STEP.match(text):
            self._end_step()
            self.steps.append(Step(f"{match[1]}/{match[2]}", match[3].strip()))
            self.step_began = time.monotonic()
            self.output, self.running = [], ""
        elif text.strip() == "---> Using cache" and self.steps:
            self.steps[-1].cached = True
        elif (
            (match := _LAYER.fullmatch(text))
            and self.steps
            and not self.steps[-1].cached
            and not _is_from(self.steps[-1])
        ):
            self.layers.append(match[1])
        elif match := _RUNNING.fullmatch(text):
            self.running = match[1]
        else:
            self.output += text.splitlines()
        for line in text.splitlines():
            if line.startswith(_REMOVING):
                self.held = line.rstrip()
            elif line.strip():
                if self.held:
                    yield self.held
                    self.held = ""
                yield line.rstrip()

    def _end_step(self) -> None:
        if self.steps and self.step_began:
            self.steps[-1].seconds = round(time.monotonic() - self.step_began, 3)
            self.step_began = 0.0
            self.listener.step(self.steps[-1])

    def _remove_layers(self) -> None:
        """What an interrupted build has committed is of no use to anybody; the newest goes first, others stand on it.

        The engine ends the command that it was running some moments after its caller has gone; until then it holds its layer.
        """
        from docker.errors import APIError
        from requests.exceptions import RequestException

        if self.running:
            with suppress(APIError, RequestException):  # it is gone already, or will not go
                self.engine.api.wait(self.running, condition="removed", timeout=PATIENCE)
        for layer in reversed(self.layers):
            with suppress(APIError, OSError):
                self.engine.api.remove_image(layer, noprune=True)

    def _keep(self, state: str) -> None:
        self.logs.keep(
            ImageEntry(
                reference=self.part.reference,
                service=self.service,
                state=state,
                seconds=round(time.monotonic() - self.began, 3),
                parents=self.parents,
                steps=tuple(vars(step) for step in self.steps),
                dockerfile=self.dockerfile,
            )
        )

    def _failed(self, error: _StepFailed) -> DeploymentFailed:
        log = self.logs.text(self.part.reference)
        step = self.steps[-1] if self.steps else None
        facts = {"image": self.part.reference}
        place = ""
        if step:
            facts |= {"step": step.step, "command": step.command}
            place = f" in step {step.step}, {_short(step.command)}"
        evidence = Evidence(
            stage="build", target=self.target, service=self.service, build_log=log, exit_code=error.code, facts=facts
        )
        return DeploymentFailed(
            f"{self.service} failed in build{place}: {_reason(self.output, error)}", stage="build", evidence=evidence
        )


class _StepFailed(Exception):
    """The builder's own report of a failure."""

    def __init__(self, text: str, code: int | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.code = code


def _is_from(step: Step) -> bool:
    return step.command.upper().startswith("FROM ")


def _short(command: str) -> str:
    one_line = " ".join(command.replace("\\\n", " ").split())
    return one_line if len(one_line) <= 80 else one_line[:79] + "…"


def _reason(output: list[str], error: _StepFailed) -> str:
    """The last line of the step in which a program says what was wrong, else its last line, else the builder's words."""
    lines = [line.strip() for line in output if line.strip() and not line.startswith((_REMOVING, " --->"))]
    told = [line for line in lines if re.match(r"(?i)(error|e):\s", line)] or lines
    return (told[-1] if told else error.text.strip().splitlines()[0]).rstrip(".") + "."


def _registry_credentials() -> dict[str, str]:
    """Docker's own credentials for a base image of a private registry."""
    from docker import auth

    try:
        known: dict[str, Any] = auth.load_config().get_all_credentials()  # type: ignore[no-untyped-call]
    except Exception:  # noqa: BLE001 - a credential helper may fail in any way; public images need none
        return {}
    return {"X-Registry-Config": auth.encode_header(known).decode("ascii")} if known else {}
