"""What a diagnosis offers to be typed is understood when it is typed."""

from __future__ import annotations

import re
import shlex

import pytest

from jupyter_mldeploy.cli.parser import build_parser
from jupyter_mldeploy.diagnosis.actions import KINDS, action
from jupyter_mldeploy.diagnosis.pages import causes, fill, page
from jupyter_mldeploy.diagnosis.report import Diagnosis
from jupyter_mldeploy.notebook.commands import BY_NAME
from jupyter_mldeploy.notebook.explanation import explain_diagnosis
from jupyter_mldeploy.notebook.options import parse
from jupyter_mldeploy.runtime.command_line import parser as serve_parser

from .kernels import Kernel

FACTS = {"requirement": "joblib", "pin": "joblib==1.4", "new_memory": "4Gi", "script": "score.py", "line": "3"}


def understand(command: str) -> None:
    """Read a command as its magic or verb reads it; raises where that would refuse it."""
    name, _, line = command.partition(" ")
    if name.startswith("%"):
        magic = BY_NAME[name.lstrip("%")]
        parse(magic, line, "%%" if name.startswith("%%") else "%")
        return
    words = shlex.split(line)
    if words[0] == "serve":
        serve_parser().parse_args(words[1:])
    else:
        build_parser().parse_args(words)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_command_of_an_action_is_understood(kind: str) -> None:
    understand(action(kind, FACTS, "iris").command)


@pytest.mark.parametrize("cause", causes())
def test_the_commands_of_a_page_are_understood(cause: str) -> None:
    read = page(cause)
    for text in (read.what, *read.steps):
        for command in re.findall(r"`(%+[a-z_]+ [^`]+|mldeploy [a-z]+ [^`]+)`", fill(text, FACTS)):
            understand(re.sub(r"\b(RPS|SECONDS)\b", "2", command).replace("MIN:MAX", "1:5").replace(" …", ""))


def test_the_replicas_that_a_load_needs(kernel: Kernel) -> None:
    assert kernel.run("print(get_ipython().run_line_magic('replicas', '--rps 20 --seconds 10'))").text.strip() == "286"
    assert "say --rps and --seconds" in kernel.run("%replicas --rps 20").text


def test_in_a_terminal_the_magic_of_a_cell_stays_what_it_is() -> None:
    from jupyter_mldeploy.diagnosis.report import Diagnosis

    step = "the cell without its `%%deploy` line, then `%%deploy iris --pip joblib`, then `%service_logs iris`"
    text = Diagnosis(cause="a", causes=("a",), confidence=1, title="t", what="", steps=(step,)).to_text()
    text = " ".join(text.split())
    assert "without its %%deploy line" in text.replace("`", "")
    assert "mldeploy update iris --pip joblib" in text
    assert "mldeploy logs iris" in text


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_in_a_cell_a_command_is_one_that_a_cell_takes(kind: str) -> None:
    told = Diagnosis("x", ("x",), 1.0, "x", "x", target="container", actions=(action(kind, FACTS, "iris"),))
    for offered in explain_diagnosis(told).actions:
        assert offered.command[0] in "%!"
        understand(offered.command.removeprefix("!"))


def test_steps_in_a_cell_name_magics() -> None:
    steps = ("Show it: `mldeploy logs iris --build`.", "Add it: `mldeploy update iris --pip x`, see `mldeploy models`.")
    shown = explain_diagnosis(Diagnosis("x", ("x",), 1.0, "x", "Start it with `mldeploy start iris`.", steps))
    assert shown.what == "Start it with `%service_start iris`."
    assert shown.steps[0] == "Show it: `%service_logs iris --build`."
    assert shown.steps[1] == "Add it: `%service_update iris --pip x`, see `!mldeploy models`."
