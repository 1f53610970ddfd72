"""``azureml.core.webservice``: services of the three targets."""

from __future__ import annotations

from jupyter_mldeploy.azureml.facade import module_getattr

_HOME = {
    "Webservice": "core.webservice.webservice",
    "LocalWebservice": "core.webservice.local",
    "AciWebservice": "core.webservice.aci",
    "AksWebservice": "core.webservice.aks",
}
_REASONS = {
    "AksEndpoint": "traffic is not split between versions; deploy two services",
    "UnknownWebservice": "every service here is of a known kind",
}

__all__ = list(_HOME)

__getattr__ = module_getattr(__name__, _HOME, _REASONS, ("aci", "aks", "local", "webservice"))
