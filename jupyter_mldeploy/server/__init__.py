"""The Jupyter Server extension: the same services and the same pipeline, over REST and one stream of events.

A Jupyter Server loads it by its configuration file; a kernel never does. ``openapi.yaml`` describes the interface, and is what
requests are checked against.
"""

from __future__ import annotations

from typing import Any

__all__ = ["_jupyter_server_extension_points", "_load_jupyter_server_extension"]


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    """Called by Jupyter Server to find what it loads."""
    return [{"module": "jupyter_mldeploy.server"}]


def _load_jupyter_server_extension(server_app: Any) -> None:
    """Called by Jupyter Server when it starts. Only routes are made: nothing is looked at before somebody asks."""
    from jupyter_mldeploy.server.routes import add_routes

    add_routes(server_app)
