"""What people say of a service, as they write it: the arguments of magics, commands and Python calls."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypedDict

from jupyter_mldeploy.errors import InvalidValue
from jupyter_mldeploy.registry import Model
from jupyter_mldeploy.spec import Autoscale, Environment, ModelRef, Script, Toleration, check_kinds

__all__ = ["Asked", "ModelWish", "Outside"]

ModelWish = str | Model | ModelRef | tuple[str, object]
"""``NAME``, ``NAME:VERSION``, a path, a registered model, or a name with the object or path to register under it."""


class Outside(TypedDict, total=False):
    """What only a cluster has, as it is said to ``deploy``: see ``spec.Placement``."""

    node_selector: Iterable[str] | Mapping[str, str] | None
    tolerations: Iterable[str | Toleration] | None
    pull_secrets: Iterable[str] | None
    ingress: str | None
    load_balancer: bool | None


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What was said, as it was written; ``None`` and empty: not said. See ``jupyter_mldeploy.deploy`` for the meanings."""

    script: Script | str | Path | None = None
    models: Sequence[ModelWish] = ()
    environment: str | Path | Environment | None = None
    pip: Sequence[str] = ()
    apt: Sequence[str] = ()
    source_directory: str | Path | None = None
    replicas: int | str | None = None
    autoscale: str | Autoscale | None = None
    cpu: str | float | None = None
    memory: str | float | None = None
    gpus: int | None = None
    sample: object | None = None
    port: int | str | None = None
    timeout: str | float | None = None
    image: str | None = None
    env: Iterable[str] | Mapping[str, str | None] | None = field(default=None, repr=False)
    keys: Iterable[str] | None = field(default=None, repr=False)
    node_selector: Iterable[str] | Mapping[str, str] | None = None
    tolerations: Iterable[str | Toleration] | None = None
    pull_secrets: Iterable[str] | None = None
    ingress: str | None = None
    load_balancer: bool | None = None

    def __post_init__(self) -> None:
        # The others have parsers with better words, or are secrets.
        check_kinds(self, but={"autoscale", "cpu", "memory", "timeout", "env", "keys"})

    @classmethod
    def of(cls, **said: Any) -> Asked:
        """Make it from arguments by name.

        Raises:
            InvalidValue: There is none of that name.
        """
        known = [one.name for one in fields(cls)]
        for name in said.keys() - set(known):
            near = difflib.get_close_matches(name, known, 1, 0.7)
            raise InvalidValue(name, "…", f"there is no such argument{f'; there is {near[0]}' if near else ''}.")
        return cls(**said)

    @property
    def makes_anew(self) -> bool:
        """Whether it speaks of what a service is made of, not only of how it runs."""
        made_of = (self.script, self.environment, self.source_directory, self.image)
        return bool(self.models or self.pip or self.apt) or any(part is not None for part in made_of)

    @property
    def image_alone(self) -> bool:
        """Whether it names an image and nothing besides of what a service is made of: the image holds all of that."""
        return self.image is not None and not replace(self, image=None).makes_anew
