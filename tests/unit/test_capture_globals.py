"""What is read from bytecode is what `dis` reads; real scripts raise no false alarm."""

from __future__ import annotations

import dis
import random
import sysconfig
from pathlib import Path
from types import CodeType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mldeploy.capture import check_script
from jupyter_mldeploy.capture.globals_used import global_names, names_bound_in
from jupyter_mldeploy.spec import Environment, Script

STDLIB = Path(sysconfig.get_path("stdlib"))
ODD = {"calendar", "platform", "ssl"}  # names put in by enum's helpers; an import of Jython's
MODULES = random.Random(4).sample([path for path in sorted(STDLIB.glob("*.py")) if path.stem not in ODD], 60)
LOADS = {"LOAD_NAME", "LOAD_GLOBAL", "LOAD_FROM_DICT_OR_GLOBALS"}


def by_dis(code: CodeType) -> dict[str, set[int | None]]:
    found: dict[str, set[int | None]] = {}
    for instruction in dis.get_instructions(code):
        if instruction.opname in LOADS:
            assert instruction.positions
            found.setdefault(instruction.argval, set()).add(instruction.positions.lineno)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            for name, lines in by_dis(constant).items():
                found.setdefault(name, set()).update(lines)
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_bytecode_is_read_as_dis_reads_it(path: Path) -> None:
    code = compile(path.read_bytes(), str(path), "exec")
    expected = by_dis(code)
    names = global_names(code, module=True)
    assert names.loaded.keys() <= expected.keys()
    for name in names.loaded:
        assert set(names.lines(name)) <= expected[name]
    ours = {name for name in expected if name not in names.loaded}
    assert all(not name.startswith("LOAD") for name in ours)
    stored = {i.argval for i in dis.get_instructions(code) if i.opname == "STORE_NAME"}
    assert stored <= names.stored


def test_more_names_than_fit_into_a_byte() -> None:
    text = "\n".join(f"a{number} = b{number}" for number in range(700))
    names = global_names(compile(text, "x", "exec"), module=True)
    assert names.lines("b699") == [700]
    assert "a300" in names.stored


def test_names_that_a_function_binds() -> None:
    module = compile("def f(a, *b, c=1, **d):\n    global g\n    e = g = a\n    def h(): return e, a\n", "x", "exec")
    (function,) = [each for each in module.co_consts if isinstance(each, CodeType)]
    assert names_bound_in(function) == {"e", "h"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_the_standard_library_raises_no_alarm(path: Path) -> None:
    problems = check_script(
        Script(path.read_text(encoding="utf-8")),
        environment=Environment.kernel(),
        source_directory=None,
        model_names=None,
    )
    about_the_contract = ("There is no", "run()", "init()", "`from .")
    assert [problem for problem in problems if not problem.message.startswith(about_the_contract)] == []


@given(st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=200))
def test_any_text_gives_problems_and_no_error(text: str) -> None:
    for problem in check_script(Script(text), environment=Environment.kernel(), source_directory=None):
        assert problem.message.endswith(".")
        assert problem.line >= 0
