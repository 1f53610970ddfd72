"""The one error tree.

MLDeployError                      root; ``code``, ``summary``, ``hint``
├── InvalidValue                   bad input: names the field, the value and what would be right
│   └── InvalidScript              what the checks before a build found, all of it, each with its line
├── NotFound                       no service, model, version or file of that name
├── Conflict                       the name is taken, the model is in use (HTTP 409)
│   └── OperationInProgress        another deployment, update or deletion of the service is running
├── StorageError                   the data folder cannot be written, the disk is full
├── RecordDamaged                  a record could not be read; it was kept aside
├── TargetUnavailable              no engine, no cluster, no rights: the target cannot be used now
├── PortInUse                      the port that was asked for is taken, and by whom
├── Cancelled                      interrupted; what was begun has been cleaned up
├── DeploymentFailed               a stage failed; carries ``stage``, ``evidence`` and ``diagnosis``
│   └── ReloadRefused              the new script was not accepted; the old one goes on serving
└── ScoringFailed                  the service answered a request with an error

Every error is one clear sentence (``summary``: what is wrong, where) and, where there is one, a second (``hint``: what to
do). In a cell only these are shown: IPython asks an exception for ``_render_traceback_``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_mldeploy.evidence import Evidence

__all__ = [
    "Cancelled",
    "Conflict",
    "DeploymentFailed",
    "InvalidScript",
    "InvalidValue",
    "MLDeployError",
    "NotFound",
    "OperationInProgress",
    "PortInUse",
    "RecordDamaged",
    "ReloadRefused",
    "ScoringFailed",
    "StorageError",
    "TargetUnavailable",
    "in_a_cell",
    "in_magics",
]


_COMMAND = re.compile(r"\bmldeploy (?:(start|stop|reload|update|delete|logs|status|run)|diagnose)(?= [a-z{N])")


def in_magics(text: str) -> str:
    """A text with the terminal's commands as they are in a notebook: ``mldeploy start iris`` is ``%service_start iris``."""
    return _COMMAND.sub(lambda found: f"%service_{found[1]}" if found[1] else "%diagnose", text)


_TYPED = re.compile(r"(^|`)(?=mldeploy [a-z])")


def in_a_cell(text: str) -> str:
    """The same, so that a cell takes each command as it is typed: what has no magic goes to the shell, ``!mldeploy exec``."""
    return _TYPED.sub(r"\1!", in_magics(text))


class MLDeployError(Exception):
    """Root of what this package raises on purpose; anything else that escapes is a bug.

    Attributes:
        code: A stable short name for programs, such as ``"conflict"``.
        summary: One sentence: what is wrong, and where.
        hint: What to do about it, or ``""``.
        http_status: What the same error is over HTTP.
    """

    code = "error"
    http_status = 500

    def __init__(self, summary: str, hint: str = "") -> None:
        super().__init__(summary, hint)
        self.summary = summary
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.summary} {self.hint}".strip()

    def to_json(self) -> dict[str, Any]:
        """The error as every interface sends it."""
        return {"code": self.code, "summary": self.summary, "hint": self.hint}

    def _render_traceback_(self) -> list[str]:
        """What IPython shows instead of a traceback through our own code."""
        lines = [f"{type(self).__name__}: {in_magics(self.summary)}"]
        return [*lines, f"  → {in_magics(self.hint)}"] if self.hint else lines


class InvalidValue(MLDeployError, ValueError):
    """A field has a value that cannot be right.

    Args:
        field: Name of the field or option as the user writes it.
        value: What was given; shown with ``repr`` and shortened.
        expected: What would be right, as the end of "… is not valid: ".
    """

    code = "invalid-value"
    http_status = 400

    def __init__(self, field: str, value: object, expected: str, hint: str = "") -> None:
        shown = repr(value)
        if len(shown) > 80:
            shown = shown[:77] + "…"
        what = f"{field} is missing" if value is None else f"{field}={shown} is not valid"
        super().__init__(f"{what}: {expected}", hint)
        self.field = field
        self.value = value


class InvalidScript(InvalidValue):
    """The checks made before anything is built found problems in the scoring script.

    Attributes:
        problems: All of them, in line order, each one sentence that begins with its line.
    """

    code = "invalid-script"

    def __init__(self, name: str, problems: Sequence[str], hint: str = "") -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        summary = self.problems[0] if count == 1 else f"{count} problems in {name}:"
        MLDeployError.__init__(self, summary, hint)
        self.field = "script"
        self.value = name

    def to_json(self) -> dict[str, Any]:
        return {**super().to_json(), "problems": list(self.problems)}

    def _render_traceback_(self) -> list[str]:
        lines = [f"{type(self).__name__}: {self.summary}"]
        if len(self.problems) > 1:
            lines += [f"  • {problem}" for problem in self.problems]
        return [*lines, f"  → {in_magics(self.hint)}"] if self.hint else lines

    def __str__(self) -> str:
        return " ".join([self.summary, *(self.problems if len(self.problems) > 1 else ()), self.hint]).strip()


class NotFound(MLDeployError, LookupError):
    """There is no service, model, version or file of that name."""

    code = "not-found"
    http_status = 404

    @classmethod
    def of_file(cls, what: str, path: str | Path) -> NotFound:
        """There is no such file; of a relative path also where it was looked for."""
        folder = "" if Path(path).is_absolute() else f" in {str(Path.cwd())!r}"
        return cls(f"There is no {what} {str(path)!r}{folder}.")


class Conflict(MLDeployError):
    """The name is taken, or the thing is in use."""

    code = "conflict"
    http_status = 409


class OperationInProgress(Conflict):
    """Another operation on the same service is running."""

    code = "operation-in-progress"


class StorageError(MLDeployError):
    """What the package keeps on disk could not be written or read."""

    code = "storage"
    http_status = 507


class RecordDamaged(MLDeployError):
    """A record could not be read. It was moved aside, never deleted."""

    code = "record-damaged"


class TargetUnavailable(MLDeployError):
    """The target cannot be used now: no engine, no cluster, no rights, or not built for this system."""

    code = "target-unavailable"
    http_status = 503


class PortInUse(MLDeployError):
    """The port that was asked for is taken."""

    code = "port-in-use"
    http_status = 409


class Cancelled(MLDeployError):
    """The operation was interrupted, and what it had begun was cleaned up."""

    code = "cancelled"
    http_status = 499


class DeploymentFailed(MLDeployError):
    """A stage of a deployment failed.

    Attributes:
        stage: Name of the stage.
        evidence: What the target could show of the failure.
        diagnosis: The explanation of the evidence (``jupyter_mldeploy.diagnosis.Diagnosis``), once there is one.
    """

    code = "deployment-failed"
    http_status = 502

    def __init__(self, summary: str, hint: str = "", *, stage: str, evidence: Evidence) -> None:
        super().__init__(summary, hint)
        self.stage = stage
        self.evidence = evidence
        self.diagnosis: Any = None

    def to_json(self) -> dict[str, Any]:
        diagnosis = self.diagnosis.to_json() if self.diagnosis is not None else None
        return {**super().to_json(), "stage": self.stage, "diagnosis": diagnosis}


class ReloadRefused(DeploymentFailed):
    """The new script was not accepted; the old one goes on serving."""

    code = "reload-refused"
    http_status = 422


class ScoringFailed(MLDeployError):
    """The service answered a request with an error.

    Attributes:
        status: HTTP status, or ``None`` when no answer came.
        body: The answer's text.
        evidence: What the target can show of it.
        diagnosis: The explanation of the evidence, once there is one.
    """

    code = "scoring-failed"
    http_status = 502

    def __init__(
        self, summary: str, hint: str = "", *, status: int | None, body: str, evidence: Evidence | None = None
    ) -> None:
        super().__init__(summary, hint)
        self.status = status
        self.body = body
        self.evidence = evidence
        self.diagnosis: Any = None

    def to_json(self) -> dict[str, Any]:
        diagnosis = self.diagnosis.to_json() if self.diagnosis is not None else None
        return {**super().to_json(), "status": self.status, "body": self.body, "diagnosis": diagnosis}
