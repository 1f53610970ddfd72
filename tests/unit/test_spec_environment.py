"""Environments as they are written: conda's YAML, requirements files, lists."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_mldeploy.errors import InvalidValue, NotFound
from jupyter_mldeploy.spec import Environment

CONDA = """\
name: project_environment
channels: [conda-forge, defaults]
dependencies:
  - python=3.8.13
  - scikit-learn=1.0   # a comment of YAML
  - pip
  - pip>=20
  - conda-forge::libgomp
  - pip:
      - azureml-defaults~=1.50
      - numpy==1.21  # not newer
      -
      - inference-schema[numpy-support]
"""


def written(tmp_path: Path, text: str, name: str = "env.yml") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def test_conda_yaml_of_azure_ml(tmp_path: Path) -> None:
    found = Environment.from_file(written(tmp_path, CONDA))
    assert found.name == "env"
    assert found.python == "3.8.13"
    assert found.conda == ("scikit-learn=1.0", "conda-forge::libgomp")
    assert found.channels == ("conda-forge", "defaults")
    assert found.requirements == ("azureml-defaults~=1.50", "numpy==1.21", "inference-schema[numpy-support]")


@pytest.mark.parametrize(
    ("line", "python"),
    [
        ("python", None),
        ("python=3.11", "3.11"),
        ("python==3.11.4", "3.11.4"),
        ("python=3.11.*", "3.11"),
        ("python 3.11", "3.11"),
        ("python=3.11=h123_0", "3.11"),
        ("python>=3.9", None),
        ("python>=3.9,<4", None),
        ("python ~=3.9", None),
        ("conda-forge::python=3.10", "3.10"),
    ],
)
def test_python_of_conda(tmp_path: Path, line: str, python: str | None) -> None:
    found = Environment.from_file(written(tmp_path, f"dependencies:\n  - {line}\n"))
    assert found.python == python
    assert found.conda == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("dependencies: [", "it is not YAML"),
        ("- a\n- b\n", "has the keys name, channels and dependencies"),
        ("", "has the keys"),
        ("name: x\ndependenciez: []\n", "has the key dependencies; this one has name, dependenciez"),
        ("dependencies: numpy\n", "it is a list of packages"),
        ("dependencies:\n  - npm: [x]\n", "the only section known"),
        ("dependencies:\n  - pip: x\n", "the only section known"),
        ("dependencies:\n  - pip: ['numpy=>1']\n", "pip would refuse it"),
        ("dependencies:\n  - python<3\n", "write the version to take, such as python=3"),
        ("dependencies:\n  - python=2.7\n", "write a version such as 3.11"),
        ("dependencies: !!python/object/apply:os.system ['true']\n", "it is not YAML"),
    ],
)
def test_conda_yaml_that_is_none(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InvalidValue, match=words):
        Environment.from_file(written(tmp_path, text))


def test_requirements_files_and_those_they_name(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    written(tmp_path, "six\n-r deeper.txt\n", "more/base.txt")
    written(tmp_path, "idna==3\n", "more/deeper.txt")
    path = written(
        tmp_path,
        "# first\nnumpy==1.26 \\\n  ; python_version > '3'\n\n--index-url https://example.com/simple\n-r more/base.txt\n"
        "./local\ngit+https://example.com/x.git#egg=x\nnumpy==1.26 ; python_version > '3'\n",
        "requirements.txt",
    )
    assert Environment.from_file(path).requirements[1:] == (
        "--index-url https://example.com/simple",
        "six",
        "idna==3",
        "./local",
        "git+https://example.com/x.git#egg=x",
        "numpy==1.26 ; python_version > '3'",
    )


def test_hashes_of_a_locked_file_are_kept(tmp_path: Path) -> None:
    path = written(tmp_path, "six==1.16 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n", "locked.txt")
    (requirement,) = Environment.from_file(path).requirements
    assert requirement.split() == ["six==1.16", "--hash=sha256:aa", "--hash=sha256:bb"]


def test_a_conda_file_may_name_a_requirements_file(tmp_path: Path) -> None:
    written(tmp_path, "six\nidna\n", "more.txt")
    path = written(tmp_path, "dependencies:\n  - pip:\n    - numpy\n    - -r more.txt\n")
    assert Environment.from_file(path).requirements == ("numpy", "six", "idna")


def test_a_requirements_file_that_names_itself(tmp_path: Path) -> None:
    path = written(tmp_path, "-r b.txt\n", "a.txt")
    written(tmp_path, "-r a.txt\n", "b.txt")
    with pytest.raises(InvalidValue, match="it includes itself"):
        Environment.from_file(path)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"no environment file .*gone.yml"):
        Environment.from_file(tmp_path / "gone.yml")
    (tmp_path / "bytes.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidValue, match="cannot be read"):
        Environment.from_file(tmp_path / "bytes.txt")
    (tmp_path / "folder.yml").mkdir()
    with pytest.raises(InvalidValue, match="cannot be read"):
        Environment.from_file(tmp_path / "folder.yml")
    with pytest.raises(InvalidValue, match=r"name a conda file \(.yml, .yaml\)"):
        Environment.from_file("environment.json")


def test_the_hash_is_of_the_content() -> None:
    first = Environment.from_requirements(["numpy", "six"], name="a")
    assert first.hash == Environment.from_requirements(["numpy", "six  # same"], name="b").hash
    others = [
        Environment.from_requirements(["numpy"]),
        Environment.from_requirements(["numpy", "six"], python="3.11"),
        Environment(requirements=("numpy", "six"), apt=("git",)),
        Environment(requirements=("numpy", "six"), interpreter="/usr/bin/python3"),
        Environment.kernel(),
    ]
    assert len({environment.hash for environment in [first, *others]}) == 6
    assert len(first.hash) == 64


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"python": "3.x"}, "write a version such as 3.11"),
        ({"python": "2.7"}, "write a version"),
        ({"python": "3.11; rm -rf"}, "write a version"),
        ({"current": True, "requirements": ("six",)}, "takes no requirements"),
        ({"interpreter": "python"}, "whole path"),
        ({"apt": ("git; rm -rf /",)}, "Debian package"),
        ({"apt": ("--option",)}, "Debian package"),
        ({"requirements": ("numpy=>1",)}, "pip would refuse it"),
        ({"requirements": ("two words",)}, "pip would refuse it"),
    ],
)
def test_values_that_cannot_be(values: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidValue, match=words):
        Environment(**values)  # type: ignore[arg-type]
