"""What an answer gives as read stands in the evidence; nothing else is called a fact."""

from __future__ import annotations

import pytest

from jupyter_mldeploy.diagnosis import diagnose
from jupyter_mldeploy.evidence import Evidence

MISSING = """Traceback (most recent call last):
  File "/app/{script}", line 3, in <module>
    import xgboost as xgb
ModuleNotFoundError: No module named {quote}xgboost{quote}
"""


def test_of_nothing_nothing_was_read() -> None:
    assert diagnose(Evidence()).to_json()["facts"] == {}
    assert diagnose(Evidence(stage="init", log="Killed")).to_json()["facts"].keys().isdisjoint({"script", "module"})


@pytest.mark.parametrize("quote", ["'", '"'])
@pytest.mark.parametrize("script", ["score.py", "main.py"])
def test_the_module_that_is_missing_is_named_and_not_the_script(script: str, quote: str) -> None:
    told = diagnose(Evidence(stage="init", log=MISSING.format(script=script, quote=quote), script_name=script))
    assert told.cause == "module-not-found"
    assert (told.facts["module"], told.facts["script"]) == ("xgboost", script)
    assert "imports `xgboost`" in told.what
    assert "import xgboost" in told.confirm
    assert f"import {script[:-3]}" not in told.to_text()


def test_the_script_itself_is_named_where_a_step_calls_its_init() -> None:
    told = diagnose(Evidence(stage="init", exit_code=139, log="Segmentation fault", script_name="main.py"))
    assert told.cause == "segfault"
    assert "import main" in told.confirm
    assert "import score" in diagnose(Evidence(stage="init", exit_code=139, log="Segmentation fault")).confirm
