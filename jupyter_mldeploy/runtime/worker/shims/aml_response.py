"""`AMLResponse`: an answer with its own status and headers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..web import response_class

__all__ = ["AMLResponse"]

_Base: Any = response_class()


class AMLResponse(_Base):  # type: ignore[misc]
    """What `run()` returns to decide over status and headers itself."""

    def __init__(
        self,
        message: Any,
        status_code: int,
        response_headers: Mapping[str, str] | None = None,
        json_str: bool = False,
        run_function_failed: bool = False,
    ) -> None:
        if message is None:
            message, json_str = {}, True
        if json_str:
            super().__init__(json.dumps(message), status=status_code, mimetype="application/json")
        else:
            super().__init__(message, status=status_code)
        given = {str(name): value for name, value in dict(response_headers or {}).items()}
        if any(name.lower() == "content-type" for name in given):
            self.headers.remove("Content-Type")
        self.headers["x-ms-run-function-failed"] = str(run_function_failed)
        for name, value in given.items():
            for part in str(value).split(","):
                self.headers.add(name, part.strip())
