"""The bare name ``azureml``, lent to scripts that import it, where nothing else provides it."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from types import ModuleType

from jupyter_mldeploy.runtime.worker.shims.old_joblib import OldJoblib

__all__ = ["LENT", "OWN", "guide", "lend"]

LENT = "azureml"
OWN = "jupyter_mldeploy.azureml"


class _Lender(MetaPathFinder, Loader):
    """Stands first on ``sys.meta_path``: below the lent name, the path finder would load our modules a second time."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """A spec for a lent name."""
        del path, target
        if fullname != LENT and not fullname.startswith(f"{LENT}."):
            return None
        try:
            importlib.util.find_spec(OWN + fullname.removeprefix(LENT))  # raises a sentence for what is not here
        except ModuleNotFoundError:
            if (other := _installed(fullname)) is not None:
                return other
            raise
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        """The machinery's own will do: it is replaced at once."""

    def exec_module(self, module: ModuleType) -> None:
        """Both names are one module, so that its classes are the same classes."""
        name = module.__name__
        sys.modules[name] = import_module(OWN + name.removeprefix(LENT))


def _installed(fullname: str) -> importlib.machinery.ModuleSpec | None:
    """What another package puts below the name (``azureml.mlflow`` is one of its own); nothing is imported to find it."""
    spec, places, name = None, None, ""
    for part in fullname.split("."):
        name = f"{name}.{part}" if name else part
        spec = importlib.machinery.PathFinder.find_spec(name, places)
        if spec is None:
            return None
        places = list(spec.submodule_search_locations or ())
    return spec


class _Guide(MetaPathFinder):
    """Stands last: what nobody has found of the SDK's modules gets a sentence."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Raise for what would be below our name."""
        del path, target
        if fullname.startswith(f"{OWN}."):
            from jupyter_mldeploy.azureml.unknown import ModuleNotHere, module_sentence

            raise ModuleNotHere(module_sentence(fullname.removeprefix(f"{OWN}.")), name=fullname)
        return None


def lend() -> bool:
    """See ``jupyter_mldeploy.azureml.install``."""
    if any(isinstance(finder, _Lender) for finder in sys.meta_path):
        return True
    try:
        real = importlib.util.find_spec(f"{LENT}.core") is not None
    except ModuleNotFoundError:
        real = False
    if not real:
        sys.meta_path.insert(0, _Lender())
    return not real


def guide() -> None:
    """Let imports of what is not here say so; and joblib be found by the name that scikit-learn had for it."""
    if not any(isinstance(finder, _Guide) for finder in sys.meta_path):
        sys.meta_path += [_Guide(), OldJoblib()]
