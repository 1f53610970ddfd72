"""Objects are saved in their library's way, and what lives only in the notebook is refused before anything is written."""

from __future__ import annotations

import pickle
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from jupyter_mldeploy.errors import InvalidValue, StorageError
from jupyter_mldeploy.registry import ModelRegistry
from jupyter_mldeploy.registry.notebook_objects import survey
from jupyter_mldeploy.registry.saving import saver_for

ROWS = [[0.0, 1.0], [1.0, 0.0], [2.0, 2.0], [3.0, 1.0]]
LABELS = [0, 0, 1, 1]


@pytest.fixture
def registry(tmp_path: Path) -> ModelRegistry:
    return ModelRegistry(tmp_path / "home")


@pytest.fixture
def notebook() -> dict[str, Any]:
    """What a cell of a notebook defines: its classes say that they are of ``__main__``."""
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(
        "from sklearn.base import BaseEstimator, TransformerMixin\n"
        "class Doubler(TransformerMixin, BaseEstimator):\n"
        "    def fit(self, X, y=None): return self\n"
        "    def transform(self, X): return [[2 * v for v in row] for row in X]\n"
        "class Plain:\n"
        "    def predict(self, rows): return rows\n"
        "def double(X): return X\n"
        "def make():\n"
        "    class Inner: pass\n"
        "    return Inner()\n",
        names,
    )
    return names


def fitted() -> Any:
    return LogisticRegression().fit(ROWS, LABELS)


# -- formats -----------------------------------------------------------------------------------------------------------


def test_scikit_learn_is_saved_by_joblib_as_one_file(registry: ModelRegistry) -> None:
    model = registry.register("clf", make_pipeline(StandardScaler(), fitted()).fit(ROWS, LABELS))
    assert model.kind == "sklearn"
    assert model.path.name == "clf.joblib"
    assert list(joblib.load(model.path).predict(ROWS)) == LABELS
    facts = model.properties
    assert facts["class"] == "sklearn.pipeline.Pipeline"
    assert facts["library_version"] == sys.modules["sklearn"].__version__
    assert facts["python_version"].startswith("3.")
    assert set(model.libraries) >= {"sklearn", "joblib", "numpy"}
    assert facts["methods"] == "predict"


def test_an_object_that_did_not_change_keeps_its_version(registry: ModelRegistry) -> None:
    estimator = fitted()
    assert registry.register("clf", estimator).version == 1
    assert registry.register("clf", estimator).version == 1
    estimator.coef_ += 1
    assert registry.register("clf", estimator).version == 2


def test_a_model_of_a_data_frame_says_so(registry: ModelRegistry) -> None:
    frame = pd.DataFrame(ROWS, columns=["a", "b"])
    assert registry.register("clf", LinearRegression().fit(frame, LABELS)).properties["features"] == "names"


def test_arrays_frames_and_the_rest(registry: ModelRegistry) -> None:
    array = registry.register("array", np.arange(3))
    assert array.path.name == "array.npy"
    assert list(np.load(array.path)) == [0, 1, 2]
    bundle = registry.register("bundle", {"model": fitted(), "columns": ["a", "b"]})
    assert (bundle.kind, bundle.path.name) == ("pickle", "bundle.pkl")
    assert joblib.load(bundle.path)["columns"] == pickle.loads(bundle.path.read_bytes())["columns"] == ["a", "b"]
    assert "sklearn" in bundle.libraries
    frame = registry.register("frame", pd.DataFrame({"a": [1]}))
    assert frame.path.suffix in {".pkl", ".parquet"}
    assert registry.register("objects", np.array([{}, None])).kind == "pickle"


def library(name: str, **members: Any) -> Any:
    """An object whose class is of a library by that name, which need not be installed."""
    return type("Thing", (), {"__module__": f"{name}.inner", **members})()


def write(path_or_model: Any, path: Any = None) -> None:
    Path(str(path)).write_text("saved")


@pytest.mark.parametrize(
    ("thing", "kind", "suffix"),
    [
        (library("xgboost", save_model=write), "xgboost", ".ubj"),
        (library("lightgbm", save_model=write), "lightgbm", ".txt"),
        (library("lightgbm"), "pickle", ".pkl"),
        (library("keras", save=write, layers=()), "keras", ".keras"),
        (library("tf_keras", save=write, layers=()), "keras", ".keras"),
        (library("torch", state_dict=dict, modules=lambda _self: ()), "torch", ".pt"),
        (library("torch"), "pickle", ".pkl"),
        (library("transformers", save_pretrained=write), "transformers", ""),
        (library("mylib"), "pickle", ".pkl"),
        (3, "pickle", ".pkl"),
    ],
)
def test_the_library_is_told_by_the_modules_of_the_classes(thing: Any, kind: str, suffix: str) -> None:
    saver = saver_for(thing)
    assert (saver.kind, saver.suffix) == (kind, suffix)


def test_the_most_special_class_decides() -> None:
    class OfSklearn:
        pass

    OfSklearn.__module__ = "sklearn.base"
    booster = type("XGBClassifier", (OfSklearn,), {"__module__": "xgboost.sklearn", "save_model": write})
    assert saver_for(booster()).kind == "xgboost"
    ours = type("Mine", (OfSklearn,), {"__module__": "my.module"})
    assert saver_for(ours()).kind == "sklearn"


def test_the_library_writes_its_file_itself(registry: ModelRegistry) -> None:
    model = registry.register("boost", library("xgboost", save_model=lambda _self, path: write(None, path)))
    assert (model.kind, model.path.name, model.path.read_text()) == ("xgboost", "boost.ubj", "saved")


def test_a_library_that_fails_to_save(registry: ModelRegistry, tmp_path: Path) -> None:
    def fail(_self: Any, _path: str) -> None:
        raise RuntimeError("need to call fit first.")

    with pytest.raises(InvalidValue, match="xgboost could not save it: RuntimeError: need to call fit first"):
        registry.register("boost", library("xgboost", save_model=fail))
    assert list((tmp_path / "home/models/.incoming").iterdir()) == []


def test_a_library_that_meets_a_full_disk(registry: ModelRegistry) -> None:
    def fail(_self: Any, path: str) -> None:
        raise OSError(28, "No space left on device", path)

    with pytest.raises(StorageError, match="No space left"):
        registry.register("boost", library("xgboost", save_model=fail))


# -- what lives only in the notebook -----------------------------------------------------------------------------------


@pytest.mark.parametrize("make", ["Doubler", "Plain", "make"])
def test_a_class_of_the_notebook_is_refused(
    registry: ModelRegistry, notebook: dict[str, Any], make: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidValue, match=r"class .* lives only in the notebook") as caught:
        registry.register("m", notebook[make]())
    assert "--source-directory" in caught.value.hint
    assert not (tmp_path / "home").exists()


def test_it_is_found_anywhere_inside(registry: ModelRegistry, notebook: dict[str, Any]) -> None:
    pipeline = make_pipeline(notebook["Doubler"](), FunctionTransformer(notebook["double"]), fitted())
    with pytest.raises(InvalidValue, match="class Doubler, function double live only"):
        registry.register("m", pipeline)
    with pytest.raises(InvalidValue, match="<lambda> of test_registry_saving has no name"):
        registry.register("m", make_pipeline(FunctionTransformer(lambda rows: rows)))
    with pytest.raises(InvalidValue, match="class Plain"):
        registry.register("m", {"deep": [({1: notebook["Plain"]},)]})


def test_layers_of_the_notebook_are_found_without_pickling(registry: ModelRegistry, notebook: dict[str, Any]) -> None:
    inner = notebook["Plain"]()
    with pytest.raises(InvalidValue, match="class Plain"):
        registry.register("net", library("keras", save=write, layers=[inner]))
    with pytest.raises(InvalidValue, match=r"class Plain .*torch\.jit\.script"):
        registry.register("net", library("torch", state_dict=dict, modules=lambda _self: iter([inner])))


def test_a_function_without_a_name_goes_by_value_where_cloudpickle_saves(registry: ModelRegistry) -> None:
    module = ModuleType("some_library")
    exec("def make():\n    def inner(): return 41\n    return inner", module.__dict__)
    sys.modules["some_library"] = module
    try:
        model = registry.register("f", module.make())
    finally:
        del sys.modules["some_library"]
    assert "cloudpickle" in model.libraries
    assert pickle.loads(model.path.read_bytes())() == 41


def test_what_cannot_be_pickled_is_named(registry: ModelRegistry) -> None:
    with pytest.raises(InvalidValue, match=r"it cannot be pickled: cannot pickle '_thread.lock' object") as caught:
        registry.register("m", {"lock": threading.Lock()})
    assert "--model PATH" in caught.value.hint
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(InvalidValue, match="nested too deeply"):
        registry.register("m", deep)


def test_looking_does_not_copy_arrays() -> None:
    import tracemalloc

    array = np.zeros(10_000_000)
    tracemalloc.start()
    survey({"weights": array})
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


def test_nothing_is_ever_unpickled(registry: ModelRegistry, tmp_path: Path) -> None:
    trap = tmp_path / "trap.pkl"
    trap.write_bytes(b"cos\nsystem\n(S'touch " + str(tmp_path / "sprung").encode() + b"'\ntR.")
    registry.register("trap", trap)
    registry.download("trap", 1, tmp_path / "out")
    registry.list()
    assert not (tmp_path / "sprung").exists()
