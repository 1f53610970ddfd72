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


if __name__ == "__main__":
    boot()
