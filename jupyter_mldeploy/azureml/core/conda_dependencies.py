"""``CondaDependencies``: a conda file in memory."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar

from jupyter_mldeploy.azureml.exceptions import UserErrorException
from jupyter_mldeploy.azureml.facade import Facade, facade

__all__ = ["CondaDependencies"]

PYTHON_DEFAULT_VERSION = "3.10.18"
CPU = "cpu"
CONDA_FILE_NAME = "auto_conda_dependencies.yml"


@facade(UserErrorException)
class CondaDependencies(Facade):
    """Python version, channels, conda packages and pip requirements. Nothing is installed or resolved here."""

    REFUSED: ClassVar[dict[str, str]] = {
        "add_cntk_package": "CNTK is no longer published",
        "sdk_origin_url": "packages come from your own index; see pip's configuration",
        "merge_requirements": "join the lists yourself",
        "get_default_number_of_packages": "count conda_packages and pip_packages",
    }

    def __init__(
        self, conda_dependencies_file_path: str | None = None, _underlying_structure: dict[str, Any] | None = None
    ) -> None:
        if conda_dependencies_file_path is not None:
            import yaml

            try:
                found = yaml.safe_load(Path(conda_dependencies_file_path).read_text(encoding="utf-8"))
            except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
                raise UserErrorException(
                    f"The conda file {conda_dependencies_file_path!r} cannot be read: {error}"
                ) from None
            if not isinstance(found, dict):
                raise UserErrorException(f"The conda file {conda_dependencies_file_path!r} is not of conda's form.")
            _check_form(found, f"The conda file {conda_dependencies_file_path!r}")
            self._content: dict[str, Any] = found
        else:
            _check_form(_underlying_structure or {}, "The environment")
            self._content = copy.deepcopy(_underlying_structure or {}) or {
                "name": "project_environment",
                "dependencies": [f"python={PYTHON_DEFAULT_VERSION}", {"pip": ["azureml-defaults"]}],
                "channels": ["anaconda", "conda-forge"],
            }
        self._content["dependencies"] = [
            {**entry, "pip": entry.get("pip") or []} if isinstance(entry, dict) else entry
            for entry in self._content.get("dependencies") or []
        ]

    @staticmethod
    def create(
        pip_indexurl: str | None = None,
        pip_packages: list[str] | None = None,
        conda_packages: list[str] | None = None,
        python_version: str = PYTHON_DEFAULT_VERSION,
        pin_sdk_version: bool = True,
    ) -> CondaDependencies:
        """Make it of lists."""
        _check_list("pip_packages", pip_packages)
        _check_list("conda_packages", conda_packages)
        made = CondaDependencies()
        if pip_indexurl:
            made.set_pip_option(f"--extra-index-url {pip_indexurl}")
        made.set_python_version(python_version)
        if pip_packages is not None:
            made._pip()[:] = [entry for entry in made._pip() if entry.startswith("-")]
        for package in pip_packages or ():
            made.add_pip_package(package)
        for package in conda_packages or ():
            made.add_conda_package(package)
        return made

    @property
    def conda_channels(self) -> Iterator[str]:
        return iter(list(self._content.get("channels") or []))

    @property
    def conda_packages(self) -> Iterator[str]:
        return iter([entry for entry in self._content["dependencies"] if isinstance(entry, str)])

    @property
    def pip_packages(self) -> Iterator[str]:
        return iter([entry for entry in self._pip() if not entry.startswith("-")])

    @property
    def pip_options(self) -> Iterator[str]:
        return iter([entry for entry in self._pip() if entry.startswith("-")])

    def get_python_version(self) -> str | None:
        """The version that is asked for, or ``None``."""
        for entry in self.conda_packages:
            if match := re.fullmatch(r"python\s*=+\s*(\S+)", entry):
                return match[1]
        return None

    def set_python_version(self, version: str) -> None:
        """Ask for another version."""
        self._replace("python", f"python={version}")

    def add_channel(self, channel: str) -> None:
        """Look for conda packages there, too."""
        _check_text("channel", channel)
        channels = self._content.setdefault("channels", [])
        if channel not in channels:
            channels.append(channel)

    def remove_channel(self, channel: str) -> None:
        """Look there no more."""
        channels = self._content.get("channels") or []
        if channel in channels:
            channels.remove(channel)

    def add_conda_package(self, conda_package: str) -> None:
        """Add one, or replace its version."""
        _check_text("conda_package", conda_package)
        self._replace(_name_of(conda_package), conda_package)

    def remove_conda_package(self, conda_package: str) -> None:
        """Take it out."""
        _check_text("conda_package", conda_package)
        name = _name_of(conda_package)
        kept = [e for e in self._content["dependencies"] if not (isinstance(e, str) and _name_of(e) == name)]
        self._content["dependencies"] = kept

    def add_pip_package(self, pip_package: str) -> None:
        """Add one, or replace its version."""
        self.remove_pip_package(pip_package)
        self._pip().append(pip_package)

    def remove_pip_package(self, pip_package: str) -> None:
        """Take it out."""
        _check_text("pip_package", pip_package)
        name = _name_of(pip_package)
        self._pip()[:] = [entry for entry in self._pip() if entry.startswith("-") or _name_of(entry) != name]

    def set_pip_option(self, pip_option: str) -> None:
        """Add an option of pip; one of the same name is replaced."""
        self.remove_pip_option(pip_option)
        self._pip().insert(0, pip_option)

    def remove_pip_option(self, pip_option: str) -> None:
        """Take an option out."""
        _check_text("pip_option", pip_option)
        name = pip_option.split(maxsplit=1)[0].partition("=")[0]
        self._pip()[:] = [entry for entry in self._pip() if not entry.startswith(name)]

    def set_pip_index_url(self, index_url: str) -> None:
        """Let pip look there."""
        _check_text("index_url", index_url)
        self.set_pip_option(index_url if index_url.startswith("-") else f"--index-url {index_url}")

    def set_pip_requirements(self, pip_requirements: list[str]) -> None:
        """Replace all requirements."""
        _check_list("pip_requirements", pip_requirements)
        self._pip()[:] = list(pip_requirements)

    def add_tensorflow_pip_package(self, core_type: str = CPU, version: str | None = None) -> None:
        """Add TensorFlow."""
        self.add_pip_package(f"tensorflow=={version}" if version else "tensorflow")

    def add_tensorflow_conda_package(self, core_type: str = CPU, version: str | None = None) -> None:
        """Add TensorFlow."""
        self.add_conda_package(f"tensorflow={version}" if version else "tensorflow")

    def save_to_file(self, base_directory: str, conda_file_path: str | None = None) -> str:
        """Write the file into a folder and return its name."""
        name = conda_file_path or CONDA_FILE_NAME
        self.save(str(Path(base_directory) / name))
        return name

    def save(self, path: str | None = None) -> str:
        """Write the file (into ``path`` if that is a folder) and return its path."""
        target = Path(path or ".")
        if target.is_dir():
            target /= CONDA_FILE_NAME
        target.write_text(self.serialize_to_string(), encoding="utf-8")
        return str(target)

    def serialize_to_string(self) -> str:
        """As YAML."""
        import yaml

        return yaml.safe_dump(self._content, sort_keys=False)

    def as_dict(self) -> Any:
        """As plain data."""
        return copy.deepcopy(self._content)

    def _pip(self) -> list[str]:
        for entry in self._content["dependencies"]:
            if isinstance(entry, dict) and isinstance(entry.get("pip"), list):
                found: list[str] = entry["pip"]
                return found
        made: dict[str, list[str]] = {"pip": []}
        self._content["dependencies"].append(made)
        return made["pip"]

    def _replace(self, name: str, entry: str) -> None:
        entries = self._content["dependencies"]
        for index, known in enumerate(entries):
            if isinstance(known, str) and _name_of(known) == name:
                entries[index] = entry
                return
        entries.append(entry)


def _check_list(name: str, given: Any) -> None:
    """A text is a list of its letters to Python."""
    if isinstance(given, str):
        raise UserErrorException(f"{name} must be a list, also of one: [{given!r}].")
    if given is None:
        return
    if not isinstance(given, Iterable):
        raise UserErrorException(f"{name} must be a list of texts, not {given!r}.")
    for each in given:
        _check_text(f"Each of {name}", each)


def _check_text(name: str, given: Any) -> None:
    if not isinstance(given, str) or not given.strip():
        raise UserErrorException(f"{name} must be a text that is not empty, not {given!r}.")


def _check_form(content: Any, where: str) -> None:
    """Of conda's form: packages are texts, and those of pip a list of texts."""
    if not isinstance(content, dict):
        raise UserErrorException(f"{where} is not of conda's form.")
    for key in ("dependencies", "channels"):
        if not isinstance(content.get(key) or [], list):
            raise UserErrorException(f"{where} is not of conda's form: {key} is a list, not {content[key]!r}.")
    for entry in content.get("dependencies") or []:
        listed = (entry.get("pip") or []) if isinstance(entry, dict) else [entry]
        if not isinstance(listed, list) or (isinstance(entry, dict) and set(entry) != {"pip"}):
            raise UserErrorException(f"{where} is not of conda's form: {entry!r} is no list of pip's requirements.")
        for each in listed:
            if not isinstance(each, str):
                raise UserErrorException(f"{where} is not of conda's form: the dependency {each!r} is no text.")


def _name_of(package: str) -> str:
    plain = re.split(r"[\[=<>!~;@ ]", package.strip(), maxsplit=1)[0]
    return re.sub(r"[-_.]+", "-", plain.rpartition("::")[2]).lower()
