"""``Experiment``: runs under a name, in the workspace's folder."""

from __future__ import annotations

import builtins
import json
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from jupyter_mldeploy.azureml.core.run import Run
from jupyter_mldeploy.azureml.exceptions import UserErrorException
from jupyter_mldeploy.azureml.facade import Facade, facade
from jupyter_mldeploy.azureml.unknown import TRAINING

if TYPE_CHECKING:
    from jupyter_mldeploy.azureml.core.workspace import Workspace

__all__ = ["Experiment"]


@facade(UserErrorException)
class Experiment(Facade):
    """Where runs are kept."""

    REFUSED: ClassVar[dict[str, str]] = {
        "submit": TRAINING,
        "from_directory": "name the workspace and the experiment",
        "get_docs_url": "see docs/azureml-v1.md",
        "get_portal_url": "there is no portal; get_runs tells what there is",
        "archive": "delete it: Experiment.delete",
        "reactivate": "delete it: Experiment.delete",
        "refresh": "nothing is kept in memory",
        "archived_time": "nothing is archived",
        "tag": "tag its runs",
        "set_tags": "tag its runs",
        "remove_tags": "tag its runs",
        "tags": "tag its runs",
    }

    def __init__(
        self, workspace: Workspace, name: str, _skip_name_validation: bool = False, _id: str | None = None,
        _archived_time: Any = None, _create_in_cloud: bool = True, _experiment_dto: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        import re

        if not re.fullmatch(r"[a-zA-Z0-9][\w-]{2,35}|[a-zA-Z0-9][\w-]{0,254}", str(name)):
            raise UserErrorException(
                "Experiment name must be 1-255 characters, start with a letter or a number, and can only contain letters, "
                "numbers, underscores, and dashes."
            )
        self._workspace = workspace
        self._name = name
        self.folder: Path = workspace.book.folder / "experiments" / name

    def __repr__(self) -> str:
        return f"Experiment(Name: {self.name},\nWorkspace: {self._workspace.name})"

    @property
    def workspace(self) -> Workspace:
        return self._workspace

    @property
    def workspace_object(self) -> Workspace:
        return self._workspace

    @property
    def name(self) -> str:
        return self._name

    @property
    def id(self) -> str:
        return self._name

    def start_logging(self, *args: Any, **kwargs: Any) -> Run:
        """Begin a run in this process."""
        return Run(self, str(uuid.uuid4()), kwargs.get("outputs"))

    def get_runs(
        self, type: str | None = None, tags: Any = None, properties: Any = None, include_children: bool = False
    ) -> Iterator[Run]:
        """Newest first."""
        wanted = {tags: None} if isinstance(tags, str) else dict(tags or {})
        runs = [Run(self, path.parent.name) for path in self.folder.glob("*/run.json")]
        runs.sort(key=lambda run: json.loads((self.folder / run.id / "run.json").read_bytes())["started"], reverse=True)
        return iter(
            [
                run
                for run in runs
                if all(key in run.tags and value in {None, run.tags[key]} for key, value in wanted.items())
            ]
        )

    @staticmethod
    def list(
        workspace: Workspace, experiment_name: str | None = None, view_type: str = "ActiveOnly", tags: Any = None
    ) -> builtins.list[Experiment]:
        """Those of a workspace, by name."""
        root = workspace.book.folder / "experiments"
        names = sorted(path.name for path in root.iterdir()) if root.is_dir() else []
        return [Experiment(workspace, name) for name in names if experiment_name in {None, name}]

    @staticmethod
    def delete(workspace: Workspace, experiment_id: str) -> None:
        """Remove its runs."""
        shutil.rmtree(Experiment(workspace, experiment_id).folder, ignore_errors=True)
