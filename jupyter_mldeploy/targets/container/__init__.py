"""The container target: one container on a Docker engine, published on the loopback interface only."""

from jupyter_mldeploy.targets.container.driver import ContainerDriver

__all__ = ["ContainerDriver"]
