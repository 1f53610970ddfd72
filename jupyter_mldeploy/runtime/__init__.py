"""The scoring server that runs inside every target: a front that owns the port, workers that own the user's script.

It imports nothing else of the package. What a target may rely on is in docs/runtime-protocol.md.
"""

from __future__ import annotations

__all__ = ["main"]


def main(argv: list[str] | None = None) -> int:
    """Run the scoring server until it is told to stop.

    Parameters
    ----------
    argv
        Arguments as on the command line, without the program's name; None takes `sys.argv`.

    Returns
    -------
    int
        The exit code: 0 after SIGTERM, 1 for wrong arguments, 3 when the script cannot start, 98 for a taken port.
    """
    from jupyter_mldeploy.runtime.command_line import main as run

    return run(argv)
