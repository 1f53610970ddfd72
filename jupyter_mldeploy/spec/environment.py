"""What a scoring script needs installed: Python, packages, and for images the base and system packages.

Read from conda's YAML (Azure ML writes the same form), a requirements file or a list. Nothing is resolved or installed here.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_mldeploy.errors import InvalidValue, NotFound
from jupyter_mldeploy.spec.docker_steps import check_step
from jupyter_mldeploy.spec.kinds import check_kinds

__all__ = ["Environment"]

_PYTHON = re.compile(r"3(\.\d{1,2}){0,2}")
_IMAGE = re.compile(r"[\w.:/@-]+")
_CONDA_PYTHON = re.compile(
    r"(?:\S+::)?python\s*(?:(?:==?\s*)?(?P<version>\d+(?:\.\d+)*)(?:\.?\*)?(?:[=\s]\w+)?|(?P<range>[<>!~].*))?"
)


@dataclass(frozen=True)
class Environment:
    """Python version and requirements, with a content hash.

    Attributes:
        name: What people call it; not part of the hash.
        current: The kernel's own Python, as it is; only the local target can use it.
        python: ``"3.11"`` or ``None`` for the version at hand.
        requirements: pip requirements (PEP 508), in the order given.
        conda: conda packages other than Python and pip, as match specifications.
        channels: conda channels.
        apt: Debian packages for images.
        base_image: Image to build on, or ``None`` for the setting's.
        interpreter: Python executable of ``current``, or whose packages the requirements come on top of, or ``None``; only
            the local target can use it.
        steps: Further Dockerfile instructions for images (``RUN``, ``ENV``, ``ARG``, ``LABEL``), before the packages.
    """

    name: str = "environment"
    current: bool = False
    python: str | None = None
    requirements: tuple[str, ...] = ()
    conda: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    apt: tuple[str, ...] = ()
    base_image: str | None = None
    interpreter: str | None = None
    steps: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_kinds(self)
        if self.python is not None and not _PYTHON.fullmatch(self.python):
            raise InvalidValue("python", self.python, "write a version such as 3.11.")
        if self.base_image is not None and not _IMAGE.fullmatch(self.base_image):
            raise InvalidValue("base_image", self.base_image, "write an image such as python:3.11-slim.")
        if self.interpreter is not None and not Path(self.interpreter).is_absolute():
            raise InvalidValue("interpreter", self.interpreter, "write the whole path of a Python executable.")
        if self.current and (self.python or self.requirements or self.conda):
            raise InvalidValue(
                "environment", "current", "the kernel's own environment takes no requirements; name them instead."
            )
        for package in self.apt:
            if not re.fullmatch(r"[a-z0-9][a-z0-9.+:-]*(=[\w.+:~-]+)?", package):
                raise InvalidValue("apt", package, "write the name of a Debian package.")
        for requirement in self.requirements:
            _check_requirement(requirement)
        for step in self.steps:
            check_step(step)

    @property
    def hash(self) -> str:
        """SHA-256 over everything but the name, as 64 hexadecimal digits."""
        content = {key: value for key, value in vars(self).items() if key != "name" and (value or key != "steps")}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    @classmethod
    def kernel(cls) -> Environment:
        """The environment this process runs in, which a service keeps when another Python reloads or scales it."""
        usual = Path(sys.prefix) / "bin" / "python"  # python, python3 and python3.11 of one folder are the same
        return cls(name="current", current=True, interpreter=str(usual) if usual.exists() else sys.executable)

    @classmethod
    def from_requirements(
        cls, requirements: list[str] | tuple[str, ...], *, name: str = "environment", python: str | None = None
    ) -> Environment:
        """Make it from a list of pip requirements."""
        if not isinstance(requirements, list | tuple):
            raise InvalidValue("requirements", requirements, "it is a list of texts.")
        return cls(name=name, python=python, requirements=tuple(_clean_requirements(requirements)))

    @classmethod
    def from_pip_requirements(cls, name: str, file_path: str | Path) -> Environment:
        """Read a ``requirements.txt``. Nested ``-r`` files are followed."""
        return cls(name=name, requirements=tuple(_read_requirements(Path(file_path), seen=())))

    @classmethod
    def from_conda_specification(cls, name: str, file_path: str | Path) -> Environment:
        """Read conda's environment YAML, its ``pip:`` section included.

        Raises:
            NotFound: There is no such file.
            InvalidValue: It is not YAML, or not of conda's form.
        """
        path = Path(file_path)
        data = _load_yaml(path)
        if "dependencies" not in data:
            there = ", ".join(map(str, data)) or "nothing"
            raise InvalidValue(
                "environment", str(path), f"a conda file has the key dependencies; this one has {there}."
            )
        dependencies = data["dependencies"] or []
        if not isinstance(dependencies, list):
            raise InvalidValue("dependencies", dependencies, f"in {path} it is a list of packages.")
        python, conda, pip = _split_dependencies(dependencies, path)
        return cls(
            name=name,
            python=python,
            requirements=tuple(_nested(_clean_requirements(pip), path, seen=())),
            conda=tuple(conda),
            channels=tuple(str(channel) for channel in data.get("channels") or []),
        )

    @classmethod
    def from_file(cls, file_path: str | Path) -> Environment:
        """Read a conda YAML or a requirements file, by its ending."""
        if not isinstance(file_path, str | Path):
            raise InvalidValue("environment", file_path, "it is the path of a file.")
        path = Path(file_path)
        if path.suffix in {".yml", ".yaml"}:
            return cls.from_conda_specification(path.stem, path)
        if path.suffix == ".txt":
            return cls.from_pip_requirements(path.stem, path)
        raise InvalidValue(
            "environment", str(file_path), "name a conda file (.yml, .yaml) or a requirements file (.txt)."
        )


def _check_requirement(requirement: str) -> None:
    from packaging.requirements import InvalidRequirement, Requirement

    if requirement.startswith("-") or _is_reference(requirement):
        return  # an option or a path, which only the installer can judge
    try:
        Requirement(re.split(r"\s--(?:hash|config-settings)\b", requirement, maxsplit=1)[0])
    except InvalidRequirement as error:
        reason = str(error).splitlines()[0]
        raise InvalidValue("requirement", requirement, f"pip would refuse it: {reason}.") from None


def _is_reference(requirement: str) -> bool:
    return "://" in requirement.split("@", maxsplit=1)[0] or requirement.startswith((".", "/"))


def _clean_requirements(lines: list[str] | tuple[str, ...]) -> list[str]:
    cleaned = [re.sub(r"(^|\s)#.*$", "", str(line)).strip() for line in lines]
    return list(dict.fromkeys(line for line in cleaned if line))


def _read_requirements(path: Path, seen: tuple[Path, ...]) -> list[str]:
    if path.resolve() in seen:
        raise InvalidValue("environment", str(path), "it includes itself.")
    text = re.sub(r"\\\r?\n", "", _read(path))
    return _nested(_clean_requirements(text.splitlines()), path, (*seen, path.resolve()))


def _nested(lines: list[str], path: Path, seen: tuple[Path, ...]) -> list[str]:
    """The lines of ``path``, with those of the files that they name in their place."""
    found: list[str] = []
    for line in lines:
        if nested := re.fullmatch(r"(?:-r|--requirement)[ =]?(\S+)", line):
            found += _read_requirements(path.parent / nested[1], seen)
        else:
            _check_line(line, path)
            found.append(line)
    return found


def _check_line(line: str, path: Path) -> None:
    """Refuse it with the place where it is written."""
    try:
        _check_requirement(line)
    except InvalidValue as error:
        written = _read(path).splitlines()
        number = next((number for number, text in enumerate(written, 1) if line in text), None)
        place = f"{path}, line {number}" if number else str(path)
        expected = error.summary.partition(" is not valid: ")[2]
        raise InvalidValue("requirement", line, expected, f"It is written in {place}.") from None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise NotFound(
            f"There is no environment file {str(path)!r}.",
            "" if path.is_absolute() else f"It was looked for in {str(Path.cwd())!r}.",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidValue("environment", str(path), f"it cannot be read: {error}.") from error


def _load_yaml(path: Path) -> dict[str, Any]:
    import yaml

    try:
        data = yaml.safe_load(_read(path))
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f" in line {where.line + 1}" if where else ""
        raise InvalidValue(
            "environment", str(path), f"it is not YAML{line}: {getattr(error, 'problem', error)}."
        ) from None
    if not isinstance(data, dict):
        raise InvalidValue("environment", str(path), "a conda file has the keys name, channels and dependencies.")
    return data


def _split_dependencies(dependencies: list[Any], path: Path) -> tuple[str | None, list[str], list[str]]:
    python: str | None = None
    conda: list[str] = []
    pip: list[str] = []
    for entry in dependencies:
        if isinstance(entry, dict):
            if set(entry) != {"pip"} or not isinstance(entry["pip"] or [], list):
                raise InvalidValue(
                    "dependencies", entry, f"in {path} the only section known inside it is 'pip:', a list."
                )
            pip += [str(requirement) for requirement in entry["pip"] or [] if requirement is not None]
        elif match := _CONDA_PYTHON.fullmatch(str(entry).strip()):
            python = match["version"] or python
            if match["range"]:
                _check_python_range(match["range"])
        elif entry is not None and not re.fullmatch(r"pip(\s*[=<>!~].*)?", str(entry).strip()):
            conda.append(str(entry).strip())
    return python, conda, pip


def _check_python_range(text: str) -> None:
    """Of a range the version at hand is taken, if it is in it."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    here = platform.python_version()
    try:
        fits = SpecifierSet(text.replace(" ", "")).contains(here, prereleases=True)
    except InvalidSpecifier:
        fits = False
    if not fits:
        minor = ".".join(here.split(".")[:2])
        raise InvalidValue(
            "python", text, f"this Python, {here}, is not in it; write the version to take, such as python={minor}."
        )
