"""What was written for conda or Azure ML, as pip gets it."""

from __future__ import annotations

import sys

import pytest

from jupyter_mldeploy.environments import pip_requirements, with_requirements
from jupyter_mldeploy.environments.requirements import requirement_name
from jupyter_mldeploy.errors import InvalidValue
from jupyter_mldeploy.spec import Environment, InferenceConfig, Script, ServiceSpec, Target, TargetKind


@pytest.mark.parametrize(
    ("package", "requirement"),
    [
        ("numpy", "numpy"),
        ("numpy=1.26", "numpy==1.26.*"),
        ("numpy=1.26.4=py311h64a7726_0", "numpy==1.26.4.*"),
        ("numpy==1.26.4", "numpy==1.26.4"),
        ("numpy 1.26.4", "numpy==1.26.4"),
        ("numpy 1.26.4 py311_0", "numpy==1.26.4"),
        ("numpy=1.26.*", "numpy==1.26.*"),
        ("numpy 1.26.*", "numpy==1.26.*"),
        ("numpy >=1.20,<2", "numpy>=1.20,<2"),
        ("numpy >= 1.20, < 2.0", "numpy>=1.20,<2.0"),
        ("numpy>=1.20.*", "numpy>=1.20"),
        ("numpy=*", "numpy"),
        ("NumPy!=1.25", "numpy!=1.25"),
        ("conda-forge::scikit-learn=1.3.2", "scikit-learn==1.3.2.*"),
        ("pytorch=2.1", "torch==2.1.*"),
        ("py-xgboost", "xgboost"),
        ("matplotlib-base>=3", "matplotlib>=3"),
    ],
)
def test_conda_packages_that_pypi_has(package: str, requirement: str) -> None:
    found, notes = pip_requirements(Environment(conda=(package,), channels=("conda-forge",)))
    assert found == [requirement]
    assert notes == [f"The conda package {package!r} is installed from PyPI, as {requirement!r}."]


@pytest.mark.parametrize(
    "package",
    [
        "cudatoolkit=11.8",
        "libgomp",
        "r-base",
        "mkl",
        "gcc_linux-64",
        "cxx-compiler",
        "_openmp_mutex",
        "openjdk=11",
        "cudnn",
    ],
)
def test_what_is_no_python_package(package: str) -> None:
    with pytest.raises(InvalidValue, match="it is no Python package and needs conda; deploy with --target container"):
        pip_requirements(Environment(conda=(package,)))


@pytest.mark.parametrize(
    "package", ["some-unheard-package", "fiona", "numpy[build=py*]", "numpy 1.2|1.3", "numpy ~~1", "="]
)
def test_what_is_not_known_is_never_just_tried(package: str) -> None:
    with pytest.raises(InvalidValue, match="--target container") as caught:
        pip_requirements(Environment(conda=(package,)))
    assert package in caught.value.summary


def test_azureml_defaults_is_left_out_and_the_rest_kept() -> None:
    environment = Environment(requirements=("azureml-defaults~=1.50", "azureml-core", "scikit-learn==1.3"))
    found, notes = pip_requirements(environment)
    assert found == ["inference-schema", "azureml-core", "scikit-learn==1.3"]
    assert "azureml-defaults is left out" in notes[0]
    found, _ = pip_requirements(Environment(requirements=("azureml_defaults", "inference-schema[numpy-support]")))
    assert found == ["inference-schema[numpy-support]"]


def test_all_that_needs_conda_is_named_at_once() -> None:
    with pytest.raises(InvalidValue, match=r"'libgdal=3\.4, cudatoolkit'.*--target container"):
        pip_requirements(Environment(conda=("libgdal=3.4", "numpy", "cudatoolkit")))


def test_pip_wins_over_conda_for_the_same_package() -> None:
    found, notes = pip_requirements(
        Environment(conda=("scikit_learn=1.2", "numpy"), requirements=("scikit-learn==1.3",))
    )
    assert found == ["numpy", "scikit-learn==1.3"]
    assert len(notes) == 1


@pytest.mark.parametrize(
    ("requirement", "name"),
    [
        ("Flask", "flask"),
        ("ruamel.yaml>=0.1", "ruamel-yaml"),
        ("a_b[c]==1; python_version > '3'", "a-b"),
        ("x @ https://example.com/x.whl", "x"),
        ("--index-url https://example.com", ""),
        ("./here", ""),
        ("git+https://example.com/x.git", ""),
    ],
)
def test_names(requirement: str, name: str) -> None:
    assert requirement_name(requirement) == name


# -- on top of ---------------------------------------------------------------------------------------------------------


def test_nothing_more_is_the_same() -> None:
    kernel = Environment.kernel()
    assert with_requirements(kernel, []) is kernel
    assert with_requirements(kernel, ["  # nothing"]) is kernel


def test_on_top_of_the_kernel() -> None:
    made = with_requirements(Environment.kernel(), ["humanize", "six==1.16"])
    assert not made.current
    assert made.interpreter == sys.executable
    assert made.requirements == ("humanize", "six==1.16")
    assert made.python == ".".join(map(str, sys.version_info[:3]))
    assert made.hash != with_requirements(Environment.kernel(), ["humanize"]).hash
    script = Script("def init(): pass\n")
    with pytest.raises(InvalidValue, match="the container target cannot use the kernel's own Python"):
        ServiceSpec(name="x", inference=InferenceConfig(script, None, made), target=Target(TargetKind.CONTAINER))


def test_on_top_of_a_file_the_same_package_is_replaced() -> None:
    base = Environment(python="3.11", requirements=("numpy==1.26", "pandas"), apt=("libgomp1",))
    made = with_requirements(base, ["NumPy==2.0", "six"])
    assert made.requirements == ("pandas", "NumPy==2.0", "six")
    assert (made.python, made.apt) == ("3.11", ("libgomp1",))


def test_a_requirement_that_pip_would_refuse() -> None:
    with pytest.raises(InvalidValue, match="pip would refuse it"):
        with_requirements(Environment.kernel(), ["numpy=>1"])
