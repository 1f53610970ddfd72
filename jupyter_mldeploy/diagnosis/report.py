"""The answer: the cause, what proves it, what to do, as data and as text."""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jupyter_mldeploy.diagnosis.actions import Action, action, carried_out_on
from jupyter_mldeploy.diagnosis.asking_less import less
from jupyter_mldeploy.diagnosis.pages import fill, page
from jupyter_mldeploy.diagnosis.reading import Line, Reading
from jupyter_mldeploy.diagnosis.rule import Depth, Finding
from jupyter_mldeploy.evidence import Evidence

__all__ = ["INSUFFICIENT", "NOTHING", "Diagnosis", "origin", "report", "script_line", "told_once"]

NOTHING = "none"
INSUFFICIENT = "insufficient-evidence"
_PROOF_LINES = 6
_NOT_KEPT = {"launch", "init", "ready"}
"""Where a new service fails, its container or pods are taken away."""
_CELL_ON = re.compile(r"%%deploy (?P<name>[\w-]+) --target (?P<target>\w+)")
_CELL = re.compile(r"%%deploy (?=[a-z0-9{N])")
_MAGIC = re.compile(r"%%?(?:service_)?(deploy(?!`)|services|run|logs|status|update|reload|delete|diagnose)\b")
"""Magics, which in a terminal are commands."""
_OF_MODELS = re.compile(r"AZUREML_MODEL_DIR|get_model_path|\bModel\b|\bload_model\b")
_NOT_NAMED = Evidence.script_name
"""What a script is called that nobody named."""
_OF_NO_STAGE = {"gone", "unreachable"}
"""What befell a service that had come through all stages."""
_ABSOLUTE = re.compile(r"[/\\~]|[A-Za-z]:[/\\]")
_WIDTH = 100


@dataclass(frozen=True)
class Diagnosis:
    """What the evidence says.

    Attributes:
        cause: Slug of the cause, ``""`` if nothing is wrong, ``"insufficient-evidence"`` if it cannot be told.
        causes: All causes found, the one to mend first first.
        confidence: From 0 to 1.
        title: One line.
        what: What happened, in up to three sentences.
        steps: What to do, in order.
        proof: The lines that show it.
        facts: What was read from them.
        slots: These, and what else the texts are filled with.
        actions: What can be done with a click.
        confirm: How to see it for oneself.
        source: The documents' sections that the steps come from.
        severity, family: As the page says.
        where: The line of the script that failed, as in ``cell [4], line 6``, or ``""``.
        source_line: That line's text.
        also: Those of ``causes`` that stand beside the first; the others are what it looks like from elsewhere.
    """

    cause: str
    causes: tuple[str, ...]
    confidence: float
    title: str
    what: str
    steps: tuple[str, ...] = ()
    proof: tuple[Line, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    slots: Mapping[str, str] = field(default_factory=dict)
    actions: tuple[Action, ...] = ()
    confirm: str = ""
    source: tuple[str, ...] = ()
    severity: str = "error"
    family: str = ""
    service: str = ""
    stage: str = ""
    target: str = ""
    where: str = ""
    source_line: str = ""
    also: tuple[str, ...] = ()

    @property
    def remedy(self) -> str:
        """What is wrong, what happened and all steps as one text."""
        is_word = re.match(r"[a-z]+\b(?![.(])", self.title)  # and no init() or score.py
        return "\n".join(
            [
                f"{self.title[:1].upper()}{self.title[1:]}." if is_word else f"{self.title}.",
                self.what,
                *(f"{n}. {step}" for n, step in enumerate(self.steps, 1)),
            ]
        ).strip()

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "cause": self.cause,
            "causes": list(self.causes),
            "confidence": round(self.confidence, 2),
            "family": self.family,
            "title": self.title,
            "what": self.what,
            "evidence": [{"line": line.shown.strip(), "from": origin(line)} for line in self.proof],
            "facts": dict(self.facts),
            "remedy": self.remedy,
            "steps": list(self.steps),
            "confirm": self.confirm,
            "actions": [offered.to_json() for offered in self.actions],
            "sources": list(self.source),
        }

    def to_text(self) -> str:
        """For a terminal."""
        named = " · ".join(part for part in (self.service, self.target) if part)
        state = "" if not self.cause else f"FAILED{f' in {self.stage}' if self.stage else ''}: "
        lines = [f"{named + ' · ' if named else ''}{state}{self.title}"]
        for i, line in enumerate(told_once(self.proof)):
            shown = line.shown.strip()
            shown = shown if len(shown) <= 160 else shown[:157] + "…"
            lines.append(f"  {'proof' if i == 0 else '     '}  {shown}   ({origin(line)})")
        if self.where:
            lines.append(f"         {self.where}{f': {self.source_line}' if self.source_line else ''}")
        if self.what and self.cause:
            lines += _wrapped(self.what, "  ", "  ")
        for number, step in enumerate(self.steps, 1):
            lines += _wrapped(step, f"  {number}. ", "     ")
        offered = carried_out_on(self.target, self.actions)
        here = [one for one in offered if not one.command.startswith("%diagnose")]  # this is what it would say
        changing = [one for one in here if one.changes] or here or list(offered)
        typed = _typed(changing[0], self.slots) if changing and self.service else ""
        if typed:
            lines.append(f"  type:  {typed}")
        if self.also:
            lines.append(f"  also:  {', '.join(self.also)}")
        if self.service and self.cause and not (changing and changing[0].command == f"%diagnose {self.service}"):
            lines.append(f"  more:  %diagnose {self.service}")
        script = self.facts.get("script", "score.py")
        script = script if script.endswith(".py") else "score.py"
        text = _CELL_ON.sub(rf"mldeploy deploy {script} --name \g<name> --target \g<target>", "\n".join(lines))
        text = _CELL.sub("mldeploy update ", text)
        return _MAGIC.sub(lambda magic: f"mldeploy {magic[1]}", text)


def origin(line: Line) -> str:
    """Where a line comes from, for people: ``log, line 12``."""
    name = {"k8s_events": "events", "k8s_reason": "reason", "http_body": "answer"}.get(line.source, line.source)
    name = name.replace("_", " ").rstrip(":")
    return f"{name}, line {line.number}" if line.number and line.source.endswith("log") else name


def told_once(lines: Sequence[Line]) -> list[Line]:
    """Without lines that say what one before them has said: runtime, traceback and log often tell the same thing."""
    kept: list[Line] = []
    said: list[str] = []
    for line in lines:
        text = line.shown.strip().removeprefix("runtime: ").rstrip(".")
        if not any(text in other or other in text for other in said):
            kept.append(line)
            said.append(text)
    return kept


def script_line(failure: Mapping[str, Any], script_name: str) -> tuple[str, str]:
    """``cell [4], line 6`` and that line, if the failure knows it."""
    if not failure.get("line"):
        return "", ""
    file = str(failure.get("file") or "")
    name = script_name if file in {"", "score.py"} else file
    return f"{name}, line {failure['line']}", str(failure.get("source") or "").strip()


def report(reading: Reading, ranked: Sequence[Finding]) -> Diagnosis:
    """Make the answer from findings in order; there must be one at least."""
    first = ranked[0]
    evidence = reading.evidence
    shown = page(first.cause)
    facts = {**evidence.facts, **first.facts}
    if evidence.script or evidence.script_name != _NOT_NAMED:
        facts = _of_script(evidence.script_name, facts)
    slots = {**facts, **_circumstances(evidence, facts)}
    if not first.certain:
        slots["likely"] = "yes"
    if "lower-request" in shown.actions and (amount := less(first.cause, slots)):
        slots["less"] = amount
    place = {**slots, "target": evidence.target, "service": evidence.service}
    causes = tuple(dict.fromkeys(finding.cause for finding in ranked))
    proof = tuple(dict.fromkeys(line for f in ranked if f.cause == first.cause for line in f.proof))[:_PROOF_LINES]
    nothing = first.cause == NOTHING
    where, source_line = script_line(evidence.failure, evidence.script_name)
    return Diagnosis(
        cause="" if nothing else first.cause,
        causes=() if nothing else causes,
        confidence=_confidence(ranked),
        title=fill(shown.title, place),
        what=fill(shown.what, place),
        steps=tuple(filled for step in shown.steps if (filled := fill(step, place).strip())),
        proof=proof,
        facts=facts,
        slots=slots,
        actions=tuple(
            action(kind, slots, evidence.service)
            for kind in _logged(evidence, shown.actions)
            if _has(evidence, slots, kind)
        ),
        confirm=fill(shown.confirm, {**place, "service": evidence.service or "NAME"}),
        source=shown.sources,
        severity=shown.severity,
        family=shown.family,
        service=evidence.service,
        stage="" if evidence.failure.get("kind") in _OF_NO_STAGE else evidence.stage,
        target=evidence.target,
        where=where,
        source_line=source_line,
        also=() if nothing else _also(reading, ranked),
    )


def _of_script(name: str, facts: dict[str, str]) -> dict[str, str]:
    """A script as people call it: a cell, a file."""
    return {**facts, "script": name} if facts.get("script", "score.py").rpartition("/")[2] == "score.py" else facts


def _circumstances(evidence: Evidence, facts: Mapping[str, str]) -> dict[str, str]:
    """What the texts are chosen by, though no line of the evidence says it."""
    slots: dict[str, str] = {}
    if (evidence.failure or evidence.target == "local") and evidence.k8s_reason != "CrashLoopBackOff":
        # By a server that runs on: no platform starts it again and again.
        slots["reported"] = "ended" if "verb" in facts else "yes"
    if evidence.script_name.endswith(".py"):
        slots["importable"] = evidence.script_name.rpartition("/")[2].removesuffix(".py")
    if evidence.target == "local":
        slots["by_hand"] = "file" if facts.get("script", evidence.script_name).endswith(".py") else "cell"
    if evidence.script_name.endswith(".py") and evidence.script and not _OF_MODELS.search(evidence.script):
        slots |= _as_deployed(evidence)
    if path := facts.get("path", ""):
        slots["relative"] = re.split(r"[/\\]", path)[-1] if _ABSOLUTE.match(path) else path
        if _ABSOLUTE.match(path):
            slots["absolute"] = "yes"
    if evidence.service and evidence.stage in _NOT_KEPT and evidence.target != "local":
        slots["gone"] = "yes"
    return slots


def _as_deployed(evidence: Evidence) -> dict[str, str]:
    """What a command that deploys a script without models must say again."""
    said = {"entry": evidence.script_name}
    if evidence.target in {"container", "kubernetes"}:
        namespace = evidence.facts.get("namespace", "")
        said["elsewhere"] = evidence.target + (f" --namespace {namespace}" if namespace not in {"", "default"} else "")
    if evidence.memory_limit:
        said["memory"] = str(evidence.memory_limit // 2**20) + "Mi"
    return said


def _also(reading: Reading, ranked: Sequence[Finding]) -> tuple[str, ...]:
    """What is wrong besides: definite failures. What a platform says around a failure, or after it, is none of its own."""
    first = ranked[0]
    if first.cause == INSUFFICIENT:
        return tuple(dict.fromkeys(f.cause for f in ranked if f.cause != INSUFFICIENT))[:3]
    platform = {"k8s_events", "k8s_reason"} if reading.failure else set()
    beside = (
        f.cause
        for f in ranked
        if f.certain and f.depth <= Depth.SPECIFIC and f.proof and f.proof[0].source not in platform
    )
    return tuple(cause for cause in dict.fromkeys(beside) if cause != first.cause)[:3]


def _typed(offered: Action, slots: Mapping[str, str]) -> str:
    """What is typed in a terminal for an action, ``""`` if nothing can be: a trial is another service, made of the script."""
    if offered.kind != "try-local":
        return offered.command
    script = slots.get("entry", "")
    name = offered.command.split()[1]
    return f"mldeploy deploy {shlex.quote(script)} --name {name} --target local" if script else ""


def _logged(evidence: Evidence, kinds: Sequence[str]) -> Sequence[str]:
    """The log of a service says nothing of what was built or pushed before it began."""
    before = evidence.stage in {"build", "push"} and evidence.target != "local"
    return tuple(dict.fromkeys("build-log" if kind == "logs" and before else kind for kind in kinds))


def _has(evidence: Evidence, facts: Mapping[str, str], kind: str) -> bool:
    """Whether there is what an action shows or changes: on the local target only the making of an environment is a build."""
    local = evidence.target == "local"
    if kind == "build-log" and local:
        return bool(evidence.build_log) or evidence.stage in {"", "build"}
    if kind == "logs" and local:
        return evidence.stage != "build"  # nothing has been started
    if kind == "logs" and evidence.target == "kubernetes" and evidence.service:
        return bool(evidence.log or evidence.previous_log)  # a pod that was never started has printed nothing
    return {
        "check-model-path": "gone" not in facts,
        "start": "stopped" in facts or evidence.failure.get("kind") == "gone",
        "lower-request": "less" in facts,
        "pin-version": "interpreter" not in facts,  # it is no package
    }.get(kind, True)


def _confidence(ranked: Sequence[Finding]) -> float:
    """Sure of a root said in plain words; less of symptoms, and of a cause that has rivals as deep as itself."""
    first = ranked[0]
    by_depth = {Depth.ROOT: 0.97, Depth.SPECIFIC: 0.9, Depth.SYMPTOM: 0.75, Depth.WRAPPER: 0.6}
    level = max((depth for depth in by_depth if depth <= max(first.depth, Depth.ROOT)), default=Depth.ROOT)
    confidence = by_depth[level]
    if not first.certain:
        confidence -= 0.2
    if any(f.cause != first.cause and f.depth <= first.depth and f.certain for f in ranked):
        confidence -= 0.1
    return max(confidence, 0.1)


def _wrapped(text: str, first: str, rest: str) -> list[str]:
    """Text in lines of a terminal; a step's code block stays as it is."""
    lines: list[str] = []
    for i, block in enumerate(re.split(r"\n", text)):
        start = first if i == 0 else rest
        if block.startswith("    "):
            lines.append(rest + block)
        else:
            lines += textwrap.wrap(
                block,
                _WIDTH,
                initial_indent=start,
                subsequent_indent=rest,
                break_long_words=False,
                break_on_hyphens=False,  # names of files and options stay whole
            )
    return lines
