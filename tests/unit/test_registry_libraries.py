"""Models of other libraries, saved by the libraries themselves and answered by the scripts that are written for them.

They run where the library is installed, as with ``uv run --with xgboost-cpu --with lightgbm --with keras --with jax pytest ...``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from jupyter_mldeploy.capture import script_for
from jupyter_mldeploy.errors import InvalidValue
from jupyter_mldeploy.registry import Model, ModelRegistry

ROWS = np.array([[float(row % 7), float(row % 3)] for row in range(60)])
LABELS = (ROWS[:, 0] > 3).astype(int)


@pytest.fixture
def registry(tmp_path: Path) -> ModelRegistry:
    return ModelRegistry(tmp_path / "home")


def answer(model: Model, monkeypatch: pytest.MonkeyPatch) -> Any:
    lent = ModuleType("azureml.core.model")
    lent.Model = type("Lent", (), {"get_model_path": staticmethod(lambda _name: str(model.path))})  # type: ignore[attr-defined]
    for name in ("azureml", "azureml.core"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, "azureml.core.model", lent)
    names: dict[str, Any] = {"__name__": "entry_module"}
    exec(compile(script_for([model]).text, "score.py", "exec"), names)
    names["init"]()
    return json.loads(json.dumps(names["run"](json.dumps({"data": ROWS.tolist()}))))["result"]


def test_xgboost(registry: ModelRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    xgboost = pytest.importorskip("xgboost")
    classifier = xgboost.XGBClassifier(n_estimators=5).fit(ROWS, LABELS)
    model = registry.register("boost", classifier)
    assert (model.kind, model.path.name) == ("xgboost", "boost.ubj")
    assert model.properties["library_version"] == xgboost.__version__
    assert answer(model, monkeypatch) == classifier.predict(ROWS).tolist()
    assert registry.register("boost", classifier).version == 1
    booster = registry.register("booster", classifier.get_booster())
    assert answer(booster, monkeypatch) == pytest.approx(classifier.predict_proba(ROWS)[:, 1].tolist())


def test_xgboost_of_a_notebook(registry: ModelRegistry) -> None:
    xgboost = pytest.importorskip("xgboost")
    mine = type("Mine", (xgboost.XGBClassifier,), {"__module__": "__main__"})
    with pytest.raises(InvalidValue, match="class Mine lives only in the notebook"):
        registry.register("boost", mine().fit(ROWS, LABELS))


def test_lightgbm(registry: ModelRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    lightgbm = pytest.importorskip("lightgbm")
    classifier = lightgbm.LGBMClassifier(n_estimators=5, verbose=-1).fit(ROWS, LABELS)
    model = registry.register("gbm", classifier)
    assert model.path.name == "gbm.joblib"
    assert "lightgbm" in model.libraries
    assert answer(model, monkeypatch) == classifier.predict(ROWS).tolist()
    booster = registry.register("booster", classifier.booster_)
    assert booster.path.name == "booster.txt"
    assert answer(booster, monkeypatch) == pytest.approx(classifier.booster_.predict(ROWS).tolist())


def test_keras(registry: ModelRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    keras = pytest.importorskip("keras")
    network = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
    model = registry.register("net", network)
    assert model.path.name == "net.keras"
    assert np.allclose(answer(model, monkeypatch), network.predict(ROWS, verbose=0), atol=1e-5)
    mine = type("Mine", (keras.layers.Dense,), {"__module__": "__main__"})
    with pytest.raises(InvalidValue, match="class Mine lives only in the notebook"):
        registry.register("net", keras.Sequential([keras.layers.Input((2,)), mine(1)]))


def test_torch(registry: ModelRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    network = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 1))
    expected = network(torch.tensor(ROWS, dtype=torch.float32)).detach().numpy()
    model = registry.register("net", network)
    assert model.path.name == "net.pt"
    assert np.allclose(answer(model, monkeypatch), expected, atol=1e-6)
    compiled = registry.register("compiled", torch.jit.script(network))
    assert np.allclose(answer(compiled, monkeypatch), expected, atol=1e-6)
    mine = type("Mine", (torch.nn.Linear,), {"__module__": "__main__"})
    with pytest.raises(InvalidValue, match="class Mine lives only in the notebook"):
        registry.register("net", torch.nn.Sequential(mine(2, 1)))


def test_a_pipeline_around_another_library_names_both(registry: ModelRegistry) -> None:
    xgboost = pytest.importorskip("xgboost")
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    pipeline = make_pipeline(StandardScaler(), xgboost.XGBClassifier(n_estimators=2)).fit(ROWS, LABELS)
    model = registry.register("both", pipeline)
    assert model.path.name == "both.joblib"
    assert {"sklearn", "xgboost"} <= set(model.libraries)


def test_a_data_frame(registry: ModelRegistry) -> None:
    import pandas as pd

    frame = pd.DataFrame(ROWS, columns=["a", "b"])
    model = registry.register("frame", frame)
    if model.path.suffix == ".parquet":
        pd.testing.assert_frame_equal(pd.read_parquet(model.path), frame)
    else:
        assert model.path.suffix == ".pkl"
