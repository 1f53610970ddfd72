"""The verbs that look at services and use them: services, status, run, logs, diagnose, config."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy.cli.describing import describe, headline, service_lines, short
from jupyter_mldeploy.cli.showing import ReaderGone, Screen, columns
from jupyter_mldeploy.errors import InvalidValue, NotFound

if TYPE_CHECKING:
    from jupyter_mldeploy.api import Service
    from jupyter_mldeploy.targets.container.orphans import Orphan
    from jupyter_mldeploy.targets.kubernetes.neighbours import Neighbour

__all__ = ["config", "diagnose", "logs", "read_data", "run", "score", "services", "status"]


def services(options: argparse.Namespace, screen: Screen) -> int:
    """List them, looking at all at once: one that does not answer costs its own time only."""
    del options
    from concurrent.futures import ThreadPoolExecutor

    from jupyter_mldeploy import api
    from jupyter_mldeploy.config import settings
    from jupyter_mldeploy.records import Records
    from jupyter_mldeploy.targets.leftovers import find_neighbours, find_orphaned

    records = Records(settings().home_path)
    with ThreadPoolExecutor(8) as pool:
        others = pool.submit(find_neighbours, records)
        found = [told for told in pool.map(_look, api.services()) if told is not None]
        neighbours = others.result()
    orphaned = find_orphaned(records)
    if screen.is_json:
        screen.json(found + [_orphan(orphan) for orphan in orphaned] + [_neighbour(one) for one in neighbours])
        return 0
    for orphan in orphaned:
        back = "" if orphan.leftover else f"`mldeploy status {orphan.service}` takes it back, "
        what = f"container {orphan.container[:12]} ({orphan.status}) {orphan.whose}"
        screen.note(f"{what}: {back}`mldeploy prune` removes it.")
    if not found and not neighbours:
        screen.line("No service is deployed.")
        return 0
    head = ("name", "target", "namespace", "state", "replicas", "models", "script", "address")
    rows = [_service_row(told) for told in found] + [_neighbour_row(one) for one in neighbours]
    screen.lines(columns(head, rows, optional={"namespace"}))
    unknown = [one.name for one in neighbours if one.name not in set(records.names())]
    if unknown:
        screen.note(f"Of no record here: {', '.join(unknown)}. `mldeploy status NAME` takes one up.")
    return 0


def _look(service: Service) -> dict[str, Any] | None:
    try:
        return describe(service, service.record, service.status())
    except NotFound:  # deleted while we looked
        return None


def _orphan(orphan: Orphan) -> dict[str, Any]:
    return {"name": orphan.service, "target": "container", "state": "orphan", "container": orphan.container,
            "image": orphan.image, "message": orphan.status}  # fmt: skip


def _neighbour(one: Neighbour) -> dict[str, Any]:
    """What somebody else deployed, or a home folder that was lost: in the fields that a service has too."""
    return {"name": one.name, "target": "kubernetes", "state": one.state, "namespace": one.namespace, "record": False,
            "ready": one.ready, "wanted": one.replicas, "models": list(one.models), "script": one.script,
            "scoring_uri": one.scoring_uri}  # fmt: skip


def _neighbour_row(one: Neighbour) -> list[str]:
    models = "+".join(one.models) or "-"
    return [
        one.name,
        "kubernetes",
        one.namespace,
        one.state,
        f"{one.ready}/{one.replicas}",
        models,
        short(one.script),
        one.scoring_uri,
    ]


def _service_row(told: dict[str, Any]) -> list[str]:
    replicas = f"{told['ready']}/{len(told['replicas'])}" if told["replicas"] else "-"
    script = short(told["script"]) + (" (file gone)" if told["script_gone"] else " (edited)" if told["edited"] else "")
    address = told["scoring_uri"] or told["message"]
    models = "+".join(told["models"]) or "-"
    return [told["name"], told["target"], told["namespace"], told["state"], replicas, models, script, address]


def status(options: argparse.Namespace, screen: Screen) -> int:
    """Show one, now or at each change."""
    from jupyter_mldeploy import api

    service = api.service(options.name)
    if not options.watch:
        told = describe(service, service.record, service.status())
        screen.json(told) if screen.is_json else screen.lines(service_lines(told))
        return 0
    shown = ""
    for now in service.watch():
        told = describe(service, service.record, now)
        if screen.is_json:
            screen.json(told, indent=None)
            continue
        line = headline(told) + (f" · {told['message']}" if told["message"] else "")
        if line != shown:
            screen.line(line)
        shown = line
    return 0


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Send a request."""
    from jupyter_mldeploy import api
    from jupyter_mldeploy.spec import parse_seconds

    service = api.service(options.name)
    timeout = parse_seconds(options.timeout, "--timeout") if options.timeout else None
    body = read_data(options.data)
    if not options.raw:
        _check_json(options.data, body)
    began = time.monotonic()
    answer = service.run(body, timeout=timeout)
    seconds = time.monotonic() - began
    if screen.is_json:
        screen.json({"service": options.name, "answer": answer, "seconds": seconds})
    else:
        screen.line(answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False))
    return 0


def score(options: argparse.Namespace, screen: Screen) -> int:
    """As ``run``."""
    return run(options, screen)


def read_data(text: str) -> bytes:
    """JSON text, ``@FILE``, or ``-`` for standard input."""
    if text == "-":
        return sys.stdin.buffer.read()
    if not text.startswith("@"):
        return text.encode()
    path = Path(text[1:])
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise NotFound.of_file("data file", path) from None
    except OSError as error:
        raise InvalidValue("DATA", text, f"the file cannot be read: {error.strerror}.") from None


def _check_json(shown: str, body: bytes) -> None:
    try:
        json.loads(body)
    except UnicodeDecodeError:
        raise InvalidValue("DATA", shown, "it is not JSON; send bytes as they are with --raw.") from None
    except json.JSONDecodeError as error:
        where = f"{error.msg} at line {error.lineno}, column {error.colno}"
        raise InvalidValue("DATA", shown, f"it is not JSON: {where}; send text as it is with --raw.") from None


def logs(options: argparse.Namespace, screen: Screen) -> int:
    """Print its log; in JSON one object a line."""
    from jupyter_mldeploy import api
    from jupyter_mldeploy.events import Cancel
    from jupyter_mldeploy.spec import parse_seconds
    from jupyter_mldeploy.targets.base import LogQuery

    query = LogQuery(
        lines=options.lines,
        follow=options.follow,
        previous=options.previous,
        build=options.build,
        replica=options.replica,
        grep=options.grep,
        since=parse_seconds(options.since, "--since") if options.since else None,
    )
    printed = False
    for line in api.service(options.name).follow(query, Cancel()):
        printed = True
        if screen.is_json:
            screen.json({"replica": line.replica, "text": line.text}, indent=None)
        else:
            screen.line(line.shown)
    if not printed and not query.follow:
        screen.note(query.of_nothing(options.name))
    return 0


def diagnose(options: argparse.Namespace, screen: Screen) -> int:
    """Say what is wrong with it now, or with what files show."""
    if options.name is None:
        return _of_evidence(options)
    from jupyter_mldeploy import api

    diagnosis = api.service(options.name).diagnose()
    if screen.is_json:
        screen.json(diagnosis.to_json())
    else:
        screen.lines(diagnosis.to_text().splitlines())
    return 0


def _of_evidence(options: argparse.Namespace) -> int:
    from jupyter_mldeploy.diagnosis.command import answer

    try:
        done = answer(options.evidence, options.format, sys.stdout)
        sys.stdout.flush()
    except BrokenPipeError:
        raise ReaderGone from None
    return done


def config(options: argparse.Namespace, screen: Screen) -> int:
    """Print every setting."""
    from jupyter_mldeploy.config import mistyped, settings

    rows = settings().explain()
    for sentence in mistyped():
        screen.note(sentence)
    for row in rows:
        if getattr(options, row["setting"], None) is not None:
            row["from"] = f"--{row['setting'].replace('_', '-')}"
    if screen.is_json:
        screen.json(rows)
        return 0
    head = ("setting", "value", "from", "variable", "help")
    screen.lines(columns(head, [[row[column] or "-" for column in head] for row in rows]))
    return 0
