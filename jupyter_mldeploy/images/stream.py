"""Requests to the engine that answer with one JSON object after another, ended at once when an operation is cancelled."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, suppress
from typing import Any

from jupyter_mldeploy.errors import TargetUnavailable
from jupyter_mldeploy.events import Cancel
from jupyter_mldeploy.images.engine import Engine, engine_errors

__all__ = ["post_stream"]


def post_stream(
    engine: Engine,
    route: str,
    params: Mapping[str, Any],
    cancel: Cancel,
    *,
    data: Iterable[bytes] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Iterator[dict[str, Any]]:
    """POST, and yield each object of the answer as it comes.

    The connection is this request's own: when it is shut, the engine ends what it does for it.

    Raises:
        Cancelled: ``cancel`` was set, while sending or while receiving.
        docker.errors.APIError: The engine refused.
        TargetUnavailable: The engine went away.
    """
    from docker.errors import create_api_error_from_http_exception
    from docker.types.daemon import CancellableStream
    from requests.exceptions import HTTPError

    url = f"{engine.api.base_url}/v{engine.api.api_version}/{route}"
    cancel.check()
    with engine_errors(engine):
        response = engine.api.post(
            url,
            params=dict(params),
            data=data,
            headers=dict(headers or {}),
            stream=True,
            timeout=(CONNECT_TIMEOUT, None),
        )
        try:
            response.raise_for_status()
        except HTTPError as error:
            create_api_error_from_http_exception(error)

    def end() -> None:
        with suppress(OSError, AttributeError):
            CancellableStream(iter(()), response).close()

    forget = cancel.on_cancel(end)
    try:
        with engine_errors(engine), closing(response):
            for line in response.iter_lines(chunk_size=None):
                if line.strip():
                    yield json.loads(line)
    except (TargetUnavailable, OSError, AttributeError, ValueError):
        cancel.check()
        raise
    finally:
        forget()
    cancel.check()


CONNECT_TIMEOUT = 60
