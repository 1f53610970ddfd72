"""The cell becomes the scoring script, line for line."""

from __future__ import annotations

from jupyter_mldeploy.spec import Script

__all__ = ["script_from_cell"]

MAGIC_LINE = "# The magic of the cell stands in this line."
"""Always the same text: running an unchanged cell again, as cell [5] instead of [4], gives the same script."""


def script_from_cell(body: str, origin: str) -> Script:
    """The scoring script of a cell whose first line is the magic.

    Args:
        body: The lines below the magic, as IPython hands them over.
        origin: What people call the cell, such as ``cell [4]``.

    Returns:
        A script whose line numbers are the cell's: a comment stands in the place of the magic.
    """
    lines = body.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").rstrip()
    return Script(f"{MAGIC_LINE}\n{lines}\n" if lines else f"{MAGIC_LINE}\n", origin=origin)
