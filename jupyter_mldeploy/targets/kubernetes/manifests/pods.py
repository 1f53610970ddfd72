"""The pods of a release. They pass the *restricted* Pod Security profile."""

from __future__ import annotations

import math
from typing import Any

from jupyter_mldeploy.spec import Placement, Resources, Toleration, keys_name
from jupyter_mldeploy.targets.app_folder import entry_script
from jupyter_mldeploy.targets.kubernetes.manifests.config import (
    APP_ROOT,
    CONFIG_DIR,
    LIVE,
    LIVE_ROOT,
    SCRIPT_KEY,
    SERVICE_KEY,
)
from jupyter_mldeploy.targets.kubernetes.names import (
    ANNOTATION_REVISION,
    CONTAINER,
    PORT,
    labels,
)
from jupyter_mldeploy.targets.kubernetes.release import Release

__all__ = ["ADMIN_TOKEN", "DRAIN_SECONDS", "SCORING_KEYS", "pod_template"]

USER = 10001
ADMIN_TOKEN = "admin-token"  # noqa: S105 - a key's name
SCORING_KEYS = "scoring-keys"

PRE_STOP_SECONDS = 3
"""While the endpoints of the Service forget a pod that is to end, it goes on taking requests."""
DRAIN_SECONDS = 35
"""What the runtime may take for the requests that it still has."""

# The image's files are linked beside a copy of the live script, once for the life of a pod: a container that starts again
# keeps the script that a reload gave it, whatever the mount of its ConfigMap still shows.
START = f"""\
if [ ! -e {LIVE}/filled ]; then
  mkdir -p {LIVE_ROOT}/.mldeploy "$(dirname "{LIVE_ROOT}/$MLDEPLOY_ENTRY")"
  if [ -d {APP_ROOT} ]; then cp -rs --remove-destination {APP_ROOT}/. {LIVE_ROOT}/; fi
  cp --remove-destination {CONFIG_DIR}/{SCRIPT_KEY} "{LIVE_ROOT}/$MLDEPLOY_ENTRY"
  cp --remove-destination {CONFIG_DIR}/{SERVICE_KEY} {LIVE_ROOT}/.mldeploy/{SERVICE_KEY}
  touch {LIVE}/filled
fi
exec /opt/mldeploy/front/bin/python -I /opt/mldeploy/lib/launch.py
"""


def pod_template(release: Release) -> dict[str, Any]:
    """Template of the pods. Nothing in it follows the script's text, so that a reload needs no new pods."""
    revision = str(release.revision)
    return {
        "metadata": {
            "labels": labels(release.name, release.revision),
            "annotations": {ANNOTATION_REVISION: revision, "kubectl.kubernetes.io/default-container": CONTAINER},
        },
        "spec": {
            "serviceAccountName": release.name,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": PRE_STOP_SECONDS + DRAIN_SECONDS,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": USER,
                "runAsGroup": USER,
                "fsGroup": USER,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [_container(release)],
            "volumes": [
                {"name": "config", "configMap": {"name": release.config_name}},
                {"name": "live", "emptyDir": {}},
                {"name": "tmp", "emptyDir": {}},
            ],
            **_placement(release.spec.placement),
        },
    }


def _placement(wanted: Placement) -> dict[str, Any]:
    """What is said of the nodes that pods may go to, and of how these pull the image."""
    found: dict[str, Any] = {
        "nodeSelector": dict(wanted.node_selector),
        "tolerations": [_toleration(one) for one in wanted.tolerations],
        "imagePullSecrets": [{"name": name} for name in wanted.pull_secrets],
    }
    return {field: value for field, value in found.items() if value}


def _toleration(wanted: Toleration) -> dict[str, str]:
    operator = "Exists" if wanted.value is None else "Equal"
    found = {"key": wanted.key, "operator": operator, "value": wanted.value or "", "effect": wanted.effect}
    return {field: value for field, value in found.items() if value}


def _container(release: Release) -> dict[str, Any]:
    health = {"httpGet": {"path": "/", "port": "http"}}
    return {
        "name": CONTAINER,
        "image": release.image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["/bin/sh", "-ec", START],
        "env": [
            {"name": "HOME", "value": "/tmp"},  # noqa: S108 - in the pod
            {"name": "AML_APP_ROOT", "value": LIVE_ROOT},
            {"name": "MLDEPLOY_ENTRY", "value": entry_script(release.spec.inference)},
            _secret("MLDEPLOY_ADMIN_TOKEN", release.keys_name, ADMIN_TOKEN),
            _scoring_keys(release),
            *(_secret(variable.name, release.keys_name, variable.key) for variable in release.spec.env),
        ],
        "ports": [{"name": "http", "containerPort": PORT}],
        "resources": _resources(release.spec.resources),
        # Until init() has returned only the start is looked at: once a second, for as long as init() may take and a
        # minute more, in which the runtime itself says that it took too long.
        "startupProbe": {
            **health,
            "periodSeconds": 1,
            "timeoutSeconds": 5,
            "failureThreshold": math.ceil(release.spec.init_timeout) + 60,
        },
        "readinessProbe": {**health, "periodSeconds": 2, "timeoutSeconds": 2, "failureThreshold": 2},
        # Alive is a server that answers, not a script that is ready: an init() that runs again is never killed.
        "livenessProbe": {
            "httpGet": {"path": "/metrics", "port": "http"},
            "periodSeconds": 10,
            "timeoutSeconds": 5,
            "failureThreshold": 6,
            # Who has not answered for a minute will not finish any request either.
            "terminationGracePeriodSeconds": PRE_STOP_SECONDS + 2,
        },
        "lifecycle": {"preStop": {"exec": {"command": ["sleep", str(PRE_STOP_SECONDS)]}}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [
            {"name": "config", "mountPath": CONFIG_DIR, "readOnly": True},
            {"name": "live", "mountPath": LIVE},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - in the pod
        ],
    }


def _scoring_keys(release: Release) -> dict[str, Any]:
    """Those of the specification; without, those that the service has had from elsewhere (the v1 names), if any."""
    marked = release.spec.keys
    chosen = {"name": release.keys_name, "key": keys_name(marked) if marked else SCORING_KEYS}
    optional = {} if marked else {"optional": True}
    return {"name": "MLDEPLOY_SCORING_KEYS", "valueFrom": {"secretKeyRef": {**chosen, **optional}}}


def _secret(variable: str, name: str, key: str) -> dict[str, Any]:
    return {"name": variable, "valueFrom": {"secretKeyRef": {"name": name, "key": key}}}


def _resources(wanted: Resources) -> dict[str, Any]:
    """Requests and limits are the same, so that what was asked for is there, and no more is taken."""
    amounts: dict[str, str] = {}
    if wanted.cpu is not None:
        amounts["cpu"] = f"{round(wanted.cpu * 1000)}m"
    if wanted.memory is not None:
        amounts["memory"] = str(wanted.memory)
    if wanted.gpus:
        amounts["nvidia.com/gpu"] = str(wanted.gpus)
    return {"requests": dict(amounts), "limits": dict(amounts)} if amounts else {}
