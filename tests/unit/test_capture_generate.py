"""Scripts that are written for a model: they pass the checks, and they answer."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from jupyter_mldeploy.capture import check_script, script_for
from jupyter_mldeploy.errors import InvalidValue
from jupyter_mldeploy.registry import Model, ModelRegistry
from jupyter_mldeploy.samples import to_json
from jupyter_mldeploy.spec import Environment

ROWS = [[0.0, 1.0], [1.0, 0.0], [2.0, 2.0], [3.0, 1.0]]
LABELS = [0, 0, 1, 1]


@pytest.fixture
def registry(tmp_path: Path) -> ModelRegistry:
    return ModelRegistry(tmp_path / "home")


def answer(model: Model, data: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run the script that is written for a model, as the runtime would."""
    script = script_for([model])
    problems = check_script(script, environment=Environment.kernel(), source_directory=None, model_names=[model.name])
    assert problems == []

    class Lent:
        @staticmethod
        def get_model_path(name: str) -> str:
            assert name == model.name
            return str(model.path)

    lent = ModuleType("azureml.core.model")
    lent.Model = Lent  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "azureml", ModuleType("azureml"))
    monkeypatch.setitem(sys.modules, "azureml.core", ModuleType("azureml.core"))
    monkeypatch.setitem(sys.modules, "azureml.core.model", lent)
    names: dict[str, Any] = {"__name__": "entry_module"}
    exec(compile(script.text, "score.py", "exec"), names)
    names["init"]()
    answers = [json.loads(json.dumps(names["run"](to_json(body)))) for body in ({"data": data}, data)]
    assert answers[0] == answers[1], "the rows alone are answered too"
    return answers[0]


def test_a_scikit_learn_model(registry: ModelRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    model = registry.register("clf", LogisticRegression().fit(ROWS, LABELS))
    assert answer(model, ROWS, monkeypatch) == {"result": LABELS}
    assert answer(model, np.array(ROWS), monkeypatch) == {"result": LABELS}
    assert answer(model, pd.DataFrame(ROWS, columns=["a", "b"]), monkeypatch) == {"result": LABELS}


def test_a_model_of_records_gets_them_as_they_are(registry: ModelRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    records = [{"a": a, "b": b} for a, b in ROWS]
    model = registry.register("clf", make_pipeline(DictVectorizer(), LogisticRegression()).fit(records, LABELS))
    assert answer(model, records, monkeypatch) == {"result": LABELS}


def test_a_model_of_a_data_frame_gets_its_columns(registry: ModelRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pd.DataFrame(ROWS, columns=["a", "b"])
    by_name = make_pipeline(ColumnTransformer([("keep", "passthrough", ["b", "a"])]), LogisticRegression())
    model = registry.register("clf", by_name.fit(frame, LABELS))
    assert answer(model, ROWS, monkeypatch) == {"result": LABELS}
    assert answer(model, frame, monkeypatch) == {"result": LABELS}
    records = [{"b": b, "a": a, "more": 1} for a, b in ROWS]
    assert answer(model, records, monkeypatch) == {"result": LABELS}


@pytest.mark.parametrize("name", ["m.joblib", "m.pkl", "m.pickle"])
def test_a_file_of_joblib_or_pickle(
    registry: ModelRegistry, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    joblib.dump(LogisticRegression().fit(ROWS, LABELS), tmp_path / name)
    model = registry.register("clf", tmp_path / name)
    assert answer(model, ROWS, monkeypatch) == {"result": LABELS}


def test_anything_with_predict(registry: ModelRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("my_models")
    exec("import numpy\nclass Mean:\n    def predict(self, rows): return numpy.mean(rows, axis=1)", module.__dict__)
    monkeypatch.setitem(sys.modules, "my_models", module)
    model = registry.register("mean", module.Mean())
    assert answer(model, ROWS, monkeypatch) == {"result": [0.5, 0.5, 2.0, 2.0]}


def test_the_script_is_meant_to_be_read(registry: ModelRegistry) -> None:
    script = script_for([registry.register("clf", LogisticRegression().fit(ROWS, LABELS))])
    assert (
        script.text
        == '''"""Scores the model 'clf': {"data": [[...], ...]}, or the rows alone, give {"result": [...]}."""

import json

import joblib
from azureml.core.model import Model


def init():
    """Load the model, once, when the service starts."""
    global model
    path = Model.get_model_path("clf")
    model = joblib.load(path)


def run(data):
    """Answer one request; `data` is its body."""
    rows = json.loads(data)
    if isinstance(rows, dict):
        rows = rows["data"]
    if hasattr(model, "n_features_in_"):
        rows = [list(row.values()) if isinstance(row, dict) else row for row in rows]  # a data frame's records
    result = model.predict(rows)
    return {"result": result.tolist()}
'''
    )


@pytest.mark.parametrize(
    ("kind", "entry", "of", "words"),
    [
        ("xgboost", "m.ubj", "xgboost.core.Booster", ["xgboost.Booster()", "xgboost.DMatrix(np.array(rows))"]),
        ("xgboost", "m.ubj", "xgboost.sklearn.XGBClassifier", ["xgboost.XGBClassifier()", "model.load_model(path)"]),
        ("file", "m.ubj", "", ["xgboost.Booster()"]),
        ("lightgbm", "m.txt", "lightgbm.basic.Booster", ["lightgbm.Booster(model_file=path)"]),
        ("keras", "m.keras", "keras.src.models.sequential.Sequential", ["keras.models.load_model(path)"]),
        ("file", "m.keras", "", ["keras.models.load_model(path)"]),
        ("torch", "m.pt", "torch.nn.modules.container.Sequential", ["weights_only=False", "torch.no_grad()"]),
        ("torch", "m.pt", "torch.jit._script.RecursiveScriptModule", ["torch.jit.load(path, map_location"]),
    ],
)
def test_other_libraries_are_loaded_in_their_own_way(kind: str, entry: str, of: str, words: list[str]) -> None:
    script = script_for([a_model(kind, entry, of)])
    for word in words:
        assert word in script.text
    problems = check_script(
        script, environment=Environment(requirements=("never-heard-of-it",)), source_directory=None, model_names=["m"]
    )
    assert problems == []


@pytest.mark.parametrize(
    ("kind", "entry"),
    [("file", "m.pt"), ("file", "weights"), ("folder", "m"), ("numpy", "m.npy"), ("pandas", "m.parquet"),
     ("transformers", "m"), ("pickle", "m.pkl"), ("sklearn", "m.joblib")],
)  # fmt: skip
def test_what_is_not_known_says_what_to_write(kind: str, entry: str) -> None:
    with pytest.raises(InvalidValue, match="no script can be written for it") as caught:
        script_for([a_model(kind, entry, "some.Class")])
    assert 'Model.get_model_path("m")' in caught.value.hint
    assert "run(data)" in caught.value.hint


def test_a_scaler_does_not_predict(registry: ModelRegistry) -> None:
    from sklearn.preprocessing import StandardScaler

    model = registry.register("scaler", StandardScaler().fit(np.array(ROWS)))
    with pytest.raises(InvalidValue, match=r"StandardScaler has no predict\(\)"):
        script_for([model])


def test_one_model_exactly() -> None:
    with pytest.raises(InvalidValue, match="exactly one model"):
        script_for([a_model("sklearn", "m.joblib", ""), a_model("keras", "m.keras", "")])
    with pytest.raises(InvalidValue, match="exactly one model"):
        script_for([])


def a_model(kind: str, entry: str, of: str) -> Model:
    from datetime import UTC, datetime

    return Model(
        name="m", version=1, path=Path("/models/m/1/files") / entry, kind=kind, size=1, hash="0" * 64,
        properties={"class": of}, created=datetime.now(UTC),
    )  # fmt: skip
