"""Make one environment with uv."""

from __future__ import annotations

import json
import re
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jupyter_mldeploy.environments.installer import find_uv, installer_environment, run_streamed
from jupyter_mldeploy.environments.layering import look_below
from jupyter_mldeploy.errors import DeploymentFailed
from jupyter_mldeploy.events import Cancel, Stage
from jupyter_mldeploy.evidence import Evidence, read_log, redact
from jupyter_mldeploy.spec import Environment

__all__ = ["MARKER", "Making", "remove"]

MARKER = "mldeploy.json"
"""Written last: a folder without it is half made."""
_CAUSES = ("╰─▶", "├─▶", "Caused by:", "cause:")


def remove(folder: Path) -> None:
    """Remove an environment; the marker goes first, so what is left of a removal that was cut short counts as half made."""
    (folder / MARKER).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True, kw_only=True)
class Making:
    """One environment while it is made, its lock held all the time.

    Attributes:
        requirements: For pip; ``environment`` may have had them for conda.
        folder: Where it is made; ``<folder>.log`` gets the log.
        log: Gets each line too.
        descriptor: Of the lock file; the installer inherits it.
    """

    environment: Environment
    requirements: list[str]
    folder: Path
    log: Callable[[str], None]
    cancel: Cancel
    descriptor: int

    @property
    def log_path(self) -> Path:
        """The log's file."""
        return self.folder.with_name(f"{self.folder.name}.log")

    def make(self) -> None:
        """Make it from nothing; what was begun is removed if it fails.

        Raises:
            DeploymentFailed: It cannot be installed.
            TargetUnavailable: uv is not installed.
            Cancelled: The operation was interrupted.
        """
        remove(self.folder)
        self.log_path.write_text("", encoding="utf-8")
        try:
            self._run("venv", "--python", self._python(), str(self.folder))
            self._install()
            facts = {
                "name": self.environment.name,
                "requirements": self.requirements,
                "created": time.time(),
            }
            (self.folder / MARKER).write_text(json.dumps(facts), encoding="utf-8")
        except BaseException:
            remove(self.folder)
            raise

    def _python(self) -> str:
        return self.environment.interpreter or self.environment.python or sys.executable

    def _install(self) -> None:
        interpreter = str(self.folder / "bin" / "python")
        requirements = [_absolute(requirement) for requirement in self.requirements]
        if self.environment.interpreter is None:
            if requirements:
                self._run("pip", "install", "--python", interpreter, "-r", self._file("requirements.txt", requirements))
            return
        below = look_below(self.environment.interpreter)
        resolved = self.folder / "resolved.txt"
        self._run(
            *(
                "pip",
                "compile",
                "--python",
                interpreter,
                "--no-header",
                "--no-annotate",
                "--output-file",
                str(resolved),
            ),
            *("--constraints", self._file("constraints.txt", below.constraints(requirements))),
            self._file("requirements.txt", requirements),
        )
        lines = resolved.read_text(encoding="utf-8").splitlines()
        if lacking := below.lacking([line for line in lines if line and not line.startswith("#")]):
            file = self._file("lacking.txt", lacking)
            self._run("pip", "install", "--python", interpreter, "--no-deps", "-r", file)
        below.link(self.folder)

    def _file(self, name: str, lines: list[str]) -> str:
        path = self.folder / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return str(path)

    def _run(self, *arguments: str) -> None:
        with self.log_path.open("a", encoding="utf-8") as file:

            def say(line: str) -> None:
                if line.startswith("Activate with:"):
                    return  # advice for a shell; nobody activates this one
                line = redact(self._in_words(line))
                file.write(f"{line}\n")
                self.log(line)

            code = run_streamed(
                [find_uv(), *arguments],
                folder=self.folder.parent,
                environment=installer_environment(),
                log=say,
                cancel=self.cancel,
                keep_open=self.descriptor,
            )
        if code != 0:
            raise self._failed(code)

    def _in_words(self, line: str) -> str:
        """A line of uv's with the requirements called as people know them: the file it reads is ours."""
        parent, name = re.escape(str(self.folder.parent)), re.escape(self.folder.name)
        ours = rf"`?(?:{parent}/)?{name}/requirements\.txt(?::(\d+)(?::\d+)?)?`?"
        whose = f"the requirements of {self.environment.name!r}"

        def called(place: re.Match[str]) -> str:
            number = int(place[1] or 0)
            known = 0 < number <= len(self.requirements)
            return f"`{self.requirements[number - 1]}` in {whose}" if known else whose

        return re.sub(ours, called, line)

    def _failed(self, code: int) -> DeploymentFailed:
        text = read_log(self.log_path)
        evidence = Evidence(
            stage=Stage.BUILD,
            target="local",
            build_log=text,
            exit_code=code,
            requirements=tuple(self.requirements),
        )
        return DeploymentFailed(
            f"The environment {self.environment.name!r} could not be installed: {_reason(text)}",
            f"The whole log is {str(self.log_path)!r}.",
            stage=Stage.BUILD,
            evidence=evidence,
        )


def _absolute(requirement: str) -> str:
    """Paths are the user's, relative to the working directory; uv runs elsewhere, away from the project's own settings."""
    if requirement.startswith(("./", "../", ".")) and not requirement.startswith("-"):
        return str(Path.cwd() / requirement)
    if match := re.fullmatch(
        r"(-e|--editable|-r|--requirement|-c|--constraint|-f|--find-links)[ =](?!\w+:)(?!/)(\S+)", requirement
    ):
        return f"{match[1]} {Path.cwd() / match[2]}"
    return requirement


def _reason(text: str) -> str:
    """The sentence of uv's output that says what is wrong."""
    lines = [line.strip() for line in text.splitlines()]
    for index, line in enumerate(lines):
        if line.startswith(("×", "error:")):
            causes = [more for more in lines[index + 1 : index + 4] if more.startswith(_CAUSES)]
            detail = [line.lstrip("× ").removeprefix("error:").strip()]
            detail += [
                cause.lstrip("╰─▶├ ").removeprefix("Caused by:").removeprefix("cause:").strip() for cause in causes
            ]
            reason = ": ".join(part.rstrip(".:") for part in detail)
            return f"{reason[:300]}."
    return f"{next((line for line in reversed(lines) if line), 'uv failed without a word').rstrip('.')}."
