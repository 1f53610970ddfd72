"""What a scoring script answers with to decide over status and headers; the same as the runtime lends inside a service."""

from __future__ import annotations

from jupyter_mldeploy.runtime.worker.shims.aml_response import AMLResponse

__all__ = ["AMLResponse"]
