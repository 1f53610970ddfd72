"""``mldeploy import``: what of a project written for azureml-core runs as it is."""

from __future__ import annotations

import argparse

from jupyter_mldeploy.cli.showing import Screen

__all__ = ["report"]


def report(options: argparse.Namespace, screen: Screen) -> int:
    """Say it; 1 if something has to be changed first, or could not be read."""
    from jupyter_mldeploy.azureml.importing import RUNS, read_project

    found = read_project(options.path)
    if screen.is_json:
        screen.json(found.to_json())
    else:
        screen.lines(found.to_lines())
    return int(bool(found.unread) or any(finding.verdict != RUNS for finding in found.findings))
