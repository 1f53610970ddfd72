"""Write the scoring script for a model of a kind that is known, in the style of the v1 SDK.

It is meant to be shown, kept and edited: the service answers ``{"data": [[...], ...]}``, or the rows alone, with
``{"result": [...]}``. A row may be a record, ``{column: value}``, as data frames become.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_mldeploy.errors import InvalidValue
from jupyter_mldeploy.spec import Script

if TYPE_CHECKING:
    from jupyter_mldeploy.registry import Model

__all__ = ["script_for"]

_HINT = 'Write a cell with init(), which loads Model.get_model_path("{name}"), and run(data), which returns what can be JSON.'
_RECORDS = "rows = [list(row.values()) if isinstance(row, dict) else row for row in rows]  # a data frame's records"
_FILE_KINDS = {
    ".joblib": "sklearn",
    ".pkl": "sklearn",  # joblib reads plain pickles too
    ".pickle": "sklearn",
    ".ubj": "xgboost",
    ".keras": "keras",
}


@dataclass(frozen=True)
class _Recipe:
    """The lines that differ from kind to kind; `path` is the model's file, `rows` the data, `model` the loaded model."""

    imports: tuple[str, ...]
    load: tuple[str, ...]
    predict: tuple[str, ...]


def script_for(models: Sequence[Model]) -> Script:
    """The scoring script for one model.

    Raises:
        InvalidValue: There is not exactly one model, or nothing is known of how one of its kind answers.
    """
    if len(models) != 1:
        names = [str(model) for model in models]
        raise InvalidValue(
            "model",
            ", ".join(names),
            "a script can be written for exactly one model; what several do together only you know.",
            _HINT.format(name=models[0].name if models else "NAME"),
        )
    model = models[0]
    recipe = _recipe(model)
    lines = [
        f'"""Scores the model {model.name!r}: {{"data": [[...], ...]}}, or the rows alone, give {{"result": [...]}}."""',
        "",
        *sorted(["import json", *(line for line in recipe.imports if _is_stdlib(line))]),
        "",
        *sorted(line for line in recipe.imports if not _is_stdlib(line)),
        "from azureml.core.model import Model",
        "",
        "",
        "def init():",
        '    """Load the model, once, when the service starts."""',
        "    global model",
        f'    path = Model.get_model_path("{model.name}")',
        *(f"    {line}" for line in recipe.load),
        "",
        "",
        "def run(data):",
        '    """Answer one request; `data` is its body."""',
        "    rows = json.loads(data)",
        "    if isinstance(rows, dict):",
        '        rows = rows["data"]',
        *(f"    {line}" for line in recipe.predict),
    ]
    return Script("\n".join(lines) + "\n", origin=f"the script written for {model.name}")


def _is_stdlib(line: str) -> bool:
    return line.split()[1] in {"json", "pickle"}


def _recipe(model: Model) -> _Recipe:
    kind = _FILE_KINDS.get(model.path.suffix, model.kind) if model.kind == "file" else model.kind
    of = model.properties.get("class", "")
    if kind in {"sklearn", "pickle"} and model.kind != "file" and "predict" not in model.properties.get("methods", ""):
        raise _unknown(model, f"its class {of} has no predict()")
    if kind == "xgboost":
        return _xgboost(of)
    if kind == "torch":
        return _torch(of)
    if kind == "sklearn":
        return _predicting(model, ("import joblib",), ("model = joblib.load(path)",))
    if kind == "pickle":
        return _predicting(
            model, ("import pickle",), ('with open(path, "rb") as file:', "    model = pickle.load(file)")
        )
    if kind == "lightgbm":
        return _Recipe(
            ("import lightgbm", "import numpy as np"),
            ("model = lightgbm.Booster(model_file=path)",),
            (_RECORDS, "result = model.predict(np.array(rows))", 'return {"result": result.tolist()}'),
        )
    if kind == "keras":
        return _Recipe(
            ("import keras", "import numpy as np"),
            ("model = keras.models.load_model(path)",),
            (_RECORDS, "result = model.predict(np.array(rows), verbose=0)", 'return {"result": result.tolist()}'),
        )
    raise _unknown(model, f"how a {model.kind} such as {model.path.name!r} answers is not known")


def _predicting(model: Model, imports: tuple[str, ...], load: tuple[str, ...]) -> _Recipe:
    """What has `predict()` as scikit-learn means it; one that was fitted on a data frame gets its columns' names."""
    if model.properties.get("features"):
        frame = "rows = pd.DataFrame(rows, columns=model.feature_names_in_)"
        return _Recipe(
            (*imports, "import pandas as pd"),
            load,
            (frame, "result = model.predict(rows)", 'return {"result": result.tolist()}'),
        )
    # What was fitted on records themselves, or on texts, knows no number of columns.
    records = ('if hasattr(model, "n_features_in_"):', f"    {_RECORDS}")
    return _Recipe(imports, load, (*records, "result = model.predict(rows)", 'return {"result": result.tolist()}'))


def _xgboost(of: str) -> _Recipe:
    name = of.rpartition(".")[2] or "Booster"
    rows = "xgboost.DMatrix(np.array(rows))" if name == "Booster" else "np.array(rows)"
    return _Recipe(
        ("import numpy as np", "import xgboost"),
        (f"model = xgboost.{name}()", "model.load_model(path)"),
        (_RECORDS, f"result = model.predict({rows})", 'return {"result": result.tolist()}'),
    )


def _torch(of: str) -> _Recipe:
    load = "torch.jit.load(path" if of.startswith("torch.jit") else "torch.load(path, weights_only=False"
    return _Recipe(
        ("import torch",),
        (f'model = {load}, map_location="cpu")', "model.eval()"),
        (
            _RECORDS,
            "with torch.no_grad():",
            "    result = model(torch.tensor(rows, dtype=torch.float32))",
            'return {"result": result.tolist()}',
        ),
    )


def _unknown(model: Model, why: str) -> InvalidValue:
    return InvalidValue(
        "model", str(model), f"no script can be written for it, because {why}.", _HINT.format(name=model.name)
    )
