"""Split the line of a magic into words.

As a shell does, with one difference: a word that begins with ``{`` or ``[`` goes on to its closing bracket with quotes and
spaces kept, so that JSON and ``{variable}`` need no quoting.
"""

from __future__ import annotations

__all__ = ["BadWords", "split"]

_CLOSING = {"{": "}", "[": "]"}


class BadWords(ValueError):
    """A quote or bracket is not closed. The message says which, and where."""


def split(line: str) -> list[str]:
    """Split.

    >>> split('''iris --sample {"data": [[5.1, 3.5]]} --pip "scikit-learn >= 1.4" --model {clf}''')
    ['iris', '--sample', '{"data": [[5.1, 3.5]]}', '--pip', 'scikit-learn >= 1.4', '--model', '{clf}']
    """
    words: list[str] = []
    position = 0
    while position < len(line):
        if line[position].isspace():
            position += 1
            continue
        word, position = _read_word(line, position)
        words.append(word)
    return words


def _read_word(line: str, start: int) -> tuple[str, int]:
    word: list[str] = []
    position = start
    while position < len(line) and not line[position].isspace():
        character = line[position]
        if character in "'\"":
            text, position = _read_quoted(line, position)
            word.append(text)
        elif character in _CLOSING and (not word or word[-1] == "="):
            end = _closing_bracket(line, position)
            word.append(line[position:end])
            position = end
        elif character == "\\" and position + 1 < len(line):
            word.append(line[position + 1])
            position += 2
        else:
            word.append(character)
            position += 1
    return "".join(word), position


def _read_quoted(line: str, start: int) -> tuple[str, int]:
    quote = line[start]
    end = start + 1
    text: list[str] = []
    while end < len(line):
        if line[end] == quote:
            return "".join(text), end + 1
        # As in a shell: within '…' a backslash is only a backslash; within "…" it protects the quote and itself.
        if quote == '"' and line[end] == "\\" and line[end + 1 : end + 2] in {'"', "\\"}:
            end += 1
        text.append(line[end])
        end += 1
    raise BadWords(f"the quote {quote} before {_excerpt(line, start + 1)} is not closed")


def _closing_bracket(line: str, start: int) -> int:
    """Position after the bracket that closes the one at ``start``; brackets inside strings do not count."""
    open_brackets: list[str] = []
    quote = ""
    position = start
    while position < len(line):
        character = line[position]
        if quote:
            if character == "\\":
                position += 1
            elif character == quote:
                quote = ""
        elif character in "'\"":
            quote = character
        elif character in _CLOSING:
            open_brackets.append(_CLOSING[character])
        elif open_brackets and character == open_brackets[-1]:
            open_brackets.pop()
            if not open_brackets:
                return position + 1
        position += 1
    raise BadWords(f"the bracket of {_excerpt(line, start)} is not closed")


def _excerpt(line: str, start: int) -> str:
    rest = line[start:].strip()
    return rest if len(rest) <= 24 else rest[:23] + "…"
