"""How the v1 classes are made: what they are called with is checked against their signatures, what they do not have is said in
a sentence, and this package's errors leave them as the original's exceptions."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any, ClassVar, TypeVar

from jupyter_mldeploy.azureml.exceptions import (
    AzureMLException,
    ModelNotFoundException,
    UserErrorException,
    WebserviceException,
)
from jupyter_mldeploy.azureml.unknown import (
    NameNotHere,
    argument_sentence,
    argument_words,
    member_sentence,
    name_sentence,
)
from jupyter_mldeploy.errors import MLDeployError

__all__ = ["INTERNAL", "Facade", "NotProvided", "check_workspace", "facade", "module_getattr", "translated"]

C = TypeVar("C", bound=type)
INTERNAL = {"REFUSED", "book", "service_class", "spec_values", "to_spec"}
"""Public to the modules of the facade, and no names of the original."""


class NotProvided(AzureMLException, AttributeError):
    """A member of the original that is not here, or that nobody ever had."""


class _Classes(type):
    """What a class itself is asked for (``Model.profile(…)``) is answered as its objects answer."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__") or (name.startswith("_") and name.endswith("_")):
            raise AttributeError(name)
        raise _not_provided(cls, name, dir(cls))


class Facade(metaclass=_Classes):
    """Base of the v1 classes.

    Attributes:
        REFUSED: Members of the original that are not here, each with what works instead.
    """

    REFUSED: ClassVar[dict[str, str]] = {}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or (name.startswith("_") and name.endswith("_")):
            raise AttributeError(name)  # Python's and IPython's own questions
        raise _not_provided(type(self), name, {*dir(type(self)), *vars(self)})


def _not_provided(made: Any, name: str, members: Iterable[str]) -> NotProvided:
    if reason := made.REFUSED.get(name):
        return NotProvided(f"{made.__name__}.{name} is not here: {reason}.")
    known = {member for member in members if not member.startswith("_")} - INTERNAL
    sentence = member_sentence(made.__name__, name.lstrip("_"), known)
    if name.startswith("_"):
        sentence = f"{made.__name__}.{name} is the original's own affair, and is not here: {sentence}"
    return NotProvided(sentence)


def facade(raises: type[AzureMLException]) -> Callable[[C], C]:
    """Class decorator: check the arguments of every public function, and let errors of this package leave as ``raises``."""

    def dress(made: C) -> C:
        for name, member in list(vars(made).items()):
            if name.startswith("_") and name != "__init__":
                continue
            shown = made.__name__ if name == "__init__" else f"{made.__name__}.{name}"
            if isinstance(member, staticmethod):
                setattr(made, name, staticmethod(_checked(member.__func__, shown, raises)))
            elif isinstance(member, classmethod):
                setattr(made, name, classmethod(_checked(member.__func__, shown, raises)))
            elif inspect.isfunction(member):
                setattr(made, name, _checked(member, shown, raises))
        return made

    return dress


def _checked(function: Callable[..., Any], shown: str, raises: type[AzureMLException]) -> Callable[..., Any]:
    signature = inspect.signature(function)
    names = [name for name in signature.parameters if name not in {"self", "cls"} and not name.startswith("_")]
    takes_all = any(parameter.kind is parameter.VAR_KEYWORD for parameter in signature.parameters.values())

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError as error:
            strange = [] if takes_all else [name for name in kwargs if name not in signature.parameters]
            if strange:
                raise UserErrorException(argument_sentence(shown, strange[0], names)) from None
            raise UserErrorException(f"{shown}(): {error}; it takes {', '.join(names) or 'nothing'}.") from None
        if "workspace" in bound.arguments:
            check_workspace(shown, bound.arguments["workspace"])
        return translated(lambda: function(*args, **kwargs), raises)

    return call


def check_workspace(shown: str, given: Any) -> None:
    """Raise for what is given in the place of a ``Workspace``."""
    if not hasattr(type(given), "from_config"):
        raise UserErrorException(
            f"{shown}(): workspace must be a Workspace, not {given!r}: Workspace.from_config() or Workspace.create(...) is one."
        )


def translated(call: Callable[[], Any], raises: type[AzureMLException] = WebserviceException) -> Any:
    """Call it; an error of this package leaves as one of the original's, with its diagnosis and its steps."""
    try:
        return call()
    except AzureMLException:
        raise
    except MLDeployError as error:
        raise as_v1(error, raises) from None
    except OSError as error:
        if error.errno is None or not isinstance(error.filename, str | bytes | os.PathLike):
            raise  # of a connection
        raise raises(
            f"{os.fsdecode(error.filename)!r} cannot be used: {error.strerror}.", inner_exception=error
        ) from None


def as_v1(error: MLDeployError, raises: type[AzureMLException] = WebserviceException) -> AzureMLException:
    """The original's exception for an error of this package."""
    if error.code == "not-found" and "model" in error.summary.split("'")[0].lower():
        raises = ModelNotFoundException
    problems = getattr(error, "problems", ())
    message = argument_words("\n".join([error.summary, *problems]) if len(problems) > 1 else error.summary)
    made = raises(message, inner_exception=error, hint=argument_words(error.hint))
    if isinstance(made, WebserviceException):
        made.status_code = error.http_status
    return made


def module_getattr(
    module: str,
    known: Mapping[str, str],
    reasons: dict[str, str] | None = None,
    submodules: tuple[str, ...] = (),
    names: tuple[str, ...] = (),
) -> Callable[[str], Any]:
    """``__getattr__`` of a module.

    Args:
        module: Its name.
        known: Public names → the module that has them; they are loaded when they are used.
        reasons: Names of the original that are not here, and what works instead.
        submodules: Modules below it, loaded when they are used.
        names: What it has of its own, to find the nearest.
    """
    shown = module.removeprefix("jupyter_mldeploy.")

    def __getattr__(name: str) -> Any:  # noqa: N807 - the hook's own name
        if name in known:
            return getattr(import_module(f"jupyter_mldeploy.azureml.{known[name]}"), name)
        if name in submodules:
            return import_module(f"{module}.{name}")
        if name.startswith("_"):
            raise AttributeError(name)
        # An AttributeError would lose its words on the way through `from … import …`.
        raise NameNotHere(name_sentence(shown, name, (*known, *names), reasons or {}), name=module)

    return __getattr__
