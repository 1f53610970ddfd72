"""Make this folder importable as `_mldeploy_worker`, and nothing else of it, then run the worker.

Python puts the folder of a script first on `sys.path`; left there, our `script` or `frames` would shadow modules of the
user by the same name.
"""

import os
import sys


def boot() -> None:
    """Register the private package and hand over to the worker's main loop."""
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or os.curdir) != here]
    package = type(sys)("_mldeploy_worker")
    package.__path__ = [here]
    sys.modules["_mldeploy_worker"] = package

    from importlib import import_module

    import_module("_mldeploy_worker.process").main(sys.argv[1:])


def too_old() -> None:
    """Tell the front, without anything that this Python may not know; it ends this process then."""
    import json
    import socket
    import struct

    version = ".".join(str(part) for part in sys.version_info[:3])
    message = "A scoring script needs Python 3.9 or newer, but " + sys.executable + " is Python " + version + "."
    empty = ("exception", "file", "line", "function", "source", "traceback", "exit_code", "signal", "request_id")
    found = dict.fromkeys(empty)
    found.update(stage="import", kind="contract", message=message, oom=False, replica=None, time=0)
    meta = json.dumps({"kind": "failure", "failure": found}).encode()
    link = socket.fromfd(int(sys.argv[1]), socket.AF_UNIX, socket.SOCK_STREAM)
    link.sendall(struct.pack("<BBHIIIII", 33, 0, 0, 0, 0, len(meta), 0, 0) + meta)
    while link.recv(65536):
        pass


if __name__ == "__main__":
    if sys.version_info < (3, 9):  # noqa: UP036 - the user's interpreter may be any
        too_old()
    else:
        boot()
