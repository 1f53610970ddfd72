"""``azureml.core.image``: images as things of their own, as in 2018."""

from __future__ import annotations

from jupyter_mldeploy.azureml.facade import module_getattr

_HOME = {"Image": "core.image.image", "ContainerImage": "core.image.container"}

__all__ = list(_HOME)

__getattr__ = module_getattr(
    __name__, _HOME, {"UnknownImage": "every image here is of a known kind"}, ("container", "image")
)
