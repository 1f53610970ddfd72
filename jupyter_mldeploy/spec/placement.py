"""Where on a cluster pods may run, what their images are pulled with, and how requests come in from outside."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

from jupyter_mldeploy.errors import InvalidValue
from jupyter_mldeploy.spec.kinds import check_kinds

__all__ = ["Placement", "Toleration", "read_labels"]

EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_PART = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_VALUE = re.compile(f"({_PART})?")
_DNS = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_KEY = re.compile(f"({_DNS}/)?{_PART}")
_NAME = re.compile(_DNS)
_LABEL_LIMIT = 63
_NAME_LIMIT = 253


@dataclass(frozen=True)
class Toleration:
    """A taint of nodes that pods put up with. No ``key``: any; no ``value``: whatever it is; no ``effect``: each of them."""

    key: str = ""
    value: str | None = None
    effect: str = ""

    @classmethod
    def parse(cls, text: str) -> Toleration:
        """Read ``KEY=VALUE:EFFECT``, ``KEY:EFFECT``, ``KEY=VALUE`` or ``KEY``, as ``kubectl taint`` writes them."""
        rest, _, effect = text.partition(":")
        key, equals, value = rest.partition("=")
        if not key:
            raise InvalidValue("toleration", text, "write KEY=VALUE:EFFECT or KEY:EFFECT, such as gpu=yes:NoSchedule.")
        return cls(key, value if equals else None, effect)

    def __post_init__(self) -> None:
        check_kinds(self)
        if self.key and not _KEY.fullmatch(self.key):
            raise InvalidValue("toleration", str(self), "its key is no name that a taint can have.")
        if self.value is not None and not (self.key and _VALUE.fullmatch(self.value)):
            raise InvalidValue("toleration", str(self), "its value is none that a taint can have.")
        if self.effect and self.effect not in EFFECTS:
            raise InvalidValue("toleration", str(self), f"its effect is one of {', '.join(EFFECTS)}.")

    def __str__(self) -> str:
        value = "" if self.value is None else f"={self.value}"
        return self.key + value + (f":{self.effect}" if self.effect else "")


@dataclass(frozen=True, kw_only=True)
class Placement:
    """What only a cluster has.

    Attributes:
        node_selector: Labels that a node must have, as pairs.
        tolerations: Taints that are put up with.
        pull_secrets: Names of Secrets in the namespace that the image is pulled with.
        ingress: Host name that requests from outside are sent to, or ``None``.
        load_balancer: Whether the cluster is to give the service an address of its own outside.
    """

    node_selector: tuple[tuple[str, str], ...] = ()
    tolerations: tuple[Toleration, ...] = ()
    pull_secrets: tuple[str, ...] = ()
    ingress: str | None = None
    load_balancer: bool = False

    def __post_init__(self) -> None:
        check_kinds(self)
        for key, value in self.node_selector:
            if not (_KEY.fullmatch(key) and _VALUE.fullmatch(value)):
                raise InvalidValue("node_selector", f"{key}={value}", "this is no label that a node can have.")
        for name in self.pull_secrets:
            if not _NAME.fullmatch(name) or len(name) > _NAME_LIMIT:
                raise InvalidValue(
                    "pull_secret", name, "write the name of a Secret: lower-case letters, digits, '-', '.'."
                )
        if self.ingress is not None:
            parts = self.ingress.split(".")
            right = _NAME.fullmatch(self.ingress) and max(map(len, parts)) <= _LABEL_LIMIT
            if not right or len(self.ingress) > _NAME_LIMIT:
                raise InvalidValue(
                    "ingress", self.ingress, "write a host name such as iris.example.org, without http://."
                )

    @property
    def named(self) -> str:
        """The first option that is set, as it is written; ``""`` where none is."""
        flags = {"tolerations": "toleration", "pull_secrets": "pull-secret"}
        set_here = (one.name for one in fields(self) if getattr(self, one.name) not in {(), None, False})
        name = next(set_here, "")
        return "--" + flags.get(name, name).replace("_", "-") if name else ""


def read_labels(wishes: Iterable[str] | Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Read ``KEY=VALUE``, or a mapping."""
    if isinstance(wishes, Mapping):
        return tuple(sorted((str(key), str(value)) for key, value in wishes.items()))
    found = {}
    for wish in [wishes] if isinstance(wishes, str) else wishes:
        key, equals, value = wish.partition("=")
        if not equals:
            raise InvalidValue("node_selector", wish, "write KEY=VALUE, such as disktype=ssd.")
        found[key] = value
    return tuple(sorted(found.items()))
