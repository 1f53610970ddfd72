"""What is sent to a service: from text, files and Python values to JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jupyter_mldeploy.errors import InvalidValue, NotFound

__all__ = ["read_sample", "to_json"]


def read_sample(sample: object) -> str:
    """JSON text as it is, ``@FILE`` read, anything else encoded.

    Raises:
        NotFound: The file.
        InvalidValue: It cannot be read, or has no JSON form.
    """
    if not isinstance(sample, str):
        return to_json(sample, "sample")
    if not sample.startswith("@"):
        return sample
    path = Path(sample[1:])
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotFound.of_file("sample file", path) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidValue("sample", sample, f"the file cannot be read: {error}.") from None


def to_json(value: object, field: str = "data") -> str:
    """Encode a value; what knows ``tolist``, ``to_dict`` or ``isoformat`` (numpy, pandas, dates) is asked for plain data.

    Raises:
        InvalidValue: It has no JSON form; ``field`` is how the error names it.
    """

    def plain(item: Any) -> Any:
        if callable(getattr(item, "to_dict", None)):
            try:
                return item.to_dict(orient="records")
            except TypeError:  # a Series
                return item.to_dict()
        for method in ("tolist", "isoformat"):
            if callable(getattr(item, method, None)):
                return getattr(item, method)()
        raise TypeError(f"{type(item).__name__} has no JSON form")

    try:
        return json.dumps(value, default=plain)
    except (TypeError, ValueError) as error:
        raise InvalidValue(field, value, f"it cannot be written as JSON: {error}.") from None
