"""Build the parts of an image that are missing, with BuildKit or the engine's own builder, and keep what it says."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from jupyter_mldeploy.config import settings
from jupyter_mldeploy.errors import Cancelled, DeploymentFailed, InvalidValue
from jupyter_mldeploy.events import Cancel
from jupyter_mldeploy.evidence import Evidence, redact
from jupyter_mldeploy.images.build_log import BuildLogs, ImageEntry, writing
from jupyter_mldeploy.images.buildkit import NETWORKS, BuildKitBuild, NotUsable
from jupyter_mldeploy.images.classic import ClassicBuild
from jupyter_mldeploy.images.engine import Engine
from jupyter_mldeploy.images.plan import ImagePlan, Part
from jupyter_mldeploy.images.plugin import find_buildx
from jupyter_mldeploy.images.steps import BOOKKEEPING, Builder, Listener, Step, StepFailed, short
from jupyter_mldeploy.images.surroundings import Surroundings

__all__ = ["Built", "Listener", "Step", "build_image"]


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
    for index, part in enumerate(plan.parts[first:], first):
        parents = tuple(other.reference for other in plan.parts[:index])
        notes = () if index else plan.notes
        _PartBuild(
            part, parents, plan.dockerfile, engine, BuildLogs(home), surroundings, service, target, listener, notes
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
    notes: tuple[str, ...]
    began: float = field(default_factory=time.monotonic)

    def run(self, cancel: Cancel) -> None:
        with writing(self.logs.path(self.part.reference)), self.logs.open(self.part.reference) as log:
            for note in self.notes:
                _write(log, f"The build uses {note}.")
                self.listener.line(f"The build uses {note}.")
            builder, *others = self._builders()
            while True:
                try:
                    self._listen(builder, log, cancel)
                    break
                except NotUsable as error:
                    _write(log, f"BuildKit could not be used: {error}")
                    if not others:
                        self._keep(builder, "failed")
                        raise self._failed(builder, StepFailed(str(error), in_step=False)) from None
                    _write(log, "The engine's own builder is used instead.")
                    builder = others.pop()
        self._keep(builder, "built")

    def _builders(self) -> list[Builder]:
        """Who builds this part, and who does if that one cannot.

        BuildKit is for parts in which something is carried out. What only copies files is quicker without, and
        BuildKit would keep two more copies of every model on the engine.
        """
        wanted, program, ended = settings().builder, "", self.listener.step
        classic = ClassicBuild(self.part, self.engine, self.surroundings, ended)
        if wanted != "classic":
            program = find_buildx()
        if wanted == "buildx" and not program:
            raise InvalidValue(
                "builder", wanted, "docker buildx is not installed here; `docker buildx version` would show it."
            )
        fits = self.engine.buildkit and self.part.has_commands and self.surroundings.network in NETWORKS
        if not program or (wanted != "buildx" and not fits):
            return [classic]
        buildkit = BuildKitBuild(program, self.part, self.engine, self.surroundings, ended)
        return [buildkit] if wanted == "buildx" else [buildkit, classic]

    def _listen(self, builder: Builder, log: IO[bytes], cancel: Cancel) -> None:
        from docker.errors import APIError

        try:
            with closing(builder.lines(cancel)) as lines:  # an interrupt may come while a line is shown
                for line in lines:
                    _write(log, line)
                    if not BOOKKEEPING.match(line):
                        self.listener.line(line)
        except NotUsable:
            raise
        except StepFailed as error:
            _write(log, error.text)
            self._keep(builder, "failed")
            raise self._failed(builder, error) from None
        except APIError as error:
            text = str(error.explanation or error)
            _write(log, text)
            self._keep(builder, "failed")
            raise self._failed(builder, StepFailed(text)) from None
        except BaseException as error:
            interrupted = isinstance(error, Cancelled | KeyboardInterrupt)
            self._keep(builder, "interrupted" if interrupted else "failed")
            if interrupted:
                said = builder.undo()
                _write(log, said)
                self.listener.line(said)
            raise

    def _keep(self, builder: Builder, state: str) -> None:
        self.logs.keep(
            ImageEntry(
                reference=self.part.reference,
                service=self.service,
                state=state,
                seconds=round(time.monotonic() - self.began, 3),
                parents=self.parents,
                steps=tuple(vars(step) for step in builder.steps),
                dockerfile=self.dockerfile,
            )
        )

    def _failed(self, builder: Builder, error: StepFailed) -> DeploymentFailed:
        log = self.logs.text(self.part.reference)
        step = builder.steps[-1] if builder.steps and error.in_step else None
        facts = {"image": self.part.reference}
        place = ""
        if step:
            facts |= {"step": step.step, "command": step.command}
            place = f" in step {step.step}, {short(step.command)}"
        evidence = Evidence(
            stage="build", target=self.target, service=self.service, build_log=log, exit_code=error.code, facts=facts
        )
        return DeploymentFailed(
            f"{self.service} failed in build{place}: {error.reason(builder.output)}", stage="build", evidence=evidence
        )


def _write(log: IO[bytes], text: str) -> None:
    log.write(redact(text).encode("utf-8", "backslashreplace") + b"\n")
