"""A cell becomes a script line for line."""

from __future__ import annotations

import pytest

from jupyter_mldeploy.capture import script_from_cell


def test_line_numbers_are_those_of_the_cell() -> None:
    cell = "%%deploy iris\nimport json\n\ndef run(data):\n    return 1 / 0\n"
    script = script_from_cell(cell.partition("\n")[2], "cell [4]")
    lines = script.text.split("\n")
    assert lines[0].startswith("#")
    assert lines[1:] == cell.split("\n")[1:]
    assert script.origin == "cell [4]"
    assert script.file_name == "score.py"
    assert script.path is None


def test_the_same_cell_run_again_is_the_same_script() -> None:
    assert script_from_cell("x = 1", "cell [4]").hash == script_from_cell("x = 1\n\n", "cell [17]").hash


@pytest.mark.parametrize("body", ["", "\n", "   \n\n"])
def test_an_empty_cell(body: str) -> None:
    assert script_from_cell(body, "cell [1]").text.count("\n") == 1


def test_leading_empty_lines_stay_and_line_ends_become_plain() -> None:
    script = script_from_cell("\r\n\r\nx = 1\r\ny = 2\r", "cell [1]")
    assert script.text.split("\n")[1:] == ["", "", "x = 1", "y = 2", ""]


def test_a_future_import_may_still_come_first() -> None:
    compile(script_from_cell("from __future__ import annotations\nx: y = 1", "c").text, "c", "exec")


def test_a_byte_order_mark_is_dropped_and_text_is_kept() -> None:
    assert script_from_cell("\ufeffname = 'Ünïcode ☃'", "c").text.endswith("\nname = 'Ünïcode ☃'\n")
