"""How much less a service may ask for: never more than what the cluster has just refused."""

from __future__ import annotations

from collections.abc import Mapping

from jupyter_mldeploy.errors import InvalidValue
from jupyter_mldeploy.spec.quantities import parse_cpu, parse_memory

__all__ = ["less"]

_MEBIBYTE = 1024**2
_LEAST = 64 * _MEBIBYTE
"""Below that no Python starts."""


def less(cause: str, facts: Mapping[str, str]) -> str:
    """Options that ask for what can be had, ``--memory 256Mi``; ``""`` where the evidence does not tell."""
    if cause == "limitrange-violation":
        allowed = {facts.get("resource", ""): facts.get("allowed", "")}
    elif cause == "quota-exceeded":
        allowed = _left(_listed(facts.get("limit", "")), _listed(facts.get("used", "")))
    else:
        kind, capacity, used = (facts.get(name, "") for name in ("resource", "capacity", "used"))
        allowed = _left({kind: _unit(kind, capacity)}, {kind: _unit(kind, used)}) if capacity and used else {}
    options = (_option(kind, amount) for kind, amount in sorted(allowed.items()))
    return " ".join(dict.fromkeys(option for option in options if option))


def _listed(text: str) -> dict[str, str]:
    """``requests.cpu=1,requests.memory=2Gi`` by what it is of."""
    return {name.strip(): amount for name, _, amount in (part.partition("=") for part in text.split(","))}


def _unit(kind: str, amount: str) -> str:
    """What a kubelet says of a processor is in thousandths."""
    return f"{amount}m" if kind == "cpu" and amount.isdigit() else amount


def _left(limits: Mapping[str, str], used: Mapping[str, str]) -> dict[str, str]:
    left: dict[str, str] = {}
    for name, limit in limits.items():
        kind = name.rpartition(".")[2]
        try:
            room = _number(kind, limit) - _number(kind, used.get(name, ""))
            if kind not in left or room < _number(kind, left[kind]):
                left[kind] = f"{int(room)}" if kind == "memory" else f"{room:g}"
        except InvalidValue:
            continue
    return left


def _number(kind: str, amount: str) -> float:
    if amount == "0":
        return 0
    return parse_memory(amount) if kind == "memory" else parse_cpu(amount)


def _option(kind: str, amount: str) -> str:
    try:
        if kind == "memory":
            size = parse_memory(amount)
            return f"--memory {size // _MEBIBYTE}Mi" if size >= _LEAST else ""
        return f"--cpu {parse_cpu(amount):g}" if kind == "cpu" else ""
    except InvalidValue:
        return ""
