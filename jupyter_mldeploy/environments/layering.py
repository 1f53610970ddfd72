"""An environment over another interpreter's packages: those stay visible, what is required comes before them.

A virtual environment with system packages would see those of the *base* Python, not those of the kernel's own virtual
environment. So the kernel's folders are added by a ``.pth`` file, and only what the kernel does not have is installed.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jupyter_mldeploy.environments.requirements import requirement_name
from jupyter_mldeploy.errors import TargetUnavailable

__all__ = ["Underlying", "look_below"]

_LOOK = """
import json, sys
from importlib.metadata import distributions
folders = [p for p in sys.path if p.rstrip("/").endswith(("site-packages", "dist-packages"))]
versions = {d.metadata["Name"]: d.version for d in reversed(list(distributions(path=folders))) if d.metadata["Name"]}
print(json.dumps({"folders": folders, "versions": versions}))
"""


@dataclass(frozen=True)
class Underlying:
    """What an interpreter brings: its package folders, and the versions installed there by normalized name."""

    folders: tuple[str, ...]
    versions: Mapping[str, str]

    def constraints(self, requirements: Sequence[str]) -> list[str]:
        """Lines that keep a resolution at the versions that are there, but for what is required by name."""
        asked = {requirement_name(requirement) for requirement in requirements}
        return sorted(f"{name}=={version}" for name, version in self.versions.items() if name not in asked)

    def lacking(self, resolved: Sequence[str]) -> list[str]:
        """Of resolved requirements (``name==version``) those that are not there in that version."""
        return [
            requirement
            for requirement in resolved
            if self.versions.get(requirement_name(requirement)) != _version_of(requirement)
        ]

    def link(self, environment: Path) -> None:
        """Make the folders visible in a virtual environment, after its own."""
        site = next((environment / "lib").glob("python*/site-packages"))
        lines = [f"import site; site.addsitedir({folder!r})" for folder in self.folders]
        (site / "_mldeploy_kernel.pth").write_text("\n".join(lines) + "\n", encoding="utf-8")


def look_below(interpreter: str) -> Underlying:
    """Ask an interpreter what it brings.

    Raises:
        TargetUnavailable: It does not run.
    """
    try:
        answer = subprocess.run([interpreter, "-c", _LOOK], capture_output=True, text=True, check=True, cwd="/")
        found = json.loads(answer.stdout)
    except (OSError, subprocess.CalledProcessError, ValueError) as error:
        reason = str(getattr(error, "stderr", "") or error).strip().splitlines()
        raise TargetUnavailable(f"The interpreter {interpreter!r} does not run: {(reason or ['?'])[-1]}.") from None
    versions = {requirement_name(name): version.partition("+")[0] for name, version in found["versions"].items()}
    return Underlying(tuple(found["folders"]), versions)


def _version_of(requirement: str) -> str:
    version = requirement.partition("==")[2].partition(";")[0].strip()
    return version.partition("+")[0]
