"""Sentences that the package makes from fixed patterns, found again and told in another language. Pure.

The patterns are ``phrases.json`` of the catalogue, the same as the extension's; each with what stands in its places, a letter
each: ``w`` one word, ``n`` a number, ``f`` the name of a file or cell, ``t`` any text, which stays as it is; ``s`` the name of a
stage, ``p`` a phrase, which are translated in their turn.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Phrase", "fill", "phrase_in", "read_phrases", "stage_in"]

_SLOT = re.compile(r"%(\d)")
_SHAPES = {"w": r"(\S+)", "s": r"([a-z]+)", "n": r"([\d.]+)", "f": r"([^()]+)", "t": r"(.+)", "p": r"(.+)"}


@dataclass(frozen=True)
class Phrase:
    """One pattern: its text in English, what it looks like, what stands in its places."""

    text: str
    shape: re.Pattern[str]
    places: str


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


def read_phrases(patterns: Mapping[str, str]) -> tuple[Phrase, ...]:
    """The patterns of the catalogue, in its order: the first that fits is taken."""
    return tuple(Phrase(text, _shape(text, places), places) for text, places in patterns.items())


def _shape(text: str, places: str) -> re.Pattern[str]:
    literal = _SLOT.split(text)
    shaped = [re.escape(part) if not i % 2 else _SHAPES[places[int(part) - 1]] for i, part in enumerate(literal)]
    return re.compile("".join(shaped), re.DOTALL)


def phrase_in(messages: Mapping[str, str], phrases: Sequence[Phrase], text: str) -> str:
    """The text in the language of the messages, as far as it is made from patterns. A last full stop may be there or not."""
    if known := messages.get(text):
        return known
    whole = text.endswith(".") and not text.endswith("..")
    core = text[:-1] if whole else text
    for phrase in phrases:
        if (message := messages.get(phrase.text)) and (found := phrase.shape.fullmatch(core)):
            values = tuple(
                _told(messages, phrases, value, place)
                for value, place in zip(found.groups(), phrase.places, strict=True)
            )
            return fill(message, values) + ("." if whole else "")
    return text


def _told(messages: Mapping[str, str], phrases: Sequence[Phrase], value: str, place: str) -> str:
    match place:
        case "s":
            return stage_in(messages, value)
        case "p":
            return phrase_in(messages, phrases, value)
    return value


def stage_in(messages: Mapping[str, str], stage: str) -> str:
    """The name of a stage, whose key is not the word alone: what is ready may be another word elsewhere."""
    return messages.get(f"stage: {stage}") or stage
