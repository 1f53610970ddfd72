"""The runtime's own report of a failure: the surest evidence, because it saw it happen."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jupyter_mldeploy.diagnosis.reading import Reading
from jupyter_mldeploy.diagnosis.rule import Depth, Finding, found, rule

_SIGNALS = {
    "SIGSEGV": "segfault",
    "SIGBUS": "segfault",
    "SIGABRT": "segfault",
    "SIGILL": "illegal-instruction",
    "SIGTERM": "stopped-by-sigterm",
    "11": "segfault",
    "7": "segfault",
    "6": "segfault",
    "4": "illegal-instruction",
    "15": "stopped-by-sigterm",
}

_WAITED = re.compile(r"not returned (?:after|within) ([\d.]+ (?:seconds|ms|s))\b")


@rule(
    "container-oom-killed",
    "segfault",
    "illegal-instruction",
    "stopped-by-sigterm",
    "worker-timeout",
    "http-502-run-crashed",
    "http-504-timeout",
    "score-missing-init-run",
    "score-syntax-error",
    "response-not-serializable",
    "run-exception",
    "crashloop-init-exception",
)
def reported(reading: Reading) -> Iterator[Finding]:
    """What kind of failure it was, in which function."""
    failure = reading.failure
    if not failure:
        return
    kind, stage = str(failure.get("kind", "")), str(failure.get("stage", ""))
    proof = reading.statement("runtime:", failure.get("message") or kind)
    facts = {name: str(failure[name]) for name in ("line", "function") if failure.get(name)}
    if failure.get("file"):
        facts["script"] = str(failure["file"])
    in_run = stage == "run"
    if failure.get("oom"):
        yield found("container-oom-killed", Depth.ROOT - 3, proof, facts=facts)
    elif kind == "signal" and (cause := _SIGNALS.get(str(failure.get("signal", "")))):
        yield found(cause, Depth.ROOT - 3, proof, facts=facts)
    elif kind == "timeout":
        yield found(
            "http-504-timeout" if in_run else "worker-timeout",
            Depth.ROOT - 3,
            proof,
            phase="" if in_run else "init()",
            waited=waited[1] if (waited := _WAITED.search(str(failure.get("message", "")))) else "",
            facts=facts,
        )
    elif kind == "syntax":
        yield found("score-syntax-error", Depth.ROOT - 3, proof, facts=facts)
    elif kind == "contract":
        message = str(failure.get("message", ""))
        answer = in_run or "serial" in message.lower() or "JSON" in message
        yield found(
            "response-not-serializable" if answer else "score-missing-init-run", Depth.ROOT - 3, proof, facts=facts
        )
    elif kind == "exit" and in_run:
        yield found("http-502-run-crashed", Depth.SYMPTOM - 5, proof, facts=facts)
    elif kind in ("exception", "exit", "signal"):
        exception = failure.get("exception")
        if isinstance(exception, dict):
            facts |= {"type": str(exception.get("type", "")), "text": str(exception.get("text", ""))}
        if stage == "import":
            facts["loading"] = (reading.evidence.script_name or facts.get("script", "")).rpartition("/")[2]
        yield found("run-exception" if in_run else "crashloop-init-exception", Depth.SYMPTOM - 5, proof, facts=facts)
