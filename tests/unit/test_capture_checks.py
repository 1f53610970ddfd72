"""Scripts are checked as a whole: every problem at once, each with its line, and none that is not one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from jupyter_mldeploy.azureml import install
from jupyter_mldeploy.azureml.lending import _Lender
from jupyter_mldeploy.capture import Problem, check_script, raise_for, script_from_cell
from jupyter_mldeploy.errors import InvalidScript
from jupyter_mldeploy.spec import Environment, Script

GOOD = """\
import json, os
import joblib
import numpy as np
from azureml.core.model import Model

def init():
    global model
    model = joblib.load(Model.get_model_path("clf"))

def run(data):
    return model.predict(np.array(json.loads(data)["data"])).tolist()
"""


def check(text: str, **given: object) -> list[Problem]:
    settings: dict[str, object] = {
        "environment": Environment.kernel(),
        "source_directory": None,
        "model_names": ["clf"],
        "notebook_names": frozenset({"clf", "scaler", "df"}),
        **given,
    }
    return check_script(Script(text), **settings)  # type: ignore[arg-type]


def with_run(body: str, head: str = "") -> str:
    return f"{head}\ndef init():\n    pass\ndef run(data):\n    {body}\n"


def test_the_script_of_the_readme_is_well() -> None:
    assert check(GOOD) == []


def test_all_problems_at_once_each_with_its_line() -> None:
    script = script_from_cell(
        "!pip install foo\n"
        "import json, not_installed\n"
        "def init():\n"
        "    model = joblib.load(Model.get_model_path('other'))\n"
        "    open('words.txt')\n"
        "def run(data, more):\n"
        "    return scaler.transform(model.predict(json.loads(data)))\n",
        "cell [4]",
    )
    problems = check_script(
        script,
        environment=Environment.kernel(),
        source_directory=None,
        model_names=["clf"],
        notebook_names={"scaler"},
    )
    found = [(problem.line, problem.message.split(" ", maxsplit=1)[0]) for problem in problems]
    assert sorted(found) == [
        (2, "`!pip"),
        (3, "`not_installed`"),
        (5, "Model.get_model_path('other')"),
        (5, "`Model`"),
        (5, "`joblib`"),
        (6, "The"),
        (7, "run()"),
        (8, "`model`"),
        (8, "`scaler`"),
    ]
    with pytest.raises(InvalidScript) as caught:
        raise_for(script, problems)
    assert caught.value.summary == "9 problems in cell [4]:"
    shown = "\n".join(caught.value._render_traceback_())
    assert "cell [4], line 8: `scaler` lives in the notebook" in shown
    assert "Ship it with --model scaler" in shown


def test_what_is_called_may_be_a_function() -> None:
    (problem,) = check(with_run("return scaler(data)"))
    assert problem.hint == "Define it in the cell; if it is a model, ship it with --model scaler."


def test_one_problem_is_the_summary_and_its_remedy_the_hint() -> None:
    script = Script(with_run("return scaler"), origin="cell [2]")
    problems = check(script.text)
    with pytest.raises(InvalidScript) as caught:
        raise_for(script, problems)
    assert caught.value.summary.startswith("cell [2], line 5: `scaler` lives in the notebook")
    assert caught.value.hint.startswith("Ship it with --model scaler")
    raise_for(script, [])


# -- syntax ------------------------------------------------------------------------------------------------------------


def test_a_syntax_error_has_its_line_and_its_text() -> None:
    (problem,) = check("import json\ndef init(:\n    pass\n")
    assert problem.line == 2
    assert problem.message.startswith("Syntax: ")
    assert problem.hint == "The line reads `def init(:`."


@pytest.mark.parametrize("text", ["return 1\n", "await x\n", "a\0b\n", "(" * 500 + ")" * 500])
def test_what_python_cannot_compile_is_one_problem(text: str) -> None:
    (problem,) = check(text)
    assert problem.message.startswith("Syntax: ")


@pytest.mark.parametrize(
    "line",
    [
        "!ls",
        "%time init()",
        "%matplotlib inline",
        "%%timeit",
        "!!ls",
        "model?",
        "model??",
        "?model",
        "files = !ls",
        "x = %pwd",
    ],
)
def test_lines_of_ipython_are_named_and_the_rest_is_checked(line: str) -> None:
    problems = check(f"{line}\n{with_run('return scaler')}")
    assert [problem.line for problem in problems] == [1, 6]
    assert "IPython's syntax" in problems[0].message


def test_ipython_inside_a_function_and_a_string_that_only_looks_so() -> None:
    text = with_run('text = """\n!pip install x\n%time\n"""\n    %time y = 1\n    return text')
    assert [problem.line for problem in check(text)] == [9]
    (pip,) = check("%pip install x\n" + GOOD)
    assert "--pip" in pip.hint


# -- init and run ------------------------------------------------------------------------------------------------------


def test_missing_functions() -> None:
    assert [problem.message for problem in check("x = 1\n")] == ["There is no init().", "There is no run()."]
    assert [problem.message for problem in check("")] == ["There is no init().", "There is no run()."]


@pytest.mark.parametrize(
    ("functions", "words"),
    [
        ("async def run(data): pass", "is `async def`"),
        ("def run(): pass", "must take a parameter"),
        ("def run(request_headers): pass", "must take a parameter"),
        ("def run(*args): pass", "must not take *args"),
        ("def run(data, **more): pass", "must not take **more"),
        ("def run(data, /): pass", "positional-only"),
        ("def run(a, b): pass", "called with one argument, but this one requires 2: a, b"),
        ("@rawhttp\n@input_schema('a', 1)\ndef run(a): pass", "decorated by @rawhttp and by @input_schema"),
    ],
)
def test_a_run_that_cannot_be_called(functions: str, words: str) -> None:
    head = "rawhttp = input_schema = lambda *a: lambda f: f\ndef init(): pass\n"
    problems = check(head + functions)
    assert any(words in problem.message for problem in problems), problems
    assert all(problem.line for problem in problems)


@pytest.mark.parametrize(
    "functions",
    [
        "def run(data, request_headers): pass",
        "def run(data, retries=3, *, verbose=False): pass",
        "@wraps(print)\ndef run(*args, **kwargs): pass",
        "@input_schema('a', 1)\n@input_schema('b', 1)\n@output_schema(1)\ndef run(a, b): pass",
        "@schema.input_schema('a', 1)\ndef run(a, b): pass",
        "from json import loads as run",
        "run = lambda data: data",
        "try:\n    import fast\n    def run(data): pass\nexcept ImportError:\n    def run(data): return 1",
        "if len('x'):\n    def run(data): pass",
        "class Scorer:\n    def __call__(self, data): pass\nrun = Scorer()",
        "from json import *",
        "globals()['run'] = print",
        "exec('def run(data): pass')",
    ],
)
def test_a_run_that_may_be_called(functions: str) -> None:
    head = "from functools import wraps\nimport types\nschema = types\ninput_schema = output_schema = lambda *a: lambda f: f\n"
    assert check(f"{head}def init(): pass\n{functions}\n") == []


def test_init_takes_nothing() -> None:
    (problem,) = check("def init(model): pass\ndef run(data): pass\n")
    assert problem.message == "init() takes no arguments, but this one requires `model`."
    assert check("def init(model=None, *a): pass\ndef run(data): pass\n") == []
    (problem,) = check("async def init(): pass\ndef run(data): pass\n")
    assert "async def" in problem.message


# -- names -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return scaler", "`scaler` lives in the notebook"),
        ("return clf.predict(data)", "`clf` is shipped as a model"),
        ("return np.array(data)", "`np` is not imported"),
        ("return json.loads(data)", "`json` is not imported"),
        ("return undefined_thing", "`undefined_thing` is defined nowhere"),
        ("display(data)", "`display` is there in a notebook only"),
        ("return [scaler for _ in data]", "`scaler` lives"),
        ("return (lambda: scaler)()", "`scaler` lives"),
        ("return Model", "`Model` is not imported"),
        ("global later\n    return later", "`later` is defined nowhere"),
    ],
)
def test_names_that_are_not_there(body: str, words: str) -> None:
    problems = check(with_run(body))
    assert [words in problem.message for problem in problems] == [True], problems


@pytest.mark.parametrize(
    "body",
    [
        "scaler = 1\n    return scaler",
        "return [scaler for scaler in data]",
        "import numpy as np\n    return np",
        "return __file__, __name__, len(data), ValueError",
        "try:\n        return scaler\n    except NameError:\n        return 1",
        "def inner(): return helper()\n    def helper(): return 1\n    return inner()",
        "class C:\n        a = 1\n        b = a\n    return C",
        "return (scaler := 3) + scaler",
        "match data:\n        case {'a': scaler}: return scaler",
        "with open(data) as scaler: return scaler",
        "try: pass\n    except ValueError as scaler: return scaler",
    ],
)
def test_names_that_are_there(body: str) -> None:
    assert check(with_run(body)) == []


@pytest.mark.parametrize(
    "head",
    ["from json import *", "exec('scaler = 1')", "globals().update(scaler=1)", "scaler: int = 1", "for scaler in (): pass",
     "def scaler(): pass", "class scaler: pass", "import json as scaler", "if len('x'): scaler = 1",
     "def later():\n    global scaler\n    scaler = 1", "del_me = scaler = 1"],
)  # fmt: skip
def test_names_of_the_module_level(head: str) -> None:
    assert check(with_run("return scaler", head)) == []


def test_annotations_that_are_never_evaluated() -> None:
    assert check("from __future__ import annotations\n" + with_run("x: scaler = 1\n    return x")) == []


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="annotations are evaluated late from 3.14 on")
def test_annotations_that_are_evaluated() -> None:
    (problem,) = check("def init() -> None: pass\ndef run(data: Dict): pass\n")
    assert problem.hint == "Add `from typing import Dict`."


@pytest.mark.parametrize("head", ["", "model = None\n"])
def test_a_global_that_init_forgot(head: str) -> None:
    text = head + "def init():\n    model = len\ndef run(data):\n    return model(data)\n"
    (problem,) = check(text)
    assert problem.line == 4 + bool(head)
    assert problem.message.startswith("`model` in run() is not the one that init() makes")
    assert problem.hint == "Write `global model` as the first line of init()."


@pytest.mark.parametrize(
    "text",
    [
        "model = None\ndef init():\n    global model\n    model = len\ndef run(data):\n    return model(data)\n",
        "model = len\ndef init():\n    model = 1\n    print(model)\ndef run(data):\n    return model(data)\n",
        "def init():\n    model = 1\n    print(model)\ndef run(data):\n    model = len\n    return model(data)\n",
    ],
)
def test_globals_that_are_well(text: str) -> None:
    assert check(text) == []


def test_a_global_that_another_function_sets() -> None:
    text = "model = None\ndef load():\n    global model\n    model = 1\ndef init():\n    model = 1\n    load()\n"
    assert check(f"{text}def run(data):\n    return model\n") == []


# -- imports -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "import os.path, json, numpy.linalg, sklearn.linear_model, yaml",
        "from azureml.core.model import Model",
        "from azureml.contrib.services.aml_request import AMLRequest, rawhttp",
        "from azureml_inference_server_http.api.aml_response import AMLResponse",
        "import azureml.core",
        "from azureml.core import model, Model",
        "from azureml.core.model import *",
        "from azureml.contrib.services import aml_request",
        "from azureml.exceptions import ModelNotFoundException",
        "from azureml.monitoring import ModelDataCollector",
        "try:\n    from azureml.core import Workspace\nexcept ImportError:\n    pass",
        "try:\n    import no_such\nexcept ImportError:\n    import no_other as no_such",
        "try:\n    import no_such\nexcept (ValueError, ModuleNotFoundError):\n    no_such = None",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import no_such",
        "import typing as t\nif t.TYPE_CHECKING:\n    import no_such",
        "import sys\nif sys.platform == 'win32':\n    import no_such",
        "if __name__ == '__main__':\n    import no_such",
        "from contextlib import suppress\nwith suppress(ImportError):\n    import no_such",
    ],
)
def test_imports_that_are_no_problem(line: str) -> None:
    assert check(with_run("return data", line)) == []


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("import no_such", "`no_such` is not installed in this kernel's Python"),
        ("from no_such.deep import thing", "`no_such` is not installed"),
        ("import json, no_such", "`no_such` is not installed"),
        ("from azureml.train import Estimator", "`azureml.train.Estimator` is not there in a service"),
        ("from azureml.core import Model, Workspace", "`azureml.core.Workspace` is not there in a service"),
        ("from azureml.core.model import InferenceConfig", "`azureml.core.model.InferenceConfig` is not there"),
        ("import azureml.core.run", "`azureml.core.run` is not there"),
        ("from inference_schema.schema_decorators import input_schema", "`inference_schema` is not installed"),
        ("from .features import thing", "is relative"),
        ("try:\n    import no_such\nfinally:\n    pass", "`no_such` is not installed"),
    ],
)
def test_imports_that_will_fail(line: str, words: str) -> None:
    (problem,) = check(with_run("return data", line))
    assert words in problem.message
    assert problem.line == 1 + (line.startswith("try"))


def test_v1_names_that_a_service_does_not_have(tmp_path: Path) -> None:
    """Also where the notebook has been lent them, and in modules of the source directory; with what to do."""
    line = "from azureml.core import Model, Run, Workspace"
    assert install()
    try:
        run, workspace = check(with_run("return data", line), environment=required("azureml-defaults", "six"))
        assert [check(with_run("return data", line))[index].message for index in (0, 1)] == [
            run.message,
            workspace.message,
        ]
    finally:
        sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _Lender)]
    assert "log with print() or logging; or add the real azureml-core to the environment" in run.hint
    assert "take models by Model.get_model_path" in workspace.hint

    (tmp_path / "shared.py").write_text("\nfrom azureml.core import Dataset\n")
    (problem,) = check(with_run("return shared.f(data)", "import shared"), source_directory=tmp_path)
    assert problem.line == 1
    assert "`azureml.core.Dataset` is not there in a service (shared.py, line 2)" in problem.message


def test_an_import_inside_init_counts_and_is_said_once() -> None:
    text = "def init():\n    import cv2_not_there\n    import cv2_not_there.x\ndef run(data): pass\n"
    assert [problem.line for problem in check(text)] == [2]


def test_modules_of_the_source_directory(tmp_path: Path) -> None:
    (tmp_path / "features.py").write_text("import json\nimport helpers.deep\n")
    (tmp_path / "helpers").mkdir()
    (tmp_path / "helpers" / "__init__.py").write_text("")
    (tmp_path / "helpers" / "deep.py").write_text("from . import other\nfrom .other import x\n")
    (tmp_path / "helpers" / "other.py").write_text("x = 1\n")
    text = with_run("return features.f(data)", "import features\nfrom helpers import deep")
    assert check(text, source_directory=tmp_path) == []
    (tmp_path / "helpers" / "other.py").write_text("import no_such\nx = 1\n")
    (problem,) = check(text, source_directory=tmp_path)
    assert (problem.line, "(other.py, line 1)" in problem.message) == (1, True)


def test_a_module_beside_the_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    (tmp_path / "my_features.py").write_text("")
    (problem,) = check(with_run("return my_features", "import my_features"))
    assert "lies beside the notebook" in problem.message
    assert "--source-directory" in problem.hint
    assert check(with_run("return my_features", "import my_features"), source_directory=tmp_path) == []


def required(*requirements: str, **more: object) -> Environment:
    return Environment(requirements=requirements, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("environment", "module"),
    [
        (required("scikit-learn"), "sklearn"),
        (required("scikit-learn"), "numpy"),  # what it brings counts
        (required("scikit_learn>=1.0,<9"), "joblib"),
        (required("pandas[performance]"), "dateutil"),
        (required("opencv-python"), "cv2"),
        (required("Pillow==9.0"), "PIL"),
        (required("google-cloud-storage"), "google.cloud.storage"),
        (required("never-heard-of-it"), "anything"),  # it may bring anything
        (required("./local"), "anything"),
        (required("-r more.txt"), "anything"),
        (required("git+https://example.com/x.git"), "anything"),
        (required("six", base_image="mine:1"), "anything"),
        (required("six", conda=("scikit-learn=1.3",)), "sklearn"),
        (required("six", conda=("conda-forge::pytorch=2",)), "torch"),
        (required("azureml-defaults"), "inference_schema"),
        (required("azureml-core"), "azureml.core.run"),  # the real one, which wins
        (required("azureml-automl-runtime"), "azureml.automl.runtime"),
        (required("six", interpreter=sys.executable), "sklearn"),
        (required("requests"), "urllib3"),
    ],
)
def test_what_an_environment_will_have(environment: Environment, module: str) -> None:
    assert check(with_run("return data", f"import {module}"), environment=environment) == []


@pytest.mark.parametrize(
    ("environment", "module", "remedy"),
    [
        (required("pandas"), "sklearn", "--pip scikit-learn"),
        (required("scikit-learn"), "yaml", "--pip pyyaml"),
        (required("scikit-learn", "azureml-defaults"), "pandas", "--pip pandas"),
        (required("numpy", "--index-url https://example.com/simple"), "pandas", "--pip pandas"),
        (required("six", interpreter=sys.executable), "no_such", "--pip no-such"),
    ],
)
def test_what_an_environment_will_not_have(environment: Environment, module: str, remedy: str) -> None:
    (problem,) = check(with_run("return data", f"import {module}"), environment=environment)
    assert remedy in problem.hint


# -- files and models --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        "open('words.txt')",
        "open('data/words.txt', 'rb')",
        "open('words.txt', mode='r', encoding='utf-8')",
        "open(file='words.txt')",
        "open(f'words.txt')",
        "open(os.path.join('data', 'words.txt'))",
        "__import__('pathlib') and joblib.load('words.txt')",
        "pd.read_csv('words.csv')",
        "np.load('words.npy')",
        "Path('words.txt').read_text()",
        "pathlib.Path('words.txt').open()",
        "load('words.txt')",
    ],
)
def test_files_that_are_not_shipped(call: str) -> None:
    head = "import joblib, os, pathlib\nimport numpy as np, pandas as pd\nfrom pathlib import Path\nfrom joblib import load\n"
    if "__import__" in call:
        call = call.partition(" and ")[2]
    (problem,) = check(with_run(f"return {call}", head))
    assert problem.line == 9
    assert "is not shipped" in problem.message
    assert "--source-directory" in problem.hint


@pytest.mark.parametrize(
    "body",
    [
        "return open('out.txt', 'w')",
        "open('log.txt', 'a'); return open('log.txt')",
        "return open('words.txt', mode)",
        "return open(os.path.join(os.getenv('AZUREML_MODEL_DIR'), 'model.pkl'))",
        "return open('/etc/hostname'), open(f'{data}.txt'), open(3)",
        "return pd.read_csv('https://example.com/a.csv'), pd.read_csv('s3://bucket/a.csv')",
        "return open('azureml-models/clf/1/m.pkl'), open('~/x')",
        "os.chdir('/data'); return open('words.txt')",
        "try:\n        return open('words.txt')\n    except FileNotFoundError:\n        return 1",
        "if os.path.exists('words.txt'):\n        return open('words.txt')",
        "return data.open('words.txt'), data.load('words.txt')",
        "Path('made.txt').write_text('x'); return Path('made.txt').read_text()",
    ],
)
def test_files_that_are_no_problem(body: str) -> None:
    assert check(with_run(body, "import os, pandas as pd\nfrom pathlib import Path\nmode = 'r'\n")) == []


def test_an_open_of_its_own() -> None:
    assert check(with_run("return open('words.txt')", "def open(name): return name")) == []


def test_files_of_the_source_directory(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("")
    text = with_run("return open('words.txt'), open('./words.txt'), open('others.txt')")
    (problem,) = check(text, source_directory=tmp_path)
    assert "'others.txt', which is not in the source directory" in problem.message


@pytest.mark.parametrize(
    ("call", "problems"),
    [
        ("Model.get_model_path('clf')", 0),
        ("Model.get_model_path(model_name='clf', version=2)", 0),
        ("Model.get_model_path('churn')", 1),
        ("Model.get_model_path(model_name='churn')", 1),
        ("Model.get_model_path(name_of(data))", 0),
    ],
)
def test_models_that_are_asked_for(call: str, problems: int) -> None:
    head = "from azureml.core.model import Model\ndef name_of(x): return x\n"
    found = check(with_run(f"return {call}", head))
    assert len(found) == problems
    if found:
        assert found[0].hint == "Ship it with --model churn."
        assert "shipped: clf" in found[0].message
    assert check(with_run(f"return {call}", head), model_names=None) == []


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        ("clf.pkl", "Write Model.get_model_path('clf') for the one that is shipped, or give it this name: --model clf.pkl=PATH."),
        ("models/clf.pkl", "Write Model.get_model_path('clf') for the one that is shipped."),
        ("churn.pkl", "Ship it with --model churn.pkl=churn.pkl."),
        ("churn.v2", "Ship it with --model churn.v2."),
        ("models/churn.pkl", "Ship it with --model models/churn.pkl and write Model.get_model_path('churn')."),
    ],
)  # fmt: skip
def test_what_is_said_of_a_model_that_is_asked_for_by_its_file(
    asked: str, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "churn.pkl").write_text("")
    text = with_run(f"return Model.get_model_path({asked!r})", "from azureml.core.model import Model")
    assert [problem.hint for problem in check(text)] == [hint]


def test_a_model_may_be_a_file_of_the_source_directory(tmp_path: Path) -> None:
    (tmp_path / "churn").write_text("")
    text = with_run("return Model.get_model_path('churn')", "from azureml.core.model import Model")
    assert check(text, source_directory=tmp_path) == []


@pytest.mark.parametrize(
    ("function", "problems"),
    [
        ("def train():\n    import no_such\n    open('train.csv')\n    return scaler\n", 0),
        ("def helper():\n    import no_such\nuse = [helper]\n", 1),
        ("@print\ndef helper():\n    import no_such\n", 1),
        ("class C:\n    def forward(self):\n        import no_such\n", 1),
        ("async def helper():\n    return scaler\n", 0),
    ],
)
def test_functions_that_nobody_names_never_run(function: str, problems: int) -> None:
    assert len(check(with_run("return data", function))) == problems


def test_a_name_whose_absence_is_expected() -> None:
    text = with_run("return get_ipython()", "try:\n    get_ipython\nexcept NameError:\n    pass")
    assert check(text) == []
