"""Deploy the model of a notebook cell, follow it, edit it, and see why it fails."""

from jupyter_mldeploy._version import __version__

__all__ = ["__version__"]
