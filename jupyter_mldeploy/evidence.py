"""What a target can show of a failure.

One value that every target fills and diagnosis reads. It stands below both, because they do not know each other. Logs are
kept as they were printed; how they are cleaned and read is the business of ``diagnosis``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import IO, Any

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
    """Read a log file of any size: whole if it is short, else its beginning, its first error and its end.

    Bytes that are not UTF-8 are kept visible as replacement characters. A file that is not there reads as empty.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            if size <= limit:
                return file.read().decode("utf-8", "replace")
            limit -= 200  # for the words on what was left out
            error = _first_error_of_file(file, limit // 4, size - limit * 5 // 8)
            pieces = []
            for start, end in _kept(size, limit, error):
                file.seek(start)
                pieces.append((start, end, file.read(end - start).decode("utf-8", "replace")))
    except FileNotFoundError:
        return ""
    return _joined(pieces, "bytes")


_ERRORS = ("Traceback (most recent call last)", "ERROR", "rror: ")
"""How an error begins in most logs."""
_CHUNK = 8_000_000


def _first_error_of_file(file: IO[bytes], start: int, end: int) -> int:
    """Where the first error of that part of a file is, or -1."""
    file.seek(start)
    before = b""
    while start < end and (chunk := file.read(min(_CHUNK, end - start))):
        found = _first_error((before + chunk).decode("latin-1"))  # a character a byte: places stay what they are
        if found >= 0:
            return start - len(before) + found
        start += len(chunk)
        before = chunk[-40:]
    return -1


def _first_error(text: str, start: int = 0, end: int | None = None) -> int:
    return min((at for words in _ERRORS if (at := text.find(words, start, end)) >= 0), default=-1)


def _kept(size: int, limit: int, error: int) -> list[tuple[int, int]]:
    """From where to where a log is kept: its beginning, what is around its first error, its end."""
    around = max(limit // 4, error - 2_000)
    middle = [(around, min(around + limit // 8, size - limit * 5 // 8))] if error >= 0 else []
    return [(0, limit // 4), *middle, (size - limit * 5 // 8, size)]


def _joined(pieces: list[tuple[int, int, str]], unit: str) -> str:
    text, done = "", 0
    for start, end, piece in pieces:
        text += f"\n[… {start - done} {unit} left out …]\n{piece}" if start > done else piece
        done = end
    return text


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
    start, end = LOG_LIMIT // 4, len(text) - LOG_LIMIT * 5 // 8
    error = _first_error(text, start, end)
    return _joined([(a, b, text[a:b]) for a, b in _kept(len(text), LOG_LIMIT, error)], "characters")
