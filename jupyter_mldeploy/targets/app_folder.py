"""The app root that a service sees: its script, its source directory's files, and its models where v1 scripts look for them.

<app root>/score.py
           …                               what the source directory holds, without what is ignored; with the script in
                                           a folder of its own, where the inference config names one (v1)
           azureml-models/<name>/<version>/<one file or folder>
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from jupyter_mldeploy.errors import InvalidValue, NotFound, StorageError
from jupyter_mldeploy.spec import InferenceConfig, ModelRef

__all__ = [
    "entry_script",
    "fill_app_folder",
    "in_app_root",
    "model_directory",
    "source_digest",
    "source_edited",
    "source_files",
    "source_root",
]

MODELS = "azureml-models"
IGNORE_FILES = (".amlignore", ".dockerignore")
ALWAYS_IGNORED = (".git/", "__pycache__/", ".ipynb_checkpoints/", "*.pyc", ".venv/", ".mypy_cache/", "node_modules/")


def source_files(directory: Path) -> Iterator[Path]:
    """Relative paths of the files that go with the script, sorted, without what ``.amlignore`` or ``.dockerignore`` names.

    Links that lead out of the directory are an error: they would bring along what nobody meant to deploy.
    """
    from pathspec import GitIgnoreSpec

    patterns = list(ALWAYS_IGNORED)
    for name in IGNORE_FILES:
        if (directory / name).is_file():
            patterns += (directory / name).read_text(encoding="utf-8", errors="replace").splitlines()
            break
    ignored = GitIgnoreSpec.from_lines(patterns)
    root = directory.resolve()
    for path in sorted(directory.rglob("*")):
        relative = path.relative_to(directory)
        if path.is_file() and not ignored.match_file(relative.as_posix()):
            if not path.resolve().is_relative_to(root):
                raise InvalidValue("source_directory", str(relative), f"the link leads out of {str(directory)!r}.")
            yield relative


def source_digest(config: InferenceConfig) -> str:
    """SHA-256 over the source directory's files other than the scoring script; ``""`` without one.

    Raises:
        NotFound: The directory is gone.
    """
    if config.source_directory is None:
        return ""
    directory = Path(config.source_directory)
    if not directory.is_dir():
        raise NotFound(f"There is no source directory {str(directory)!r}.")
    script = entry_script(config)
    digest = hashlib.sha256(config.source_name.encode())
    for relative in source_files(directory):
        if in_app_root(config, relative) != script:
            digest.update(f"{relative.as_posix()}\0".encode())
            with (directory / relative).open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def source_edited(config: InferenceConfig, digest: str, since: float) -> bool:
    """Whether the source directory's files are others than those of ``digest``, which were read at ``since``.

    Files are read only if a time stamp is younger: panels ask often, and folders may be large.
    """
    if config.source_directory is None:
        return False
    directory = Path(config.source_directory)
    if not directory.is_dir():
        return True
    try:
        parts = {directory, *(directory / part for path in source_files(directory) for part in (path, path.parent))}
        return max(part.stat().st_mtime for part in parts) >= since and source_digest(config) != digest
    except (OSError, InvalidValue):  # changed while it is looked at, or into what could not be deployed
        return True


def entry_script(config: InferenceConfig) -> str:
    """Path of the scoring script in the app root: where it stands in the source directory, else at the top."""
    script = config.script
    if script.path and config.source_directory:
        directory = Path(config.source_directory).resolve()
        if Path(script.path).is_relative_to(directory):
            return in_app_root(config, Path(script.path).relative_to(directory))
    return script.file_name


def source_root(config: InferenceConfig) -> str | None:
    """The source directory's place in the app root: ``.`` where its files lie there, ``None`` without one."""
    return None if config.source_directory is None else config.source_name or "."


def in_app_root(config: InferenceConfig, relative: Path) -> str:
    """Where a file of the source directory is in the app root."""
    return (Path(config.source_name) / relative).as_posix()


def model_directory(models: tuple[ModelRef, ...]) -> str | None:
    """``AZUREML_MODEL_DIR``: the version's folder for one model, the folder of all for several."""
    if not models:
        return None
    return f"{MODELS}/{models[0].name}/{models[0].version}" if len(models) == 1 else MODELS


def fill_app_folder(
    folder: Path, config: InferenceConfig, models: tuple[ModelRef, ...], paths: Mapping[str, Path]
) -> None:
    """Make an app root. Models are linked, not copied: they may be large, and a registered version never changes.

    The links are hard ones, so that a service keeps what was deleted from the registry.

    Raises:
        StorageError: The disk is full, or the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True)
        if config.source_directory is not None:
            directory = Path(config.source_directory)
            for relative in source_files(directory):
                target = folder / in_app_root(config, relative)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(directory / relative, target)
        script = folder / entry_script(config)
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(config.script.text, encoding="utf-8")
        for model in models:
            version = folder / MODELS / model.name / str(model.version)
            version.mkdir(parents=True)
            source = paths[str(model)]
            _link(source, version / source.name)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise StorageError(
            f"The service's folder {str(folder)!r} could not be written: {error.strerror}.",
            "Free space, or move it with MLDEPLOY_HOME.",
        ) from error


def _link(source: Path, target: Path) -> None:
    try:
        if source.is_dir():
            shutil.copytree(source, target, symlinks=True, copy_function=os.link)
        else:
            os.link(source, target)
    except OSError:  # on another file system, or one that has no hard links
        shutil.rmtree(target, ignore_errors=True)
        target.symlink_to(source, target_is_directory=source.is_dir())
