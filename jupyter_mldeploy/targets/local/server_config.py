"""What the runtime of a local service is started with (``docs/runtime-protocol.md``). Pure but for the settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_mldeploy.config import settings
from jupyter_mldeploy.spec import ServiceSpec
from jupyter_mldeploy.targets.app_folder import entry_script, model_directory, source_root

__all__ = ["HOST", "server_config", "server_settings"]

HOST = "127.0.0.1"


def server_settings(spec: ServiceSpec) -> dict[str, Any]:
    """What belongs to the server itself, which takes other values while it runs."""
    return {
        "scoring_timeout_ms": round(spec.scoring_timeout * 1000),
        "max_request_wait_ms": round(spec.max_request_wait * 1000),
        "init_timeout_s": spec.init_timeout,
        "target_utilization": spec.autoscale.target_utilization,
    }


def server_config(
    spec: ServiceSpec, *, python: str, app_folder: Path, port: int, variables: Mapping[str, str]
) -> dict[str, Any]:
    """The service configuration file's content; ``variables`` are the script's, with their values."""
    environment = {"MLDEPLOY_SERVICE": spec.name}
    if bundle := settings().ca_bundle:
        environment |= {"SSL_CERT_FILE": bundle, "REQUESTS_CA_BUNDLE": bundle}
    return {
        **server_settings(spec),
        "service": spec.name,
        "host": HOST,
        "port": port,
        "min_replicas": spec.autoscale.minimum,
        "max_replicas": spec.autoscale.maximum,
        "worker": {
            "python": python,
            "app_root": str(app_folder),
            "entry_script": entry_script(spec.inference),
            "source_directory": source_root(spec.inference),
            "model_dir": model_directory(spec.models),
            "env": {**environment, **variables},
            "memory_bytes": spec.resources.memory,
            "cpus": spec.resources.cpu,
        },
    }
