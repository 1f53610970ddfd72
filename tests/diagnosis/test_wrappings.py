"""The exams' evidence as collectors carry it, and among lines that mean nothing: the cause must stay the same."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from jupyter_mldeploy.diagnosis import diagnose
from jupyter_mldeploy.diagnosis.evidence_file import from_case

from .exams import EXAMS, Case, cases

DAY = "2024-02-03"


def each(wrapped: Callable[[int, str], str]) -> Callable[[str], str]:
    return lambda log: "\n".join(wrapped(i % 60, line) for i, line in enumerate(log.split("\n")))


def _docker_json(line: str) -> str:
    record = {"log": f"{line}\n", "stream": "stderr", "time": f"{DAY}T08:11:00Z"}
    return json.dumps(record, separators=(",", ":"))


WRAPPINGS = {
    "containerd": each(lambda i, line: f"{DAY}T08:11:{i:02}.123456789Z stderr F {line}"),
    "compose": each(lambda i, line: f"scorer-1  | {line}"),
    "stamps": each(lambda i, line: f"{DAY}T08:11:{i:02}.1183261Z {line}"),
    "times": each(lambda i, line: f"08:11:{i:02} {line}"),
    "brackets": each(lambda i, line: f"[{DAY} 08:11:{i:02}] {line}"),
    "docker's files": each(lambda i, line: _docker_json(line)),
    "records": each(lambda i, line: json.dumps({"ts": f"{DAY}T08:11:{i:02}Z", "level": "info", "msg": line})),
    "one record": lambda log: json.dumps({"level": "error", "message": log}),
    "records of containerd": each(
        lambda i, line: f"{DAY}T08:11:{i:02}.12Z stderr F {json.dumps({'level': 'info', 'msg': line})}"
    ),
    "kubectl --prefix": each(lambda i, line: f"[pod/scorer-6f-x/scorer] {line}"),
    "journal": each(lambda i, line: f"Feb 03 08:11:{i:02} host dockerd[123]: {line}"),
    "gh run view": each(lambda i, line: f"build\tBuild image\t{DAY}T03:00:{i:02}.1183261Z {line}"),
    "Windows": lambda log: log.replace("\n", "\r\n"),
    "colours": each(lambda i, line: f"\x1b[31m{line}\x1b[0m"),
    "Markdown": lambda log: f"```\n{log}\n```",
    "twice": lambda log: f"{log}\n{log}",
}
HARMLESS = """\
WARNING: Running pip as the 'root' user can result in broken permissions and conflicting behaviour with the system \
package manager
W external/local_tsl/tsl/platform/default/dso_loader.cc Could not load dynamic library 'libnvinfer.so.7'; dlerror: \
libnvinfer.so.7: cannot open shared object file: No such file or directory
/v/sklearn/base.py:348: InconsistentVersionWarning: Trying to unpickle estimator LogisticRegression from version 1.2.2 \
when using version 1.4.0. This might lead to breaking code or invalid results.
debconf: delaying package configuration, since apt-utils is not installed
UserWarning: CUDA initialization: Found no NVIDIA driver on your system.
None of PyTorch, TensorFlow >= 2.0, or Flax have been found. Models won't be available
DeprecationWarning: pkg_resources is deprecated as an API
"""
CASES = [case for exam in EXAMS for case in cases(exam) if case.fields.get("log")]
NAMES = list(WRAPPINGS)


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case.name for case in CASES])
def test_carried_by_a_collector(number: int) -> None:
    case = CASES[number]
    if "record" in (name := NAMES[number % len(NAMES)]) and '"level":' in case.fields["log"]:
        pytest.skip("these are records already")
    named(case, WRAPPINGS[name](case.fields["log"]))


@pytest.mark.parametrize("case", CASES[::3], ids=[case.name for case in CASES[::3]])
def test_among_lines_that_mean_nothing(case: Case) -> None:
    named(case, HARMLESS + case.fields["log"])


def named(case: Case, log: str) -> None:
    answer = diagnose(from_case({**case.fields, "log": log}))
    assert answer.cause in case.causes, answer.to_text()
