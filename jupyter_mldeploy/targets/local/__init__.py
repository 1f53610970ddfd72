"""The local target: a detached server process that outlives the kernel, on the loopback interface only."""

from jupyter_mldeploy.targets.local.driver import LocalDriver

__all__ = ["LocalDriver"]
