"""Requirements on top of an environment: `--pip`."""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence
from dataclasses import replace

from jupyter_mldeploy.environments.requirements import requirement_name
from jupyter_mldeploy.spec import Environment

__all__ = ["with_requirements"]


def with_requirements(environment: Environment, requirements: Sequence[str]) -> Environment:
    """The environment with further pip requirements; they replace those of the same package.

    On top of ``current`` it becomes an environment of its own over the kernel's interpreter: what is required is installed
    beside the kernel's packages, which stay visible and untouched. Its hash covers the interpreter's path and version.

    Raises:
        InvalidValue: A requirement is one that pip would refuse.
    """
    extra = Environment.from_requirements(list(requirements)).requirements
    if not extra:
        return environment
    if environment.current:
        return Environment(
            name=f"current + {', '.join(extra)}",
            python=platform.python_version() if environment.interpreter == Environment.kernel().interpreter else None,
            requirements=extra,
            apt=environment.apt,
            interpreter=environment.interpreter or sys.executable,
        )
    replaced = {name for requirement in extra if (name := requirement_name(requirement))}
    kept = tuple(each for each in environment.requirements if requirement_name(each) not in replaced)
    return replace(environment, requirements=(*kept, *extra))
