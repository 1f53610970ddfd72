"""Tab completion on the lines of the magics: options, services, models, targets, variables, files."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from jupyter_mldeploy.notebook.commands import BY_NAME
from jupyter_mldeploy.notebook.options import Magic, Option

__all__ = ["complete", "register_completers", "values"]

_MODEL_SEPARATOR = ":"


def register_completers(shell: Any) -> None:
    """Join IPython's completion. On the line of one of our magics nothing else is offered: Python's names are no options."""
    from IPython.core.completer import SimpleCompletion, context_matcher

    @context_matcher(identifier="mldeploy", priority=100)
    def matcher(context: Any) -> dict[str, Any]:
        before = context.text_until_cursor.lstrip()
        ours = context.cursor_line == 0 or not before.startswith("%%")
        if not ours or _magic_of(before) is None or (not before.split(None, 1)[1:] and not before[-1:].isspace()):
            return {"completions": [], "suppress": False}
        words = complete(before, shell.user_ns)
        current = "" if before[-1:].isspace() else before.split()[-1]
        # A word that could become nothing else stays itself: without any candidate the others would offer theirs.
        found = [SimpleCompletion(word, type="magic") for word in words or [current] if word]
        return {"completions": found, "matched_fragment": current, "suppress": True, "ordered": True}

    shell.Completer.custom_matchers.append(matcher)


def _magic_of(line: str) -> Magic | None:
    word = line.split(None, 1)[0] if line.strip() else ""
    percents = len(word) - len(word.lstrip("%"))
    magic = BY_NAME.get(word.lstrip("%"))
    return magic if magic and (percents == 1 or (percents == 2 and magic.name == "deploy")) else None


def complete(before: str, namespace: dict[str, Any]) -> list[str]:
    """What the word at the cursor could become, in the order in which it is offered.

    Args:
        before: The line of the magic up to the cursor.
        namespace: The notebook's variables.
    """
    magic = _magic_of(before)
    if magic is None:
        return []
    words = before.split()
    current = "" if before[-1:].isspace() else words[-1]
    done = words[1:] if not current else words[1:-1]
    return [candidate for candidate in _candidates(magic, done, current, namespace) if candidate.startswith(current)]


def _candidates(magic: Magic, done: list[str], current: str, namespace: dict[str, Any]) -> list[str]:
    option = _awaited(magic, done)
    if option is None and (match := re.match(r"--([\w-]+)=", current)):
        option = magic.option(match[1])
        return [match[0] + word for word in values(option.words, current[match.end() :], namespace)] if option else []
    if option is not None:
        return values(option.words, current, namespace)
    if current.startswith("-"):
        given = {word.partition("=")[0] for word in done}
        return [option.flag for option in magic.options if option.many or option.flag not in given]
    places = len(_places(magic, done))
    place = next(iter(magic.places[places:]), "").strip("[]")
    if places == 0 or place == "OTHER":
        return values(magic.words, current, namespace)
    if place == "DATA" and current.startswith(("@", "{")):
        return values("files", current, namespace)
    return [] if current else [option.flag for option in magic.options]


def _awaited(magic: Magic, done: list[str]) -> Option | None:
    """The option whose value stands at the cursor."""
    if not done or not done[-1].startswith("-") or "=" in done[-1]:
        return None
    last = done[-1]
    option = magic.option(last[2:]) if last.startswith("--") else None
    option = option or next((known for known in magic.options if known.short and last == f"-{known.short}"), None)
    return option if option and option.value else None


def _places(magic: Magic, done: list[str]) -> list[str]:
    """Words that are neither options nor their values."""
    places: list[str] = []
    for position, word in enumerate(done):
        if not word.startswith("-") and _awaited(magic, done[:position]) is None:
            places.append(word)
    return places


def values(kind: str, current: str, namespace: dict[str, Any]) -> list[str]:
    """What can stand where ``kind`` is asked for (``Option.words``), given what is written of it."""
    if current.startswith("{"):
        return ["{" + name + "}" for name in _variables(namespace)]
    sources: dict[str, Callable[[], list[str]]] = {
        "targets": lambda: ["local", "container", "kubernetes"],
        "stages": lambda: ["register", "build", "push", "ready"],
        "environments": lambda: ["current", "auto", *(_files(current) if current else [])],
        "services": _service_names,
        "models": lambda: [*_model_names(current), *_model_variables(namespace), *(_files(current) if current else [])],
        "files": lambda: _files(current),
        "variables": lambda: sorted(os.environ) if "=" not in current else [],
    }
    return sources[kind]() if kind in sources else []


def _service_names() -> list[str]:
    from jupyter_mldeploy.config import settings
    from jupyter_mldeploy.records import Records

    return Records(settings().home_path).names()


def _model_names(current: str) -> list[str]:
    from jupyter_mldeploy.config import settings
    from jupyter_mldeploy.registry import ModelRegistry

    registry = ModelRegistry(settings().home_path)
    models = registry.list()
    if _MODEL_SEPARATOR in current:
        return sorted({f"{model.name}:{model.version}" for model in models})
    return sorted({model.name for model in models})


def _model_variables(namespace: dict[str, Any]) -> list[str]:
    """Variables that look like a model: what can predict. Asking the class has no side effects, asking the object may."""
    return [name for name in _variables(namespace) if callable(getattr(type(namespace[name]), "predict", None))]


def _variables(namespace: dict[str, Any]) -> Iterable[str]:
    return sorted(
        name
        for name in namespace
        if not name.startswith("_") and name not in {"In", "Out", "exit", "quit", "get_ipython"}
    )


def _files(current: str) -> list[str]:
    """Paths that begin so; ``@`` before a path stays."""
    at = "@" if current.startswith("@") else ""
    folder, _, begin = current[len(at) :].rpartition("/")
    place = Path(folder or ("/" if current[len(at) :].startswith("/") else "."))
    shown = folder + "/" if folder or current[len(at) :].startswith("/") else ""
    if not place.is_dir():
        return []
    entries = sorted(
        entry for entry in place.iterdir() if entry.name.startswith(begin) and not entry.name.startswith(".")
    )
    return [f"{at}{shown}{entry.name}{'/' if entry.is_dir() else ''}" for entry in entries]
