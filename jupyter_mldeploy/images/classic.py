"""The engine's own builder, through its API: every engine has it, and it needs no program here."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from jupyter_mldeploy.events import Cancel
from jupyter_mldeploy.images.engine import Engine
from jupyter_mldeploy.images.entries import Entry, stream
from jupyter_mldeploy.images.plan import Part
from jupyter_mldeploy.images.steps import COLOURS, PATIENCE, REMOVING, Step, StepFailed
from jupyter_mldeploy.images.stream import post_stream
from jupyter_mldeploy.images.surroundings import Surroundings

__all__ = ["ClassicBuild"]

# As Docker's own builder says it, and as Podman's does.
_STEP = re.compile(r"(?:Step|STEP) (\d+)/(\d+) ?: (.*)")
_LAYER = re.compile(r"(?: ---|--)> ([0-9a-f]{11,64})\s*")
_CACHED = re.compile(r"---> Using cache|--> Using cache [0-9a-f]{64}")
_RUNNING = re.compile(r" ---> Running in ([0-9a-f]{12,64})\s*")


@dataclass
class ClassicBuild:
    """The build of one part."""

    part: Part
    engine: Engine
    surroundings: Surroundings
    ended: Callable[[Step], None]
    steps: list[Step] = field(default_factory=list)
    output: list[str] = field(default_factory=list)
    _layers: list[str] = field(default_factory=list)
    _running: str = ""
    _begun: str = ""
    """A line whose end has not come yet: what a command writes comes as it wrote it, apt's `E`, `:` and the rest singly."""
    _held: str = ""
    """Said after a command that failed too, but then it would read as if the step had succeeded."""
    _step_began: float = 0.0

    def lines(self, cancel: Cancel) -> Generator[str]:
        """Build it, and yield the lines of its log.

        Raises:
            StepFailed: A step failed.
        """
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
                yield from self._heard(self._begun)
                self._end_step()
                raise StepFailed(str(told["error"]), (told.get("errorDetail") or {}).get("code"))
            if "stream" in told:
                *lines, self._begun = (self._begun + str(told["stream"])).split("\n")
                for line in lines:
                    yield from self._heard(line)
            elif "status" in told and told.get("status") not in {"Downloading", "Extracting", "Waiting"}:
                line = " ".join(str(told[key]) for key in ("id", "status") if told.get(key))
                if line not in pulled:
                    pulled.add(line)
                    yield line
        yield from self._heard(self._begun)
        self._end_step()

    def _heard(self, line: str) -> Iterator[str]:
        text = COLOURS.sub("", line)
        if match := _STEP.match(text):
            self._end_step()
            self.steps.append(Step(f"{match[1]}/{match[2]}", match[3].strip()))
            self._step_began = time.monotonic()
            self.output, self._running = [], ""
        elif _CACHED.fullmatch(text.strip()) and self.steps:
            self.steps[-1].cached = True
        elif (
            (match := _LAYER.fullmatch(text))
            and self.steps
            and not self.steps[-1].cached
            and not _is_from(self.steps[-1])
        ):
            self._layers.append(match[1])
        elif match := _RUNNING.fullmatch(text):
            self._running = match[1]
        else:
            self.output += text.splitlines()
        for said in text.splitlines():
            if said.startswith(REMOVING):
                self._held = said.rstrip()
            elif said.strip():
                if self._held:
                    yield self._held
                    self._held = ""
                yield said.rstrip()

    def _end_step(self) -> None:
        if self.steps and self._step_began:
            self.steps[-1].seconds = round(time.monotonic() - self._step_began, 3)
            self._step_began = 0.0
            self.ended(self.steps[-1])

    def undo(self) -> str:
        """What an interrupted build has committed is of no use to anybody; the newest goes first, others stand on it.

        The engine ends the command that it was running some moments after its caller has gone; until then it holds its layer.
        """
        from docker.errors import APIError
        from requests.exceptions import RequestException

        if self._running:
            with suppress(APIError, RequestException):  # it is gone already, or will not go
                self.engine.api.wait(self._running, condition="removed", timeout=PATIENCE)
        left = 0
        for layer in reversed(self._layers):
            try:
                self.engine.api.remove_image(layer, noprune=True)
            except APIError as error:
                left += error.status_code != 404
            except OSError:
                left += 1
        if left:
            steps = f"{left} finished steps stay" if left > 1 else "a finished step stays"
            return f"Interrupted: {steps}, because something still uses it; `mldeploy prune` offers to remove what is left."
        return "Interrupted: the steps that this build had finished were removed."


def _is_from(step: Step) -> bool:
    return step.command.upper().startswith("FROM ")


def _registry_credentials() -> dict[str, str]:
    """Docker's own credentials for a base image of a private registry."""
    from docker import auth

    try:
        known: dict[str, Any] = auth.load_config().get_all_credentials()  # type: ignore[no-untyped-call]
    except Exception:  # noqa: BLE001 - a credential helper may fail in any way; public images need none
        return {}
    return {"X-Registry-Config": auth.encode_header(known).decode("ascii")} if known else {}
