"""What a script's type hints say of its input and output, as schemas for the service's description.

They describe the JSON that goes in and out. Nothing is converted by them: a plain `run()` gets the text.
"""

from __future__ import annotations

from typing import Any, Callable, Literal, Union, get_args, get_origin, get_type_hints

Schema = dict[str, Any]

_SIMPLE: dict[Any, Schema] = {
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    list: {"type": "array", "items": {}},
    tuple: {"type": "array", "items": {}},
    dict: {"type": "object"},
}
_DEEPEST = 20


def described(run: Callable[..., Any], data: str) -> dict[str, Schema] | None:
    """`input` and `output` as far as the hints of `run()` say something of them; None where they say nothing.

    Parameters
    ----------
    data
        Name of its parameter for the input.
    """
    try:
        hints = get_type_hints(run)
    except Exception:  # a name that is not there, or an annotation that is none
        return None
    taken = hints.get(data)
    if taken is str:  # that is the text itself, and says nothing of what is in it
        taken = None
    found = {"input": _schema(taken), "output": _schema(hints.get("return"))}
    known = {name: schema for name, schema in found.items() if schema}
    return known or None


def _schema(hint: Any, depth: int = 0) -> Schema:
    """The schema of a type; empty where it could be anything."""
    if depth > _DEEPEST:  # a type that holds itself
        return {}
    if isinstance(hint, type) and hint in _SIMPLE:
        return dict(_SIMPLE[hint])
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Literal:
        return {"enum": list(parts)}
    if _is_union(origin):
        chosen = [part for part in parts if part is not type(None)]
        return _schema(chosen[0], depth + 1) if len(chosen) == 1 else {}
    if isinstance(origin, type):
        return _collection(origin, parts, depth)
    fields = _fields(hint)
    if fields is None:
        return {}
    types, required = fields
    schema: Schema = {"type": "object", "properties": {name: _schema(kind, depth + 1) for name, kind in types.items()}}
    return {**schema, "required": required} if required else schema


def _collection(origin: type, parts: tuple[Any, ...], depth: int) -> Schema:
    from collections.abc import Iterable, Mapping

    if issubclass(origin, Mapping):
        inner = _schema(parts[1], depth + 1) if len(parts) == 2 else {}
        return {"type": "object", "additionalProperties": inner} if inner else {"type": "object"}
    if issubclass(origin, Iterable):
        kinds = {part for part in parts if part is not Ellipsis}
        return {"type": "array", "items": _schema(kinds.pop(), depth + 1) if len(kinds) == 1 else {}}
    return {}


def _fields(hint: Any) -> tuple[dict[str, Any], list[str]] | None:
    """Types of the fields of a dataclass or TypedDict, and which it must have."""
    if not isinstance(hint, type):
        return None
    try:
        types = get_type_hints(hint)
    except Exception:
        return None
    keys = getattr(hint, "__required_keys__", None)
    if keys is not None:
        return types, sorted(keys)
    known = getattr(hint, "__dataclass_fields__", None)
    if known is None:
        return None
    from dataclasses import MISSING

    must = [name for name, one in known.items() if one.default is MISSING and one.default_factory is MISSING]
    return {name: types[name] for name in known}, must


def _is_union(origin: Any) -> bool:
    import types

    return origin is Union or (origin is not None and origin is getattr(types, "UnionType", None))
