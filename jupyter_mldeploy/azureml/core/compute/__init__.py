"""``azureml.core.compute``: Kubernetes clusters of the kubeconfig."""

from __future__ import annotations

from jupyter_mldeploy.azureml.facade import module_getattr

_TRAINING = "it trains, which stays where it is; services run on AksCompute, a context of your kubeconfig"
_HOME = {
    "ComputeTarget": "core.compute.compute",
    "AksCompute": "core.compute.aks",
    "KubernetesCompute": "core.compute.aks",
}
_REASONS = dict.fromkeys(
    ("AdlaCompute", "AmlCompute", "BatchCompute", "ComputeInstance", "DatabricksCompute", "DataFactoryCompute", "DsvmCompute",
     "HDInsightCompute", "KustoCompute", "RemoteCompute", "SynapseCompute"), _TRAINING,
)  # fmt: skip

__all__ = list(_HOME)

__getattr__ = module_getattr(__name__, _HOME, _REASONS, ("aks", "compute"))
