"""Evidence from files: a case in JSON, a log as plain text, a folder of them, standard input."""

from __future__ import annotations

import errno
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jupyter_mldeploy.evidence import Evidence, read_log

__all__ = ["from_case", "from_text", "read_evidence"]

_LARGEST_JSON = 64_000_000
_STRINGS = ("log", "build_log", "previous_log", "http_body", "k8s_reason", "http_server", "script", "script_name")


def read_evidence(where: str) -> Iterator[tuple[str, Evidence]]:
    """The evidence at a path, of each file of a folder, or of standard input (``-``), with a name for each.

    Raises:
        FileNotFoundError: There is nothing at the path, or no file in its folder.
        OSError: It cannot be read.
    """
    if where == "-":
        if sys.stdin is None:  # as ``<&-`` leaves it
            raise OSError(errno.EBADF, "standard input is closed", where)
        yield "-", from_text(sys.stdin.buffer.read().decode("utf-8", "replace"))
        return
    path = Path(where)
    if path.is_dir():
        files = sorted(entry for entry in path.iterdir() if entry.is_file())
        if not files:
            raise FileNotFoundError(
                errno.ENOENT, "there is no file in this folder: it takes cases (.json) and logs", where
            )
        for file in files:
            yield file.name, _from_file(file)
        return
    if not path.exists():
        raise FileNotFoundError(where)
    yield path.name, _from_file(path)


def from_text(text: str) -> Evidence:
    """A case in JSON, or anything else as a log."""
    if text.lstrip()[:1] == "{":
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            document = None
        if isinstance(document, dict) and _is_case(document):
            return from_case(document)
    return Evidence(log=text)


def from_case(case: dict[str, Any]) -> Evidence:
    """A document with ``stage``, ``target`` and ``evidence``, or with the fields of the evidence at its top."""
    inner = case.get("evidence")
    fields = {**case, **inner} if isinstance(inner, dict) else case
    known: dict[str, Any] = {name: _text(fields.get(name)) for name in _STRINGS if fields.get(name)}
    for name in ("exit_code", "http_status", "memory_limit"):
        known[name] = _number(fields.get(name))
    if isinstance(fields.get("oom_killed"), bool):
        known["oom_killed"] = fields["oom_killed"]
    events = fields.get("k8s_events") or fields.get("events") or ()
    if isinstance(events, str):
        events = events.split("\n")
    known["k8s_events"] = tuple(map(_event, events if isinstance(events, list) else ()))
    if isinstance(fields.get("failure"), dict):
        known["failure"] = fields["failure"]
    if isinstance(fields.get("facts"), dict):
        known["facts"] = {str(name): str(value) for name, value in fields["facts"].items()}
    requirements = fields.get("requirements")
    if isinstance(requirements, list):
        known["requirements"] = tuple(map(str, requirements))
    return Evidence(
        stage=_text(case.get("stage")), target=_text(case.get("target")), service=_text(fields.get("service")), **known
    )


def _from_file(path: Path) -> Evidence:
    if path.stat().st_size <= _LARGEST_JSON and path.suffix.lower() == ".json":
        return from_text(path.read_bytes().decode("utf-8", "replace"))
    text = read_log(path)
    return from_text(text) if path.stat().st_size == len(text) else Evidence(log=text)


def _is_case(document: dict[str, Any]) -> bool:
    fields = document.get("evidence")
    known = {*_STRINGS, "exit_code", "http_status", "k8s_events", "failure"} - {"script"}
    return isinstance(fields, dict) or bool(known & document.keys())


def _event(event: object) -> str:
    """An event as one line: ``FailedScheduling: 0/3 nodes are available … (x12)``."""
    if not isinstance(event, dict):
        return _text(event)
    reason, message, count = (_text(event.get(name)) for name in ("reason", "message", "count"))
    line = f"{reason}: {message}" if reason else message
    return f"{line} (x{count})" if count not in ("", "1") else line


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return "\n".join(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _number(value: object) -> int | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        return int(str(value))
    except ValueError:
        return None
