"""The example notebooks: listed, and copied to where the user keeps notebooks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jupyter_core.utils import ensure_async
from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from jupyter_mldeploy.errors import InvalidValue, NotFound
from jupyter_mldeploy.server.handler import Handler

__all__ = ["ExamplesHandler", "examples"]

_PACKAGE = Path(__file__).parent.parent
_FOLDERS = (_PACKAGE / "examples", _PACKAGE.parent / "notebooks")
"""Of an installed package, of a checkout."""


def examples() -> dict[str, Path]:
    """The notebooks by name."""
    folder = next((folder for folder in _FOLDERS if folder.is_dir()), None)
    return {path.stem: path for path in sorted(folder.glob("*.ipynb"))} if folder else {}


class ExamplesHandler(Handler):
    """``/examples``"""

    @authenticated
    @authorized
    async def get(self) -> None:
        found = await self.hub.look(examples)
        self.finish({"examples": list(found)})

    @authenticated
    @authorized
    async def post(self) -> None:
        wish = self.body("ExampleRequest")
        found = await self.hub.look(examples)
        if wish["name"] not in found:
            raise NotFound(f"There is no example {wish['name']!r}.", f"There is {', '.join(found) or 'none'}.")
        content = json.loads(await self.hub.look(found[wish["name"]].read_text, "utf-8"))
        # Through the contents manager: it alone knows where the user's files are, and what may be written there.
        manager: Any = self.contents_manager
        folder = wish.get("folder", "").strip("/")
        if folder and not await ensure_async(manager.dir_exists(folder)):
            raise InvalidValue(
                "folder", wish["folder"], "there is no such folder below the one that the file browser shows."
            )
        name = await ensure_async(manager.increment_filename(f"{wish['name']}.ipynb", folder))
        path = f"{folder}/{name}".lstrip("/")
        await ensure_async(manager.save({"type": "notebook", "format": "json", "content": content}, path))
        self.set_status(201)
        self.finish({"path": path})
