"""``ComputeTarget``: the clusters of a workspace."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Any, ClassVar

from jupyter_mldeploy.azureml.exceptions import ComputeTargetException
from jupyter_mldeploy.azureml.facade import Facade, facade
from jupyter_mldeploy.azureml.values import told_of

if TYPE_CHECKING:
    from jupyter_mldeploy.azureml.core.workspace import Workspace

__all__ = ["ComputeTarget", "ComputeTargetException"]


@facade(ComputeTargetException)
class ComputeTarget(Facade):
    """A cluster that services run on: a context of the kubeconfig."""

    REFUSED: ClassVar[dict[str, str]] = {}

    def __new__(cls, workspace: Any = None, name: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Only clusters are there to be found."""
        if cls is ComputeTarget:
            from jupyter_mldeploy.azureml.core.compute.aks import AksCompute

            return object.__new__(AksCompute)
        return object.__new__(cls)

    def __init__(self, workspace: Workspace, name: str) -> None:
        self.workspace = workspace
        self.name = name

    @staticmethod
    def attach(workspace: Workspace, name: str, attach_configuration: Any) -> Any:
        """Give a context of the kubeconfig a name in the workspace."""
        from jupyter_mldeploy.azureml.core.compute.aks import AksCompute

        with workspace.book.change() as content:
            content["compute"][name] = {"context": attach_configuration.context()}
        return AksCompute(workspace, name)

    @staticmethod
    def create(workspace: Workspace, name: str, provisioning_configuration: Any) -> Any:
        """Refused: machines are not made here."""
        raise ComputeTargetException(
            f"The cluster {name!r} cannot be created here: machines are Azure's.",
            hint="Take a cluster that there is: AksCompute(ws, CONTEXT), or ComputeTarget.attach with its cluster_name.",
        )

    @staticmethod
    def list(workspace: Workspace) -> builtins.list[Any]:
        """Those that were attached."""
        from jupyter_mldeploy.azureml.core.compute.aks import AksCompute

        return [AksCompute(workspace, name) for name in workspace.book.section("compute")]

    def wait_for_completion(self, show_output: bool = False, is_delete_operation: bool = False) -> None:
        """Nothing is to be waited for."""

    def refresh_state(self) -> None:
        """Nothing is kept."""

    def get_status(self) -> str:
        """The cluster is somebody else's; it is there."""
        return "Succeeded"

    def delete(self) -> None:
        """Refused: see ``detach``."""
        raise ComputeTargetException("Clusters are not deleted here; detach() takes the name out of the workspace.")

    def detach(self) -> None:
        """Take the name out of the workspace."""
        with self.workspace.book.change() as content:
            content["compute"].pop(self.name, None)

    def serialize(self) -> dict[str, Any]:
        """As plain data."""
        return {"name": self.name, "workspace": self.workspace.name}

    @staticmethod
    def deserialize(workspace: Workspace, object_dict: dict[str, Any]) -> Any:
        """The cluster that ``serialize`` told of."""
        return ComputeTarget(workspace, told_of("ComputeTarget", object_dict, "name"))
