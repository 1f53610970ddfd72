"""Whether an environment will have a module: the kernel's own, or one that is still to be made from its requirements."""

from __future__ import annotations

import importlib.machinery
import os
import re
import sys
from collections.abc import Iterable
from typing import Protocol

from jupyter_mldeploy.capture.distributions import KNOWN_DEPENDENCIES, candidates, installed_names, normalized
from jupyter_mldeploy.spec import Environment

__all__ = ["LENDERS", "Availability", "availability_of", "is_lent", "not_lent"]

_MODEL = frozenset({"Model", "ModelNotFoundException"})
_REQUEST = frozenset({"AMLRequest", "rawhttp"})
_RESPONSE = frozenset({"AMLResponse"})
_COLLECTOR = frozenset({"ModelDataCollector"})
_LENT: dict[str, frozenset[str]] = {
    "azureml": frozenset(),
    "azureml.core": _MODEL,
    "azureml.core.model": _MODEL,
    "azureml.contrib": frozenset(),
    "azureml.contrib.services": frozenset(),
    "azureml.contrib.services.aml_request": _REQUEST,
    "azureml.contrib.services.aml_response": _RESPONSE,
    "azureml.exceptions": frozenset({"ModelNotFoundException"}),
    "azureml.monitoring": _COLLECTOR,
    "azureml.monitoring.modeldatacollector": _COLLECTOR,
    "azureml_inference_server_http": frozenset(),
    "azureml_inference_server_http.api": frozenset(),
    "azureml_inference_server_http.api.aml_request": _REQUEST,
    "azureml_inference_server_http.api.aml_response": _RESPONSE,
}
"""What the runtime lends to scripts: modules, and their names."""
LENDERS = frozenset({"azureml", "azureml_inference_server_http"})
_NOT_THE_SDK = frozenset({"azureml-defaults", "azureml-inference-server-http"})  # left out; without azureml.core
_CONDA_NAMES = {"pytorch": "torch", "py-xgboost": "xgboost", "matplotlib-base": "matplotlib", "opencv": "opencv-python"}
_SHARED = {
    "google": "google-",
    "azure": "azure-",
    "nvidia": "nvidia-",
    "sphinxcontrib": "sphinx",
}
"""Top-level modules that many distributions share, and how those are called."""


def is_lent(module: str) -> bool:
    """Whether the runtime lends the module to scripts where the real package is not installed."""
    return module in _LENT


def not_lent(module: str, names: Iterable[str]) -> list[str]:
    """What of ``import module`` or ``from module import names`` the runtime does not lend, by its full name."""
    if module not in _LENT:
        return [f"{module}.{name}" for name in names if name != "*"] or [module]
    known = _LENT[module]
    return [
        f"{module}.{name}" for name in names if name not in known and name != "*" and f"{module}.{name}" not in _LENT
    ]


class Availability(Protocol):
    """Answers whether a top-level module will be there. ``True`` in case of doubt."""

    def has(self, top: str) -> bool:
        """Whether ``import top`` can work, as far as can be known."""

    def complaint(self, top: str) -> str:
        """One sentence that says that it is missing."""


def availability_of(environment: Environment) -> Availability:
    """What is known of the modules of an environment."""
    if environment.current:
        here = environment.interpreter in {None, Environment.kernel().interpreter}
        return _Kernel() if here else _Elsewhere()
    return _Required(environment)


class _Elsewhere:
    """Of a Python that is not this one: all is in doubt."""

    def has(self, top: str) -> bool:
        del top
        return True

    def complaint(self, top: str) -> str:
        return f"`{top}` is not installed there."


class _Kernel:
    def __init__(self) -> None:
        # '' is the folder of the notebook: the kernel has it, the service does not.
        self._path = [entry for entry in sys.path if entry]

    def has(self, top: str) -> bool:
        if top in sys.stdlib_module_names or top in sys.builtin_module_names or top == "__main__":
            return True
        if top == "azureml":
            return self._has_sdk()
        if importlib.machinery.PathFinder.find_spec(top, self._path) is not None:
            return True
        return any(self._finds(finder, top) for finder in sys.meta_path if finder is not importlib.machinery.PathFinder)

    def _has_sdk(self) -> bool:
        """Whether it is the real SDK: other packages share its name, and to the notebook it may be lent."""
        found = importlib.machinery.PathFinder.find_spec("azureml", self._path)
        places = list(found.submodule_search_locations or ()) if found else []
        return bool(places) and importlib.machinery.PathFinder.find_spec("azureml.core", places) is not None

    @staticmethod
    def _finds(finder: object, top: str) -> bool:
        find = getattr(finder, "find_spec", None)  # editable installs bring their own finders
        try:
            return find is not None and find(top, None) is not None
        except Exception:  # noqa: BLE001 - some package's finder: what it says is of no use, and not ours to report
            return True

    def complaint(self, top: str) -> str:
        return f"`{top}` is not installed in this kernel's Python ({os.path.basename(sys.prefix)})."  # noqa: PTH119


class _Required:
    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._names: set[str] = set()
        self._seen: set[tuple[str, frozenset[str]]] = set()
        self._unknown = environment.base_image is not None
        for requirement in environment.requirements:
            self._add_requirement(requirement)
        for package in environment.conda:
            name = normalized(re.split(r"[\s=<>!~\[]", package.rpartition("::")[2], maxsplit=1)[0])
            self._add(_CONDA_NAMES.get(name, name), frozenset())
        self._kernel = _Kernel() if getattr(environment, "interpreter", None) else None

    def has(self, top: str) -> bool:
        if top in sys.stdlib_module_names or top in sys.builtin_module_names or self._unknown:
            return True
        if self._kernel is not None and self._kernel.has(top):
            return True
        if self._names.intersection(candidates(top)):
            return True
        if top == "azureml":
            return any(name.startswith("azureml-") for name in self._names - _NOT_THE_SDK)
        if top in _SHARED and any(name.startswith(_SHARED[top]) for name in self._names):
            return True
        return bool(self._names.intersection(installed_names(top)))

    def complaint(self, top: str) -> str:
        return f"`{top}` will not be there: nothing that the environment {self._environment.name!r} requires brings it."

    def _add_requirement(self, text: str) -> None:
        from packaging.requirements import InvalidRequirement, Requirement

        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            # An option may name other files or indexes, a path anything at all.
            self._unknown = self._unknown or not text.startswith(
                ("--index-url", "--extra-index-url", "-i ", "--find-links")
            )
            return
        self._add(normalized(requirement.name), frozenset(requirement.extras))

    def _add(self, name: str, extras: frozenset[str]) -> None:
        if (name, extras) in self._seen:
            return
        self._seen.add((name, extras))
        self._names.add(name)
        needed = _needs(name, extras)
        if needed is None:
            self._unknown = True
            return
        for other, other_extras in needed:
            self._add(other, other_extras)


def _needs(name: str, extras: frozenset[str]) -> list[tuple[str, frozenset[str]]] | None:
    """Direct dependencies, ``None`` where they cannot be known here."""
    from importlib import metadata

    from packaging.requirements import Requirement

    try:
        lines = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        known = KNOWN_DEPENDENCIES.get(name)
        return None if known is None or extras else [(other, frozenset()) for other in known]
    found = []
    for line in lines:
        requirement = Requirement(line)
        wanted = [{"extra": extra} for extra in ("", *extras)]
        if requirement.marker is None or any(requirement.marker.evaluate(each) for each in wanted):
            found.append((normalized(requirement.name), frozenset(requirement.extras)))
    return found
