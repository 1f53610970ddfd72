"""Environment variables of a scoring script. Their values are secrets: a specification has names and marks only."""

from __future__ import annotations

import os
import re
import secrets as random_secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from jupyter_mldeploy.errors import InvalidValue

__all__ = ["VALUES", "Variable", "keys_marked", "keys_name", "marked", "read_variables", "values_of"]

VARIABLES, KEYS = "env.", "keys."
VALUES = (VARIABLES, KEYS)
"""How what belongs to one specification begins among the secrets of a service: values of variables, scoring keys."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_KEY = re.compile(r"[!-+\--~]{8,256}")
_RESERVED = frozenset(
    {
        "AML_APP_ROOT",
        "AZUREML_ENTRY_SCRIPT",
        "AZUREML_MODEL_DIR",
        "AZUREML_SOURCE_DIRECTORY",
        "HOME",
        "PYTHONHOME",
        "__PYVENV_LAUNCHER__",
    }
)
MOST_BYTES = 128 * 1024
"""What Linux takes as one variable."""


@dataclass(frozen=True)
class Variable:
    """One environment variable of a service.

    Attributes:
        name: As the script finds it in ``os.environ``.
        mark: Changes whenever the value does, and says nothing of it.
    """

    name: str
    mark: str

    def __post_init__(self) -> None:
        check_variable_name(self.name)

    @property
    def key(self) -> str:
        """What its value is called among the service's secrets."""
        return f"{VARIABLES}{self.name}.{self.mark}"


def check_variable_name(name: str) -> str:
    """Return ``name`` if a service's variable may be called so, else raise ``InvalidValue``."""
    if not _NAME.fullmatch(name):
        raise InvalidValue("env", name, "a variable's name has letters, digits and '_', and begins with no digit.")
    if name in _RESERVED or name.startswith("MLDEPLOY_"):
        raise InvalidValue("env", name, "this variable is the scoring server's own and cannot be set.")
    return name


def read_variables(wishes: Iterable[str] | Mapping[str, str | None]) -> dict[str, str | None]:
    """Read ``NAME=VALUE`` and ``NAME`` (its value here and now), or a mapping; ``None`` takes a variable away.

    The value is never part of an error.
    """
    if isinstance(wishes, str) or not isinstance(wishes, Iterable):
        raise InvalidValue("env", "…", "it is a mapping of names to values, or a list of NAME=VALUE.")
    if isinstance(wishes, Mapping):
        found = {str(name): None if value is None else str(value) for name, value in wishes.items()}
    else:
        found = {}
        for wish in wishes:
            name, equals, value = str(wish).partition("=")
            if not equals:
                check_variable_name(name)
                if name not in os.environ:
                    raise InvalidValue("env", name, "it is not set here; write NAME=VALUE, or set it first.")
                value = os.environ[name]
            found[name] = value
    for name, known in found.items():
        check_variable_name(name)
        if known is not None and ("\0" in known or len(known.encode("utf-8", "replace")) > MOST_BYTES):
            raise InvalidValue("env", name, "its value must be text without zero bytes, at most 128 KiB.")
    return found


def marked(
    wishes: Mapping[str, str | None], before: Iterable[Variable], secrets: Mapping[str, str]
) -> tuple[tuple[Variable, ...], dict[str, str]]:
    """The variables that come of what is wished, and the values to keep among the secrets.

    Args:
        wishes: Values by name; ``None`` takes one away.
        before: Those that stay where nothing is wished.
        secrets: What is kept now: a value that is there already keeps its mark.
    """
    variables = {variable.name: variable for variable in before}
    values: dict[str, str] = {}
    for name, value in wishes.items():
        if value is None:
            variables.pop(name, None)
            continue
        kept = (key for key, known in secrets.items() if known == value and key.rpartition(".")[0] == VARIABLES + name)
        mark = next(kept, "").rpartition(".")[2] or random_secrets.token_hex(4)
        variables[name] = Variable(name, mark)
        values[variables[name].key] = value
    return tuple(variables[name] for name in sorted(variables)), values


def values_of(variables: Iterable[Variable], secrets: Mapping[str, str]) -> dict[str, str]:
    """The values by name.

    Raises:
        InvalidValue: One is not kept here any more.
    """
    found = {}
    for variable in variables:
        if variable.key not in secrets:
            raise InvalidValue(
                "env", variable.name, f"its value is not kept here; say it again: --env {variable.name}=…."
            )
        found[variable.name] = secrets[variable.key]
    return found


def keys_name(mark: str) -> str:
    """What the scoring keys of a mark are called among the secrets."""
    return KEYS + mark


def keys_marked(wishes: Iterable[object], secrets: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """The mark of these scoring keys (``""`` for none), and what to keep among the secrets.

    Raises:
        InvalidValue: One is no key; it is not part of the error.
    """
    if isinstance(wishes, str) or not isinstance(wishes, Iterable):
        raise InvalidValue("keys", "…", "it is a list of keys.")
    keys = list(dict.fromkeys(str(wish) for wish in wishes))
    for key in keys:
        if not _KEY.fullmatch(key):
            raise InvalidValue(
                "key", "…", "a scoring key has 8 to 256 letters, digits and signs, no comma and no space."
            )
    if not keys:
        return "", {}
    value = ",".join(keys)
    known = (name.removeprefix(KEYS) for name, text in secrets.items() if text == value and name.startswith(KEYS))
    mark = next(known, "") or random_secrets.token_hex(4)
    return mark, {keys_name(mark): value}
