"""``exec``, ``shell`` and ``debug``: where the script of a local service runs."""

from __future__ import annotations

import subprocess

from .conftest import Shell


def test_a_command_runs_where_the_script_runs(shell: Shell) -> None:
    (shell.folder / "words.txt").write_text("one")
    shell("deploy", "score.py", "--name", "adder", "--model", "words=words.txt", "--env", "LEVEL=3")
    listed = shell("exec", "adder", "--", "ls", "azureml-models/words/1")
    assert (listed.code, listed.out) == (0, "words.txt\n")
    code = "import os, sys; print(os.environ['LEVEL'], os.environ['AZUREML_MODEL_DIR']); sys.stderr.write('e'); sys.exit(3)"
    ran = shell("exec", "--format", "json", "adder", "--", "python", "-c", code)
    assert ran.code == 3
    assert ran.json | {"command": []} == {
        "command": [], "exit_code": 3, "stdout": "3 azureml-models/words/1\n", "stderr": "e",
    }  # fmt: skip


def test_a_command_reads_what_is_piped_and_its_bytes_are_kept(shell: Shell) -> None:
    shell("deploy", "score.py", "--name", "adder")
    said = b"\xff\0\r\n"
    words = shell.words("exec", "adder", "--", "cat")
    piped = subprocess.run(words, input=said, stdout=subprocess.PIPE, env=shell.environment, timeout=60, check=True)
    assert piped.stdout == said


def test_what_cannot_be_entered_is_said(shell: Shell) -> None:
    shell("deploy", "score.py", "--name", "adder")
    assert "could not be run: no-such-program" in shell("exec", "adder", "--", "no-such-program").err
    assert "A shell needs a terminal" in shell("shell", "adder").err
    debug = shell("debug", "adder")
    assert debug.code == 1
    assert "mldeploy serve --debug_port 5678 --entry_script score.py" in debug.err
    shell("deploy", "score.py", "--name", "later", "--until", "build")
    assert "was not launched yet" in shell("exec", "later", "--", "ls").err
