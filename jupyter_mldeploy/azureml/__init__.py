"""The v1 names (``azureml-core``): old scripts and notebooks run here, on this machine, Docker or Kubernetes.

    from jupyter_mldeploy.azureml.core import Workspace           # the import's root is the whole change
    from jupyter_mldeploy.azureml.core.model import Model, InferenceConfig

or none at all: ``%load_ext jupyter_mldeploy.azureml`` (``install()`` in a script) lends the bare name ``azureml`` where the real
package is not installed. A facade over ``Model``, ``Environment``, ``deploy`` and ``Service``: no second engine, no account,
nothing sent anywhere. See docs/azureml-v1.md.
"""

from __future__ import annotations

from typing import Any

from jupyter_mldeploy.azureml.lending import guide

__all__ = ["install"]

guide()


def install() -> bool:
    """Lend the name ``azureml`` to what is imported from now on; whether it was lent.

    Where the real SDK is installed, it stays.
    """
    from jupyter_mldeploy.azureml.lending import lend

    return lend()


def load_ipython_extension(shell: Any) -> None:
    """Called by ``%load_ext jupyter_mldeploy.azureml``."""
    from jupyter_mldeploy.azureml.telling import say

    del shell
    if not install():
        say(
            "The real azureml-core is installed and stays; the names of this package are below jupyter_mldeploy.azureml."
        )
