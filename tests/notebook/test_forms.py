"""The forms in a real kernel: filled in and clicked as a front end does it."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_mldeploy.notebook.commands import DEPLOY
from jupyter_mldeploy.notebook.options import parse
from jupyter_mldeploy.notebook.wish import Wish
from tests.notebook.kernels import WIDGET, Kernel, started

SCRIPT = "def init():\n    pass\n\ndef run(data):\n    return data\n"


@pytest.fixture(scope="module")
def folder(kernel: Kernel) -> Path:
    """Where the kernel runs."""
    return Path(kernel.run("import os; print(os.getcwd())").text.strip())


def test_the_form_deploys_what_its_line_says(kernel: Kernel, folder: Path) -> None:
    (folder / "score_it.py").write_text(SCRIPT)
    cell = kernel.run("%deploy")
    assert WIDGET in cell.bundles[0]
    kernel.write("Script", "score_it.py")
    kernel.until(lambda: "%deploy score-it --script score_it.py" in kernel.texts())
    kernel.write("Name", "formed")
    kernel.write("Sample", '{"x": 1}')
    kernel.until(lambda: "%deploy formed --script score_it.py --sample {&quot;x&quot;: 1}" in kernel.texts())
    kernel.click("Deploy")
    kernel.until(lambda: kernel.offers("Score"))
    assert "deployed to local" in kernel.texts()
    assert '"x": 1' in kernel.run('%service_run formed {"x": 1}').text


def test_what_is_wrong_is_said_in_the_form(kernel: Kernel) -> None:
    kernel.run("%deploy")
    kernel.write("Name", "nothing")
    kernel.until(lambda: "%deploy nothing" in kernel.texts())
    kernel.click("Deploy")
    kernel.until(lambda: "name a --script FILE or a --model" in kernel.texts())
    kernel.write("Script", "missing.py")
    kernel.write("Replicas", "many")
    kernel.click("Deploy")
    kernel.until(lambda: "--replicas" in kernel.texts() and "it is a whole number" in kernel.texts())
    assert "nothing" not in kernel.run("%services").text


def test_a_failure_is_explained_and_can_be_mended_below_the_form(kernel: Kernel, folder: Path) -> None:
    (folder / "broken.py").write_text(SCRIPT.replace("pass", "raise RuntimeError('no weights here')"))
    kernel.run("%deploy")
    kernel.write("Script", "broken.py")
    kernel.until(lambda: "%deploy broken --script broken.py" in kernel.texts())
    button = kernel.widget("Deploy")  # of this form: others of the notebook are there as well
    kernel.click("Deploy")
    kernel.until(lambda: "no weights here" in kernel.texts() and not kernel.widgets[button]["disabled"])
    (folder / "broken.py").write_text(SCRIPT)
    kernel.click("Deploy")
    panel = 'aria-label="service broken: running"'
    kernel.until(lambda: panel in kernel.texts() and not kernel.widgets[button]["disabled"])
    kernel.run("%service_delete broken")


def test_deploying_from_the_form_can_be_cancelled(kernel: Kernel, folder: Path) -> None:
    (folder / "slow.py").write_text(SCRIPT.replace("pass", "import time; time.sleep(600)"))
    kernel.run("%deploy")
    kernel.write("Script", "slow.py")
    kernel.until(lambda: "%deploy slow --script slow.py" in kernel.texts())
    kernel.click("Deploy")
    cancel = kernel.widget("Cancel")
    kernel.until(lambda: not kernel.widgets[cancel]["disabled"] and "mld-running" in kernel.texts())
    kernel.click("Cancel")
    kernel.until(lambda: "cleaned up" in kernel.texts() and kernel.offers("Deploy"))
    assert "slow" not in kernel.run("%services").text


def test_two_services_are_compared(kernel: Kernel, folder: Path) -> None:
    (folder / "one.py").write_text(SCRIPT.replace("return data", "return [0.1 + 0.2, 'a']"))
    (folder / "two.py").write_text(SCRIPT.replace("return data", "return [0.3, 'b']"))
    assert "NAME is missing" in kernel.run("%service_compare").text
    kernel.run("%deploy one --script one.py --sample 1\n%deploy two --script two.py")
    kernel.run("%service_compare")
    kernel.write("One", "one")
    kernel.write("Other", "two")
    kernel.until(lambda: "%service_compare one two 1" in kernel.texts())
    kernel.click("Compare")
    kernel.until(lambda: "[1]: &quot;a&quot; and &quot;b&quot;" in kernel.texts())
    told = kernel.run("found = %service_compare one two\nprint(found.same, found.differences)")
    assert "one and two: the answers differ" in told.text
    assert 'False (\'[1]: "a" and "b"\',)' in told.text
    assert "the answers are the same" in kernel.run('%service_compare one one {"x": 1}').text
    # One whose last change was refused goes on serving, and can be compared.
    (folder / "two.py").write_text("def init():\n    raise OSError('no weights')\n\ndef run(data):\n    return data\n")
    assert "no weights" in kernel.run("%deploy two --script two.py").text
    assert "NAME is missing" not in kernel.run("%service_compare").text
    # Whatever else is drawn or not: a form has its stylesheet.
    kernel.until(lambda: ".mld-form" in kernel.texts())


def test_the_calculator_shows_the_formula_and_what_is_wrong(kernel: Kernel) -> None:
    kernel.run("%replicas")
    kernel.write("Seconds of one", "10")
    kernel.until(lambda: "286 replicas: --replicas 286" in kernel.texts())
    kernel.write("Utilization", "0")
    kernel.until(lambda: "it is a fraction above 0 up to 1" in kernel.texts())
    assert kernel.run("%replicas --rps 20 --seconds 10").text == "286"


def test_where_nobody_can_click_a_form_is_no_answer(tmp_path: Path) -> None:
    with started(tmp_path, tmp_path / "home", attended=False) as kernel:
        assert "NAME is missing" in kernel.run("%deploy").text
        assert "say --rps and --seconds" in kernel.run("%replicas").text


@pytest.mark.parametrize(
    ("wish", "line"),
    [
        (Wish(models="clf"), "clf --model clf"),
        (Wish(models="clf:3, models/b.pkl"), "clf --model clf:3 --model models/b.pkl"),
        (Wish(name="iris", script="a b.py", target="container"), "iris --script 'a b.py' --target container"),
        (Wish(name="iris", replicas="1:4", memory=" 2Gi "), "iris --autoscale 1:4 --memory 2Gi"),
        (Wish(name="iris", sample='{"data":\n [1, "it\'s"]}'), 'iris --sample {"data": [1, "it\'s"]}'),
        (Wish(name="iris", sample="not \\ \"JSON' "), 'iris --sample "not \\\\ \\"JSON\'"'),
        (Wish(), "service"),
    ],
)
def test_the_line_says_what_is_filled_in(wish: Wish, line: str) -> None:
    assert wish.line() == line
    read = parse(DEPLOY, line)
    assert read.places["NAME"] == line.partition(" ")[0]
    if wish.sample and not wish.sample.startswith("{"):
        assert read.options["sample"] == wish.sample.strip()
