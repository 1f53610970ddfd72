"""A service as HTML and text: its state, its replicas with their receipts, its last requests."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy.notebook.language import later, tr
from jupyter_mldeploy.notebook.render.card import card, head
from jupyter_mldeploy.notebook.render.markup import Html, join, tag
from jupyter_mldeploy.notebook.render.wording import count, milliseconds, short_hash, thousands
from jupyter_mldeploy.spec import show_memory

if TYPE_CHECKING:
    from jupyter_mldeploy.notebook.render.bundle import Bundle
    from jupyter_mldeploy.notebook.service_view import ServiceView
    from jupyter_mldeploy.targets.base import ReplicaStatus

__all__ = ["SERVICE", "service_bundle", "service_card", "service_text"]

SERVICE = "application/vnd.mldeploy.service.v1+json"
SHOWN_REQUESTS = 5
_DOT = {"running": "good", "degraded": "warn", "failed": "bad", "deploying": "go", "unknown": "warn"}


def service_bundle(view: ServiceView) -> Bundle:
    """What stays of one look at a service."""
    html, text = str(service_card(view, kept=True)), f"{service_text(view)}\n  {_seen(view)}"
    return {SERVICE: view.to_json(), "text/html": html, "text/plain": text}


def service_card(view: ServiceView, requests: bool = True, kept: bool = False) -> Html:
    """The panel without its controls; one that is ``kept`` is true no longer than it was seen, and says when that was."""
    status = view.status
    return card(
        tag(
            "div",
            "",
            head(
                _DOT.get(status.state, ""),
                view.name,
                " · ".join(map(tr, _about(view))),
                tag_text=tr(view.mark),
            ),
            role="status",
        ),
        tag("div", "mld-section", *_facts(view)),
        _recent(status.recent) if requests else None,
        tag("div", "mld-foot", tag("span", "", tr(_seen(view)))) if kept else None,
        label=tr("service %1: %2", view.name, tr(status.state)),
    )


def service_text(view: ServiceView) -> str:
    """The same as plain text."""
    status = view.status
    address = f" · {status.scoring_uri}" if status.scoring_uri else ""
    lines = [f"{view.name} · {' · '.join(_about(view))}{f' · {view.mark}' if view.mark else ''}{address}"]
    if status.message:
        lines.append(f"  {status.message}")
    if view.models:
        lines.append(f"  models  {', '.join(view.models)}")
    for replica in status.replicas:
        errors = f", {count(replica.errors, 'error')}" if replica.errors else ""
        latency = (
            f", p50 {milliseconds(replica.p50_ms)}, p99 {milliseconds(replica.p99_ms)}" if replica.requests else ""
        )
        lines.append(
            f"  replica {replica.name}  {replica.state}  "
            f"{f'script {short_hash(replica.script)}  ' if replica.script else ''}"
            f"{count(replica.requests, 'request')}{errors}{latency}"
        )
    return "\n".join(lines)


def _seen(view: ServiceView) -> str:
    return later("as it was at %1", time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(view.seen)))


def _about(view: ServiceView) -> list[str]:
    """Where it is, and how it is, to be drawn in the user's language."""
    status = view.status
    parts = [view.target] if view.target else []
    if status.replicas and status.state in {"running", "degraded", "deploying"}:
        state, wanted = later(status.state), len(status.replicas)
        if wanted == 1:
            return [*parts, later("%1, %2 of 1 replica ready", state, status.ready)]
        return [*parts, later("%1, %2 of %3 replicas ready", state, status.ready, wanted)]
    return [*parts, later("deleted") if view.gone else later(status.state)]


def _facts(view: ServiceView) -> list[Html | None]:
    status = view.status
    details = [*view.models]
    if status.replicas:
        details.append(tr("utilisation %1 %", f"{status.utilization * 100:.0f}"))
    details += [
        tr("no %1 limit on this system", later(what)) for what, how in status.limits.items() if how == "unsupported"
    ]
    about = "".join(f" · {detail}" for detail in details)
    address = tag("code", "", status.scoring_uri) if status.scoring_uri else None
    return [
        tag("p", "mld-badtext" if status.state == "failed" else "mld-dim", tr(status.message))
        if status.message
        else None,
        join(address, tag("span", "mld-dim", about if address else about.removeprefix(" · "))),
        _replicas(status.replicas) if status.replicas else None,
    ]


def _replicas(replicas: Sequence[ReplicaStatus]) -> Html:
    titles = ("replica", "state", "script", "requests", "p50", "p99", "errors", "memory")
    numeric = frozenset(titles[3:])
    top = tag("tr", "", *(tag("th", "mld-n" if title in numeric else "", tr(title), scope="col") for title in titles))
    return tag(
        "div",
        "mld-scroll",
        tag(
            "table", "mld-table", tag("thead", "", top), tag("tbody", "", *(_replica(replica) for replica in replicas))
        ),
    )


def _replica(replica: ReplicaStatus) -> Html:
    memory = "–" if replica.memory_bytes is None else show_memory(replica.memory_bytes)
    return tag(
        "tr",
        "",
        tag("td", "", replica.name),
        tag("td", "", tr(replica.state)),
        tag("td", "", tag("code", "", short_hash(replica.script)) if replica.script else "–"),
        tag("td", "mld-n", thousands(replica.requests)),
        tag("td", "mld-n", milliseconds(replica.p50_ms)),
        tag("td", "mld-n", milliseconds(replica.p99_ms)),
        tag("td", "mld-n mld-badtext" if replica.errors else "mld-n", thousands(replica.errors)),
        tag("td", "mld-n", memory),
    )


def _recent(recent: Sequence[Mapping[str, Any]]) -> Html | None:
    if not recent:
        return None
    shown = [
        join(
            tag("span", "mld-badtext" if int(request.get("status", 0)) >= 400 else "", str(request.get("status", ""))),
            " ",
            tr(
                "in %1 at %2",
                milliseconds(request.get("ms")),
                time.strftime("%H:%M:%S", time.localtime(request.get("time", 0))),
            ),
        )
        for request in reversed(list(recent)[-SHOWN_REQUESTS:])
    ]
    return tag(
        "div", "mld-foot", tag("span", "", tr("last requests")), *(join(" ", tag("span", "", one)) for one in shown)
    )
