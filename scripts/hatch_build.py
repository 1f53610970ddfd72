"""Called by hatchling: what a wheel brings besides the package, for JupyterLab and Jupyter Server.

Node.js is not needed here: the JupyterLab extension is taken along if ``scripts/build_labextension.py`` has built it, and a
source distribution holds the built one. Without it all but the JupyterLab side works.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUILT = "jupyter_mldeploy/labextension"
EXTENSIONS = "share/jupyter/labextensions/jupyter-mldeploy"


class JupyterBuildHook(BuildHookInterface):
    """Adds the extension, if it is there, and the file by which Jupyter Server finds its part."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called before a wheel is built; ``version`` is ``editable`` for an editable one."""
        data = build_data["shared_data"]
        data["jupyter-config/server-config"] = "etc/jupyter/jupyter_server_config.d"
        built = Path(self.root) / BUILT
        if version == "editable":
            return  # JupyterLab loads it from the checkout: see build_labextension.py --link
        if not (built / "package.json").exists():
            self.app.display_warning("The JupyterLab extension is not built; the wheel is made without it.")
            return
        data[BUILT] = EXTENSIONS
        data["labextension/install.json"] = f"{EXTENSIONS}/install.json"
