"""``mldeploy diagnose --evidence FILE``: the engine on files, for services that were not deployed with us."""

from __future__ import annotations

import json
import sys
from typing import TextIO

from jupyter_mldeploy.diagnosis import diagnose

__all__ = ["answer"]


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
