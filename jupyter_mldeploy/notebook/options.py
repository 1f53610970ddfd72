"""The options of the magics: one table a magic, from which its line is read, completed and documented."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from jupyter_mldeploy.errors import InvalidValue
from jupyter_mldeploy.notebook.words import BadWords, split

__all__ = ["BadLine", "Magic", "Option", "Parsed", "parse"]

Convert = Callable[[str, str], Any]
"""Makes the value from its text; the second argument is the option as the user writes it, for the error."""


class BadLine(ValueError):
    """The line of a magic is wrong. The message is one sentence that names the option and says what would be right."""


def as_text(text: str, option: str) -> str:
    """The text itself."""
    del option
    return text


@dataclass(frozen=True, kw_only=True)
class Option:
    """One option.

    Attributes:
        name: Without dashes, as in ``source-directory``; the parsed value's name has ``_`` in place of ``-``.
        help: What it does, as the end of a line of the magic's help.
        value: How its value is written in help, such as ``N``; ``""``: it is a switch.
        short: One letter, for ``-n``.
        many: It may be given more than once; the value is a tuple.
        example: A value that is right, for errors.
        words: What can be completed for it: ``targets``, ``services``, ``models``, ``files``, or ``""``.
        convert: See ``Convert``.
    """

    name: str
    help: str
    value: str = ""
    short: str = ""
    many: bool = False
    example: str = ""
    words: str = ""
    convert: Convert = as_text

    @property
    def key(self) -> str:
        return self.name.replace("-", "_")

    @property
    def flag(self) -> str:
        return f"--{self.name}"

    @property
    def shown(self) -> str:
        """As in help: ``-n, --lines N``."""
        short = f"-{self.short}, " if self.short else ""
        return f"{short}{self.flag} {self.value}".rstrip() + ("…" if self.many else "")


@dataclass(frozen=True, kw_only=True)
class Magic:
    """One magic: what stands on its line.

    Attributes:
        name: Without ``%``.
        places: The words that are not options, in order; those in brackets may be left out, as in ``[DATA]``.
        options: The others.
        words: What the first place can be completed with.
    """

    name: str
    places: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    words: str = "services"

    def option(self, name: str) -> Option | None:
        """The option of that name, however its dashes are written."""
        wanted = name.replace("_", "-")
        return next((option for option in self.options if option.name == wanted), None)

    def usage(self) -> str:
        """Help on the options, for the end of the magic's docstring."""
        width = max((len(option.shown) for option in self.options), default=0)
        return "\n".join(f"    {option.shown:<{width}}  {option.help}" for option in self.options)


@dataclass(frozen=True)
class Parsed:
    """A line that was understood."""

    magic: Magic
    places: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)

    def place(self, name: str) -> str | None:
        return self.places.get(name)

    def get(self, key: str, otherwise: Any = None) -> Any:
        """Value of an option, by its key."""
        return self.options.get(key, otherwise)

    def given(self, *keys: str) -> dict[str, Any]:
        """Those of the options that were given."""
        return {key: self.options[key] for key in keys if key in self.options}


def parse(magic: Magic, line: str, percent: str = "%") -> Parsed:
    """Read the line of a magic.

    Raises:
        BadLine: With what was given and what would be right.
    """
    shown = percent + magic.name
    try:
        words = split(line)
    except BadWords as error:
        raise BadLine(f"{shown}: {error}.") from None
    places: list[str] = []
    options: dict[str, Any] = {}
    rest = iter(words)
    for word in rest:
        if not re.match(r"--?[A-Za-z]", word):
            places.append(word)
            continue
        option, given = _find_option(magic, word, shown)
        if not option.value:
            if given is not None:
                raise BadLine(f"{shown}: {option.flag} takes no value, and got {given!r}.")
            value: Any = True
        else:
            text = given if given is not None else next(rest, None)
            value = _convert(option, text, shown)
        if option.many:
            options[option.key] = (*options.get(option.key, ()), value)
        elif option.key in options:
            raise BadLine(f"{shown}: {option.flag} is given twice.")
        else:
            options[option.key] = value
    return Parsed(magic, _name_places(magic, places, shown), options)


def _find_option(magic: Magic, word: str, shown: str) -> tuple[Option, str | None]:
    name, equals, value = word.partition("=")
    given = value if equals else None
    if not name.startswith("--"):
        option = next((option for option in magic.options if option.short == name[1:2]), None)
        if option is not None:
            return option, (name[2:] + equals + value if len(name) > 2 else given)
    elif (option := magic.option(name[2:])) is not None:
        return option, given
    known = [option.flag for option in magic.options]
    near = get_close_matches("--" + name.lstrip("-").replace("_", "-"), known, n=1)
    if near:
        right = f"did you mean {near[0]}?"
    elif known:
        right = f"it has {', '.join(known)}."
    else:
        right = "it has no options."
    raise BadLine(f"{shown}: {name} is not an option; {right}")


def _convert(option: Option, text: str | None, shown: str) -> Any:
    example = f", such as {option.flag} {option.example}" if option.example else ""
    if text is None:
        raise BadLine(f"{shown}: {option.flag} needs a value ({option.value}){example}.")
    if re.match(r"--[a-z]", text):
        raise BadLine(f"{shown}: {option.flag} needs a value ({option.value}){example}, and got the option {text}.")
    try:
        return option.convert(text, option.flag)
    except InvalidValue as error:
        raise BadLine(f"{shown}: {error}") from None
    except ValueError:
        raise BadLine(f"{shown}: {option.flag} {text} is not valid: write {option.value}{example}.") from None


def _name_places(magic: Magic, given: Sequence[str], shown: str) -> dict[str, str]:
    if len(given) > len(magic.places):
        extra = given[len(magic.places)]
        takes = " ".join(magic.places) or "no words"
        raise BadLine(f"{shown}: {extra!r} is one word too many; it takes {takes} and options that begin with --.")
    missing = [place for place in magic.places[len(given) :] if not place.startswith("[")]
    if missing:
        raise BadLine(f"{shown}: {missing[0]} is missing: {shown} {' '.join(magic.places)} …")
    return {place.strip("[]"): word for place, word in zip(magic.places, given, strict=False)}
