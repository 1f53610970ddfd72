"""What the contract suite must be able to do with a target besides deploying to it: look for leftovers, and kill."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import psutil

from jupyter_mldeploy import Service

from .scripts import Gate

__all__ = ["LocalUnderTest", "TargetUnderTest"]


class TargetUnderTest(ABC):
    """One target, seen from outside the package.

    Args:
        home: Folder of the package's data, which no other test uses.
    """

    name: str
    other: str = "container"
    """Another kind of target, for names that are taken."""
    environ: Mapping[str, str] = MappingProxyType({})
    """Settings that deploying to it takes."""
    not_here: Mapping[str, str] = MappingProxyType({})
    """Tests of what this target does not have, by how their names begin, and why."""

    def __init__(self, home: Path) -> None:
        self.home = home

    @abstractmethod
    def leftovers(self) -> list[str]:
        """What still runs of any service of this home: each process, container or object, in words."""

    @abstractmethod
    def kill(self, service: Service) -> None:
        """End the service's server as a crash or a reboot would, and return when it is gone."""

    @abstractmethod
    def await_no_workers(self, service: Service) -> None:
        """Wait until nothing of a killed service runs."""

    def hasten(self) -> None:  # noqa: B027 - most have nothing to do
        """What still runs may end without the time it was promised: the test is over."""

    def await_handover(self, service: Service) -> None:  # noqa: B027 - where nothing is to be waited for
        """Return when nothing of a former version answers any more; at once where an update ends with that."""

    def address(self, service: Service) -> str:
        """Where this machine reaches what ``scoring_uri`` names."""
        return service.scoring_uri

    def gate(self, folder: Path) -> Gate:
        """A script whose ``init()`` waits for the test, as it can where the target runs it."""
        return Gate(folder)


class LocalUnderTest(TargetUnderTest):
    """Processes of this machine."""

    name = "local"

    def leftovers(self) -> list[str]:
        found = self._processes()
        return [f"{process.pid}: {' '.join(process.cmdline())}" for process in found]

    def kill(self, service: Service) -> None:
        server = psutil.Process(service.record.details["pid"])
        self._family = [server, *server.children(recursive=True)]
        server.kill()
        psutil.wait_procs([server], timeout=10)

    def await_no_workers(self, service: Service) -> None:
        del service
        _, alive = psutil.wait_procs(self._family, timeout=10)
        assert not alive

    def _processes(self) -> list[psutil.Process]:
        home = str(self.home)
        found = []
        for process in psutil.process_iter():
            try:
                seen = [*process.cmdline(), process.environ().get("AML_APP_ROOT", ""), process.cwd()]
                if process.status() != psutil.STATUS_ZOMBIE and any(home in text for text in seen):
                    found.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        return found
