"""The runtime's own report of a failure: the surest evidence, because it saw it happen."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from jupyter_mldeploy.diagnosis.reading import Reading
from jupyter_mldeploy.diagnosis.rule import Depth, Finding, found, rule
from jupyter_mldeploy.diagnosis.rules.memory import memory_facts

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


def _end(failure: Mapping[str, Any]) -> str:
    """How a process ended, where the report says it: ``was killed by SIGKILL``."""
    if failure.get("signal"):
        return f"was killed by {failure['signal']}"
    code = failure.get("exit_code")
    return f"ended with exit code {code}" if code is not None else ""


_GONE = re.compile(
    r"\b[Pp]rocess (?P<process>\d*) ?is gone\b|(?P<killed>killed from outside)|(?P<removed>somebody removed it)"
    r"|(?P<stopped>told to end|it ended \(exit code 0\))|(?P<paused>container is paused)"
    r"|(?P<scaled>somebody scaled it to 0)|(?P<deleted>Deployment in namespace \S+ is gone)"
)
"""What targets say of a server that ran and does no more. A container that ends by itself is started again: another did this."""
_WAITED = re.compile(r"not returned (?:after|within) ([\d.]+ (?:seconds|ms|s))\b")


@rule("still-starting")
def not_ready_yet(reading: Reading) -> Finding | None:
    """The runtime answers in place of replicas that are not there yet."""
    if reading.evidence.facts.get("starting"):
        return found("still-starting", Depth.ROOT, reading.statement("init()", "has not returned"))
    hit = reading.find(r"The service is starting: no replica has finished init", ("http_body",))
    return found("still-starting", Depth.ROOT, hit) if hit else None


@rule(
    "process-gone",
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
    if kind == "gone":
        if gone := _GONE.search(str(failure.get("message", ""))):
            how = str(gone.lastgroup)
            told = {"process": "", "scaled": "scaled to 0"}.get(how, how)
            lost = "yes" if how in {"removed", "scaled", "deleted"} else ""  # its log, too
            process = gone["process"] or ""
            yield found("process-gone", Depth.SYMPTOM - 5, proof, process=process, ended=told, lost=lost)
    elif failure.get("oom"):
        yield found("container-oom-killed", Depth.ROOT - 3, proof, facts={**facts, **memory_facts(reading)})
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
    elif kind in ("exit", "signal") and in_run:
        yield found("http-502-run-crashed", Depth.SYMPTOM - 5, proof, died=_end(failure), facts=facts)
    elif kind in ("exception", "exit", "signal"):
        cause = "run-exception" if in_run else "crashloop-init-exception"
        yield found(cause, Depth.SYMPTOM - 5, proof, facts={**facts, **_ending(reading)})


def _ending(reading: Reading) -> dict[str, str]:
    """What ended the loading, ``init()`` or ``run()``, in words for a page."""
    facts: dict[str, str] = {}
    exception = reading.failure.get("exception")
    if isinstance(exception, dict):
        facts |= {"type": str(exception.get("type", "")), "text": str(exception.get("text", ""))}
    elif ended := _end(reading.failure):
        facts |= {"type": ended.rpartition(" by ")[2].rpartition(" with ")[2], "verb": "was ended"}
    if reading.failure.get("stage") == "import":
        script = reading.evidence.script_name or str(reading.failure.get("file") or "")
        facts["loading"] = script.rpartition("/")[2]
    return facts
