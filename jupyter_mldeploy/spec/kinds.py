"""Whether the fields of a value hold what their annotations say: the first check that every value makes of itself."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Collection, Container, Iterable, Mapping
from enum import Enum
from functools import cache
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

from jupyter_mldeploy.errors import InvalidValue

__all__ = ["check_kinds"]

_WORDS: Mapping[Any, tuple[str, str]] = {
    str: ("a text", "texts"),
    int: ("a whole number", "whole numbers"),
    float: ("a number", "numbers"),
    bool: ("True or False", "True or False"),
    Path: ("a path", "paths"),
}


def check_kinds(value: Any, but: Container[str] = ()) -> None:
    """Raise ``InvalidValue`` for the first field of a dataclass whose value is not of the kind that its annotation names.

    A list in the place of a tuple becomes one, and the text of an enumeration its member.

    Args:
        value: The dataclass, in its ``__post_init__``.
        but: Fields that are read elsewhere, in words of their own.
    """
    for name, kind in _kinds_of(value.__class__).items():
        if name in but:
            continue
        given = getattr(value, name)
        meant = _meant(name, given, kind)
        if not _fits(meant, kind):
            raise InvalidValue(name, given, f"it is {_described(kind)}.")
        if meant is not given:
            object.__setattr__(value, name, meant)


@cache
def _kinds_of(made: type) -> dict[str, Any]:
    hints = get_type_hints(made)
    return {one.name: hints[one.name] for one in dataclasses.fields(made)}


def _meant(name: str, given: object, kind: Any) -> object:
    if isinstance(given, list) and get_origin(kind) is tuple:
        return tuple(given)
    number: Any = given
    if isinstance(number, Real) and type(number).__module__ != "builtins":  # numpy's, which no record can hold
        return int(number) if isinstance(number, Integral) else float(number)
    if isinstance(given, str) and isinstance(kind, type) and issubclass(kind, Enum):
        try:
            return kind(given)
        except ValueError:
            raise InvalidValue(name, given, f"choose one of {', '.join(str(one.value) for one in kind)}.") from None
    return given


def _fits(value: object, kind: Any) -> bool:
    origin, inner = get_origin(kind), get_args(kind)
    if origin in {Union, types.UnionType}:
        return any(_fits(value, one) for one in inner)
    if origin is None:
        return _is_one(value, kind)
    if not isinstance(value, origin) or isinstance(value, str | bytes):
        return False
    if isinstance(value, Mapping):  # which could be gone through as well, and would be its keys only
        return issubclass(origin, Mapping) and all(
            _fits(key, inner[0]) and _fits(item, inner[1]) for key, item in value.items()
        )
    if isinstance(value, tuple) and origin is tuple and inner[-1] is not Ellipsis:
        return len(value) == len(inner) and all(map(_fits, value, inner))
    # What can be gone through only once is looked at by whoever goes through it.
    return not isinstance(value, Collection) or all(_fits(item, inner[0]) for item in value)


def _is_one(value: object, kind: type) -> bool:
    if kind in {int, float}:  # numpy's numbers are among these
        return isinstance(value, Integral if kind is int else Real) and not isinstance(value, bool)
    return isinstance(value, kind)


def _described(kind: Any, *, several: bool = False) -> str:
    origin, inner = get_origin(kind), get_args(kind)
    if origin in {Union, types.UnionType}:
        wanted = [one for one in inner if one is not types.NoneType]
        if {int, float} & set(wanted):
            wanted = [one for one in wanted if one is not str]  # which would be a number, written
        return " or ".join(dict.fromkeys(_described(one, several=several) for one in wanted))
    if kind in _WORDS:
        return _WORDS[kind][several]
    if origin is None:
        article = "an" if kind.__name__[0] in "AEIOU" else "a"
        return f"{kind.__name__}s" if several else f"{article} {kind.__name__}"
    if issubclass(origin, Mapping):
        return f"a mapping of {_described(inner[0], several=True)} to {_described(inner[1], several=True)}"
    if origin is tuple and inner[-1] is not Ellipsis:
        parts = " and ".join("anything" if one is object else _described(one) for one in inner)
        return f"pairs of {parts}" if several else f"a pair of {parts}"
    assert issubclass(origin, Iterable)
    return f"a list of {_described(inner[0], several=True)}"
