"""The earlier revisions of a service, where its target keeps them, so that it can go back to one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from jupyter_mldeploy.changes import compare
from jupyter_mldeploy.errors import Conflict, NotFound, TargetUnavailable
from jupyter_mldeploy.records import Record
from jupyter_mldeploy.spec import ServiceSpec, TargetKind

__all__ = ["Revision", "choose", "revisions_of"]


@dataclass(frozen=True, kw_only=True)
class Revision:
    """One revision.

    Attributes:
        number: Counts up from 1; a reload changes the script of the revision that runs, and makes none.
        created: When, in ISO 8601.
        current: Whether it runs.
        image: Its image.
        source: Digest of the source directory's files in it.
        spec: What would be wanted of the service if it went back: the number of its replicas and its addresses stay.
        changes: What differs from the one before it, a few words each; empty for the oldest.
    """

    number: int
    created: str
    current: bool
    image: str
    source: str
    spec: ServiceSpec
    changes: tuple[str, ...] = ()


def revisions_of(record: Record) -> list[Revision]:
    """Newest first.

    Raises:
        TargetUnavailable: The target keeps none, or cannot be reached.
    """
    if record.spec.target.kind is not TargetKind.KUBERNETES:
        raise TargetUnavailable(
            f"The {record.spec.target} target keeps no earlier revisions.",
            "Deploy the earlier script again, or use --target kubernetes.",
        )
    from jupyter_mldeploy.targets.kubernetes.history import history_of

    found = history_of(record)
    return [_told_apart(one, before) for one, before in zip(found, [*found[1:], None], strict=True)]


def _told_apart(one: Revision, before: Revision | None) -> Revision:
    if before is None:
        return one
    return replace(one, changes=compare(before.spec, one.spec, before.source, one.source).reasons)


def choose(service: str, revisions: Sequence[Revision], number: int | None) -> Revision:
    """The revision to go back to; ``None``: the last before the one that runs.

    Raises:
        NotFound: It is not kept.
        Conflict: It runs.
    """
    current = next((one.number for one in revisions if one.current), 0)
    earlier = [one for one in revisions if one.number < current]
    kept = ", ".join(str(one.number) for one in revisions if not one.current) or "none"
    wanted = number if number is not None else (earlier[0].number if earlier else None)
    if wanted is None:
        raise NotFound(f"The service {service!r} has no earlier revision (it runs {current}).")
    if wanted == current:
        raise Conflict(f"The service {service!r} runs revision {wanted} already.", f"Kept besides: {kept}.")
    for one in revisions:
        if one.number == wanted:
            return one
    raise NotFound(f"The service {service!r} has no revision {wanted}.", f"Kept besides the one that runs: {kept}.")
