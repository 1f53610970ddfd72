"""A failure as it is drawn: what, the lines that prove it, the steps. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy.diagnosis.actions import carried_out_on
from jupyter_mldeploy.diagnosis.report import origin, script_line, told_once
from jupyter_mldeploy.errors import Cancelled, DeploymentFailed, InvalidScript, ScoringFailed, in_a_cell, in_magics
from jupyter_mldeploy.notebook.language import later

if TYPE_CHECKING:
    from jupyter_mldeploy.diagnosis.actions import Action
    from jupyter_mldeploy.diagnosis.report import Diagnosis
    from jupyter_mldeploy.errors import MLDeployError
    from jupyter_mldeploy.evidence import Evidence

__all__ = ["Explanation", "ProofLine", "explain", "explain_diagnosis"]

CONTEXT_LINES = 2
TAIL_LINES = 8
"""Lines of the log shown where no line is known to prove anything."""


@dataclass(frozen=True)
class ProofLine:
    """One line of the block above the steps."""

    text: str
    origin: str = ""
    proves: bool = False


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """What is shown of a failure."""

    title: str
    service: str = ""
    target: str = ""
    stage: str = ""
    lines: tuple[ProofLine, ...] = ()
    where: str = ""
    source_line: str = ""
    what: str = ""
    steps: tuple[str, ...] = ()
    actions: tuple[Action, ...] = ()
    cause: str = ""
    also: tuple[str, ...] = ()
    certainty: str = ""
    sources: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "title": str(self.title),
            "stage": self.stage,
            "cause": self.cause,
            "certainty": str(self.certainty),
            "proof": [{"text": line.text, "from": line.origin} for line in self.lines if line.proves],
            "where": self.where,
            "line": self.source_line,
            "what": self.what,
            "steps": list(self.steps),
            "actions": [action.to_json() for action in self.actions],
            "sources": list(self.sources),
            "facts": dict(self.facts),  # what the texts in other languages are filled with
        }


def explain(error: MLDeployError, service: str = "", target: str = "") -> Explanation | None:
    """What there is to show of an error besides its sentence; ``None`` if that says it all."""
    if isinstance(error, Cancelled):
        return None
    if isinstance(error, InvalidScript):
        lines = tuple(ProofLine(problem, proves=True) for problem in error.problems)
        one, several = (
            later("the scoring script has a problem"),
            later("the scoring script has %1 problems", len(lines)),
        )
        return Explanation(
            title=one if len(lines) == 1 else several,
            service=service,
            target=target,
            stage="check",
            lines=lines,
            what=in_magics(error.hint),
        )
    if isinstance(error, DeploymentFailed | ScoringFailed):
        evidence = error.evidence
        if error.diagnosis is not None:
            return explain_diagnosis(error.diagnosis, evidence)
        if evidence is not None:
            return _explain_evidence(error, evidence)
    return None


def explain_diagnosis(diagnosis: Diagnosis, evidence: Evidence | None = None) -> Explanation:
    """A diagnosis as it is shown."""
    return Explanation(
        title=diagnosis.title,
        service=diagnosis.service,
        target=diagnosis.target,
        stage=diagnosis.stage,
        lines=_proof(diagnosis, evidence),
        where=diagnosis.where,
        source_line=diagnosis.source_line,
        what=in_a_cell(diagnosis.what),
        steps=tuple(map(in_a_cell, diagnosis.steps)),
        actions=tuple(
            replace(action, command=in_a_cell(action.command))
            for action in carried_out_on(diagnosis.target, diagnosis.actions)
        ),
        cause=diagnosis.cause,
        also=diagnosis.also,
        certainty=_certainty(diagnosis.confidence) if diagnosis.cause else "",
        sources=diagnosis.source,
        facts=diagnosis.slots,
    )


def _explain_evidence(error: DeploymentFailed | ScoringFailed, evidence: Evidence) -> Explanation:
    """No diagnosis: the evidence itself, its last lines."""
    where_it_was, source_line = script_line(evidence.failure, evidence.script_name)
    log = evidence.log or evidence.build_log or evidence.http_body
    tail = [line for line in log.splitlines() if line.strip()][-TAIL_LINES:]
    proof = str(evidence.failure.get("message", "")) or error.summary
    return Explanation(
        title=error.summary,
        service=evidence.service,
        target=evidence.target,
        stage=evidence.stage,
        lines=(*(ProofLine(line, "log") for line in tail), ProofLine(proof, proves=True)),
        where=where_it_was,
        source_line=source_line,
        what=in_magics(error.hint),
    )


def _proof(diagnosis: Diagnosis, evidence: Evidence | None) -> tuple[ProofLine, ...]:
    proof = tuple(ProofLine(line.shown.strip(), origin(line), proves=True) for line in told_once(diagnosis.proof))
    if not (evidence and diagnosis.proof):
        return proof
    first = diagnosis.proof[0]
    log = str(getattr(evidence, first.source, "")).splitlines() if first.source.endswith("log") else []
    # The number counts cleaned lines; context is shown only where both counts agree.
    if 0 < first.number <= len(log) and first.text.strip() and first.text.strip() in log[first.number - 1]:
        before = log[max(first.number - 1 - CONTEXT_LINES, 0) : first.number - 1]
        return (*(ProofLine(line.strip(), first.source) for line in before if line.strip()), *proof)
    return proof


def _certainty(confidence: float) -> str:
    if confidence >= 0.85:
        return later("certain")
    return later("likely") if confidence >= 0.6 else later("a guess")
