"""The verb of a cluster's objects: manifests."""

from __future__ import annotations

import argparse

from jupyter_mldeploy.cli.showing import Screen

__all__ = ["manifests"]


def manifests(options: argparse.Namespace, screen: Screen) -> int:
    """Print the objects of a service as YAML, for a repository."""
    import yaml

    from jupyter_mldeploy import api
    from jupyter_mldeploy.targets.kubernetes.exporting import objects_of

    objects = objects_of(api.service(options.name).record)
    if screen.is_json:
        screen.json({"apiVersion": "v1", "kind": "List", "items": objects})
    else:
        screen.lines(yaml.safe_dump_all(objects, sort_keys=False, width=120).splitlines())
    return 0
