"""`auto`: what the script imports, in the versions of this interpreter."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from jupyter_mldeploy.capture import check_script, environment_for
from jupyter_mldeploy.capture.distributions import candidates, install_name, installed_names
from jupyter_mldeploy.errors import InvalidScript, InvalidValue
from jupyter_mldeploy.spec import Environment, Script

WELL = "def init(): pass\ndef run(data): pass\n"


def environment(text: str, *arguments: object, **more: object) -> Environment:
    return environment_for(Script(text), *arguments, **more)  # type: ignore[arg-type]


def test_imports_become_pinned_requirements() -> None:
    found = environment("import json, os.path\nimport numpy as np\nfrom sklearn.svm import SVC\nimport yaml\n")
    assert found.requirements == (
        f"numpy=={version('numpy')}",
        f"pyyaml=={version('pyyaml')}",
        f"scikit-learn=={version('scikit-learn')}",
    )
    assert found.python == f"{sys.version_info.major}.{sys.version_info.minor}"
    assert found.name == "auto"
    assert not found.current


def test_the_same_script_has_the_same_hash() -> None:
    assert environment("import numpy\nimport yaml").hash == environment("import yaml\nimport numpy  # again").hash


def test_what_never_runs_what_is_not_installed_and_what_is_lent_is_left_out() -> None:
    text = (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import pandas\n"
        "try:\n    import not_installed_anywhere\nexcept ImportError:\n    import yaml\n"
        "from azureml.core.model import Model\nif __name__ == '__main__':\n    import numpy\n"
    )
    assert [name.partition("==")[0] for name in environment(text).requirements] == ["pyyaml"]


def test_modules_of_the_source_directory_are_read(tmp_path: Path) -> None:
    (tmp_path / "features.py").write_text("import numpy\nfrom inner import deep\n")
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "__init__.py").write_text("from .deep import x\n")
    (tmp_path / "inner" / "deep.py").write_text("def f():\n    import yaml\nx = 1\n")
    found = environment("import features", tmp_path)
    assert [name.partition("==")[0] for name in found.requirements] == ["numpy", "pyyaml"]


def test_models_bring_their_libraries() -> None:
    found = environment("import joblib\n", libraries=("sklearn", "numpy", "not_installed_anywhere"))
    assert [name.partition("==")[0] for name in found.requirements] == ["joblib", "numpy", "scikit-learn"]


def test_what_is_named_wins() -> None:
    found = environment("import numpy, yaml", extra=["PyYAML>=5", "humanize"])
    assert found.requirements == (f"numpy=={version('numpy')}", "PyYAML>=5", "humanize")


def test_the_checks_agree_with_it() -> None:
    text = f"import numpy, yaml, sklearn.svm\nfrom azureml.core.model import Model\n{WELL}"
    found = environment(text)
    assert check_script(Script(text), environment=found, source_directory=None) == []
    more = Script(f"import pandas\n{text}")
    (problem,) = check_script(more, environment=found, source_directory=None)
    assert problem.message.startswith("`pandas` will not be there")


def test_a_script_that_is_not_python() -> None:
    with pytest.raises(InvalidScript, match="line 1"):
        environment("def :")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of packages that this interpreter sees."""
    folder = tmp_path / "packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    return folder


def install(folder: Path, name: str, module: str, release: str, direct_url: str = "") -> None:
    (folder / f"{module}.py").write_text("")
    information = folder / f"{name}-{release}.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {release}\n")
    (information / "RECORD").write_text(f"{module}.py,,\n{information.name}/METADATA,,\n")
    if direct_url:
        (information / "direct_url.json").write_text(direct_url)


def test_installed_from_a_repository(installed: Path) -> None:
    install(
        installed, "from_git", "from_git", "1.0",
        '{"url": "https://example.com/x.git", "vcs_info": {"vcs": "git", "commit_id": "abc123"}}',
    )  # fmt: skip
    assert environment("import from_git").requirements == ("from-git @ git+https://example.com/x.git@abc123",)


def test_installed_from_an_archive(installed: Path) -> None:
    install(installed, "from_url", "from_url", "1.0", '{"url": "https://example.com/x.whl", "archive_info": {}}')
    assert environment("import from_url").requirements == ("from-url @ https://example.com/x.whl",)


def test_installed_from_a_folder_of_this_machine(installed: Path, tmp_path: Path) -> None:
    source = tmp_path / "my project"
    source.mkdir()
    install(installed, "ours", "ours", "1.0", f'{{"url": "{source.as_uri()}", "dir_info": {{"editable": true}}}}')
    with pytest.raises(InvalidValue, match=r"'ours', imported in line 2, is installed from .*my project") as caught:
        environment("import json\nimport ours")
    assert "--source-directory" in caught.value.hint
    assert environment("try:\n    import ours\nexcept ImportError:\n    pass").requirements == ()
    assert environment("import ours", extra=["ours==2"]).requirements == ("ours==2",)


def test_conda_names_the_folder_of_its_builder(installed: Path) -> None:
    install(installed, "condas", "condas", "2.0", '{"url": "file:///croot/condas_168/work", "dir_info": {}}')
    assert environment("import condas").requirements == ("condas==2.0",)


def test_a_local_build_is_pinned_without_its_label(installed: Path) -> None:
    install(installed, "torchy", "torchy", "2.3.0+cpu")
    assert environment("import torchy").requirements == ("torchy==2.3.0",)


def test_names_of_modules_and_distributions() -> None:
    assert candidates("cv2")[0] == "opencv-python-headless"
    assert candidates("my_module") == ("my-module",)
    assert installed_names("sklearn") == ("scikit-learn",)
    assert install_name("bs4_not_installed") == "bs4-not-installed"
    assert installed_names("not_installed_anywhere") == ()
