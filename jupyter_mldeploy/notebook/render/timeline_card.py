"""A deployment as HTML: while it runs, and what stays of it."""

from __future__ import annotations

import time

from jupyter_mldeploy.notebook.language import later, stage, tr
from jupyter_mldeploy.notebook.render.card import card, head
from jupyter_mldeploy.notebook.render.explanation_card import explanation_parts
from jupyter_mldeploy.notebook.render.markup import Html, join, tag
from jupyter_mldeploy.notebook.render.wording import capitalised, moment, seconds
from jupyter_mldeploy.notebook.timeline import StageView, Timeline
from jupyter_mldeploy.notebook.translated import translated

__all__ = ["live_card", "rail", "static_card", "timeline_card"]

_MARK = {"done": "✓ ", "failed": "✕ ", "cancelled": "■ ", "running": "", "waiting": "", "skipped": ""}
_DOING = {
    "deploy": later("deploying"),
    "reload": later("reloading"),
    "update": later("updating"),
    "start": later("starting"),
}
_DOING_STAGE = {
    "register": later("registering"),
    "build": later("building"),
    "push": later("pushing"),
    "schedule": later("scheduling"),
    "launch": later("launching"),
    "init": later("in init()"),
    "ready": later("trying the sample"),
}


def rail(stages: tuple[StageView, ...], now: float | None = None) -> Html:
    """The stages in order, each with its state, time and note."""
    return tag("ol", "mld-rail", *(_stage(view, now) for view in stages), aria_label=tr("stages"))


def _stage(view: StageView, now: float | None) -> Html:
    shown = " · ".join(part for part in (_took(view, now), tr(view.note)) if part)
    said = {"running": later("running"), "failed": later("failed"), "cancelled": later("interrupted")}.get(view.state)
    return tag(
        "li",
        f"mld-{view.state}",
        f"{_MARK[view.state]}{stage(view.stage)}",
        " ",
        tag("small", "", shown, title=shown or None),
        aria_current="step" if view.state == "running" else None,
        aria_label=f"{stage(view.stage)}: {tr(said)}" if said else None,
    )


def _took(view: StageView, now: float | None) -> str:
    if view.state == "running" and now is not None and view.began is not None:
        # Whole seconds only: a number that changes ten times a second cannot be read.
        whole = int(now - view.began)
        return f"{whole} s" if whole > 0 else ""
    if view.seconds is None or (view.seconds < 0.001 and view.note):
        return ""  # nothing was done, and the note says why
    return seconds(view.seconds)


def timeline_card(timeline: Timeline) -> Html:
    """As it is now, or as it stays once it has ended."""
    return live_card(timeline) if timeline.state == "deploying" else static_card(timeline)


def live_card(timeline: Timeline, now: float | None = None) -> Html:
    """While it runs. Its height changes once at most: when the first line of a log comes."""
    now = time.time() if now is None else now
    current = timeline.current
    doing = (
        _DOING_STAGE.get(str(current.stage), str(current.stage))
        if current
        else _DOING.get(timeline.verb, timeline.verb)
    )
    ready = f" · {tr('%1 of %2 replicas ready', *timeline.replicas)}" if timeline.replicas else ""
    log = "\n".join(timeline.log)
    return card(
        tag(
            "div",
            "",
            head(
                "go",
                timeline.service,
                f"{timeline.target} · {tr(doing)}{ready}",
                f"{int(max(now - timeline.began, 0))} s",
            ),
            role="status",
        ),
        rail(timeline.stages, now),
        tag("pre", "mld-log mld-live", log, role="log", aria_label=tr("last lines of the log"))
        if timeline.log
        else None,
        _notes(timeline),
        label=f"{tr(_DOING.get(timeline.verb, timeline.verb))} {timeline.service}",
    )


def static_card(timeline: Timeline) -> Html:
    """What stays when it has ended."""
    match timeline.state:
        case "failed":
            return _failed(timeline)
        case "cancelled":
            first = head("warn", timeline.service, _cancelled_line(timeline), moment(timeline.began))
            return card(first, rail(timeline.stages), _notes(timeline), label=tr("%1: interrupted", timeline.service))
    headline = tr(timeline.headline)
    first = head("good", timeline.service, headline, moment(timeline.began))
    script = _written_script(timeline.script)
    return card(
        first,
        rail(timeline.stages),
        _notes(timeline),
        script,
        label=f"{timeline.service}: {headline}",
    )


def _failed(timeline: Timeline) -> Html:
    explanation = translated(timeline.explanation) if timeline.explanation else None
    title = capitalised(explanation.title if explanation else tr(timeline.headline))
    began = any(view.state != "waiting" for view in timeline.stages)
    return card(
        head("bad", title, "", f"{timeline.service} · {timeline.target} · {moment(timeline.began)}"),
        rail(timeline.stages) if began else None,
        _notes(timeline) if explanation is None else None,
        explanation_parts(explanation) if explanation else None,
        _written_script(timeline.script),
        label=tr("%1 failed: %2", timeline.service, title),
    )


def _cancelled_line(timeline: Timeline) -> str:
    current = timeline.current
    if current is None:
        return tr("interrupted, what was begun has been cleaned up")
    return tr("interrupted in %1, what was begun has been cleaned up", stage(current.stage))


def _written_script(text: str) -> Html | None:
    if not text:
        return None
    summary = tag("summary", "", tr("the script that was written for the model"))
    return tag("details", "mld-foot mld-written", summary, tag("pre", "mld-code", text), open_="")


def _notes(timeline: Timeline) -> Html | None:
    """Where it listens, and what was understood."""
    parts = [tag("span", "", tr(note)) for note in timeline.notes]
    if timeline.uri:
        parts.insert(0, tag("code", "", timeline.uri))
    return tag("div", "mld-foot", *(join(part, " ") for part in parts)) if parts else None
