"""From addresses to handlers."""

from __future__ import annotations

import atexit
import json
from typing import Any

from jupyter_server.auth.decorator import authorized
from jupyter_server.utils import url_path_join
from tornado.web import authenticated

from jupyter_mldeploy.errors import NotFound
from jupyter_mldeploy.server import deploying, examples, services, stock, streams
from jupyter_mldeploy.server.contract import description
from jupyter_mldeploy.server.handler import HUB, Handler
from jupyter_mldeploy.server.hub import Hub

__all__ = ["PREFIX", "ROUTES", "add_routes"]

PREFIX = "mldeploy"
_NAME = r"([^/]+)"


class DescriptionHandler(Handler):
    """``/openapi.json``"""

    @authenticated
    @authorized
    async def get(self) -> None:
        self.finish(json.dumps(description()))


class NothingHandler(Handler):
    """Any other address: told as every error is, not with the server's page."""

    @authenticated
    @authorized
    async def get(self) -> None:
        raise NotFound(f"There is nothing at {self.request.path!r}.")

    post = put = patch = delete = get


ROUTES: list[tuple[str, type[Handler]]] = [
    ("/openapi.json", DescriptionHandler),
    ("/events", streams.EventsHandler),
    ("/services", services.ServicesHandler),
    (f"/services/{_NAME}", services.ServiceHandler),
    (f"/services/{_NAME}/(reload|start|stop|scale|update)", services.VerbHandler),
    (f"/services/{_NAME}/deploy", deploying.DeployHandler),
    (f"/services/{_NAME}/score", services.ScoreHandler),
    (f"/services/{_NAME}/operation", services.OperationHandler),
    (f"/services/{_NAME}/diagnosis", services.DiagnosisHandler),
    (f"/services/{_NAME}/log", streams.LogHandler),
    ("/models", stock.ModelsHandler),
    (f"/models/{_NAME}/([0-9]{{1,9}})", stock.ModelHandler),
    ("/images", stock.ImagesHandler),
    ("/images/log", stock.ImageLogHandler),
    ("/orphans", stock.OrphansHandler),
    (f"/orphans/{_NAME}", stock.OrphanHandler),
    ("/settings", deploying.SettingsHandler),
    ("/examples", examples.ExamplesHandler),
    ("/.*", NothingHandler),
]


def add_routes(server_app: Any) -> None:
    """Make the hub and add the routes to a server."""
    application = server_app.web_app
    hub = application.settings.setdefault(HUB, Hub())
    atexit.register(hub.close)
    base = url_path_join(application.settings["base_url"], PREFIX)
    application.add_handlers(".*$", [(url_path_join(base, path), handler) for path, handler in ROUTES])
