"""What the pipeline and the targets tell in English, found in the catalogue by its form."""

from __future__ import annotations

import re
from functools import lru_cache

from jupyter_mldeploy.notebook.language import Later, language, later, tr

__all__ = ["heard", "told", "told_all"]

_FORMS: tuple[Later, ...] = (
    # Notes of stages.
    later("cached"),
    later("not needed"),
    later("skipped"),
    later("no sample was given"),
    later("no model"),
    later("no registry is set"),
    later("the image was built before; it stays where it is"),
    later("the cluster uses this engine's images"),
    later("init() runs"),
    later("reloaded, init() kept"),
    later("reloaded, init() ran again"),
    later("%1 of %2 layers"),
    later("%1 of %2 replicas ready"),
    later("1 replica"),
    later("1 replica, no %1 limit on this system"),
    later("%1 replicas, no %2 limit on this system"),
    later("%1 replicas"),
    later("%1, nothing to build"),
    later("%1, built before"),
    later("%1, built %2"),
    later("took over the port within %1 ms"),
    later("port %1 → %2"),
    later("port %1 kept"),
    later("port %1"),
    later("environment %1"),
    later("revision %1"),
    later("loaded by %1"),
    later("%1, taken as it is"),
    later("sample → %1"),
    later("%1 is the notebook's variable (%2)"),
    # Why something was done.
    later("script changed"),
    later("files of the source directory changed"),
    later("script → that of the image"),
    later("context or namespace changed"),
    later("scoring keys changed"),
    later("no scoring keys any more"),
    later("place on the cluster changed"),
    later("it had failed"),
    later("its deployment was broken off"),
    later("it was not running"),
    later("variables %1 changed"),
    later("environment: %1"),
    later("models %1 → %2"),
    later("script %1 → %2"),
    later("memory %1 → %2"),
    later("replicas → %1"),
    later("scoring time-out → %1 s"),
    later("longest wait → %1 s"),
    later("init() time-out → %1 s"),
    later("target utilisation → %1"),
    later("image → %1"),
    # Of services.
    later("It was stopped."),
    later("It was deleted."),
    later("Its process %1 is gone."),
    # Of answers.
    later("%1 did not answer"),
    later("status: %1 and %2"),
    later("the texts differ, and are not both JSON"),
    later("%1 is in the first only"),
    later("%1 is in the second only"),
    later("the value: %1 and %2"),
    later("the list: %1 and %2 items"),
    later("%1: %2 and %3 items"),
)
_OPEN = re.compile(r"%\d")


def heard(text: str) -> str:
    """A sentence that was told, in the user's language as far as it is known there."""
    if isinstance(text, Later):
        return tr(text)
    return text if language() == "en" else tr(told(text))


@lru_cache(maxsize=256)
def told(text: str) -> Later:
    """The same text, and how it was made."""
    for form, pattern in zip(_FORMS, _PATTERNS, strict=True):
        if match := pattern.fullmatch(text):
            return later(form.template, *match.groups())
    if "; " in text:
        return told_all(tuple(text.split("; ")), "; ")
    return later("%1", text) if _OPEN.search(text) else later(text)


def told_all(texts: tuple[str, ...], between: str = ", ") -> Later:
    """Several, one after the other."""
    shown = texts if len(texts) < 10 else (*texts[:8], between.join(texts[8:]))
    return later(between.join(f"%{number}" for number in range(1, len(shown) + 1)), *map(told, shown))


def _pattern(form: Later) -> re.Pattern[str]:
    """What is told in this form; its values stand in the order of their numbers."""
    return re.compile("(.+?)".join(map(re.escape, _OPEN.split(form.template))), re.DOTALL)


_PATTERNS = tuple(map(_pattern, _FORMS))
