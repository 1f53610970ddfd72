"""What the engine has of this home folder that no record knows: found by label, taken back, or removed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

from jupyter_mldeploy.errors import RecordDamaged, TargetUnavailable
from jupyter_mldeploy.images.build_log import UNFINISHED, BuildLogs
from jupyter_mldeploy.images.engine import Engine, connect, engine_errors
from jupyter_mldeploy.records import Record, Records
from jupyter_mldeploy.spec import keys_name
from jupyter_mldeploy.targets.container.handover import (
    STAGING,
    remove_container,
    remove_loose_volumes,
)
from jupyter_mldeploy.targets.container.identity import SERVICE, find_containers
from jupyter_mldeploy.targets.container.making import read_file
from jupyter_mldeploy.targets.container.rollout import RECORD_FILE
from jupyter_mldeploy.targets.container.state import inspect

__all__ = [
    "Orphan",
    "adopt",
    "find_orphans",
    "find_unused_images",
    "remove_containers_of",
    "remove_images_of",
    "remove_orphan",
    "remove_unused",
]

_MADE = re.compile(
    r"^(?:Step|STEP) \d+/\d+ ?: (?!FROM).*(?:\n(?!(?:Step|STEP) ).*)*?\n(?: ---|--)> ([0-9a-f]{11,12})$", re.MULTILINE
)
"""What a step of the classic builder or of Podman's came to; that of FROM is somebody else's."""


@dataclass(frozen=True, kw_only=True)
class Orphan:
    """A container of this home folder that no record names.

    Attributes:
        service: What it says it is of.
        container: Its id.
        image: What it was made from.
        state: As Docker has it: ``running``, ``exited``, …
        status: The same for people: ``Up 2 hours``.
        leftover: Whether the service has a record, which names another container: an operation that was killed has left it.
    """

    service: str
    container: str
    image: str
    state: str
    status: str
    leftover: bool = False

    @property
    def whose(self) -> str:
        """What it is, for people."""
        if self.leftover:
            return f"was left by an operation on {self.service!r} that was killed"
        return f"is of a service {self.service!r} that has no record"


def find_orphans(engine: Engine, records: Records) -> list[Orphan]:
    """Containers that no record names, and for which no operation is running."""
    found = []
    for container in find_containers(engine.api, records.home):
        service = str(container["Labels"][SERVICE])
        named = _named(records, service)
        if records.is_busy(service) or named == container["Id"]:
            continue
        found.append(
            Orphan(
                service=service,
                container=str(container["Id"]),
                image=str(container["Image"]),
                state=str(container["State"]),
                status=str(container["Status"]),
                leftover=named is not None,
            )
        )
    return found


def adopt(engine: Engine, records: Records, service: str) -> Record | None:
    """Make the record of a service again from what its container keeps of it; ``None`` where none keeps any."""
    import msgspec

    for orphan in find_orphans(engine, records):
        content = read_file(engine, orphan.container, RECORD_FILE) if orphan.service == service else None
        if content is None:
            continue
        with suppress(msgspec.MsgspecError, ValueError):
            record = msgspec.json.decode(content, type=Record)
            details = {**record.details, "container": orphan.container}
            state = "running" if orphan.state == "running" else "stopped"
            with records.operation(service, "adoption"):
                kept = inspect(engine, orphan.container)
                if kept and (token := kept.variables.get("MLDEPLOY_ADMIN_TOKEN")):
                    values = {
                        one.key: kept.variables[one.name] for one in record.spec.env if one.name in kept.variables
                    }
                    if record.spec.keys:
                        values[keys_name(record.spec.keys)] = kept.variables.get("MLDEPLOY_SCORING_KEYS", "")
                    records.write_secrets(service, {**records.secrets(service), **values, "admin_token": token})
                return records.write(replace(record, details=details, state=state))
    return None


def remove_orphan(engine: Engine, records: Records, orphan: Orphan) -> None:
    """Remove an orphan and its volume, unless it has become a service's in the meantime."""
    with records.operation(orphan.service, "pruning"):
        if _named(records, orphan.service) != orphan.container:
            remove_container(engine, orphan.container)


def remove_containers_of(records: Records, service: str) -> int:
    """Remove every container of a service whose record was lost; returns how many. Without an engine there is none."""
    removed = 0
    with suppress(TargetUnavailable):
        engine = connect()
        with engine_errors(engine):
            for container in find_containers(engine.api, records.home, service):
                remove_container(engine, str(container["Id"]))
                removed += 1
            remove_loose_volumes(engine, records.home, service)
    return removed


def find_unused_images(engine: Engine, records: Records) -> list[str]:
    """Images that were built from this home folder and that no service needs, nor any image it stands on.

    References, and ids of what builds have left that were not finished.
    """
    logs = BuildLogs(records.home)
    needed = set(_needed(records, logs))
    unused = [
        entry.reference
        for entry in logs.list()
        if entry.state == "built" and entry.reference not in needed and engine.has_image(entry.reference)
    ]
    return [*unused, *_unfinished(engine, logs)]


def _unfinished(engine: Engine, logs: BuildLogs) -> list[str]:
    """The last steps of builds that came to nothing: they have no name, and the next build would go on from there."""
    entries = (entry for entry in logs.list() if entry.state in UNFINISHED)
    made = {layer for entry in entries for layer in _MADE.findall(logs.text(entry.reference))}
    if not made:
        return []
    nameless = engine.api.images(quiet=True, filters={"dangling": True})
    ids = (str(image).removeprefix("sha256:") for image in nameless)
    return [f"sha256:{found}" for found in ids if made & {found[:11], found[:12]}]


def remove_images_of(engine: Engine, records: Records, service: str) -> list[str]:
    """Remove the images that were built for a service and that nothing else needs; returns those that are gone."""
    logs = BuildLogs(records.home)
    built = {entry.reference for entry in logs.list() if entry.service == service}
    unused = [reference for reference in find_unused_images(engine, records) if reference in built]
    kept = remove_unused(engine, records, unused)
    return [reference for reference in unused if reference not in kept]


def remove_unused(engine: Engine, records: Records, references: list[str]) -> list[str]:
    """Remove images and their logs; returns those that a container of somebody else's still uses."""
    from docker.errors import APIError

    kept = []
    for reference in references:
        try:
            engine.api.remove_image(reference)
        except APIError as error:
            if error.status_code != 404:
                kept.append(reference)
                continue
        BuildLogs(records.home).forget(reference)
    with suppress(APIError):  # in use, or not there
        engine.api.remove_network(STAGING)
    remove_loose_volumes(engine, records.home)
    return kept


def _needed(records: Records, logs: BuildLogs) -> Iterator[str]:
    for name in records.names():
        with suppress(RecordDamaged):
            record = records.find(name)
            image = str(record.details.get("image", "")) if record else ""
            yield image
            entry = logs.find(image) if image else None
            yield from entry.parents if entry else ()


def _named(records: Records, service: str) -> str | None:
    """The container that a record names, ``""`` where it names none; ``None`` where there is no record that can be read."""
    with suppress(RecordDamaged):
        record = records.find(service)
        return str(record.details.get("container", "")) if record else None
    return None
