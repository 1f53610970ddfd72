"""The services as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_mldeploy.notebook.render.wording import short_hash

if TYPE_CHECKING:
    from pandas import DataFrame

    from jupyter_mldeploy.api import Service

__all__ = ["services_table"]

COLUMNS = ["name", "state", "target", "replicas", "models", "script", "edited", "scoring_uri"]


def services_table() -> DataFrame:
    """One row a service, with what is true now; empty with the same columns if there is none."""
    import pandas as pd

    from jupyter_mldeploy.api import services

    return pd.DataFrame([_row(service) for service in services()], columns=COLUMNS).set_index("name")


def _row(service: Service) -> dict[str, Any]:
    status, spec = service.status(), service.spec
    return {
        "name": service.name,
        "state": status.state,
        "target": str(spec.target),
        "replicas": f"{status.ready}/{len(status.replicas)}" if status.replicas else "",
        "models": ", ".join(str(model) for model in spec.models),
        "script": short_hash(status.script),
        "edited": service.edited,
        "scoring_uri": status.scoring_uri,
    }
