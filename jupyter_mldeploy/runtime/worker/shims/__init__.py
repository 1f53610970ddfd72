"""Stand-ins for the v1 packages that scoring scripts import, light, and only where the real ones are missing.

A finder at the very end of `sys.meta_path` is asked last: it sees only imports that nothing else could serve, so that a
real package, even a part of one, always wins.
"""

from __future__ import annotations

import importlib.machinery
import sys
import types
from collections.abc import Sequence
from importlib import import_module
from typing import Any, cast

from .old_joblib import OldJoblib

_REQUEST = "aml_request"
_RESPONSE = "aml_response"
_MODEL = "model_lookup"
_COLLECTOR = "data_collector"

# Name → the module of this package whose public names it has; None: an empty package.
_PROVIDED: dict[str, str | None] = {
    "azureml": None,
    "azureml.core": _MODEL,
    "azureml.core.model": _MODEL,
    "azureml.exceptions": "not_found",
    "azureml.monitoring": _COLLECTOR,
    "azureml.monitoring.modeldatacollector": _COLLECTOR,
    "azureml.contrib": None,
    "azureml.contrib.services": None,
    "azureml.contrib.services.aml_request": _REQUEST,
    "azureml.contrib.services.aml_response": _RESPONSE,
    "azureml_inference_server_http": None,
    "azureml_inference_server_http.api": None,
    "azureml_inference_server_http.api.aml_request": _REQUEST,
    "azureml_inference_server_http.api.aml_response": _RESPONSE,
}
_PACKAGES = {name.rpartition(".")[0] for name in _PROVIDED}
RAW_FLAG_MODULES = tuple(name for name, part in _PROVIDED.items() if part == _REQUEST)


_old_joblib = OldJoblib()


class Finder:
    """Provides the modules of `_PROVIDED`, and joblib by its old name.

    No subclass of what `importlib.abc` has: importing that takes longer than all of this package.
    """

    def find_spec(
        self,
        fullname: str,
        _path: Sequence[str] | None,
        _target: types.ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        """A spec for a module that only we have."""
        if fullname not in _PROVIDED:
            return _old_joblib.find_spec(fullname)
        return importlib.machinery.ModuleSpec(fullname, cast(Any, self), is_package=fullname in _PACKAGES)

    def create_module(self, _spec: importlib.machinery.ModuleSpec) -> None:
        """The default module object will do."""

    def exec_module(self, module: types.ModuleType) -> None:
        """Fill a stand-in with the names that scripts import from it."""
        part = _PROVIDED[module.__name__]
        if part is not None:
            source = import_module(f"{__name__}.{part}")
            module.__dict__.update({name: getattr(source, name) for name in source.__all__})
            module.__doc__ = source.__doc__


def install() -> None:
    """Offer the stand-ins to every later import."""
    if not any(isinstance(finder, Finder) for finder in sys.meta_path):
        sys.meta_path.append(cast(Any, Finder()))


def forget_raw_requests() -> None:
    """Before a script loads: no `@rawhttp` has been seen, in real packages and stand-ins alike."""
    for name in RAW_FLAG_MODULES:
        module = sys.modules.get(name)
        if module is not None:
            module._rawHttpRequested = False  # type: ignore[attr-defined]


def raw_requested() -> bool:
    """Whether the script that was loaded used `@rawhttp`."""
    return any(getattr(sys.modules.get(name), "_rawHttpRequested", False) for name in RAW_FLAG_MODULES)
