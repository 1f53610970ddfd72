"""What is left of a service whose record was lost: ended on whatever target of this machine it still runs."""

from __future__ import annotations

from jupyter_mldeploy.records import Records
from jupyter_mldeploy.targets.local.process import end_servers_of

__all__ = ["end_leftovers_of"]


def end_leftovers_of(records: Records, name: str) -> None:
    """End its servers and remove its containers.

    Raises:
        NotFound: This home folder never had a service of that name; the nearest name is given.
    """
    if not records.folder(name).is_dir():
        records.get(name)  # raises, and names the nearest
    end_servers_of(records.folder(name))
    from jupyter_mldeploy.targets.container.orphans import remove_containers_of  # loads the engine's client

    remove_containers_of(records, name)
