"""Start a worker process with the interpreter of the user's environment.

`posix_spawn` needs no module beyond `os`, so that the first worker is on its way before the front imports its event
loop; the worker's start is the longest part of a service's start.
"""

from __future__ import annotations

import os
import socket
from typing import NamedTuple

from jupyter_mldeploy.runtime.configuration import ConfigurationError, WorkerMake

BOOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "worker", "boot.py")
SECRETS = ("MLDEPLOY_ADMIN_TOKEN", "MLDEPLOY_SCORING_KEYS")
_SOCKET_FD, _LOG_FD, _LIFELINE_FD, _SHARED_FD, _FORK_FD = 3, 4, 5, 6, 7


class Lifeline(NamedTuple):
    """A pipe whose write end only the front holds; its closing ends every worker."""

    read_fd: int
    write_fd: int

    @classmethod
    def make(cls) -> Lifeline:
        """A new pipe, not inherited by default."""
        return cls(*os.pipe())


class Channels(NamedTuple):
    """The front's ends of what connects it with one worker."""

    link: socket.socket
    log_fd: int
    output_fd: int
    fork_socket: socket.socket | None = None  # to a worker that may fork: takes descriptors of replicas

    def close(self) -> None:
        """Close all of them."""
        self.link.close()
        os.close(self.log_fd)
        os.close(self.output_fd)
        if self.fork_socket is not None:
            self.fork_socket.close()


class WorkerEnds(NamedTuple):
    """The worker's ends, to be given to a child and then closed here."""

    link: socket.socket
    log_fd: int
    output_fd: int

    def close(self) -> None:
        """Close all three."""
        self.link.close()
        os.close(self.log_fd)
        os.close(self.output_fd)


def make_channels() -> tuple[Channels, WorkerEnds]:
    """A socket pair, the log pipe and the pipe of descriptors 1 and 2."""
    ours, theirs = socket.socketpair()
    log_read, log_write = os.pipe()
    output_read, output_write = os.pipe()
    ours.setblocking(False)
    os.set_blocking(log_read, False)
    os.set_blocking(output_read, False)
    return Channels(ours, log_read, output_read), WorkerEnds(theirs, log_write, output_write)


def environment_of(make: WorkerMake, base: dict[str, str] | None = None) -> dict[str, str]:
    """A worker's environment: the front's without secrets, then the contract's variables, then the user's."""
    environment = dict(os.environ if base is None else base)
    for name in (*SECRETS, "PYTHONHOME", "__PYVENV_LAUNCHER__"):
        environment.pop(name, None)
    environment["AML_APP_ROOT"] = make.root
    environment["AZUREML_ENTRY_SCRIPT"] = make.entry_script
    if make.source_directory:
        environment["AZUREML_SOURCE_DIRECTORY"] = make.source_directory
    if make.model_dir is not None:
        environment["AZUREML_MODEL_DIR"] = make.model_dir
    environment.update(make.env)
    return environment


def spawn(
    make: WorkerMake,
    lifeline: Lifeline,
    shared: socket.socket | None,
    *,
    parent: bool = False,
) -> tuple[int, Channels]:
    """Start a worker that waits for its first order; a `parent` can also fork replicas.

    Returns
    -------
    tuple
        The process id, and the front's ends of its channels.

    Raises
    ------
    ConfigurationError
        The interpreter cannot be started.
    """
    ours, theirs = make_channels()
    null = os.open(os.devnull, os.O_RDONLY)
    try:
        # Copies above the targets first: a descriptor that is itself a target must not be overwritten before its turn.
        sources = [_above(fd) for fd in (null, theirs.output_fd, theirs.output_fd, theirs.link.fileno())]
        sources += [_above(theirs.log_fd), _above(lifeline.read_fd)]
        arguments = [make.python, BOOT, str(_SOCKET_FD), str(_LOG_FD), str(_LIFELINE_FD)]
        sources.append(_above(lifeline.read_fd if shared is None else shared.fileno()))
        arguments.append("-1" if shared is None else str(_SHARED_FD))
        if parent:
            fork_socket, child_end = socket.socketpair()
            ours = ours._replace(fork_socket=fork_socket)
            sources.append(_above(child_end.fileno()))
            child_end.close()
            arguments.append(str(_FORK_FD))
        actions = [(os.POSIX_SPAWN_DUP2, source, target) for target, source in enumerate(sources)]
        try:
            pid = os.posix_spawn(
                make.python,
                arguments,
                environment_of(make),
                file_actions=actions,
                setpgroup=0,
                setsigdef=[1, 2, 13, 15],
                setsigmask=[],
            )
        finally:
            for source in sources:
                os.close(source)
    except (OSError, ValueError) as error:  # ValueError: a NUL byte or half a character in an argument or variable
        ours.close()
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigurationError(f"The interpreter {make.python} cannot be started: {reason}.") from None
    finally:
        os.close(null)
        theirs.close()
    return pid, ours


def _above(descriptor: int) -> int:
    import fcntl

    return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10)
