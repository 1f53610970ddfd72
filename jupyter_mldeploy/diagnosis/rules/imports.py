"""``No module named …`` has four causes with opposite advice; here they are told apart.

Not installed; the user's own file was not shipped; moved by another scikit-learn; the entry script itself is missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from jupyter_mldeploy.diagnosis.known_packages import (
    belongs_to_package,
    called_as_own,
    is_namespace,
    looks_own,
    requirement,
    top,
)
from jupyter_mldeploy.diagnosis.reading import Hit, Reading
from jupyter_mldeploy.diagnosis.removed_modules import removed
from jupyter_mldeploy.diagnosis.rule import Depth, Finding, found, rule
from jupyter_mldeploy.diagnosis.tracebacks import Raised

_MISSING = r"No module named ['\"]?(?P<module>[\w.-]+)"
_UNPICKLING = ("pickle.py", "find_class", "joblib", "cloudpickle", "_load", "dill", "_legacy_load", "unpickle")
_STARTERS = (
    "import_app", "uvicorn/importer", "import_from_string", "import_module", "azmlinfsrv", "azureml_inference_server_http",
    "azureml-server", "user_script", "werkzeug/serving", "locate_app", "app_factory", "hypercorn", "waitress",
)  # fmt: skip
_SCRIPTS = re.compile(
    r"^(?:score|scoring|main|app|wsgi|asgi|server|serve|entry|entry_script|inference|predict(?:or)?)$"
)
_FLASK_FAMILY = {"werkzeug", "jinja2", "markupsafe", "itsdangerous", "click", "opencensus"}
_NUMPY_INSIDE = re.compile(r"numpy\._core|numpy\.core\._|numpy\.core\.multiarray")
_FLASK_INSIDE = re.compile(r"flask\._compat|flask\.ext|flask\.json|werkzeug\.\w+|jinja2\.\w+|itsdangerous\.\w+")


@rule(
    "module-not-found",
    "local-module-not-packaged",
    "sklearn-version-mismatch",
    "entry-script-not-found",
    "numpy-abi-mismatch",
    "flask-stack-incompatible",
)
def missing_module(reading: Reading) -> Iterator[Finding]:
    """``ModuleNotFoundError``, from a process that was to serve."""
    if reading.building_packages:
        return
    hits = reading.find_all(_MISSING, limit=20)
    if not hits:
        return
    raised_at = {(r.line.source, r.line.number): r for r in reading.raised}
    for hit in hits:
        raised = raised_at.get((hit.line.source, hit.line.number))
        if not _optional(hit):
            yield _judged(reading, hit, hit["module"].strip("."), raised)


def _judged(reading: Reading, hit: Hit, module: str, raised: Raised | None) -> Finding:
    if is_namespace(module) and raised and raised.frames:
        module = _imported(raised.frames[-1].source, module)
    named = requirement(module)
    facts = {"module": module, "package": named or module, "requirement": named}
    if gone := removed(module):
        facts |= {"removed": gone[0], "instead": gone[1], "backport": gone[2]}
    if raised and (own := raised.own_frame):
        facts |= {"script": own.name, "line": str(own.line)}
    unpickling = raised is not None and raised.through(*_UNPICKLING)
    cause, certain = "module-not-found", True
    if module.startswith("sklearn.") or module == "_loss":
        cause = "sklearn-version-mismatch"
    elif _NUMPY_INSIDE.match(module):
        cause = "numpy-abi-mismatch"
    elif _FLASK_INSIDE.match(module) or (top(module) in _FLASK_FAMILY and _in_server(raised)):
        cause = "flask-stack-incompatible"
    elif _is_entry(reading, module, raised):
        cause = "entry-script-not-found"
    elif "is not a package" in hit.line.text or module.startswith("__main__"):
        cause = "local-module-not-packaged"
    elif not belongs_to_package(module):
        certain = called_as_own(module)
        cause = "local-module-not-packaged" if looks_own(module) or unpickling else "module-not-found"
    if cause == "local-module-not-packaged":
        del facts["package"], facts["requirement"]
    return found(cause, Depth.ROOT, hit, certain=certain, facts=facts)


def _in_server(raised: Raised | None) -> bool:
    """Whether it is the server itself that imports it, and not a script which the server loads."""
    if raised is None or not raised.frames:
        return False
    last = replace(raised, frames=raised.frames[-1:])
    return last.through("flask/", "azureml_inference", "azureml-server", "werkzeug/", "/jinja2/", "opencensus")


def _imported(statement: str, namespace: str) -> str:
    """What is imported from a namespace: Python names only the first part that it does not find."""
    match = re.match(r"(?:from|import) +([\w.]+)(?: +import +\(?(\w+))?", statement)
    if not match or not f"{match[1]}.".startswith(f"{namespace}."):
        return namespace
    return f"{match[1]}.{match[2]}" if match[2] and is_namespace(match[1]) else match[1]


def _is_entry(reading: Reading, module: str, raised: Raised | None) -> bool:
    """Whether the server itself was looking for the module: no frame of the user is between."""
    name = top(module)
    if reading.find(
        r"Error loading ASGI app|Could not import|entry[ _]script|Failed to find attribute"
    ) and _SCRIPTS.match(name):
        return True
    if name == "main" or _SCRIPTS.match(name):
        return raised is None or raised.own_frame is None or not raised.frames or _server_file(raised)
    return raised is not None and raised.own_frame is None and raised.through(*_STARTERS) and not belongs_to_package(module) \
        and not raised.through(*_UNPICKLING)  # fmt: skip


def _server_file(raised: Raised) -> bool:
    """The innermost of the user's frames is a server's start file that imports a script by its name."""
    own = raised.own_frame
    return own is not None and "import_module" in own.source


def _optional(hit: Hit) -> bool:
    """Whether the line is only a warning of something optional."""
    return re.search(r"\b(?:WARN(?:ING)?|INFO|DEBUG|Skipping|optional|ignored)\b", hit.line.text) is not None


@rule("local-module-not-packaged")
def relative_import(reading: Reading) -> Iterator[Finding]:
    """Imports within a project, of which only one file was shipped."""
    if reading.building_packages:
        return
    hit = reading.find(
        r"attempted relative import (?:with no known parent package|beyond top-level package|in non-package)"
    )
    if hit:
        yield found("local-module-not-packaged", Depth.ROOT, hit)
    for raised in reading.raised:
        if raised.name == "ImportError" and (
            match := re.match(r"cannot import name '?(\w+)'? from '?([\w.]+)'?", raised.message)
        ):
            own_file = "site-packages" not in raised.message and "dist-packages" not in raised.message
            if own_file and looks_own(match[2]) and "partially initialized" not in raised.message:
                yield found("local-module-not-packaged", Depth.SPECIFIC, raised.line, module=match[2], certain=False)


@rule("module-not-found")
def named_as_missing(reading: Reading) -> Iterator[Finding]:
    """Libraries that ask for another one in their own words."""
    if reading.building_packages:
        return
    patterns = (
        r"Missing optional dependency '(?P<package>[\w-]+)'",
        r"requires the (?P<package>[\w-]+) library but it was not found in your environment",
        (
            r"(?:Unable to find a usable engine|Missing optional dependency).*(?P<package>pyarrow|fastparquet"
            r"|openpyxl|xlrd)"
        ),
        r"ImportError: .{0,120}?requires? .{0,60}?pip install [`'\"]?(?P<package>[\w-]+)",
        r"ImportError: (?:Please|You (?:need|must|should)|Using) .{0,60}?\b(?:pip|conda) install (?P<package>[\w-]+)",
        r"PackageNotFoundError: (?:No package metadata was found for )?(?P<package>[\w-]+)",
        r"DistributionNotFound: The '(?P<package>[\w-]+)[^']*' distribution was not found",
        r"(?:requires|needs) [`'\"](?P<package>[\w-]+)[`'\"] to be installed",
        (
            r"[`'\"]?(?P<package>[\w-]+)[`'\"]? (?:is not installed|must be installed|needs to be installed"
            r"|package is required)(?=.{0,80}(?:(?:pip|conda) install|install it with pip))"
        ),
        (
            r"(?:ImportError|RuntimeError|ModuleNotFoundError|AssertionError|Exception): .{0,160}?`?(?:pip|conda)"
            r" install (?:-U |--upgrade )?[`'\"]?(?P<package>[A-Za-z][\w-]+)"
        ),
        r"\[E050\] Can't find model '(?P<package>[\w-]+)'",
    )
    for pattern in patterns:
        if hit := reading.find(pattern):
            yield found("module-not-found", Depth.SPECIFIC, hit, package=hit["package"], module=hit["package"],
                        requirement=requirement(hit["package"]))  # fmt: skip
            return
