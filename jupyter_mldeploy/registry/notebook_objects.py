"""Find what inside an object lives only in the notebook, before anything is written.

A class of the notebook is pickled as ``__main__.Name``, and in the service ``__main__`` is another program: loading fails
there with "Can't get attribute 'Name' on <module '__main__'>". Nothing is ever unpickled here.
"""

from __future__ import annotations

import io
import pickle
import sys
from collections.abc import Iterable
from types import FunctionType
from typing import Any

from jupyter_mldeploy.errors import InvalidValue

__all__ = ["Pickled", "refuse", "refuse_notebook_types", "survey"]


class Pickled:
    """What pickling an object would refer to.

    Attributes:
        notebook: Classes and functions that live only in the notebook, such as ``"class Scaler"``.
        nameless: Those of modules that cannot be imported by a name, such as ``"function make.<locals>.inner"``.
        modules: Top-level modules that must be importable where it is loaded.
    """

    def __init__(self) -> None:
        self.notebook: dict[str, None] = {}
        self.nameless: dict[str, None] = {}
        self.modules: set[str] = set()

    def add(self, thing: type | FunctionType) -> bool:
        """Take note of a class or function. Returns whether it can be imported by its name elsewhere."""
        module = getattr(thing, "__module__", None) or ""
        name = getattr(thing, "__qualname__", repr(thing))
        shown = f"{'class' if isinstance(thing, type) else 'function'} {name}"
        if module == "__main__":
            self.notebook[shown] = None
            return False
        self.modules.add(module.partition(".")[0])
        if not _importable(module, name):
            self.nameless[f"{shown} of {module}"] = None
            return False
        return True


class _Surveyor(pickle.Pickler):
    """Pickles into nothing; large buffers are not even copied."""

    def __init__(self, found: Pickled) -> None:
        super().__init__(_Nothing(), protocol=5, buffer_callback=lambda _buffer: None)
        self._found = found

    def reducer_override(self, thing: Any) -> Any:
        if isinstance(thing, type | FunctionType) and not self._found.add(thing):
            return str, ()  # anything will do: only what else there is to find matters
        return NotImplemented


class _Nothing(io.RawIOBase):
    def write(self, data: Any) -> int:
        return len(data)


def survey(thing: object) -> Pickled:
    """What pickling ``thing`` would refer to.

    Raises:
        InvalidValue: It cannot be pickled at all: it holds a lock, an open file, a generator, ...
    """
    found = Pickled()
    try:
        _Surveyor(found).dump(thing)
    except RecursionError:
        raise InvalidValue("model", _name(thing), "it is nested too deeply to be pickled.") from None
    except Exception as error:  # __reduce__ and __getstate__ of any class run here
        if not (found.notebook or found.nameless):
            raise InvalidValue(
                "model",
                _name(thing),
                f"it cannot be pickled: {str(error).rstrip('.')}.",
                "Save it to a file in its library's own way and deploy that file with --model PATH.",
            ) from error
    found.modules -= {"", "builtins", "__main__", "copyreg"} | sys.stdlib_module_names
    return found


def refuse_notebook_types(thing: object, parts: Iterable[object], way_out: str = "") -> None:
    """Raise ``InvalidValue`` if the class of one of ``parts`` lives only in the notebook; ``way_out``: another one."""
    found = Pickled()
    for part in parts:
        found.add(type(part))
    refuse(thing, found, way_out=way_out)


def refuse(thing: object, found: Pickled, *, by_value: bool = True, way_out: str = "") -> None:
    """Raise ``InvalidValue`` if anything in ``found`` lives only in the notebook.

    Without ``by_value`` also if a class or function has no name it could be imported by.
    """
    if not found.notebook:
        if found.nameless and not by_value:
            expected = f"{next(iter(found.nameless))} has no name that the service could import it by."
            raise InvalidValue("model", _name(thing), expected, "Make it a function or class of the module itself.")
        return
    names = list(found.notebook)
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    verb = "lives" if len(names) == 1 else "live"
    raise InvalidValue(
        "model",
        _name(thing),
        f"{shown} {verb} only in the notebook, and the service could not load it.",
        "Move it into a module file (say features.py), import it from there, make the model again, "
        f"and ship the file with --source-directory.{f' {way_out}' if way_out else ''}",
    )


def _name(thing: object) -> str:
    return type(thing).__qualname__


def _importable(module: str, qualified_name: str) -> bool:
    if module not in sys.modules:
        return "<" not in qualified_name
    found: Any = sys.modules[module]
    for part in qualified_name.split("."):
        found = getattr(found, part, None)
    return found is not None
