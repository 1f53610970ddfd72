"""Save an object of the notebook in the way its library means it to be saved.

The library is told by the modules of the classes in the object's MRO, the most special first; nothing is imported to find
out. Every version holds exactly one entry, so ``joblib.load(Model.get_model_path("clf"))`` and its like work as written:

==============  =======================  =====================================================================
library         entry                    loaded by
==============  =======================  =====================================================================
scikit-learn    ``clf.joblib``           ``joblib.load``; pipelines and LightGBM's sklearn classes too
XGBoost         ``clf.ubj``              ``Booster()`` or the same sklearn class, then ``load_model``
LightGBM        ``clf.txt``              ``lightgbm.Booster(model_file=...)``
Keras           ``clf.keras``            ``keras.models.load_model``
PyTorch         ``clf.pt``               ``torch.load(..., weights_only=False)``: the whole module, not only its state,
                                         so that the script need not build it again; TorchScript: ``torch.jit.load``
transformers    ``clf/``                 ``from_pretrained``
NumPy array     ``clf.npy``              ``numpy.load``
pandas frame    ``clf.parquet``          ``pandas.read_parquet``; without a parquet engine ``clf.pkl``
anything else   ``clf.pkl``              ``pickle.load``
==============  =======================  =====================================================================
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from jupyter_mldeploy.errors import InvalidValue, MLDeployError
from jupyter_mldeploy.registry.content import storage_errors
from jupyter_mldeploy.registry.notebook_objects import refuse, refuse_notebook_types, survey

__all__ = ["Saved", "Saver", "saver_for"]

_DISTRIBUTIONS = {"sklearn": "scikit-learn"}


@dataclass(frozen=True)
class Saved:
    """What was written: the entry, and what is recorded of it."""

    entry: Path
    kind: str
    properties: dict[str, str]


@dataclass(frozen=True)
class Saver:
    """One way to save.

    Attributes:
        kind: The library's name.
        suffix: Of the entry; ``""`` for a folder.
        write: Writes the object to a path.
        pickles: Whether it refers to classes by their names, as pickle does.
        by_value: Whether it can also take functions of modules that have no name to be imported by.
        parts: Objects inside it whose classes loading needs, where that can be known without pickling.
        also: Further modules that loading needs.
        way_out: A sentence for who has a class in the notebook, besides the usual one.
    """

    kind: str
    suffix: str
    write: Callable[[Any, Path], object]
    pickles: bool = False
    by_value: bool = False
    parts: Callable[[Any], Iterable[object]] = field(default=lambda _thing: ())
    also: tuple[str, ...] = ()
    way_out: str = ""

    def save(self, thing: Any, name: str, folder: Path, modules: set[str]) -> Saved:
        """Write ``thing`` as ``<name><suffix>`` into ``folder``; ``modules`` is what ``check`` found.

        Raises:
            InvalidValue: The library cannot save it.
            StorageError: The disk is full, ...
        """
        entry = folder / f"{name}{self.suffix}"
        try:
            with storage_errors(f"Saving the model {name!r}"):
                self.write(thing, entry)
        except MLDeployError:
            raise
        except Exception as error:  # a library's own way to save may fail in any way
            what = type(thing).__qualname__
            raise InvalidValue(
                "model", what, f"{self.kind} could not save it: {type(error).__name__}: {str(error).rstrip('.')}."
            ) from error
        return Saved(entry, self.kind, self._properties(thing, modules))

    def check(self, thing: Any) -> set[str]:
        """Top-level modules that loading needs.

        Raises:
            InvalidValue: A class in it lives only in the notebook, or it cannot be pickled.
        """
        modules = {*self.also}
        if self.pickles:
            found = survey(thing)
            refuse(thing, found, by_value=self.by_value)
            modules |= found.modules | ({"cloudpickle"} if found.nameless else set())
        refuse_notebook_types(thing, (thing, *self.parts(thing)), self.way_out)
        return modules

    def _properties(self, thing: Any, modules: set[str]) -> dict[str, str]:
        of = type(thing)
        properties = {
            "class": f"{of.__module__}.{of.__qualname__}",
            "library": self.kind,
            "python_version": platform.python_version(),
            "modules": ",".join(sorted(modules)),
        }
        if callable(getattr(thing, "predict", None)):
            properties["methods"] = "predict"
        if hasattr(thing, "feature_names_in_"):
            properties["features"] = "names"
        if found := _version_of(self.kind):
            properties["library_version"] = found
        return properties


def saver_for(thing: object) -> Saver:
    """How ``thing`` is saved."""
    for base in type(thing).__mro__:
        if maker := _MAKERS.get(base.__module__.partition(".")[0]):
            saver = maker(thing)
            if saver is not None:
                return saver
    return _PICKLE


def _version_of(library: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    module = sys.modules.get(library)
    try:
        return version(_DISTRIBUTIONS.get(library, library))
    except PackageNotFoundError:
        return str(getattr(module, "__version__", ""))


def _dump_joblib(thing: Any, path: Path) -> None:
    import joblib

    joblib.dump(thing, path)


def _dump_pickle(thing: Any, path: Path) -> None:
    # Only what has no name is put in by value; the rest reads like a plain pickle.
    import cloudpickle

    with path.open("xb") as file:
        cloudpickle.dump(thing, file)


def _dump_array(thing: Any, path: Path) -> None:
    import numpy as np

    with path.open("xb") as file:
        np.save(file, thing, allow_pickle=False)


def _dump_torch(thing: Any, path: Path) -> None:
    sys.modules["torch"].save(thing, path)


_JOBLIB = Saver("sklearn", ".joblib", _dump_joblib, pickles=True, also=("joblib", "sklearn"))
_PICKLE = Saver("pickle", ".pkl", _dump_pickle, pickles=True, by_value=True)


def _xgboost(thing: Any) -> Saver | None:
    if not hasattr(thing, "save_model"):
        return None
    return Saver("xgboost", ".ubj", lambda model, path: model.save_model(str(path)), also=("xgboost",))


def _lightgbm(thing: Any) -> Saver | None:
    if not hasattr(thing, "save_model"):
        return None  # its sklearn classes: a text file would lose the classes' names; joblib keeps them
    return Saver("lightgbm", ".txt", lambda model, path: model.save_model(str(path)), also=("lightgbm",))


def _keras(thing: Any) -> Saver | None:
    if not (hasattr(thing, "save") and hasattr(thing, "layers")):
        return None
    return Saver("keras", ".keras", lambda model, path: model.save(str(path)), parts=_layers, also=("keras",))


def _layers(model: Any) -> Iterable[object]:
    # A model inside a model is one of its layers.
    layers: Iterable[object] = model._flatten_layers() if hasattr(model, "_flatten_layers") else model.layers  # noqa: SLF001
    return layers


def _torch(thing: Any) -> Saver | None:
    if not hasattr(thing, "state_dict"):
        return None
    if any(base.__module__.startswith("torch.jit") for base in type(thing).__mro__):
        return Saver("torch", ".pt", lambda module, path: module.save(str(path)), also=("torch",))
    return Saver(
        *("torch", ".pt", _dump_torch),
        parts=lambda module: module.modules(),
        also=("torch",),
        way_out="Or register torch.jit.script(model), which needs no class.",
    )


def _transformers(thing: Any) -> Saver | None:
    if not hasattr(thing, "save_pretrained"):
        return None
    return Saver("transformers", "", lambda model, path: model.save_pretrained(str(path)), also=("transformers",))


def _numpy(thing: Any) -> Saver | None:
    if type(thing).__name__ != "ndarray" or thing.dtype.hasobject:
        return None
    return Saver("numpy", ".npy", _dump_array, also=("numpy",))


def _pandas(thing: Any) -> Saver | None:
    engine = next((name for name in ("pyarrow", "fastparquet") if find_spec(name)), None)
    if type(thing).__name__ != "DataFrame" or engine is None:
        return None
    return Saver("pandas", ".parquet", lambda frame, path: frame.to_parquet(path), also=("pandas", engine))


_MAKERS: dict[str, Callable[[Any], Saver | None]] = {
    "sklearn": lambda _thing: _JOBLIB,
    "xgboost": _xgboost,
    "lightgbm": _lightgbm,
    "keras": _keras,
    "tf_keras": _keras,
    "tensorflow": _keras,
    "torch": _torch,
    "transformers": _transformers,
    "numpy": _numpy,
    "pandas": _pandas,
}
