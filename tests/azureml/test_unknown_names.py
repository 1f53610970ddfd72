"""What is not here is said in a sentence, wherever it is asked for; and the name ``azureml`` is lent, never taken."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from jupyter_mldeploy.azureml.core import Workspace
from jupyter_mldeploy.azureml.core.model import Model
from jupyter_mldeploy.azureml.exceptions import AzureMLException, UserErrorException


def in_python(code: str, *path: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": ":".join(map(str, path))},
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("from jupyter_mldeploy.azureml.core import Dataset", "read the files with pandas or pathlib"),
        ("from jupyter_mldeploy.azureml.core.model import Modell", "azureml.core.model has no 'Modell'; the nearest that works is 'Model'"),
        ("from jupyter_mldeploy.azureml.train.dnn import PyTorch", "azureml.train is not among the v1 names of jupyter_mldeploy"),
        ("from jupyter_mldeploy.azureml.core.webservice import AksEndpoint", "deploy two services"),
        ("import jupyter_mldeploy.azureml as a; a.install(); import azureml.pipeline.core", "training and pipelines stay"),
        ("import jupyter_mldeploy.azureml as a; a.install(); from azureml.core.compute import AmlCompute", "AksCompute"),
    ],
)  # fmt: skip
def test_imports(code: str, sentence: str) -> None:
    said = in_python(code)
    assert "ImportError" in said or "ModuleNotFoundError" in said
    assert sentence in said


def test_members_and_arguments(project: Path) -> None:
    ws = Workspace.from_config()
    with pytest.raises(AzureMLException, match=r"Workspace.get_default_datastore is not here: datasets and datastores"):
        _ = ws.get_default_datastore
    with pytest.raises(AttributeError, match="the nearest that works is 'webservices'"):
        _ = ws.webservice
    assert not hasattr(ws, "anything")
    assert not hasattr(Model, "anything")
    with pytest.raises(AzureMLException, match=r"Model.profile is not here: send requests to a service of it"):
        Model.profile(ws, "profile", [], None, None)
    with pytest.raises(AttributeError, match="Model has no 'deploi'; the nearest that works is 'deploy'"):
        _ = Model.deploi
    with pytest.raises(AttributeError, match=r"Workspace._get_webservice is the original's own affair.* 'webservices'"):
        _ = ws._get_webservice
    assert not hasattr(ws, "_repr_html_")
    with pytest.raises(
        UserErrorException, match=r"Model.register\(\) takes no argument 'name'; the nearest that works is 'model_name'"
    ):
        Model.register(workspace=ws, model_path="my_model.pkl", name="clf")
    with pytest.raises(UserErrorException, match=r"Model.register\(\): missing a required argument: 'model_name'"):
        Model.register(ws, "my_model.pkl")


def test_both_names_are_the_same_classes(lent: None) -> None:
    assert import_module("azureml.core.model") is import_module("jupyter_mldeploy.azureml.core.model")
    assert import_module("azureml.core").Model is Model
    from azureml.contrib.services.aml_request import AMLRequest, rawhttp
    from azureml.contrib.services.aml_response import AMLResponse

    assert AMLResponse("x", 201).status_code == 201
    assert rawhttp(len) is len
    assert AMLRequest is not None


def test_joblib_is_found_by_its_old_name() -> None:
    """scikit-learn brought it until 0.22, and most notebooks of those days import it from there."""
    said = in_python(
        "import jupyter_mldeploy.azureml\nfrom sklearn.externals import joblib\n"
        "import joblib as real, sklearn.externals.joblib.numpy_pickle as below\n"
        "print(joblib is real, below is real.numpy_pickle)\n"
        "import sklearn.externals.nonsense"
    )
    assert "True True" in said
    assert "No module named 'sklearn.externals.nonsense'" in said


def test_the_real_sdk_stays(tmp_path: Path) -> None:
    core = tmp_path / "azureml" / "core"
    core.mkdir(parents=True)
    (core / "__init__.py").write_text("REAL = True")
    code = "import jupyter_mldeploy.azureml as a; print(a.install()); import azureml.core; print(azureml.core.REAL)"
    assert in_python(code, tmp_path).split() == ["False", "True"]


def test_nothing_heavy_is_imported_before_it_is_used() -> None:
    code = """
import sys
from jupyter_mldeploy.azureml.core import Workspace, Model, Environment, Webservice
from jupyter_mldeploy.azureml.core.model import InferenceConfig
from jupyter_mldeploy.azureml.core.webservice import AciWebservice, AksWebservice, LocalWebservice
print([name for name in ("docker", "kubernetes", "IPython", "pandas", "yaml", "numpy", "requests") if name in sys.modules])
"""
    assert in_python(code).strip() == "[]"


def test_the_extension_is_loaded_by_its_own_name() -> None:
    code = """
from IPython.testing.globalipapp import start_ipython
shell = start_ipython()
shell.run_line_magic("load_ext", "jupyter_mldeploy.azureml")
shell.run_cell("from azureml.core import Workspace; print(Workspace.__module__)")
"""
    assert "jupyter_mldeploy.azureml.core.workspace" in in_python(code)


def test_what_another_package_has_below_the_name_is_imported(tmp_path: Path) -> None:
    for name, text in (("mlflow/__init__.py", "HERE = 1\n"), ("contrib/own/deep.py", "HERE = 2\n")):
        file = tmp_path / "azureml" / name
        file.parent.mkdir(parents=True)
        file.write_text(text)
    said = in_python(
        "import jupyter_mldeploy.azureml as ours\n"
        "print(ours.install())\n"
        "from azureml import mlflow\n"
        "from azureml.contrib.own import deep\n"
        "from azureml.contrib.services.aml_request import rawhttp\n"
        "from azureml.core import Workspace\n"
        "print(mlflow.HERE, deep.HERE, Workspace.__module__)\n"
        "import azureml.train\n",
        tmp_path,
    )
    assert said.splitlines()[:2] == ["True", "1 2 jupyter_mldeploy.azureml.core.workspace"]
    assert "training and pipelines stay with what trains" in said.splitlines()[-1]
