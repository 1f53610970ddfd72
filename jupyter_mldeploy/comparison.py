"""Whether two services answer the same: before one takes over from the other, on another target or from another script."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy.errors import InvalidValue, MLDeployError

if TYPE_CHECKING:
    from jupyter_mldeploy.api import Service
    from jupyter_mldeploy.targets.base import Answer

__all__ = ["Comparison", "Side", "compare", "differences"]

TOLERANCE = 1e-9
"""How far numbers may lie apart, as a share of the larger: the last digits of sums depend on the machine."""

MOST = 10
"""Differences that are told."""

SHOWN = 200
"""Characters of an answer that are shown."""


@dataclass(frozen=True, kw_only=True)
class Side:
    """What one of the two answered: ``answer``, or the ``error`` that kept it from answering."""

    service: str
    target: str
    answer: Answer | None = None
    error: str = ""

    @property
    def text(self) -> str:
        """Body of the answer, or the error."""
        return self.error if self.answer is None else self.answer.body.decode("utf-8", "replace").strip()


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two answers to one request.

    Attributes:
        one, other: What was answered.
        differences: Where they differ, the first ten; empty if the answers are the same.
    """

    one: Side
    other: Side
    differences: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        """Whether both answered, and the same."""
        return not self.differences

    def __bool__(self) -> bool:
        return self.same

    def to_text(self) -> str:
        """The verdict, where they differ, and both answers."""
        verdict = "the answers are the same" if self.same else "the answers differ"
        lines = [f"{self.one.service} and {self.other.service}: {verdict}", *(f"  {told}" for told in self.differences)]
        for side in (self.one, self.other):
            about = f" · {side.answer.status} · {side.answer.seconds * 1000:.1f} ms" if side.answer else ""
            lines.append(f"{side.service} · {side.target}{about}: {_cut(side.text, SHOWN)}")
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "same": self.same,
            "differences": list(self.differences),
            "answers": [
                {
                    "service": side.service,
                    "target": side.target,
                    "status": side.answer.status if side.answer else None,
                    "seconds": side.answer.seconds if side.answer else None,
                    "text": side.text,
                }
                for side in (self.one, self.other)
            ],
        }


def compare(
    one: Service | str, other: Service | str, data: object = None, *, tolerance: float = TOLERANCE
) -> Comparison:
    """Send two services the same request, at the same time, and compare what they answer.

    Args:
        one, other: Services or their names.
        data: Text and bytes are sent as they are, anything else as JSON; without, the sample of the first, else of the second.
        tolerance: How far two numbers may lie apart, as a share of the larger one.

    Raises:
        NotFound: There is no such service.
        InvalidValue: There is nothing to send, or the tolerance is no share.
    """
    from jupyter_mldeploy.api import service

    share: object = tolerance
    if not (isinstance(share, int | float) and 0 <= share < 1):
        raise InvalidValue("tolerance", tolerance, "it is a share from 0 up to 1, such as 1e-6.")
    services = [service(each) if isinstance(each, str) else each for each in (one, other)]
    if data is None:
        data = next((sample for each in services if (sample := each.spec.sample) is not None), None)
    if data is None:
        names = " nor ".join(repr(each.name) for each in services)
        raise InvalidValue("data", None, f"neither {names} has a sample; say what to send.")
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda each: _ask(each, data), services)
    return Comparison(one=first, other=second, differences=_told_apart(first, second, tolerance))


def _ask(service: Service, data: object) -> Side:
    try:
        return Side(service=service.name, target=service.target, answer=service.answer(data))
    except MLDeployError as error:
        return Side(service=service.name, target=service.target, error=str(error))


def _told_apart(one: Side, other: Side, tolerance: float) -> tuple[str, ...]:
    silent = [side for side in (one, other) if side.answer is None]
    if one.answer is None or other.answer is None:
        return tuple(f"{side.service} did not answer" for side in silent)
    if one.answer.status != other.answer.status:
        return (f"status: {one.answer.status} and {other.answer.status}",)
    try:
        values = json.loads(one.text), json.loads(other.text)
    except ValueError:
        return () if one.text == other.text else ("the texts differ, and are not both JSON",)
    found = differences(*values, tolerance)
    return tuple(difference for difference, _ in zip(found, range(MOST), strict=False))


def differences(one: Any, other: Any, tolerance: float = TOLERANCE, place: str = "") -> Iterator[str]:
    """Where two values of JSON differ, each with its place.

    >>> list(differences({"data": [1, 2.0]}, {"data": [1, 2.5], "more": 0}))
    ['data[1]: 2.0 and 2.5', "'more' is in the second only"]
    """
    if _is_number(one) and _is_number(other):
        if not (
            math.isclose(one, other, rel_tol=tolerance, abs_tol=tolerance) or (math.isnan(one) and math.isnan(other))
        ):
            yield f"{place or 'the value'}: {one} and {other}"
    elif isinstance(one, list) and isinstance(other, list):
        if len(one) != len(other):
            yield f"{place or 'the list'}: {len(one)} and {len(other)} items"
        for position, (left, right) in enumerate(zip(one, other, strict=False)):
            yield from differences(left, right, tolerance, f"{place}[{position}]")
    elif isinstance(one, dict) and isinstance(other, dict):
        for key in [key for key in one if key in other]:
            yield from differences(one[key], other[key], tolerance, f"{place}.{key}" if place else str(key))
        missing = (
            ("is in the first only", one.keys() - other.keys()),
            ("is in the second only", other.keys() - one.keys()),
        )
        for where, keys in missing:
            for key in sorted(keys):
                yield f"{key!r}{f' of {place}' if place else ''} {where}"
    elif type(one) is not type(other) or one != other:
        yield f"{place or 'the value'}: {_short(one)} and {_short(other)}"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _short(value: object) -> str:
    return _cut(json.dumps(value, ensure_ascii=False), 60)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
