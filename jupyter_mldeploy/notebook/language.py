"""What is drawn in a cell, in the user's language.

The English text is the key of the catalogue, which is that of the JupyterLab extension (``labextension/src/locale``; a wheel
has it beside this module). What only a kernel says is in its folder ``notebook``, so that no browser fetches it. Terminals,
commands, errors and the data of a bundle are in English.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from jupyter_mldeploy.config import LANGUAGES, settings
from jupyter_mldeploy.notebook.phrases import Phrase, fill, phrase_in, read_phrases, stage_in

__all__ = ["Later", "language", "later", "later_all", "pages", "read_locale", "stage", "tr"]

_BESIDE_LOCALE = re.compile(r'("(?:\\.|[^"\\\n])*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
_LOCALE = re.compile(r"""(?:"locale"|'locale'|\blocale)\s*:\s*["']([A-Za-z_-]+)["']""")


class Later(str):
    """A text in English that knows how it was made, so that it can be drawn in another language."""

    template: str
    values: tuple[object, ...]


def later(text: str, *values: object) -> Later:
    """What is made in one place and drawn in another: English for everybody who does not draw it with ``tr``.

    >>> later("deployed to %1", "local")
    'deployed to local'
    """
    made = Later(fill(text, values))
    made.template, made.values = text, values
    return made


def later_all(texts: Sequence[str], between: str = ", ") -> Later:
    """Several that were told elsewhere, one after the other."""
    shown = texts if len(texts) < 10 else (*texts[:8], between.join(texts[8:]))
    return later(between.join(f"%{number}" for number in range(1, len(shown) + 1)), *map(later, shown))


def tr(text: str, *values: object) -> str:
    """A text in the user's language; ``%1`` is the first value.

    What was told elsewhere is found by its pattern; what no catalogue has is shown as it is.
    """
    if isinstance(text, Later):
        values, text = text.values, text.template
    chosen = language()
    if not values:
        return _told(chosen, text)
    values = tuple(tr(value) if isinstance(value, Later) else value for value in values)
    return fill(_messages(chosen).get(text) or text, values)


def stage(name: str) -> str:
    """The name of a stage in the user's language."""
    return stage_in(_messages(language()), name)


def language() -> str:
    """Its two letters: what is set, or what JupyterLab is shown in."""
    chosen = str(settings().language)
    return _of_jupyterlab() if chosen == "auto" else chosen


def pages() -> Mapping[str, Mapping[str, Any]]:
    """The pages of the diagnosis catalogue in the user's language, by cause; and ``action:KIND``. Empty for English."""
    return {} if (chosen := language()) == "en" else _read(chosen, "diagnoses")


@lru_cache(maxsize=512)
def _told(chosen: str, text: str) -> str:
    return phrase_in(_messages(chosen), _phrases(chosen), text)


@cache
def _phrases(chosen: str) -> tuple[Phrase, ...]:
    return read_phrases(_read("phrases", "")) if chosen != "en" else ()


@cache
def _messages(chosen: str) -> Mapping[str, str]:
    return {} if chosen == "en" else {**_read(chosen, ""), **_read(chosen, "notebook")}


@cache
def _read(name: str, folder: str) -> Mapping[str, Any]:
    beside = Path(__file__).with_name("locale")
    place = beside if beside.is_dir() else Path(__file__).parents[2] / "labextension" / "src" / "locale"
    try:
        read: dict[str, Any] = json.loads((place / folder / f"{name}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # English can be read as well
    return read


@cache
def _of_jupyterlab() -> str:
    """Of the user whose JupyterLab this is: read once, because kernels hear of nothing."""
    from jupyter_core.paths import jupyter_config_dir

    folder = os.environ.get("JUPYTERLAB_SETTINGS_DIR") or Path(jupyter_config_dir(), "lab", "user-settings")
    path = Path(folder, "@jupyterlab", "translation-extension", "plugin.jupyterlab-settings")
    try:
        return read_locale(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "en"


def read_locale(text: str) -> str:
    """The language that JupyterLab's settings name; English if they name none that there is, or cannot be read.

    >>> read_locale('{// "locale": "it_IT"\\n "locale": "es_ES",}')
    'es'
    """
    found = _LOCALE.search(_BESIDE_LOCALE.sub(lambda part: part[1] or " ", text))
    chosen = found[1][:2].lower() if found else ""
    return chosen if chosen in LANGUAGES else "en"
