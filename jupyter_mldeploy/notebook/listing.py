"""The services as a table."""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy.notebook.render.wording import short_hash

if TYPE_CHECKING:
    from pandas import DataFrame

    from jupyter_mldeploy.api import Service
    from jupyter_mldeploy.targets.kubernetes.neighbours import Neighbour

__all__ = ["known_services", "services_table"]

COLUMNS = ["name", "state", "target", "namespace", "replicas", "models", "script", "edited", "scoring_uri"]


def services_table() -> DataFrame:
    """One row a service, with what is true now, also of others' in the namespaces in use; the same columns without any."""
    import pandas as pd

    from jupyter_mldeploy.config import settings
    from jupyter_mldeploy.records import Records
    from jupyter_mldeploy.targets.leftovers import find_neighbours

    rows = [_row(service) for service in known_services()]
    rows += [_row_of_another(one) for one in find_neighbours(Records(settings().home_path))]
    return pd.DataFrame(rows, columns=COLUMNS).set_index("name")


def known_services() -> list[Service]:
    """Every service; a damaged record is told in a line, which Python's own warnings are not."""
    from jupyter_mldeploy.api import services

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        found = services()
    for warning in told:
        sys.stderr.write(f"{warning.message}\n")
    return found


def _row_of_another(one: Neighbour) -> dict[str, Any]:
    return {
        "name": one.name,
        "state": one.state,
        "target": "kubernetes",
        "namespace": one.namespace,
        "replicas": f"{one.ready}/{one.replicas}",
        "models": ", ".join(one.models),
        "script": short_hash(one.script),
        "edited": False,
        "scoring_uri": one.scoring_uri,
    }


def _row(service: Service) -> dict[str, Any]:
    status, spec = service.status(), service.spec
    return {
        "name": service.name,
        "state": status.state,
        "target": str(spec.target),
        "namespace": service.record.place.namespace or "",
        "replicas": f"{status.ready}/{len(status.replicas)}" if status.replicas else "",
        "models": ", ".join(str(model) for model in spec.models),
        "script": short_hash(status.script),
        "edited": service.edited,
        "scoring_uri": status.scoring_uri,
    }
