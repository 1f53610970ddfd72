"""``mldeploy``: the verbs of the package in a terminal.

``parser`` knows the words, ``program`` runs what they ask for, ``showing`` owns what is printed. Each verb's own module is
imported when it is used, so that ``mldeploy --help`` costs no more than Python.
"""

from __future__ import annotations

__all__ = ["main"]


def main(argv: list[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: Words after ``mldeploy``; ``None`` takes those of the process.

    Returns:
        0: done. 1: refused or failed. 2: usage. 130: interrupted (as shells count: 128 + the signal).
    """
    try:
        from jupyter_mldeploy.cli.program import run

        return run(argv)
    except KeyboardInterrupt:  # before there was anything to clean up
        return 130
