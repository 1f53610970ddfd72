"""The ConfigMap of a revision: the script that its new pods start with, and what its runtime is told."""

from __future__ import annotations

import json
from typing import Any

from jupyter_mldeploy.errors import InvalidValue
from jupyter_mldeploy.targets.app_folder import entry_script, model_directory, source_root
from jupyter_mldeploy.targets.kubernetes.names import (
    ANNOTATION_REVISION,
    ANNOTATION_SCRIPT,
    PORT,
    labels,
)
from jupyter_mldeploy.targets.kubernetes.release import Release

__all__ = [
    "APP_ROOT",
    "CONFIG_DIR",
    "LIVE",
    "LIVE_ROOT",
    "SCRIPT_KEY",
    "SCRIPT_LIMIT",
    "SERVICE_KEY",
    "check_size",
    "config_map",
]

CONFIG_DIR = "/etc/mldeploy"
APP_ROOT = "/var/azureml-app"
"""Where the image has the source directory's files and the models."""
LIVE = "/var/mldeploy"
LIVE_ROOT = f"{LIVE}/app"
"""Where a pod has them as links beside a script that it can replace: its root file system is read-only."""
SCRIPT_KEY = "script"
SERVICE_KEY = "service.json"

FRONT_MEMORY = 64 * 1024**2
"""What the server's front may use of a pod's memory."""
SCRIPT_LIMIT = 1024**2
"""A ConfigMap holds 1 MiB in all."""


def config_map(release: Release) -> dict[str, Any]:
    """The ConfigMap. A reload replaces its script in place; another release has another one."""
    script = release.spec.inference.script
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": release.config_name,
            "labels": labels(release.name, release.revision),
            "annotations": {ANNOTATION_SCRIPT: script.hash, ANNOTATION_REVISION: str(release.revision)},
        },
        "data": {SCRIPT_KEY: script.text, SERVICE_KEY: json.dumps(_service_file(release), indent=1)},
    }


def check_size(release: Release) -> None:
    """Say before anything is applied that a script is too large to be live.

    Raises:
        InvalidValue: Script and settings together are larger than a ConfigMap may be.
    """
    script = release.spec.inference.script
    size = sum(len(text.encode()) for text in config_map(release)["data"].values()) + 1024
    if size > SCRIPT_LIMIT:
        shown, most = (f"{number:,}".replace(",", " ") for number in (size, SCRIPT_LIMIT))
        raise InvalidValue(
            "script",
            script.origin,
            f"with its settings it has {shown} bytes, and a ConfigMap, which holds the live script, at most {most}.",
            "Move data out of the script: into a file of the source directory or a registered model.",
        )


def _service_file(release: Release) -> dict[str, Any]:
    """What the runtime of each pod is told: one worker, because on Kubernetes a replica is a pod."""
    spec = release.spec
    return {
        "service": spec.name,
        "host": "0.0.0.0",  # noqa: S104 - a pod's own network
        "port": PORT,
        "min_replicas": 1,
        "max_replicas": 1,
        "target_utilization": spec.autoscale.target_utilization,
        "scoring_timeout_ms": round(spec.scoring_timeout * 1000),
        "max_request_wait_ms": round(spec.max_request_wait * 1000),
        "init_timeout_s": spec.init_timeout,
        "worker": {
            "python": "/opt/env/bin/python",
            "app_root": LIVE_ROOT,
            "entry_script": entry_script(spec.inference),
            "source_directory": source_root(spec.inference),
            "model_dir": model_directory(spec.models),
            "memory_bytes": _worker_memory(spec.resources.memory),
            "env": {"MLDEPLOY_SERVICE": spec.name},
        },
    }


def _worker_memory(limit: int | None) -> int | None:
    """What of a pod's limit the script may use, so that it meets its own limit, which is told well, before the pod's."""
    return limit - FRONT_MEMORY if limit is not None and limit >= 2 * FRONT_MEMORY else None
