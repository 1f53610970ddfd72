"""What is left of a service whose record was lost: ended on whatever target of this machine it still runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_mldeploy.errors import TargetUnavailable
from jupyter_mldeploy.records import Record, Records
from jupyter_mldeploy.targets.local.process import end_servers_of

if TYPE_CHECKING:
    from jupyter_mldeploy.targets.container.orphans import Orphan
    from jupyter_mldeploy.targets.kubernetes.neighbours import Neighbour

__all__ = ["end_leftovers_of", "find_neighbours", "find_orphaned", "take_back"]


def end_leftovers_of(records: Records, name: str) -> None:
    """End its servers, remove its containers and its objects of a cluster.

    Raises:
        NotFound: This home folder never had a service of that name; the nearest name is given.
    """
    if not records.folder(name).is_dir():
        records.get(name)  # raises, and names the nearest
    end_servers_of(records.folder(name))
    from jupyter_mldeploy.targets.container.orphans import remove_containers_of  # loads the engine's client

    remove_containers_of(records, name)
    from jupyter_mldeploy.targets.kubernetes.attaching import remove_objects_of

    remove_objects_of(records, name)


def take_back(records: Records, name: str) -> Record | None:
    """Make the record of a service again from its container or its objects: engine and cluster outlive a lost folder."""
    if records.find(name) is not None:
        return None
    return _from_container(records, name) or _from_cluster(records, name)


def _from_cluster(records: Records, name: str) -> Record | None:
    from jupyter_mldeploy.targets.kubernetes.attaching import attach, may_be_there

    try:
        return attach(records, name) if may_be_there(records, name) else None
    except TargetUnavailable:
        return None


def _from_container(records: Records, name: str) -> Record | None:
    if not _had_containers(records):
        return None
    from jupyter_mldeploy.images.engine import connect, engine_errors
    from jupyter_mldeploy.targets.container.orphans import adopt

    try:
        engine = connect()
        with engine_errors(engine):
            return adopt(engine, records, name)
    except TargetUnavailable:
        return None


def find_orphaned(records: Records) -> list[Orphan]:
    """Containers of this home folder that no record knows; none where no engine answers."""
    if not _had_containers(records):
        return []
    from jupyter_mldeploy.images.engine import connect, engine_errors
    from jupyter_mldeploy.targets.container.orphans import find_orphans

    try:
        engine = connect()
        with engine_errors(engine):
            return find_orphans(engine, records)
    except TargetUnavailable:
        return []


def find_neighbours(records: Records) -> list[Neighbour]:
    """Services in the namespaces in use here that no record knows; without one, no cluster is asked."""
    from jupyter_mldeploy.targets.kubernetes import neighbours

    return neighbours.find_neighbours(records)


def _had_containers(records: Records) -> bool:
    """An image was built for this home folder: without, no engine need be asked."""
    return (records.home / "images").is_dir()
