"""The same as plain text: for terminals, for GitHub's search, for people who read with their ears."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from jupyter_mldeploy.notebook.remedies import commands
from jupyter_mldeploy.notebook.render.wording import capitalised, seconds
from jupyter_mldeploy.notebook.timeline import StageView, Timeline

if TYPE_CHECKING:
    from jupyter_mldeploy.notebook.explanation import Explanation

__all__ = ["explanation_text", "stage_line", "timeline_text"]

WIDTH = 100


def timeline_text(timeline: Timeline) -> str:
    """What a deployment came to, in a few lines."""
    where = f"{timeline.service} · {timeline.target}"
    stages = "  ".join(text for view in timeline.stages if (text := _stage(view)))
    lines = [f"  {stages}"] if stages else []
    lines += [f"  {note}" for note in timeline.notes]
    script = ["", timeline.script.rstrip()] if timeline.script else []
    match timeline.state:
        case "deploying":
            current = timeline.current
            return "\n".join([f"{where} · {current.stage if current else 'begun'}", *lines])
        case "failed":
            return "\n".join([_failed_line(timeline, where), *lines, *_below(timeline.explanation), *script])
        case "cancelled":
            return "\n".join([f"{where} · interrupted, what was begun has been cleaned up", *lines])
    address = f" · {timeline.uri}" if timeline.uri else ""
    return "\n".join([f"{where} · {timeline.headline}{address}", *lines, *script])


def stage_line(view: StageView) -> str:
    """One line for a stage that has ended, in a terminal."""
    took = seconds(view.seconds) if view.seconds is not None else ""
    return f"  {view.stage:<9}{took:>8}  {view.note}".rstrip()


def explanation_text(explanation: Explanation) -> str:
    """A whole diagnosis as text."""
    where = " · ".join(part for part in (explanation.service, explanation.target) if part)
    title = capitalised(explanation.title)
    return "\n".join([f"{where} · {title}" if where else title, *_below(explanation)])


def _stage(view: StageView) -> str:
    if view.state == "waiting" or (view.state == "skipped" and view.note == "not needed"):
        return ""
    took = seconds(view.seconds) if view.seconds is not None and (view.seconds >= 0.001 or not view.note) else ""
    match view.state:
        case "failed":
            return f"{view.stage} {took} FAILED".replace("  ", " ")
        case "cancelled":
            return f"{view.stage} interrupted"
        case "skipped":
            return f"{view.stage} {view.note or 'skipped'}"
    note = f" ({view.note})" if view.note else ""
    return " ".join(part for part in (str(view.stage), f"{took}{note}".strip()) if part)


def _failed_line(timeline: Timeline, where: str) -> str:
    explanation = timeline.explanation
    current = timeline.current
    stage = f" in {current.stage}" if current else ""
    return f"{where} · FAILED{stage}: {explanation.title if explanation else timeline.headline}"


def _below(explanation: Explanation | None) -> list[str]:
    if explanation is None:
        return []
    lines = [f"  {'proof' if first else '     '}  {text}" for first, text in _first_marked(_proof(explanation))]
    if explanation.where:
        source = f": {explanation.source_line}" if explanation.source_line else ""
        lines.append(f"         {explanation.where}{source}")
    lines += _wrapped(explanation.what, "  ", "  ")
    for number, step in enumerate(explanation.steps, 1):
        lines += _wrapped(step, f"  {number}. ", "     ")
    lines += [f"  type:  {command}   {label}" for label, command in commands(explanation.actions)]
    if explanation.cause and explanation.service:
        lines.append(f"  more:  %diagnose {explanation.service}")
    return lines


def _proof(explanation: Explanation) -> list[str]:
    return [textwrap.shorten(line.text, 160, placeholder="…") for line in explanation.lines if line.proves]


def _first_marked(texts: list[str]) -> list[tuple[bool, str]]:
    return [(position == 0, text) for position, text in enumerate(texts)]


def _wrapped(text: str, first: str, rest: str) -> list[str]:
    """In lines of a terminal; code blocks stay as they are, and the marks of code go."""
    lines: list[str] = []
    for position, line in enumerate(text.splitlines()):
        start = first if position == 0 else rest
        if line.startswith("    "):
            lines.append(rest + line)
        else:
            lines += textwrap.wrap(
                line.replace("`", "").replace("**", ""),
                WIDTH,
                initial_indent=start,
                subsequent_indent=rest,
                break_long_words=False,
                break_on_hyphens=False,
            )
    return lines
