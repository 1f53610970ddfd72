"""The verb of a cluster's objects: manifests."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from jupyter_mldeploy.cli.showing import Screen

__all__ = ["manifests"]


def manifests(options: argparse.Namespace, screen: Screen) -> int:
    """Print the objects of a service as YAML, for a repository."""
    from jupyter_mldeploy import api
    from jupyter_mldeploy.targets.kubernetes.exporting import objects_of, secret_left_out

    objects = objects_of(api.service(options.name).record)
    if screen.is_json:
        screen.json({"apiVersion": "v1", "kind": "List", "items": objects})
        return 0
    name, keys = secret_left_out(objects)
    values = " ".join(f"--from-literal={key}=…" for key in keys)
    screen.line(
        "# The Secret with the keys and the values of variables is no part of this. Where it is not there, make it:"
    )
    place = f"kubectl -n {objects[0]['metadata']['namespace']}"
    screen.line(f"#   {place} create secret generic {name} {values}")
    labels = next(one for one in objects if one["kind"] == "Deployment")["spec"]["selector"]["matchLabels"]
    screen.line(f"#   {place} label secret {name} {' '.join(f'{key}={value}' for key, value in labels.items())}")
    screen.lines(_yaml(objects).splitlines())
    return 0


def _yaml(objects: Sequence[Mapping[str, Any]]) -> str:
    """Each object in full: what two of them share is written twice, as by hand."""
    import yaml

    class Plain(yaml.SafeDumper):
        def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
            return True

    return yaml.dump_all(objects, Dumper=Plain, sort_keys=False, width=120, allow_unicode=True)
