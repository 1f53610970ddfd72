"""Everything that can be seen to be wrong with a scoring script before anything is built, in milliseconds.

No false alarm is worth one more finding: what is decided only when the script runs is not judged.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from jupyter_mldeploy.capture.contract import contract_problems
from jupyter_mldeploy.capture.file_checks import file_problems, model_problems
from jupyter_mldeploy.capture.import_checks import import_problems
from jupyter_mldeploy.capture.local_modules import SourceDirectory
from jupyter_mldeploy.capture.name_checks import name_problems
from jupyter_mldeploy.capture.parsing import Parsed, parse
from jupyter_mldeploy.capture.problems import Problem
from jupyter_mldeploy.spec import Environment, Script

__all__ = ["check_script"]


def check_script(
    script: Script,
    *,
    environment: Environment,
    source_directory: str | Path | None,
    source_name: str = "",
    model_names: Collection[str] | None = (),
    notebook_names: Collection[str] = frozenset(),
) -> list[Problem]:
    """All problems of a script, by line.

    Args:
        environment: What it will run in.
        source_directory: The folder that is shipped with it, or ``None``.
        source_name: What that folder is called in the app root; ``""``: its files lie in the app root itself.
        model_names: Names of the models that are shipped with it; ``None``: not known, what it asks for is not judged.
        notebook_names: Names that the user defined in the notebook.

    Returns:
        Problems; empty if none was found. With a syntax error nothing else can be found.
    """
    parsed = parse(script.text)
    if not isinstance(parsed, Parsed):
        return sorted(parsed)
    shipped = SourceDirectory(None if source_directory is None else Path(source_directory), source_name)
    names = model_names or ()
    problems = {
        *parsed.problems,
        *contract_problems(parsed.tree, parsed.survey.dynamic),
        *import_problems(parsed.survey, environment, shipped),
        *name_problems(parsed, notebook_names, names),
        *file_problems(parsed.survey, shipped),
        *(() if model_names is None else model_problems(parsed.survey, names, shipped)),
    }
    return sorted(problems)
