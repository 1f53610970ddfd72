"""What a magic's words mean in the notebook: ``{variable}``, and ``--model clf`` where ``clf`` is a variable."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from jupyter_mldeploy.notebook.options import BadLine

__all__ = ["Models", "evaluate", "notebook_names", "read_data", "read_file", "read_models", "read_secrets"]

_EXPRESSION = re.compile(r"\{(?P<expression>.+)\}", re.DOTALL)
_NAMED = re.compile(r"(?P<name>[\w.-]+)=(?P<braces>\{.+\})", re.DOTALL)

Models = list[str | tuple[str, object]]


def evaluate(expression: str, namespace: Mapping[str, Any], option: str) -> Any:
    """The value of an expression of the notebook.

    Raises:
        BadLine: It has none.
    """
    try:
        # The user's own words in the user's own kernel, as IPython's {…} on the line of a magic.
        return eval(expression, dict(namespace))  # noqa: S307
    except Exception as error:  # noqa: BLE001 - whatever the user's expression raises
        raise BadLine(f"{option} {{{expression}}} has no value: {type(error).__name__}: {error}.") from None


def read_data(text: str, namespace: Mapping[str, Any], option: str) -> object:
    """``{variable}`` as its value; JSON and ``@FILE`` as they are, for whoever reads them next."""
    if not (match := _EXPRESSION.fullmatch(text)):
        return text
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        inner = match["expression"].strip()
        # {"data": oops}: broken JSON rather than an expression.
        if inner[:1] in "\"'" and ":" in inner:
            message = f"{error.msg} at column {error.colno}"
            raise BadLine(f"{option} {text} is not JSON: {message}. A variable is written {{name}}.") from None
        return evaluate(inner, namespace, option)
    return text


def read_secrets(words: Sequence[str], namespace: Mapping[str, Any], option: str) -> tuple[str, ...]:
    """Words as they are, but ``{variable}`` and ``NAME={variable}`` with its value: a cell is no place for a secret."""

    def read(word: str) -> str:
        name, equals, value = word.partition("=") if _NAMED.fullmatch(word) else ("", "", word)
        if not (match := _EXPRESSION.fullmatch(value)):
            return word
        return name + equals + str(evaluate(match["expression"].strip(), namespace, option))

    return tuple(map(read, words))


def read_file(data: object, option: str) -> object:
    """``@FILE`` as the file's bytes, anything else as it is."""
    if not (isinstance(data, str) and data.startswith("@")):
        return data
    path = Path(data[1:])
    try:
        return path.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        folder = "" if path.is_absolute() else f" in {str(Path.cwd())!r}"
        raise BadLine(f"{option}: {data[1:]!r}{folder} cannot be read: {reason}.") from None


def read_models(words: Sequence[str], namespace: Mapping[str, Any]) -> tuple[Models, list[str]]:
    """What is meant by the ``--model`` options, and a sentence for each that was taken from the notebook.

    ``NAME:VERSION`` and paths that exist are what they are; ``{variable}``, ``NAME={expression}`` and a plain name that is a
    variable are objects of the notebook, to be registered under that name; any other name is looked up in the registry.
    """
    models: Models = []
    notes: list[str] = []
    for word in words:
        if match := _NAMED.fullmatch(word):
            name, value = match["name"], evaluate(match["braces"][1:-1], namespace, "--model")
        elif match := _EXPRESSION.fullmatch(word):
            name, value = match["expression"].strip(), evaluate(match["expression"], namespace, "--model")
            if not name.isidentifier():
                raise BadLine(f"--model {word} has no name: write --model NAME={word}.")
        elif _is_variable(word, namespace):
            name, value = word, namespace[word]
        else:
            models.append(word)
            continue
        models.append((name, value))
        notes.append(f"{name} is the notebook's variable ({type(value).__name__})")
    return models, notes


def _is_variable(word: str, namespace: Mapping[str, Any]) -> bool:
    if not word.isidentifier() or word not in namespace or Path(word).exists():
        return False
    return not isinstance(namespace[word], ModuleType | type)


def notebook_names(namespace: Mapping[str, Any], hidden: Mapping[str, Any]) -> frozenset[str]:
    """Names that live only in the notebook: without IPython's own and what begins with an underscore."""
    return frozenset(name for name in namespace if not name.startswith("_") and name not in hidden)
