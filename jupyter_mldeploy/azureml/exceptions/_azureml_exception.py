"""The place that old code imports the exceptions from, though it was the original's own affair."""

from __future__ import annotations

from jupyter_mldeploy.azureml.exceptions import *  # noqa: F403
