"""Turn what `run()` returned into the body of an answer.

The common case is one call into the C encoder. Only when that refuses a value – a numpy array, NaN, a key that is not a
string – is the value walked and converted, so that plain results pay nothing for it. numpy and pandas are recognised by
what their objects can do, never by importing them.
"""

from __future__ import annotations

import contextlib
import enum
import json
import math
import os
from collections.abc import Iterable, Mapping
from typing import Any

_encode = json.JSONEncoder(allow_nan=False).encode
_DEEPEST = 200


class Unanswerable(TypeError):
    """run() returned something that cannot become JSON; the text names the type and the remedy."""


def to_json(value: Any) -> bytes:
    """The JSON text of a result.

    Raises
    ------
    Unanswerable
        A part of the value has no JSON form.
    """
    if value is None:
        return b"{}"
    with contextlib.suppress(TypeError, ValueError, RecursionError):
        return _encode(value).encode("ascii")
    return _encode(_plain(value, 0)).encode("ascii")  # what this raises has nothing to do with the encoder's refusal


def _plain(value: Any, depth: int) -> Any:
    if depth > _DEEPEST:
        message = f"run() returned a value nested more than {_DEEPEST} levels deep, or one that contains itself."
        raise Unanswerable(message)
    if value is None or (isinstance(value, (bool, int, str)) and type(value).__module__ == "builtins"):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {_key(key): _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item, depth + 1) for item in value]
    return _plain(_known(value), depth + 1)


def _known(value: Any) -> Any:
    """A plainer form of an object that JSON does not know."""
    import datetime  # not before: few results need it

    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return _date(value)
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _text_of_bytes(bytes(value))
    if isinstance(value, (int, str)):
        return int(value) if isinstance(value, int) else str.__str__(value)
    named = (type(value).__module__, type(value).__name__)
    if named in (("decimal", "Decimal"), ("fractions", "Fraction")):
        return float(value)
    if named[1] == "UUID" or isinstance(value, os.PathLike):
        return str(value)
    return _array_like(value)


def _date(value: Any) -> Any:
    text = value.isoformat()
    return None if text == "NaT" else text


def _array_like(value: Any) -> Any:
    kind = type(value)
    library = kind.__module__.partition(".")[0]
    if library == "pandas":
        return _of_pandas(value)
    if library == "scipy" and callable(getattr(value, "toarray", None)):
        return value.toarray()
    if library == "torch" and callable(getattr(value, "detach", None)):
        return value.detach().cpu().tolist()
    if library == "tensorflow" and callable(getattr(value, "numpy", None)):
        return value.numpy()
    if kind.__name__ in ("datetime64", "timedelta64") and library == "numpy":
        return None if str(value) == "NaT" else str(value)
    if library == "numpy" and getattr(getattr(value, "dtype", None), "kind", "") in ("M", "m"):
        return value.astype(str).tolist()
    if callable(getattr(value, "tolist", None)):
        return value.tolist()
    fields = getattr(kind, "__dataclass_fields__", None)
    if fields is not None:
        return {name: getattr(value, name) for name in fields}
    for method in ("model_dump", "to_dict"):
        if callable(getattr(value, method, None)):
            return getattr(value, method)()
    if isinstance(value, Iterable):
        return list(value)
    message = (
        f"run() returned {_article(kind)}, which has no JSON form; "
        "return a dict, list, string or number made from it, or an AMLResponse."
    )
    raise Unanswerable(message)


def _of_pandas(value: Any) -> Any:
    if type(value).__name__ in ("NAType", "NaTType"):
        return None
    if hasattr(value, "columns"):
        return value.to_dict(orient="records")
    if callable(getattr(value, "isoformat", None)):
        return value.isoformat()
    if callable(getattr(value, "tolist", None)):
        return value.tolist()
    return str(value)


def _text_of_bytes(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        from base64 import b64encode

        return b64encode(value).decode("ascii")


def _key(key: Any) -> Any:
    if isinstance(key, (str, int, bool, type(None))) and type(key).__module__ == "builtins":
        return key
    if isinstance(key, float):
        return str(float(key))
    if isinstance(key, tuple):
        return str(tuple(_key(part) for part in key))
    plain = _plain(key, 0)
    return plain if isinstance(plain, (str, int, bool, type(None))) else str(plain)


def _article(kind: type) -> str:
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"
