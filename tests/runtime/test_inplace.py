"""Which edits of a script are made in place, which need new workers, and that the result is right."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_mldeploy.runtime.worker import inplace, kinds, script, shims
from jupyter_mldeploy.runtime.worker.dependence import NeedsNewWorkers


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


class Loaded:
    """A script that is loaded, its init() run, ready to be edited."""

    def __init__(self, folder: Path, text: str) -> None:
        self.path = folder / "score.py"
        self.text = textwrap.dedent(text)
        self.helpers = inplace.HelperFiles([str(folder)])
        self.script = script.load(str(self.path), self.text.encode())
        self.script.init()
        self.helpers.remember()

    def prepare(self, *edits: tuple[str, str], text: str | None = None) -> inplace.Change | None:
        new = self.text if text is None else textwrap.dedent(text)
        for old, replacement in edits:
            assert old in new
            new = new.replace(old, replacement)
        return inplace.prepare(self.script, new.encode(), self.helpers)

    def edit(self, *edits: tuple[str, str], text: str | None = None) -> Any:
        """Make an edit in place and call run()."""
        change = self.prepare(*edits, text=text)
        assert change is not None
        change.commit()
        self.text = change.source.decode()
        return self.script.run("1")

    def refuses(self, *edits: tuple[str, str], text: str | None = None) -> str:
        """The reason why an edit needs new workers; nothing has changed."""
        before = dict(self.script.module.__dict__)
        with pytest.raises(NeedsNewWorkers) as caught:
            self.prepare(*edits, text=text)
        assert self.script.module.__dict__ == before
        return str(caught.value)


SIMPLE = """
    import json

    SCALE = 2
    OFFSET = 10

    def load():
        return {"weight": SCALE}

    def init():
        global model, runs
        model = load()

    def helper(x):
        return x + OFFSET

    def run(data):
        return helper(json.loads(data)) * model["weight"]
"""


def test_a_changed_run_keeps_what_init_made(folder: Path) -> None:
    loaded = Loaded(folder, SIMPLE)
    model = loaded.script.module.model
    assert loaded.script.run("1") == 22
    assert loaded.edit(('* model["weight"]', '* model["weight"] + 100')) == 122
    assert loaded.script.module.model is model


def test_a_changed_helper_is_seen_by_the_unchanged_run(folder: Path) -> None:
    assert Loaded(folder, SIMPLE).edit(("x + OFFSET", "x - OFFSET")) == -18


def test_a_changed_constant_that_only_run_uses(folder: Path) -> None:
    assert Loaded(folder, SIMPLE).edit(("OFFSET = 10", "OFFSET = 20")) == 42


def test_the_same_text_is_no_change(folder: Path) -> None:
    assert Loaded(folder, SIMPLE).prepare() is None


@pytest.mark.parametrize(
    "edit",
    [("SCALE = 2", "SCALE = 3"), ('"weight": SCALE', '"weight": -SCALE'), ("model = load()", "model = dict(load())")],
    ids=["a constant it used", "a function it called", "init itself"],
)
def test_what_init_used_needs_new_workers(folder: Path, edit: tuple[str, str]) -> None:
    said = Loaded(folder, SIMPLE).refuses(edit)
    assert "was used by init()" in said or said == "init() itself has changed"


def test_comments_and_moved_lines_are_taken_in_place_and_tracebacks_point_to_the_new_lines(folder: Path) -> None:
    loaded = Loaded(folder, SIMPLE)
    assert loaded.edit(("SCALE = 2", "# a comment\n# and another\nSCALE = 2")) == 22
    with pytest.raises(ValueError, match="Expecting value") as caught:
        loaded.script.run("x")
    line = caught.traceback[1].lineno + 1
    assert "json.loads(data)" in loaded.text.splitlines()[line - 1]


def test_a_removed_global_is_gone(folder: Path) -> None:
    loaded = Loaded(folder, SIMPLE)
    assert loaded.edit(("OFFSET = 10\n", ""), ("x + OFFSET", "x")) == 2
    assert not hasattr(loaded.script.module, "OFFSET")


def test_a_removed_global_that_is_still_used_fails_like_in_a_fresh_process(folder: Path) -> None:
    loaded = Loaded(folder, SIMPLE)
    with pytest.raises(NameError):
        loaded.edit(("OFFSET = 10\n", ""))


def test_new_functions_and_imports(folder: Path) -> None:
    loaded = Loaded(folder, SIMPLE)
    added = "import math\n\ndef rounded(x):\n    return math.floor(x) + OFFSET\n\ndef helper(x):"
    assert loaded.edit(("def helper(x):", added), ("return x + OFFSET", "return rounded(x + 0.5)")) == 22
    assert loaded.script.module.rounded.__globals__ is loaded.script.module.__dict__


def test_an_import_that_fails_is_the_scripts_fault(folder: Path) -> None:
    loaded = Loaded(folder, SIMPLE)
    with pytest.raises(ModuleNotFoundError):
        loaded.prepare(("import json", "import json\nimport no_such_module_anywhere"))
    assert loaded.script.run("1") == 22


def test_syntax_errors_leave_everything_as_it_is(folder: Path) -> None:
    loaded = Loaded(folder, SIMPLE)
    with pytest.raises(SyntaxError):
        loaded.prepare(("def run(data):", "def run(data:"))
    assert loaded.script.run("1") == 22


def test_a_run_against_the_contract_is_refused(folder: Path) -> None:
    loaded = Loaded(folder, SIMPLE)
    with pytest.raises(script.Refused, match=r"\*args"):
        loaded.prepare(("def run(data):", "def run(*args):\n    data = args[0]"))
    with pytest.raises(script.Refused, match=r"run\(\) is missing"):
        loaded.prepare(("def run(data):", "def walk(data):"))


def test_default_arguments_are_evaluated_again(folder: Path) -> None:
    text = """
        LIMIT = 1
        def init(): pass
        def run(data, limit=LIMIT): return limit
    """
    loaded = Loaded(folder, text)
    assert loaded.edit(("limit=LIMIT", "limit=5")) == 5
    assert "LIMIT was used" in Loaded(folder, text).refuses(("LIMIT = 1", "LIMIT = 2"))


def test_a_default_argument_that_calls_something(folder: Path) -> None:
    text = """
        def make(): return []
        def init(): pass
        def run(data, seen=make()): return 1
    """
    assert "computes something" in Loaded(folder, text).refuses(("return 1", "return 2"))


def test_classes_are_never_changed_in_place(folder: Path) -> None:
    text = """
        class Model:
            def predict(self): return 1
        def init():
            global model
            model = Model()
        def run(data): return isinstance(model, Model), model.predict()
    """
    loaded = Loaded(folder, text)
    assert "class" in loaded.refuses(("return 1", "return 2"))
    assert loaded.edit(("model.predict()", "model.predict() + 1")) == (True, 2)


def test_a_function_that_a_class_uses(folder: Path) -> None:
    text = """
        def helper(): return 1
        class Model:
            def predict(self): return helper()
        def init(): pass
        def run(data): return Model().predict()
    """
    assert "helper was used" in Loaded(folder, text).refuses(("return 1", "return 2"))


def test_whoever_holds_a_function_calls_the_new_code(folder: Path) -> None:
    text = """
        import functools
        def traced(function):
            @functools.wraps(function)
            def wrapper(*args): return ("traced", function(*args))
            return wrapper
        def init(): pass
        @traced
        def helper(x): return x
        def run(data): return helper(data)
    """
    assert Loaded(folder, text).edit(("return x", "return x * 2")) == ("traced", "11")


def test_changed_decorators_need_new_workers(folder: Path) -> None:
    text = """
        import functools
        def init(): pass
        @functools.lru_cache
        def helper(x): return x
        def run(data): return helper(data)
    """
    loaded = Loaded(folder, text)
    assert "decorators" in loaded.refuses(("@functools.lru_cache\n", "@functools.lru_cache(3)\n"))
    loaded.script.run("1")
    assert loaded.edit(("return x", "return x * 2")) == "11"


def test_a_decorator_that_hides_its_function(folder: Path) -> None:
    text = """
        def closed(function): return lambda *args: function(*args)
        def init(): pass
        @closed
        def helper(x): return x
        def run(data): return helper(data)
    """
    assert "hidden" in Loaded(folder, text).refuses(("return x", "return x * 2"))


def test_values_computed_from_functions_at_module_level(folder: Path) -> None:
    text = """
        def table(): return {"a": 1}
        TABLE = table()
        def init(): pass
        def run(data): return TABLE
    """
    assert "table was used" in Loaded(folder, text).refuses(('{"a": 1}', '{"a": 2}'))


def test_a_dict_of_handlers(folder: Path) -> None:
    text = """
        def first(x): return 1
        HANDLERS = {"a": first}
        def init(): pass
        def run(data): return HANDLERS["a"](data)
    """
    assert "first was used" in Loaded(folder, text).refuses(("return 1", "return 2"))


def test_closures_made_at_module_level(folder: Path) -> None:
    text = """
        def maker(n):
            def inner(data): return n
            return inner
        def init(): pass
        run = maker(1)
    """
    assert "maker was used" in Loaded(folder, text).refuses(("return n", "return n + 1"))


def test_a_model_that_run_loads_lazily(folder: Path) -> None:
    text = """
        model = None
        def load(): return 1
        def init(): pass
        def run(data):
            global model
            if model is None:
                model = load()
            return model
    """
    assert "load was used" in Loaded(folder, text).refuses(("return 1", "return 2"))


def test_a_cache_that_run_fills(folder: Path) -> None:
    text = """
        cache = {}
        def compute(x): return 1
        def init(): pass
        def lookup(x):
            cache[x] = compute(x)
            return cache[x]
        def run(data): return lookup(data)
    """
    loaded = Loaded(folder, text)
    assert "compute was used" in loaded.refuses(("return 1", "return 2"))
    assert loaded.edit(("return lookup(data)", "return lookup(data) + 1")) == 2


def test_a_cache_that_init_makes(folder: Path) -> None:
    text = """
        def compute(x): return 1
        def init():
            global cache
            cache = {}
        def lookup(x): return cache.setdefault(x, compute(x))
        def run(data): return lookup(data)
    """
    assert "compute was used" in Loaded(folder, text).refuses(("return 1", "return 2"))


def test_init_that_can_see_everything(folder: Path) -> None:
    text = """
        def helper(): return 1
        def init():
            global made
            made = globals()["hel" + "per"]()
        def run(data): return made
    """
    assert "globals" in Loaded(folder, text).refuses(("return 1", "return 2"))


@pytest.mark.parametrize(
    "statement", ["print('hello')", "values = []", "import os\nos.environ['A'] = '1'", "from json import *"]
)
def test_new_statements_that_do_something(folder: Path, statement: str) -> None:
    loaded = Loaded(folder, SIMPLE)
    assert "computes something" in loaded.refuses(("SCALE = 2", f"SCALE = 2\n{statement}"))


def test_what_never_runs_in_a_worker_does_not_count(folder: Path) -> None:
    text = """
        def init(): pass
        def run(data): return 1
        if __name__ == "__main__":
            init()
            print(run("x"))
    """
    loaded = Loaded(folder, text)
    assert loaded.edit(("return 1", "return 2"), ('run("x")', 'run("y")')) == 2


def test_a_name_bound_twice(folder: Path) -> None:
    text = """
        def init(): pass
        def helper(): return 0
        def helper(): return 1
        def run(data): return helper()
    """
    assert "more than once" in Loaded(folder, text).refuses(("return 1", "return 2"))


def test_a_helper_module_that_changed_on_disk(folder: Path) -> None:
    (folder / "preparation.py").write_text("def prepare(x): return x\n")
    text = """
        import preparation
        def init(): pass
        def run(data): return preparation.prepare(data)
    """
    loaded = Loaded(folder, text)
    assert loaded.edit(("return preparation.prepare(data)", "return preparation.prepare(data) * 2")) == "11"
    (folder / "preparation.py").write_text("def prepare(x): return x + 'new'\n")
    assert "preparation.py has changed" in loaded.refuses(("* 2", "* 3"))
    with pytest.raises(NeedsNewWorkers):
        loaded.prepare()


def test_a_helper_module_that_run_imported_late(folder: Path) -> None:
    late = folder / "late.py"
    late.write_text("VALUE = 1\n")
    loaded = Loaded(folder, "def init(): pass\ndef run(data):\n    import late\n    return late.VALUE\n")
    assert loaded.script.run("") == 1
    assert loaded.edit(("return late.VALUE", "return late.VALUE + 1")) == 2
    late.write_text("VALUE = 10\n")
    os.utime(late, (2e9, 2e9))
    assert "late.py has changed" in loaded.refuses(("+ 1", "+ 2"))


def test_names_that_init_puts_into_the_module(folder: Path) -> None:
    assert "was used by init()" in Loaded(folder, SIMPLE).refuses(("SCALE = 2", "SCALE = 2\nruns = 7"))


def test_future_imports_hold_for_changed_functions(folder: Path) -> None:
    text = """
        from __future__ import annotations
        def init(): pass
        def run(data: Unknown): return 1
    """
    assert Loaded(folder, text).edit(("return 1", "return 2")) == 2


def test_raw_scripts_stay_raw(folder: Path) -> None:
    text = """
        from azureml.contrib.services.aml_request import rawhttp
        def init(): pass
        @rawhttp
        def run(request): return 1
    """
    shims.install()
    kinds.forget_decorations()
    loaded = Loaded(folder, text)
    assert loaded.edit(("return 1", "return 2")) == 2
    assert kinds.scorer_for(loaded.script, debug=False, memory_limited=False).input == "raw"
    kinds.forget_decorations()


def test_functions_that_become_asynchronous_or_generators(folder: Path) -> None:
    loaded = Loaded(folder, SIMPLE)
    assert "asynchronous" in loaded.refuses(("def helper", "async def helper"))
    change = loaded.prepare(("return x + OFFSET", "yield x"), ("* model", "and model"))
    assert change is not None


REGISTRY = "R = {}\ndef reg(f):\n    R[f.__name__] = f\n    return f\n"
LISTENERS = "class P:\n    def __init__(s): s.h = []\n    def on(s, f): s.h.append(f); return f\np = P()\n"
WITH_NAME = "R = []\ndef reg(n):\n    def take(f): R.append(f); return f\n    return take\n"


@pytest.mark.parametrize(
    ("before", "decorator", "made"),
    [
        (REGISTRY, "reg", "R['a']()"),
        (LISTENERS, "p.on", "p.h[0]()"),
        (WITH_NAME, "reg('a')", "R[0]()"),
        ("import functools\n@functools.singledispatch\ndef f(x): return 0\n", "f.register(int)", "f(3)"),
        ("from registry import reg, call\n", "reg", "call()"),
        ("from registry import reg as rawhttp, call\n", "rawhttp", "call()"),
        ("from contextlib import contextmanager\nR = {}\ndef contextmanager(f): R[1] = f; return f\n",
         "contextmanager", "R[1]()"),
    ],
)  # fmt: skip
def test_functions_that_a_decorator_hands_to_others(folder: Path, before: str, decorator: str, made: str) -> None:
    (folder / "registry.py").write_text("L = []\ndef reg(f): L.append(f); return f\ndef call(): return L[0]()\n")
    text = (
        f"{before}@{decorator}\ndef a(x=0): return 1\ndef init():\n    global m\n    m = {made}\ndef run(d): return m\n"
    )
    loaded = Loaded(folder, text)
    assert loaded.script.run("1") == 1
    assert "a was used" in loaded.refuses(("def a(x=0): return 1", "def a(x=0): return 2"))


def test_what_a_cache_remembers(folder: Path) -> None:
    text = """
        import functools
        from functools import lru_cache as remembered
        K = 1
        def g(x): return x + str(K)
        @functools.wraps(g)
        def other(x): return x
        @remembered(maxsize=None)
        def f(x): return g(x)
        def init(): pass
        def run(data): return f(data)
    """
    loaded = Loaded(folder, text)
    assert loaded.script.run("1") == "11"
    assert "K was used" in loaded.refuses(("K = 1", "K = 2"))
    assert "g was used" in loaded.refuses(("x + str(K)", "x + x"))
    assert loaded.edit(("return g(x)", "return g(x) * 2")) == "1111"


def test_decorators_that_only_wrap(folder: Path) -> None:
    text = """
        import functools, logging
        log = logging.getLogger("x")
        def labelled(label):
            "With an argument."
            def decorate(function):
                @functools.wraps(function)
                def wrapper(*args, **named):
                    log.debug(label)
                    return function(*args, **named)
                return wrapper
            return decorate
        def init(): pass
        @labelled("here")
        def helper(x): return x
        def run(data): return helper(data)
    """
    assert Loaded(folder, text).edit(("return x", "return x * 2")) == "11"
