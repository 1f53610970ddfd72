"""``mldeploy diagnose --evidence FILE``: the engine on files, for services that were not deployed with us."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import TextIO

from jupyter_mldeploy.diagnosis import diagnose

__all__ = ["add_evidence", "answer", "main"]


def main(argv: Sequence[str] | None = None, out: TextIO | None = None) -> int:
    """Run the command; 0: diagnosed (also if nothing is wrong), 1: no such file, 2: usage."""
    out = out or sys.stdout
    parser = argparse.ArgumentParser(
        prog="mldeploy diagnose", description="Name the cause of a failure from its evidence.", allow_abbrev=False
    )
    add_evidence(parser.add_mutually_exclusive_group(required=True))
    parser.add_argument("--format", choices=("text", "json"), default="text", help="what stdout gets (default: text)")
    try:
        options = parser.parse_args(argv)
    except SystemExit as stop:  # as argparse ends the process on --help and on mistakes
        return int(stop.code or 0)
    return answer(options.evidence, options.format, out)


def answer(evidence: str | None, form: str, out: TextIO) -> int:
    """What evidence says, or without any the list of the causes that are known."""
    if evidence is None:
        _list(out, form)
        return 0
    return _diagnose(evidence, form, out)


def _diagnose(where: str, form: str, out: TextIO) -> int:
    from pathlib import Path

    from jupyter_mldeploy.diagnosis.evidence_file import read_evidence

    folder = where != "-" and Path(where).is_dir()
    try:
        for name, evidence in read_evidence(where):
            told = diagnose(evidence)
            if form == "json":
                document = {"file": name, **told.to_json()} if folder else told.to_json()
                out.write(json.dumps(document, ensure_ascii=False, indent=None if folder else 2) + "\n")
            elif folder:
                out.write(f"{name}: {told.cause or 'nothing is wrong'}: {told.title}\n")
            else:
                out.write(told.to_text() + "\n")
    except BrokenPipeError:  # whoever read the answers has read enough: no fault of the evidence
        raise
    except OSError as problem:
        sys.stderr.write(f"{where}: {problem.strerror or 'there is no such file or folder'}\n")
        return 1
    return 0


def _list(out: TextIO, form: str) -> None:
    from jupyter_mldeploy.diagnosis.pages import causes, fill, page

    pages = sorted((page(cause) for cause in causes()), key=lambda p: (p.family, p.cause))
    if form == "json":
        rows = [
            {"cause": p.cause, "family": p.family, "title": fill(p.title, {}), "severity": p.severity} for p in pages
        ]
        out.write(json.dumps(rows, ensure_ascii=False, indent=2) + "\n")
        return
    family = ""
    for p in pages:
        if p.family != family:
            family = p.family
            out.write(f"{family}\n")
        out.write(f"  {p.cause:34} {fill(p.title, {})}\n")


def add_evidence(words: argparse._MutuallyExclusiveGroup) -> None:
    """What can be said instead of the name of a service."""
    words.add_argument(
        "--evidence",
        metavar="FILE",
        help="name the cause from evidence: a case in JSON, a log as text, a folder of them, or - for standard input",
    )
    words.add_argument("--list", action="store_true", help="list the causes that are known")
