"""What a target can show of a failure.

One value that every target fills and diagnosis reads. It stands below both, because they do not know each other. Logs are
kept as they were printed; how they are cleaned and read is the business of ``diagnosis``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

__all__ = ["Evidence", "read_log", "redact"]

LOG_LIMIT = 1_000_000
"""Characters kept of one log: its first error and its end."""

_SECRET = re.compile(
    r"""(?ix)
    (?P<keep>
        (?:authorization\s*[:=]\s*(?:bearer|basic)\s+)
      | (?:(?<!/)(?:password|passwd|secret|token|api[_-]?key|access[_-]?key|account[_-]?key|sas)\b
          (?:["']?[:=]\s*["']?|["']\s+[:=]\s*["']|\s+[:=]\s*["']?))
      | (?:[?&](?:sig|sv_sig|token|key)=)
    )
    (?P<secret>[^\s"'&@,;]{4,})
  | (?P<user>://[^\s/:@]*:)[^\s/]+(?=@)  # in an address any length and any letter is a password
    """
)


_WORDS = ("authorization", "password", "passwd", "secret", "token", "key", "sas", "://", "sig=")
"""One of these is in every line that has something to redact."""


def redact(text: str) -> str:
    """Replace what looks like a password, token or key by ``***``."""
    lowered = text.replace("İ", "I").lower()  # the one letter whose lower case is longer
    pieces: list[str] = []
    done = 0
    # Finding fixed words is some hundred times quicker than the pattern, and most lines have none.
    places = {word: lowered.find(word) for word in _WORDS}
    while (start := min((at for at in places.values() if at >= 0), default=-1)) >= 0:
        start = text.rfind("\n", 0, start) + 1
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        mark = min((at for at in (text.find(":", start), text.find("=", start)) if at >= 0), default=-1)
        if mark < 0:
            break
        if mark < end:
            pieces += (text[done:start], _hidden(text[start:end]))
            done = end
        else:
            end = text.rfind("\n", 0, mark) + 1  # lines that can have nothing to redact
        for word, at in places.items():
            if 0 <= at < end:
                places[word] = lowered.find(word, end)
    return "".join((*pieces, text[done:])) if pieces else text


def _hidden(text: str) -> str:
    return _SECRET.sub(lambda match: (match["keep"] or match["user"]) + "***", text)


def read_log(path: Path, limit: int = LOG_LIMIT) -> str:
    """Read a log file of any size: whole if it is short, else its beginning and its end.

    Bytes that are not UTF-8 are kept visible as replacement characters. A file that is not there reads as empty.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            if size <= limit:
                return file.read().decode("utf-8", "replace")
            head = file.read(limit // 4)
            file.seek(size - limit * 3 // 4)
            tail = file.read()
    except FileNotFoundError:
        return ""
    cut = f"\n[… {size - limit} bytes left out …]\n"
    return head.decode("utf-8", "replace") + cut + tail.decode("utf-8", "replace")


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Everything known of one failure (or of a service that is well).

    Attributes:
        stage: ``register``, ``build``, ``push``, ``schedule``, ``launch``, ``init``, ``ready``, ``run``, ``reload`` or ``""``.
        target: ``local``, ``container``, ``kubernetes`` or ``""``.
        service: Name of the service.
        log: What the service printed in its present life.
        build_log: What the build of its environment or image printed.
        previous_log: What its previous life printed (the container or process before the last restart).
        exit_code: Of the process or container; negative or > 128 for signals as the target reports them.
        oom_killed: Whether the engine or kernel says that the memory limit killed it; ``None`` where nobody says.
        http_status, http_body: The answer that was received.
        http_server: Who gave that answer (the ``server`` header, or ``"api-server"``, ``"engine"``), if known.
        k8s_reason: The reason that Kubernetes gives (``CrashLoopBackOff``, ``Unschedulable``, ...).
        k8s_events: Messages of events and conditions, oldest first.
        failure: The runtime's own report of a failure (see ``docs/runtime-protocol.md``), or empty.
        script: Text of the scoring script; ``script_name``: what the user calls it (``score.py``, ``cell [4]``).
        requirements: The environment's requirements.
        memory_limit: In bytes, if there is one.
        facts: More, by name, that a page of the catalogue may show.
    """

    stage: str = ""
    target: str = ""
    service: str = ""
    log: str = ""
    build_log: str = ""
    previous_log: str = ""
    exit_code: int | None = None
    oom_killed: bool | None = None
    http_status: int | None = None
    http_body: str = ""
    http_server: str = ""
    k8s_reason: str = ""
    k8s_events: tuple[str, ...] = ()
    failure: Mapping[str, Any] = field(default_factory=dict)
    script: str = ""
    script_name: str = "score.py"
    requirements: tuple[str, ...] = ()
    memory_limit: int | None = None
    facts: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("log", "build_log", "previous_log", "http_body"):
            object.__setattr__(self, name, redact(_bounded(getattr(self, name))))
        object.__setattr__(self, "k8s_events", tuple(redact(str(event)) for event in self.k8s_events))

    def to_json(self) -> dict[str, Any]:
        """Plain data, without what is empty."""
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name)) not in (None, "", (), {})}


def _bounded(text: str) -> str:
    if len(text) <= LOG_LIMIT:
        return text
    head, tail = text[: LOG_LIMIT // 4], text[-LOG_LIMIT * 3 // 4 :]
    return f"{head}\n[… {len(text) - LOG_LIMIT} characters left out …]\n{tail}"
