"""Which global names a script loads and stores, asked of Python's own compiler, so scopes are exactly Python's.

`dis` builds an object for every instruction, which for a script of some hundred lines takes longer than all other checks
together; here only the few instructions that name a global are looked at. A test holds this against `dis`.
"""

from __future__ import annotations

import dis
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import CodeType

__all__ = ["GlobalNames", "global_names", "names_bound_in"]

_LOAD = {dis.opmap[name] for name in ("LOAD_NAME", "LOAD_GLOBAL", "LOAD_FROM_DICT_OR_GLOBALS") if name in dis.opmap}
_STORE_NAME = {dis.opmap["STORE_NAME"], dis.opmap["DELETE_NAME"]}
_STORE_GLOBAL = {dis.opmap["STORE_GLOBAL"], dis.opmap["DELETE_GLOBAL"]}
_ALL = _LOAD | _STORE_NAME | _STORE_GLOBAL
_LOAD_GLOBAL = dis.opmap["LOAD_GLOBAL"]
_EXTENDED = dis.opmap["EXTENDED_ARG"]


@dataclass
class GlobalNames:
    """Global names that are loaded, each with where (code object and index of the instruction), and those that are stored."""

    loaded: dict[str, list[tuple[CodeType, int]]] = field(default_factory=dict)
    stored: set[str] = field(default_factory=set)

    def lines(self, name: str) -> list[int]:
        """The lines that load a name."""
        found = []
        for code, index in self.loaded.get(name, ()):
            position = next(itertools.islice(code.co_positions(), index, None))
            found.append(position[0] or code.co_firstlineno)
        return found


def global_names(code: CodeType, *, module: bool) -> GlobalNames:
    """Of a code object and all inside it; ``module``: its own names are the globals."""
    found = GlobalNames()
    waiting = [(code, module)]
    while waiting:
        code, top = waiting.pop()
        own: set[str] = set()  # names of a class body
        for operation, argument, index in _instructions(code):
            name = code.co_names[argument]
            if operation in _STORE_GLOBAL:
                found.stored.add(name)
            elif operation in _STORE_NAME:
                (found.stored if top else own).add(name)
            elif name not in own:
                found.loaded.setdefault(name, []).append((code, index))
        waiting += [(constant, False) for constant in code.co_consts if isinstance(constant, CodeType)]
    return found


def names_bound_in(function: CodeType) -> set[str]:
    """Names that a function assigns for itself: not its arguments, not globals."""
    arguments = function.co_argcount + function.co_kwonlyargcount
    stars = bool(function.co_flags & 0x04) + bool(function.co_flags & 0x08)
    return {*function.co_varnames[arguments + stars :], *function.co_cellvars} - {*function.co_varnames[:arguments]}


def _instructions(code: CodeType) -> Iterator[tuple[int, int, int]]:
    """Operation, index into ``co_names`` and index of every instruction that names a global."""
    bytecode = code.co_code
    extended = 0
    for offset in range(0, len(bytecode), 2):
        operation = bytecode[offset]
        if operation in _ALL:
            argument = extended << 8 | bytecode[offset + 1]
            yield operation, argument >> 1 if operation == _LOAD_GLOBAL else argument, offset // 2
        extended = extended << 8 | bytecode[offset + 1] if operation == _EXTENDED else 0
