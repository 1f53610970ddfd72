"""The verb ``compare``: two services, one request."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from jupyter_mldeploy.cli.looking import read_data
from jupyter_mldeploy.errors import InvalidValue

if TYPE_CHECKING:
    from jupyter_mldeploy.cli.showing import Screen

__all__ = ["compare"]


def compare(options: argparse.Namespace, screen: Screen) -> int:
    """Send both the request; 1 if their answers differ."""
    from jupyter_mldeploy.comparison import TOLERANCE
    from jupyter_mldeploy.comparison import compare as compare_services

    try:
        tolerance = TOLERANCE if options.tolerance is None else float(options.tolerance)
    except ValueError:
        raise InvalidValue("--tolerance", options.tolerance, "it is a share, such as 1e-6.") from None
    data = None if options.data is None else read_data(options.data)
    found = compare_services(options.name, options.other, data, tolerance=tolerance)
    if screen.is_json:
        screen.json(found.to_json())
    else:
        screen.lines(found.to_text().splitlines())
    return 0 if found.same else 1
