"""Record the public signatures of a published azureml-core, read from its source without importing it.

    uv pip install --no-deps --target /tmp/v1 azureml-core
    python tests/azureml/record_signatures.py /tmp/v1

writes ``signatures.json``: module → class → member → parameters as they are written, ``"property"`` for properties. Nothing but
names and defaults is kept.
"""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path
from typing import Any

MODULES = {
    "azureml/core/model.py": ["Model", "InferenceConfig", "ModelPackage"],
    "azureml/core/webservice/webservice.py": ["Webservice", "WebserviceDeploymentConfiguration"],
    "azureml/core/webservice/local.py": ["LocalWebservice", "LocalWebserviceDeploymentConfiguration"],
    "azureml/core/webservice/aci.py": ["AciWebservice", "AciServiceDeploymentConfiguration"],
    "azureml/core/webservice/aks.py": ["AksWebservice", "AksServiceDeploymentConfiguration"],
    "azureml/core/environment.py": ["Environment", "DockerSection", "PythonSection"],
    "azureml/core/conda_dependencies.py": ["CondaDependencies"],
    "azureml/core/image/image.py": ["Image"],
    "azureml/core/image/container.py": ["ContainerImage"],
    "azureml/core/workspace.py": ["Workspace"],
    "azureml/core/run.py": ["Run"],
    "azureml/core/experiment.py": ["Experiment"],
    "azureml/core/compute/compute.py": ["ComputeTarget"],
    "azureml/core/compute/aks.py": ["AksCompute"],
    "azureml/core/resource_configuration.py": ["ResourceConfiguration"],
}
TARGET = Path(__file__).with_name("signatures.json")


def parameters(function: ast.FunctionDef) -> list[str]:
    """``name`` or ``name=default``, ``*args`` and ``**kwargs``; without ``self`` and ``cls``."""
    given = function.args
    names = [argument.arg for argument in (*given.posonlyargs, *given.args)]
    defaults = [None] * (len(names) - len(given.defaults)) + list(given.defaults)
    found = [
        name if default is None else f"{name}={ast.unparse(default)}"
        for name, default in zip(names, defaults, strict=True)
        if name not in {"self", "cls"}
    ]
    if given.vararg:
        found.append(f"*{given.vararg.arg}")
    for argument, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        found.append(argument.arg if default is None else f"{argument.arg}={ast.unparse(default)}")
    if given.kwarg:
        found.append(f"**{given.kwarg.arg}")
    return found


def members(made: ast.ClassDef) -> dict[str, Any]:
    """Public methods and properties, and how it is made."""
    found: dict[str, Any] = {}
    for item in made.body:
        if not isinstance(item, ast.FunctionDef) or (item.name.startswith("_") and item.name != "__init__"):
            continue
        marks = {ast.unparse(decorator) for decorator in item.decorator_list}
        if "property" in marks:
            found[item.name] = "property"
        elif not any(mark.endswith(".setter") for mark in marks):
            found[item.name] = parameters(item)
    return found


def main(site: Path) -> None:
    """Read ``site`` and write the file."""
    version = next(site.glob("azureml_core-*.dist-info")).name.removeprefix("azureml_core-").removesuffix(".dist-info")
    recorded: dict[str, Any] = {"azureml-core": version, "modules": {}}
    for path, wanted in MODULES.items():
        tree = ast.parse((site / path).read_text(encoding="utf-8"))
        module = path.removesuffix(".py").replace("/", ".")
        classes = {item.name: members(item) for item in tree.body if isinstance(item, ast.ClassDef)}
        recorded["modules"][module] = {name: classes[name] for name in wanted}
    tree = ast.parse((site / "azureml/exceptions/__init__.py").read_text(encoding="utf-8"))
    recorded["exceptions"] = sorted(
        alias.name for item in tree.body if isinstance(item, ast.ImportFrom) for alias in item.names if alias.name[0].isupper() and alias.name != "VERSION" and "__" not in alias.name
    )  # fmt: skip
    TARGET.write_text(json.dumps(recorded, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
