"""`azureml.exceptions`: what `Model.get_model_path` raises inside a service."""

from __future__ import annotations

from .model_lookup import ModelNotFoundException

__all__ = ["ModelNotFoundException"]
