"""Let every Python of an image import the v1 names that its scoring scripts use, where the real packages are missing.

``python score.py`` and ``Model.get_model_path(...)`` in a shell of the container then work as they do in the service. Loaded at
every start of Python by a ``.pth`` file, so it does nothing until somebody imports one of the names.
"""

import sys
from typing import Any

_WORKER = "/opt/mldeploy/lib/jupyter_mldeploy/runtime/worker"
_TOPS = ("azureml", "azureml_inference_server_http")


class _Finder:
    """Asked last, for what nothing else provides."""

    @staticmethod
    def find_spec(fullname: str, path: Any = None, target: Any = None) -> Any:
        """A spec for a v1 name, made by the scoring server's own stand-ins."""
        if fullname.partition(".")[0] not in _TOPS and not fullname.startswith("sklearn.externals."):
            return None
        if "_mldeploy_worker" not in sys.modules:
            package = type(sys)("_mldeploy_worker")
            package.__path__ = [_WORKER]
            sys.modules["_mldeploy_worker"] = package
        from importlib import import_module

        return import_module("_mldeploy_worker.shims").Finder().find_spec(fullname, path, target)


sys.meta_path.append(_Finder)
