"""What is left of a service whose record was lost: ended on whatever target of this machine it still runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_mldeploy.config import settings
from jupyter_mldeploy.errors import NotFound, RecordDamaged, StorageError, TargetUnavailable
from jupyter_mldeploy.records import Record, Records
from jupyter_mldeploy.spec import TargetKind
from jupyter_mldeploy.targets import driver_for
from jupyter_mldeploy.targets.local.process import end_servers_of

if TYPE_CHECKING:
    from jupyter_mldeploy.images.engine import Engine
    from jupyter_mldeploy.targets.container.orphans import Orphan
    from jupyter_mldeploy.targets.kubernetes.neighbours import Neighbour

__all__ = ["delete_service", "end_leftovers_of", "find_neighbours", "find_orphaned", "look_up", "take_back"]


def end_leftovers_of(records: Records, name: str) -> None:
    """End its servers, remove its containers and its objects of a cluster.

    Raises:
        NotFound: This home folder has no service of that name, nor a container; the nearest name is given.
    """
    had_folder = records.folder(name).is_dir()
    end_servers_of(records.folder(name))
    from jupyter_mldeploy.targets.container.orphans import remove_containers_of  # loads the engine's client

    removed = remove_containers_of(records, name) if had_folder or _had_containers(records) else 0
    if not had_folder and not removed:
        records.get(name)  # raises, and names the nearest
    from jupyter_mldeploy.targets.kubernetes.attaching import remove_objects_of

    remove_objects_of(records, name)


def delete_service(records: Records, name: str, *, images: bool, forget: bool = False) -> list[str]:
    """Remove a service from where it runs and from here; with ``images`` also those built for it that nothing else needs.

    Args:
        forget: Remove only what is known of it here: where it runs cannot be reached any more.

    Raises:
        NotFound: This home folder has no service of that name, nor a container of one.
        TargetUnavailable: What it runs on cannot be reached; nothing was removed.
    """
    if forget:
        with records.operation(name, "deletion"):
            records.get(name)
            records.remove(name)
        return []
    engine = _engine_of(records, name) if images else None
    with records.operation(name, "deletion"):
        try:
            record = records.find(name)
        except (RecordDamaged, StorageError):
            record = None
        if record is not None:
            driver = driver_for(record.spec.target, records)
            try:
                with records.ending(record) as ending:
                    driver.stop(ending)
                    driver.delete(ending)
            except TargetUnavailable as error:
                gone = f"If that is gone for good, `mldeploy delete {name} --forget` removes what is known of it here."
                error.hint = f"{error.hint} {gone}".strip()
                raise
        else:
            end_leftovers_of(records, name)
        records.remove(name)
    if engine is None:
        return []
    from jupyter_mldeploy.images.engine import engine_errors
    from jupyter_mldeploy.targets.container.orphans import remove_images_of

    with engine_errors(engine):
        return remove_images_of(engine, records, name)


def _engine_of(records: Records, name: str) -> Engine:
    """The engine that has the images of a service; asked for first, so that nothing is half deleted."""
    from jupyter_mldeploy.images.engine import connect

    record = records.find(name)
    if record is not None and record.spec.target.kind is TargetKind.LOCAL:
        raise TargetUnavailable("The local target has no images.", "Leave --image out.")
    if record is not None and record.spec.target.kind is TargetKind.KUBERNETES:
        return connect()  # where images are built for clusters
    return connect((record and record.spec.target.context) or settings().context_of(TargetKind.CONTAINER))


def look_up(records: Records, name: str) -> Record:
    """The record of a service, made again where only its container or its objects are left.

    Raises:
        NotFound: There is none; says so, if a cluster was not asked.
    """
    take_back(records, name)
    try:
        return records.get(name)
    except NotFound as error:
        from jupyter_mldeploy.targets.kubernetes.attaching import may_be_there
        from jupyter_mldeploy.targets.kubernetes.connection import has_kubeconfig

        if has_kubeconfig() and not may_be_there(records, name):
            asks = "To look for it on the cluster of your kubeconfig, set MLDEPLOY_TARGET=kubernetes."
            error.hint = f"{error.hint} {asks}".strip()
        raise


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
