"""`ModelDataCollector`: scripts that collected inputs and predictions run on; that nothing is kept is said once."""

from __future__ import annotations

import logging
from typing import Any

__all__ = ["ModelDataCollector"]

_logger = logging.getLogger("azureml.monitoring")


class ModelDataCollector:
    """Takes what the original takes, and keeps nothing."""

    _said = False

    def __init__(
        self,
        model_name: str,
        designation: str = "default",
        feature_names: list[str] | None = None,
        *_places: str,
        identifier: str = "",
        **_more: Any,
    ) -> None:
        self.model_name = model_name
        self.designation = identifier or designation  # as it was called in 2018
        self.feature_names = feature_names
        if not ModelDataCollector._said:
            ModelDataCollector._said = True
            _logger.warning("ModelDataCollector keeps nothing here: let run() write what you want to keep.")

    def collect(self, input_data: Any, user_correlation_id: str = "") -> None:
        """Keep nothing, as the original does where collection is off."""

    def add_correlations(self, input_data: Any, correlations: Any = None) -> Any:  # noqa: ARG002 - the original's
        """The data as it is."""
        return input_data
