"""Files and models that the script opens by a literal name and that are not shipped."""

from __future__ import annotations

import ast
import os
import posixpath
import re
from collections.abc import Collection, Iterator
from pathlib import Path

from jupyter_mldeploy.capture.local_modules import SourceDirectory
from jupyter_mldeploy.capture.problems import Problem
from jupyter_mldeploy.capture.walking import CONDITION, NEVER, Survey, dotted_name

__all__ = ["file_problems", "model_problems"]

_READERS = frozenset(
    {
        "open", "io.open", "codecs.open", "gzip.open", "bz2.open", "lzma.open", "zipfile.ZipFile", "tarfile.open",
        "joblib.load", "dill.load_file", "numpy.load", "numpy.loadtxt", "numpy.genfromtxt", "numpy.fromfile",
        "pandas.read_csv", "pandas.read_parquet", "pandas.read_pickle", "pandas.read_json", "pandas.read_excel",
        "pandas.read_feather", "pandas.read_table", "pandas.read_hdf", "torch.load", "torch.jit.load",
        "tensorflow.keras.models.load_model", "keras.models.load_model", "onnxruntime.InferenceSession", "cv2.imread",
        "PIL.Image.open", "spacy.load",
    }
)  # fmt: skip
_PATH_READERS = frozenset({"read_text", "read_bytes", "open"})
_HANDLED = frozenset({"FileNotFoundError", "OSError", "IOError", "EnvironmentError", "Exception", "BaseException"})
_UNSURE = _HANDLED | {CONDITION, NEVER}


def file_problems(found: Survey, shipped: SourceDirectory) -> Iterator[Problem]:
    """Relative files that are opened for reading and are not in the source directory."""
    names = _import_names(found)
    written: set[str] = set()
    opened: dict[str, int] = {}
    for node, guards in found.calls:
        called = _full_name(node.func, names)
        if called == "os.chdir":
            return
        opening = _opened(node, called, names)
        if opening is None:
            continue
        path, reads = opening
        if not reads:
            written.add(path)
        elif not guards & _UNSURE:
            opened.setdefault(path, node.lineno)
    for path, line in opened.items():
        if path not in written and _is_plain(path) and not shipped.holds(path):
            yield _problem(path, line, shipped)


def model_problems(found: Survey, model_names: Collection[str], source: SourceDirectory) -> Iterator[Problem]:
    """Models that ``Model.get_model_path`` is asked for by a literal name and that are not shipped."""
    said: set[str] = set()
    for node, guards in found.calls:
        if guards & _UNSURE:
            continue
        if not f".{dotted_name(node.func)}".endswith(".Model.get_model_path"):
            continue
        keywords = {keyword.arg: keyword.value for keyword in node.keywords}
        argument = node.args[0] if node.args else keywords.get("model_name")
        if not isinstance(argument, ast.Constant) or not isinstance(argument.value, str):
            continue
        name = argument.value
        if name in said or name in model_names or source.holds(name):
            continue
        said.add(name)
        shipped = f"shipped: {', '.join(sorted(model_names))}" if model_names else "no model is shipped"
        yield Problem(
            node.lineno,
            f"Model.get_model_path({name!r}) asks for a model that is not shipped ({shipped}).",
            _how_to_ship(name, model_names),
        )


def _how_to_ship(name: str, model_names: Collection[str]) -> str:
    """A file is shipped under the first part of its name, unless another one is given to it."""
    path = Path(name)
    by_name = f"--model {name}={name if path.exists() else 'PATH'}" if "/" not in name else ""
    if path.stem != name and path.stem in model_names:
        named = f", or give it this name: {by_name}" if by_name else ""
        return f"Write Model.get_model_path({path.stem!r}) for the one that is shipped{named}."
    if "/" in name:
        return f"Ship it with --model {name} and write Model.get_model_path({path.stem!r})."
    return f"Ship it with {by_name if path.suffix and path.exists() else f'--model {name}'}."


def _import_names(found: Survey) -> dict[str, str]:
    """What each imported name stands for: ``np`` → ``numpy``; names that the script defines itself stand for nothing."""
    names: dict[str, str] = {}
    for node, _ in found.imports:
        for alias in node.names:
            top = alias.name.partition(".")[0]
            if isinstance(node, ast.Import):
                names[alias.asname or top] = alias.name if alias.asname else top
            elif node.module and not node.level:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names | dict.fromkeys(found.own, "")


def _full_name(function: ast.expr, names: dict[str, str]) -> str:
    first, dot, rest = dotted_name(function).partition(".")
    first = names.get(first, first)
    return f"{first}{dot}{rest}" if first else ""


def _opened(node: ast.Call, called: str, names: dict[str, str]) -> tuple[str, bool] | None:
    """The literal path that a call opens, and whether to read it."""
    if called in _READERS:
        named = next((keyword.value for keyword in node.keywords if keyword.arg == "file"), None)
        path = _path(node.args[0] if node.args else named, names)
        return None if path is None else (path, _reads(node, 1) if called.endswith("open") else True)
    if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Call):
        inner = node.func.value
        if _full_name(inner.func, names) == "pathlib.Path" and len(inner.args) == 1:
            path = _path(inner.args[0], names)
            if path is not None and node.func.attr in _PATH_READERS:
                return path, _reads(node, 0) if node.func.attr == "open" else True
            if path is not None and node.func.attr.startswith("write_"):
                return path, False
    return None


def _path(node: ast.expr | None, names: dict[str, str]) -> str | None:
    """A path that is written out: a text, ``f"text"``, or ``os.path.join`` of such."""
    if isinstance(node, ast.JoinedStr):
        parts = [_literal(value) for value in node.values]
        return None if None in parts else "".join(filter(None, parts))
    if isinstance(node, ast.Call) and node.args and _full_name(node.func, names) == "os.path.join":
        joined = [_path(argument, names) for argument in node.args]
        return None if None in joined else "/".join(filter(None, joined))
    return _literal(node)


def _literal(node: ast.expr | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _reads(node: ast.Call, position: int) -> bool:
    keywords = {keyword.arg: keyword.value for keyword in node.keywords}
    mode = node.args[position] if len(node.args) > position else keywords.get("mode")
    if mode is None:
        return True
    text = _literal(mode)
    return text is not None and not set(text) & set("wax")


def _is_plain(path: str) -> bool:
    """Whether it is a relative file of the script's folder, and not an address or something put there otherwise."""
    if not path or os.path.isabs(path) or path.startswith(("~", "azureml-models")):  # noqa: PTH117
        return False
    return not re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", path) and "\0" not in path


def _problem(path: str, line: int, shipped: SourceDirectory) -> Problem:
    if shipped.folder is not None:
        where = f"the source directory {str(shipped.folder)!r}"
        named = f"{shipped.name}/{posixpath.normpath(path)}"
        if shipped.name and shipped.holds(named):
            message = f"The script opens {path!r}; in the service {where} is the folder {shipped.name!r}."
            return Problem(line, message, f"Write {named!r}.")
        return Problem(line, f"The script opens {path!r}, which is not in {where}.", "Put the file there.")
    here = Path(path).exists()
    beside = "lies beside the notebook" if here else "is not shipped"
    return Problem(
        line,
        f"The script opens {path!r}, which {beside}, and the service does not have it.",
        "Ship its folder with --source-directory, or register it with --model and open Model.get_model_path(NAME).",
    )
