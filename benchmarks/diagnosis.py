"""How long a diagnosis takes: ``python benchmarks/diagnosis.py``.

Logs of one megabyte, of several kinds, and one of 100 MB through a file; the processor's time of the quickest of five runs, and
as a ratio to one pass of ``str.lower`` over the same text, which says how often the text is read.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from jupyter_mldeploy.diagnosis import diagnose
from jupyter_mldeploy.diagnosis.evidence_file import read_evidence
from jupyter_mldeploy.evidence import Evidence

SIZE = 1_000_000
MISSING = (
    'Traceback (most recent call last):\n  File "/app/score.py", line 3, in init\n    import foo\n'
    "ModuleNotFoundError: No module named 'foo'\n"
)
WORDS = ("error", "failed", "load model", "cache", "request denied", "connection", "timeout", "pull image", "pod", "node",
         "warning", "retry", "INFO", "numpy", "torch", "version", "memory", "key", "init", "missing")  # fmt: skip


def logs() -> dict[str, str]:
    chance = random.Random(1)
    return {
        "access log": "".join(
            f"[2026-05-02 08:00:{i % 60:02} +0000] [{i % 9}] [INFO] 10.0.0.{i % 255} POST /score 200 {i}\n"
            for i in range(SIZE // 60)
        ),
        "access log, then a failure": "".join(
            f"2026-11-21 10:00:00,{i % 1000:03} I [7] gunicorn.access - POST /score 200 {i}ms\n"
            for i in range(SIZE // 62)
        )
        + MISSING,
        "image build": "".join(
            f"#9 {i / 10:.1f} Collecting package{i}==1.{i}\n#9 {i / 10:.1f}   Downloading package{i}.whl (1.2 MB)\n"
            for i in range(SIZE // 90)
        ),
        "only words of failures": "\n".join(" ".join(chance.choices(WORDS, k=10)) for _ in range(SIZE // 76)),
        "tracebacks": MISSING * (SIZE // len(MISSING)),
        "one line": "Error: not found " * (SIZE // 17),
        "random bytes": chance.randbytes(SIZE).decode("utf-8", "replace"),
    }


def quickest(work: Callable[[], object], runs: int = 5) -> float:
    """Seconds of processor time."""
    times = []
    for _ in range(runs):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def main() -> int:
    for stage in ("init", "build", "run"):
        diagnose(Evidence(log=MISSING, stage=stage))  # patterns are compiled when they are first tried
    print(f"{'1 MB of':28} {'ms':>6} {'reads':>6}")
    for name, whole in logs().items():
        log = whole[-SIZE:]
        taken = quickest(lambda log=log: diagnose(Evidence(log=log, stage="run")))  # type: ignore[misc]
        print(f"{name:28} {taken * 1000:6.0f} {taken / quickest(log.lower):6.0f}")
    short = quickest(lambda: diagnose(Evidence(log=MISSING, stage="init")), 50)
    print(f"{'a short log':28} {short * 1000:6.1f}")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "run.log")
        file.write_text(logs()["access log, then a failure"] * 100, "utf-8")
        taken = quickest(lambda: [diagnose(evidence) for _, evidence in read_evidence(str(file))])
        print(f"{'a file of 100 MB':28} {taken * 1000:6.0f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
