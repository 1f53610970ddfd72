"""Where a worker stands: its folder, what can be imported from there and has been from elsewhere, and its front."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from .script import Refused

_F_SETSIG = 10  # <fcntl.h> of Linux; Python's fcntl does not name it everywhere


def take_place(order: dict[str, Any]) -> list[str]:
    """Go to the app root and let the script import what lies beside it.

    The folders go to the end of `sys.path`, as they always did for these scripts: an installed package wins over a file
    of the same name. Returns these folders; raises `Refused` when the app root is no folder.
    """
    root: str = order["app_root"]
    try:
        os.chdir(root)
    except OSError as error:
        message = f"The app root {root} cannot be entered: {error.strerror}."
        raise Refused(message) from None
    folders = [root, os.path.dirname(order["path"])]
    if order["source_directory"]:
        folders.insert(1, os.path.join(root, order["source_directory"]))
    for folder in folders:
        if folder not in sys.path:
            sys.path.append(folder)
    return folders


def libraries() -> list[str]:
    """Top-level packages outside the app that are imported by now: what a warm worker imports ahead."""
    found = set()
    for name, module in list(sys.modules.items()):
        path = getattr(module, "__file__", None)
        if isinstance(path, str) and ("site-packages" in path or "dist-packages" in path):
            found.add(name.partition(".")[0])
    return sorted(name for name in found if name.isidentifier())


def tie_to_front(lifeline_fd: int) -> None:
    """Let the kernel kill this process group as soon as the front's end of the lifeline closes (Linux).

    The signal's owner belongs to the open file, so every worker opens the pipe anew.
    """
    import fcntl

    if not sys.platform.startswith("linux"):
        return
    try:
        own = os.open(f"/proc/self/fd/{lifeline_fd}", os.O_RDONLY | os.O_NONBLOCK)
        fcntl.fcntl(own, fcntl.F_SETOWN, -os.getpgrp())
        fcntl.fcntl(own, _F_SETSIG, int(signal.SIGKILL))
        fcntl.fcntl(own, fcntl.F_SETFL, fcntl.fcntl(own, fcntl.F_GETFL) | os.O_ASYNC)
    except OSError:
        return  # no /proc: the end of the socket has to do
