"""``%service_compare``: two services, one request; without names a form."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from jupyter_mldeploy.notebook.formatters import shown_already
from jupyter_mldeploy.notebook.frontend import FrontEnd, front_end
from jupyter_mldeploy.notebook.namespace import read_data, read_file
from jupyter_mldeploy.notebook.options import BadLine, Parsed
from jupyter_mldeploy.notebook.output import Output
from jupyter_mldeploy.notebook.render.comparison_card import comparison_bundle

if TYPE_CHECKING:
    from jupyter_mldeploy.comparison import Comparison

__all__ = ["compare_from_line"]


def compare_from_line(shell: Any, line: Parsed) -> Comparison:
    """Send both the request and show where their answers differ."""
    from jupyter_mldeploy.comparison import compare

    try:
        data = line.place("DATA")
        sent = (
            None if data is None else read_file(read_data(data, shell.user_ns, "%service_compare"), "%service_compare")
        )
    except BadLine as error:
        raise UsageError(str(error)) from None
    found = compare(line.places["NAME"], line.places["OTHER"], sent, **line.given("tolerance"))
    bundle = comparison_bundle(found)
    if front_end(shell) is FrontEnd.TERMINAL:
        sys.stdout.write(str(bundle["text/plain"]) + "\n")
    else:
        Output().show(bundle)
    return shown_already(found)
