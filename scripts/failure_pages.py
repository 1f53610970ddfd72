"""Write ``docs/failures/`` from the pages of the diagnosis: ``uv run python scripts/failure_pages.py [--check]``.

One page for each family, with each cause: what happened, how to confirm it, what to do; and an index. ``--check`` only says
whether the files are what would be written.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from jupyter_mldeploy.diagnosis.pages import Page, causes, fill, page

__all__ = ["FOLDER", "main", "rendered"]

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "failures"
FAMILIES = {
    "build-dependencies": "The environment cannot be installed",
    "build-io": "The image cannot be built",
    "docker-host": "The Docker engine",
    "registry": "Registries and images",
    "registration": "Registering and naming",
    "scheduling": "The cluster has no place for it",
    "cluster-access": "The cluster cannot be reached or says no",
    "config-objects": "Secrets and config maps",
    "container-start": "The container does not start",
    "resources": "Memory, disk and time",
    "crash-native": "The process is ended",
    "imports": "Something cannot be imported",
    "scoring-script": "The scoring script",
    "model-load": "The model cannot be loaded",
    "request": "A request fails in run()",
    "http": "What the endpoint answers",
    "scaling": "Autoscaling",
    "deletion": "Deleting",
    "control": "When nothing is named",
}
"""Families in the order of a deployment, as a reader calls them."""


def rendered() -> dict[str, str]:
    """All files of the folder, by name."""
    families: dict[str, list[Page]] = defaultdict(list)
    for cause in causes():
        families[page(cause).family].append(page(cause))
    order = [*(family for family in FAMILIES if family in families), *sorted(families.keys() - FAMILIES.keys())]
    index = [
        "# Failures",
        "",
        "What can fail between a cell and an answer, and what to do. The same pages are shown under a failed cell, by",
        "`%diagnose NAME`, and by `mldeploy diagnose --evidence FILE` for logs of services that were deployed otherwise.",
        "",
        "These files are written by `scripts/failure_pages.py` from `jupyter_mldeploy/diagnosis/catalogue/`.",
    ]
    files = {}
    for family in order:
        title = FAMILIES.get(family, family)
        index += ["", f"## [{title}]({family}.md)", ""]
        index += [f"- [`{p.cause}`]({family}.md#{p.cause}): {_plain(p.title)}" for p in families[family]]
        files[f"{family}.md"] = _family(title, families[family])
    return {"README.md": "\n".join(index) + "\n", **files}


def _family(title: str, pages: Sequence[Page]) -> str:
    lines = [f"# {title}"]
    for p in pages:
        head = _plain(p.title)
        lines += ["", f"## {p.cause}", "", f"**{head[:1].upper()}{head[1:]}.** {_plain(p.what)}", ""]
        if p.confirm:
            confirm = re.sub(r"^ {4}", "", fill(p.confirm, {"service": "NAME"}), flags=re.MULTILINE)
            lines += ["To confirm:", "", "```", confirm.strip(), "```", ""]
        lines += [f"{number}. {step}" for number, step in enumerate(filter(None, map(_plain, p.steps)), 1)]
        if p.sources:
            lines += ["", f"<small>{'; '.join(p.sources)}</small>"]
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    """A text of the catalogue without facts."""
    return fill(text, {}).strip()


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if a file is not current")
    options = parser.parse_args(argv)
    wanted = rendered()
    there = {file.name: file.read_text("utf-8") for file in FOLDER.glob("*.md")} if FOLDER.is_dir() else {}
    stale = sorted(name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name))
    if options.check:
        for name in stale:
            print(f"docs/failures/{name} is not current: run scripts/failure_pages.py")
        return 1 if stale else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in stale:
        if name in wanted:
            (FOLDER / name).write_text(wanted[name], "utf-8")
        else:
            (FOLDER / name).unlink()
    print(f"{len(stale)} of {len(wanted)} files written to {FOLDER}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
