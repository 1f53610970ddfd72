"""Options of a service that only some targets have, or whose values are nobody's business."""

from __future__ import annotations

import pytest

from .conftest import Shell

TELLS = "import os\n\ndef init():\n    pass\n\ndef run(data):\n    return [os.environ.get(name) for name in ('LEVEL', 'TOKEN')]\n"


def test_variables_and_keys(shell: Shell) -> None:
    (shell.folder / "score.py").write_text(TELLS)
    shell.environment["TOKEN"] = "hush-hush"
    made = shell("deploy", "score.py", "--name", "told", "--env", "LEVEL=1", "--env", "TOKEN", "--key", "secret-key")
    assert made.code == 0, made.err
    assert shell("run", "told", "{}").out == '["1", "hush-hush"]\n'
    changed = shell("update", "told", "--env", "LEVEL=2")
    assert "updated (variables LEVEL changed)" in changed.out
    assert shell("run", "told", "{}").out == '["2", "hush-hush"]\n'
    shown = "".join(shell(*words, "--format", "json").out for words in (("status", "told"), ("services",), ("config",)))
    assert "hush-hush" not in made.out + changed.out + shown
    assert "secret-key" not in made.out + changed.out + shown


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--node-selector", "disktype=ssd"), "--node-selector is for a cluster; add --target kubernetes"),
        (("--toleration", "gpu:NoSchedule"), "--toleration is for a cluster"),
        (("--pull-secret", "registry"), "--pull-secret is for a cluster"),
        (("--ingress", "iris.example.org"), "--ingress is for a cluster"),
        (("--load-balancer",), "--load-balancer is for a cluster"),
        (("--node-selector", "disktype"), "write KEY=VALUE"),
        (("--toleration", "gpu:Never"), "its effect is one of NoSchedule"),
        (("--env", "MLDEPLOY_HOME=x"), "the scoring server's own"),
        (("--env", "NEVER_SET_ANYWHERE"), "it is not set here"),
        (("--key", "short"), "8 to 256"),
    ],
)
def test_what_cannot_be_is_one_sentence(shell: Shell, words: tuple[str, ...], said: str) -> None:
    done = shell("deploy", "score.py", "--name", "adder", *words)
    assert done.code == 1
    assert said in done.err
    assert done.err.count("\n") == 1
    assert shell("services").out == "No service is deployed.\n"


def test_a_process_has_no_history(adder: Shell) -> None:
    for verb in ("history", "rollback"):
        done = adder(verb, "adder")
        assert done.code == 1
        assert "keeps no earlier revisions" in done.err
    assert "The local target has no images." in adder("delete", "adder", "--yes", "--image").err
    assert adder("status", "adder").code == 0
