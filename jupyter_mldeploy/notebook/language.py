"""What is drawn in a cell, in the user's language.

The English text is the key of the catalogue, which is that of the JupyterLab extension (``labextension/src/locale``; a wheel
has it beside this module). What only a kernel says is in its folder ``notebook``, so that no browser fetches it. Terminals,
commands, errors and the data of a bundle are in English.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jupyter_mldeploy.config import LANGUAGES, settings

__all__ = ["Later", "fill", "language", "later", "pages", "read_locale", "tr"]

_SLOT = re.compile(r"%(\d)")
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


def tr(text: str, *values: object) -> str:
    """A text in the user's language; ``%1`` is the first value. What no catalogue has is shown as it is."""
    if isinstance(text, Later):
        values, text = text.values, text.template
    values = tuple(tr(value) if isinstance(value, Later) else value for value in values)
    return fill(_messages(language()).get(text) or text, values)


def fill(message: str, values: tuple[object, ...]) -> str:
    """Put values into their places.

    >>> fill("%2 of %1", ("a", "b"))
    'b of a'
    """
    if not values:
        return message
    return _SLOT.sub(
        lambda slot: str(values[int(slot[1]) - 1]) if 0 < int(slot[1]) <= len(values) else slot[0], message
    )


def language() -> str:
    """Its two letters: what is set, or what JupyterLab is shown in."""
    chosen = str(settings().language)
    return _of_jupyterlab() if chosen == "auto" else chosen


def pages() -> Mapping[str, Mapping[str, Any]]:
    """The pages of the diagnosis catalogue in the user's language, by cause; and ``action:KIND``. Empty for English."""
    return _read(language(), "diagnoses")


@cache
def _messages(chosen: str) -> Mapping[str, str]:
    return {**_read(chosen, ""), **_read(chosen, "notebook")}


@cache
def _read(chosen: str, folder: str) -> Mapping[str, Any]:
    if chosen == "en":
        return {}
    beside = Path(__file__).with_name("locale")
    place = beside if beside.is_dir() else Path(__file__).parents[2] / "labextension" / "src" / "locale"
    try:
        read: dict[str, Any] = json.loads((place / folder / f"{chosen}.json").read_text(encoding="utf-8"))
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
