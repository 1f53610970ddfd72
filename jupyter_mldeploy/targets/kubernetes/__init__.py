"""The Kubernetes target: replicas on a real cluster, on plain objects of its API."""

from jupyter_mldeploy.targets.kubernetes.driver import KubernetesDriver

__all__ = ["KubernetesDriver"]
