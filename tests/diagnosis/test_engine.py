"""The engine: reading, ranking, pages, answers, files; any evidence gives an answer."""

from __future__ import annotations

import contextlib
import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mldeploy.cli.program import run
from jupyter_mldeploy.diagnosis import diagnose
from jupyter_mldeploy.diagnosis.actions import KINDS, action
from jupyter_mldeploy.diagnosis.evidence_file import from_case, from_text, read_evidence
from jupyter_mldeploy.diagnosis.needles import branches
from jupyter_mldeploy.diagnosis.pages import PageInvalid, causes, fill, page, parse_page
from jupyter_mldeploy.diagnosis.ranking import ranked
from jupyter_mldeploy.diagnosis.reading import Reading
from jupyter_mldeploy.diagnosis.rule import Depth, Finding, found
from jupyter_mldeploy.diagnosis.rules import load
from jupyter_mldeploy.evidence import Evidence

MISSING = (
    'Traceback (most recent call last):\n  File "/app/score.py", line 3, in <module>\n    import '
    "lightgbm\nModuleNotFoundError: No module named 'lightgbm'"
)


def test_every_page_has_a_rule_and_every_rule_a_page() -> None:
    ruled = {cause for rule in load() for cause in rule.causes}
    assert ruled | {"none", "insufficient-evidence"} == set(causes())


@pytest.mark.parametrize("cause", causes())
def test_page_reads_well_with_and_without_facts(cause: str) -> None:
    read = page(cause)
    assert read.family
    for text in (read.title, read.what, read.confirm, *read.steps):
        bare = fill(text, {})
        assert "|" not in bare or "{" not in bare.split("|")[0][-20:], f"{cause}: an unfilled slot in {bare!r}"
        prose = "" if text == read.confirm else re.sub(r"`[^`]*`", "x", bare)
        assert not re.search(r"\{\?|\?\}| \)|\( |  \S| [,.:]( |$)", prose), f"{cause}: {bare!r}"
    assert fill(read.title, {}).strip(" :")


def test_a_slot_with_nothing_to_say_says_nothing() -> None:
    text = "failed{?type: with {type|}||: it stopped?}{?target=local: here?}"
    assert fill(text, {}) == "failed: it stopped"
    assert fill(text, {"type": "KeyError", "target": "local"}) == "failed with KeyError here"
    assert fill(text, {"type": "KeyError", "target": "container"}) == "failed with KeyError"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "cause: x",
        "---\ncause: x\n---\nwhat",
        (
            "---\ncause: a\nfamily: b\ntitle: c\nseverity: loud\nactions: []\nsources: []\n---\nw\n## Confirm\n    "
            "c\n## Steps\n1. s\n"
        ),
        (
            "---\ncause: a\nfamily: b\ntitle: c\nseverity: info\nactions: [fly]\nsources: []\n---\nw\n## Confirm\n "
            "   c\n## Steps\n1. s\n"
        ),
        "---\ncause: a\nfamily: b\ntitle: c\nseverity: info\nactions: []\nsources: []\n---\nno sections\n",
    ],
)
def test_malformed_pages_are_refused(text: str) -> None:
    with pytest.raises(PageInvalid):
        parse_page(text)


def test_unknown_page() -> None:
    with pytest.raises(KeyError):
        page("../secrets")


def test_answer_names_proves_and_advises() -> None:
    answer = diagnose(Evidence(stage="init", target="local", service="iris", log=MISSING))
    assert answer.cause == "module-not-found"
    assert answer.facts["package"] == "lightgbm"
    document = answer.to_json()
    assert document["evidence"] == [{"line": "ModuleNotFoundError: No module named 'lightgbm'", "from": "log, line 4"}]
    assert "lightgbm" in document["remedy"]
    assert any(offer["command"] == "%%deploy iris --pip lightgbm" for offer in document["actions"])
    assert json.dumps(document)
    text = answer.to_text()
    assert text.startswith("iris · local · FAILED in init: the package lightgbm is not installed")
    assert "mldeploy diagnose iris" in text


def test_original_line_is_shown() -> None:
    answer = diagnose(Evidence(log="scorer-1  | \x1b[31mModuleNotFoundError: No module named 'xgboost'\x1b[0m"))
    assert answer.cause == "module-not-found"
    assert answer.proof[0].shown.startswith("scorer-1  | \x1b[31m")


@pytest.mark.parametrize(
    "prefix",
    [
        "web_1  | ",
        "scorer.1.x2k@node-1    | ",
        "2024-03-02T10:00:01.123456789Z ",
        "2024-03-02T10:00:01.123456789+00:00 stdout F ",
        "[pod/scorer-5d/scorer] ",
        "#9 24.04 ",
        "24.04 ",
        "Mar  2 10:00:01 host docker[123]: ",
        "web_1  | 2024-03-02T10:00:01.123Z ",
    ],
)
def test_prefixes_do_not_matter(prefix: str) -> None:
    log = "\n".join(prefix + line for line in MISSING.split("\n"))
    reading = Reading(Evidence(log=log))
    assert reading.raised[0].type == "ModuleNotFoundError"
    assert reading.raised[0].own_frame is not None
    assert reading.raised[0].own_frame.line == 3
    assert diagnose(Evidence(stage="init", log=log)).cause == "module-not-found"


def test_logs_folded_into_json_are_unfolded() -> None:
    lines = [
        json.dumps({"log": line + "\n", "stream": "stderr"}, separators=(",", ":")) for line in MISSING.split("\n")
    ]
    assert diagnose(Evidence(stage="init", log="\n".join(lines))).cause == "module-not-found"
    body = json.dumps({"error": {"message": MISSING}})
    assert diagnose(Evidence(stage="launch", http_status=400, http_body=body)).cause == "module-not-found"
    assert diagnose(Evidence(stage="init", log=f"Error: {json.dumps(MISSING)}")).cause == "module-not-found"


def test_chained_exceptions_are_all_read() -> None:
    log = (
        'Traceback (most recent call last):\n  File "a.py", line 1, in f\nKeyError: 1\n\nDuring handling '
        "of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File "
        '"b.py", line 2, in g\nx.y.ValueError: two\nlines'
    )
    raised = Reading(Evidence(log=log)).raised
    assert [(r.name, r.frames[0].line) for r in raised] == [("KeyError", 1), ("ValueError", 2)]
    assert raised[1].text == "two\nlines"


def test_the_runtime_is_believed() -> None:
    failure = {
        "stage": "run",
        "kind": "timeout",
        "message": "run() took longer than 60 s",
        "file": "score.py",
        "line": 6,
    }
    assert diagnose(Evidence(stage="run", failure=failure)).cause == "http-504-timeout"
    failure = {"stage": "init", "kind": "signal", "signal": "SIGKILL", "oom": True, "message": "killed"}
    assert diagnose(Evidence(stage="init", failure=failure, exit_code=-9)).cause == "container-oom-killed"
    failure = {"stage": "init", "kind": "exception", "traceback": MISSING, "message": "init() raised"}
    answer = diagnose(Evidence(stage="init", failure=failure))
    assert answer.cause == "module-not-found"
    failure = {
        "stage": "init",
        "kind": "exception",
        "message": "init() raised",
        "exception": {"type": "OddError", "text": "x"},
    }
    assert diagnose(Evidence(stage="init", failure=failure)).cause == "crashloop-init-exception"


def test_memory_limit_is_doubled() -> None:
    answer = diagnose(Evidence(stage="init", service="iris", exit_code=137, oom_killed=True, memory_limit=512 * 2**20))
    assert answer.cause == "container-oom-killed"
    assert answer.facts["limit"] == "512 MiB"
    assert answer.actions[0].command == "%service_update iris --memory 1Gi"
    assert answer.actions[0].changes


def test_root_before_symptom() -> None:
    findings = [
        found("c", Depth.WRAPPER),
        found("b", Depth.SPECIFIC, certain=False),
        found("d", Depth.SPECIFIC),
        found("a", Depth.ROOT),
    ]
    assert [f.cause for f in ranked(findings)] == ["a", "d", "b", "c"]


def test_a_rule_that_raises_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    from jupyter_mldeploy.diagnosis import rule, rules

    def broken(reading: Reading) -> Finding:
        raise RuntimeError("broken")

    monkeypatch.setattr(rules, "load", lambda: (*load(), rule.Rule(broken, frozenset())))
    assert diagnose(Evidence(stage="init", log=MISSING)).cause == "module-not-found"


def test_needles_of_patterns() -> None:
    (branch,) = branches(r"No module named '?(?P<m>\w+)")
    assert [needle.text for needle in branch.needles] == ["no module named "]
    (branch,) = branches(r"(?:invalid|wrong) (?:key|token)s?$")
    assert {needle.text for needle in branch.needles} in ({"invalid", "wrong"}, {"key", "token"})
    assert branches(r"\d+")[0].needles == ()
    assert len(branches(r"a|[|]b|(?:c|d)")) == 3


@pytest.mark.parametrize("kind", KINDS)
def test_actions_read_well_without_facts(kind: str) -> None:
    offered = action(kind, {})
    assert "{" not in offered.label
    assert "{" not in offered.command.replace('{"', "")


def main(words: list[str], out: io.StringIO) -> int:
    """``mldeploy diagnose``: its exit code; what it writes goes to ``out``."""
    with contextlib.redirect_stdout(out):
        return run(["diagnose", *words])


def test_command_on_file_folder_and_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"stage": "init", "evidence": {"log": MISSING}}), "utf-8")
    (tmp_path / "b.log").write_text("all is well\n", "utf-8")
    out = io.StringIO()
    assert main(["--evidence", str(tmp_path / "a.json"), "--format", "json"], out) == 0
    assert json.loads(out.getvalue())["cause"] == "module-not-found"
    out = io.StringIO()
    assert main(["--evidence", str(tmp_path), "--format", "json"], out) == 0
    rows = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [(row["file"], row["cause"]) for row in rows] == [
        ("a.json", "module-not-found"),
        ("b.log", "insufficient-evidence"),
    ]
    out = io.StringIO()
    assert main(["--list"], out) == 0
    assert "module-not-found" in out.getvalue()
    assert main(["--evidence", str(tmp_path / "nothing")], out) == 1
    assert main([], out) == 2
    assert "nothing" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert main(["--evidence", str(tmp_path / "empty")], out) == 1
    assert "empty: there is no file in this folder: it takes cases (.json) and logs" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[1, 2]",
        '{"a": 1}',
        '{"evidence": null}',
        '{"log": 3, "exit_code": "x", "k8s_events": [1, null, {}]}',
        "\x00\xff",
    ],
)
def test_any_file_is_evidence(text: str, tmp_path: Path) -> None:
    (tmp_path / "f.json").write_text(text, "utf-8")
    ((_, evidence),) = read_evidence(str(tmp_path / "f.json"))
    assert diagnose(evidence).cause == diagnose(from_text(text)).cause


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(), st.lists(st.text()), st.dictionaries(st.text(), st.text())
)
WORDS = st.lists(
    st.sampled_from(
        [
            "Traceback (most recent call last):",
            '  File "a.py", line 1, in run',
            "KeyError: 'x'",
            "Killed",
            "0/3 nodes are available:",
            "error",
            "No module named",
            "'",
            "(",
            "permission denied",
            "\r\n",
            "\x1b[0m",
            "{",
            "Ошибка: нет памяти",
            "错误",
            "#9 1.0 ",
            "exit code 137",
        ]
    )
)


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(st.binary().map(lambda b: b.decode("latin-1")), st.text(), WORDS.map("\n".join), WORDS.map(" ".join)),
    st.text(),
    st.integers(-300, 1000),
)
def test_any_log_gives_an_answer(log: str, other: str, number: int) -> None:
    answer = diagnose(
        Evidence(
            stage="run",
            log=log,
            http_body=other,
            k8s_events=(other, log),
            exit_code=number,
            http_status=abs(number),
            k8s_reason=other,
        )
    )
    assert answer.causes or not answer.cause
    assert json.dumps(answer.to_json())
    assert answer.to_text()


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(
            [
                "log",
                "exit_code",
                "http_status",
                "http_body",
                "k8s_reason",
                "k8s_events",
                "failure",
                "stage",
                "evidence",
                "facts",
            ]
        ),
        VALUES,
    )
)
def test_any_document_gives_an_answer(case: dict[str, Any]) -> None:
    diagnose(from_case(case)).to_text()


@pytest.mark.parametrize(
    "log",
    [
        "a" * 1_000_000,
        "\n" * 1_000_000,
        "Error: not found " * 60_000,
        '  File "a", line 1, in x\n' * 40_000,
        "'\"" * 500_000,
        MISSING * 9_000,
        " " * 1_000_000,
        "\n".join(
            f"2026-11-21 10:00:00,{i:06} I [7] gunicorn.access - POST /score 200 {i}ms request model error"
            for i in range(12_000)
        ),
    ],
    ids=["one-word", "newlines", "one-line", "frames", "quotes", "tracebacks", "spaces", "ordinary"],
)
def test_a_long_log_gives_an_answer(log: str) -> None:
    assert diagnose(Evidence(log=log)).to_text()


def test_import_is_light() -> None:
    code = (
        "import sys, jupyter_mldeploy.diagnosis; print([m for m in ('yaml', 'pandas', 'IPython', 'docker') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_only_the_last_request_of_a_living_service_counts() -> None:
    def request(name: str, error: str, status: int) -> str:
        return (
            f"2026-11-21 15:57:36,063 E [7] mldeploy.script [{name}] - Traceback (most recent call last):\n"
            f'  File "/app/score.py", line 5, in run\n    return json.loads(data)["data"]\n{error}\n'
            f"2026-11-21 15:57:36,065 I [1] access [{name}] - POST /score {status} 3.660ms 92\n"
        )

    log = request("a", "KeyError: 'data'", 500) + request("b", "ValueError: Input X contains NaN.", 500)
    assert diagnose(Evidence(stage="run", log=log, http_status=500)).cause == "input-missing-values"
    assert diagnose(Evidence(stage="run", log=log, http_status=500)).proof[0].number == 9
    refused = "2026-11-21 15:57:35,000 E [9] mldeploy - init() raised KeyError: 'BUCKET'.\n"
    refused += "Traceback (most recent call last):\n"
    refused += '  File "/app/score.py", line 3, in init\n    x = os.environ["BUCKET"]\nKeyError: \'BUCKET\'\n'
    refused += "2026-11-21 15:57:35,001 E [9] mldeploy - The reload was refused: init() raised KeyError: 'BUCKET'.\n"
    assert diagnose(Evidence(stage="run", log=refused + log, http_status=500)).cause == "input-missing-values"
    died = "2026-11-21 15:57:38,306 E [1] mldeploy [c] - The worker ended with exit code 3 in run().\n"
    died += "2026-11-21 15:57:38,307 I [1] access [c] - POST /score 502 5.821ms 97\n"
    assert diagnose(Evidence(stage="run", log=log + died, http_status=502)).cause == "http-502-run-crashed"


def test_a_path_is_no_password() -> None:
    log = 'exec: "/etc/passwd": permission denied\nDB_PASSWORD: hunter22'
    assert Evidence(log=log).log == 'exec: "/etc/passwd": permission denied\nDB_PASSWORD: ***'


def test_a_volume_named_after_a_secret_is_none() -> None:
    said = 'MountVolume.SetUp failed for volume "db-secret" : secret "db-secret" not found'
    assert Evidence(log=said).log == said
    assert diagnose(Evidence(k8s_events=(f"FailedMount: {said}",))).facts["secret"] == "db-secret"
    for text in ('"secret" : "hunter22"', '"secret": "hunter22"', "secret = hunter22", "secret: hunter22"):
        assert "hunter22" not in Evidence(log=text).log


def test_a_message_that_yaml_folds_is_read_as_one_line_and_shown_as_printed() -> None:
    log = (
        "  conditions:\n  - message: '0/4 nodes are available: 1 node(s) had untolerated taint {a: b},\n"
        "      3 node(s) didn''t match Pod''s node affinity/selector.'\n    reason: Unschedulable\nthe end"
    )
    answer = diagnose(Evidence(log=log))
    assert answer.causes[:2] == ("node-selector-mismatch", "taint-not-tolerated")
    assert answer.proof[0].shown == log.split("\n")[1]
    assert Reading(Evidence(log=log)).sources["log"].lines[4] == "the end"


def test_a_start_that_takes_its_time_is_no_failure_of_a_pull() -> None:
    refused = 'Unhealthy: Readiness probe failed: Get "http://10.0.0.7:5001/": dial tcp 10.0.0.7:5001: connect: connection refused'
    before = ('Pulling: Pulling image "r.example/scorer:4"', "Started: Started container scorer")
    assert diagnose(Evidence(stage="launch", k8s_events=(*before, f"{refused} (x2)"))).cause == ""
    assert (
        diagnose(Evidence(stage="launch", k8s_events=(*before, f"{refused} (x70)"))).cause == "readiness-probe-failing"
    )


def test_secrets_are_hidden_after_lines_without_any() -> None:
    log = "the key of the cache\nno token here\n" * 3 + "token=hunter22 and no more\nkey\npassword: hunter22"
    assert "hunter22" not in Evidence(log=log).log
    assert Evidence(log=log).log.startswith("the key of the cache\n")


def test_a_long_log_of_tracebacks_keeps_its_first_and_its_last_exception() -> None:
    frame = 'Traceback (most recent call last):\n  File "/app/score.py", line 3, in run\n    import foo\n'
    log = "".join(f"{frame}ValueError: number {i}\n" for i in range(5_000))
    raised = Reading(Evidence(log=log, stage="run")).raised
    assert raised[0].message == "number 0"
    assert raised[-1].message == "number 4999"
    assert raised[-1].line.number == 20_000


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("proxy http://user:pw@127.0.0.1:3128 refuses", "proxy http://user:***@127.0.0.1:3128 refuses"),
        ("https://alice:p,w;x@y@index.example/simple", "https://alice:***@index.example/simple"),
        ("redis://:pw@cache:6379", "redis://:***@cache:6379"),
        ("http://index.example:80/a@b", "http://index.example:80/a@b"),
        ("registry.example:5000/x@sha256:0123", "registry.example:5000/x@sha256:0123"),
    ],
)
def test_a_password_in_an_address_is_hidden_whatever_it_is(text: str, shown: str) -> None:
    assert Evidence(log=text).log == shown
