"""`sklearn.externals.joblib`, which scikit-learn brought until 0.22: scripts and pickles of those days find joblib itself."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import sys
import types
from collections.abc import Sequence
from importlib import import_module
from typing import Any, cast

__all__ = ["OldJoblib"]

OLD = "sklearn.externals.joblib"


class OldJoblib:
    """Asked last, so that a scikit-learn which has it goes on bringing its own."""

    def find_spec(
        self,
        fullname: str,
        _path: Sequence[str] | None = None,
        _target: types.ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        """A spec for the old name, and for modules below it, where joblib has them."""
        if fullname != OLD and not fullname.startswith(f"{OLD}."):
            return None
        try:
            found = importlib.util.find_spec(f"joblib{fullname[len(OLD) :]}")
        except ImportError:
            return None
        return None if found is None else importlib.machinery.ModuleSpec(fullname, cast(Any, self), is_package=True)

    def create_module(self, _spec: importlib.machinery.ModuleSpec) -> None:
        """The machinery's own will do: it is replaced at once."""

    def exec_module(self, module: types.ModuleType) -> None:
        """Both names are one module, so that its classes are the same classes."""
        name = module.__name__
        if name == OLD:
            import logging

            logging.getLogger("sklearn.externals").warning(
                "scikit-learn no longer brings joblib; joblib itself is taken: write `import joblib`."
            )
        sys.modules[name] = import_module(f"joblib{name[len(OLD) :]}")
