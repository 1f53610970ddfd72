"""Where a worker stands: its folder, what can be imported from there, and what has been imported from elsewhere."""

from __future__ import annotations

import os
import sys
from typing import Any


def take_place(order: dict[str, Any]) -> list[str]:
    """Go to the app root and let the script import what lies beside it.

    The folders go to the end of `sys.path`, as they always did for these scripts: an installed package wins over a file
    of the same name. Returns these folders.
    """
    root: str = order["app_root"]
    os.chdir(root)
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
