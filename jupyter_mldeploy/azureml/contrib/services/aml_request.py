"""What a scoring script asks for the whole HTTP request with; the same as the runtime lends inside a service."""

from __future__ import annotations

from jupyter_mldeploy.runtime.worker.shims.aml_request import AMLRequest, rawhttp

__all__ = ["AMLRequest", "rawhttp"]
