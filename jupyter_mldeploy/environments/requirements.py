"""What pip is to install for an environment that may have been written for conda or for Azure ML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from jupyter_mldeploy.errors import InvalidValue
from jupyter_mldeploy.spec import Environment

__all__ = ["pip_requirements", "requirement_name"]

_SAME = frozenset(
    """
    aiohttp altair arrow attrs beautifulsoup4 bokeh boto3 bottleneck catboost certifi cffi charset-normalizer click
    cloudpickle cryptography cython dask dill fastapi fastparquet filelock flask fsspec gensim geopandas gunicorn h5py
    httpx huggingface-hub idna imbalanced-learn imageio inference-schema ipykernel ipython jinja2 joblib jsonschema keras
    lightgbm llvmlite lxml lz4 markupsafe matplotlib mlflow msgpack-python mypy-extensions networkx nltk numba numexpr numpy
    onnx onnxruntime openpyxl orjson packaging pandas patsy pillow plotly polars prophet protobuf psutil pyarrow pycparser
    pydantic pydot pyjwt pymongo pyopenssl pyparsing pyproj pyspark pytest python-dateutil python-dotenv pytz pywavelets
    pyyaml pyzmq rdflib regex requests safetensors scikit-image scikit-learn scikit-optimize scipy seaborn sentencepiece
    setuptools shap shapely simplejson six spacy sqlalchemy statsmodels sympy tabulate tenacity tensorboard tensorflow
    textblob threadpoolctl tokenizers toml toolz torchaudio torchvision tornado tqdm transformers typing-extensions tzdata
    ujson umap-learn urllib3 uvicorn werkzeug wheel wrapt xarray xgboost xlrd zstandard
    """.split()  # noqa: SIM905 - read as a paragraph
)
_RENAMED = {
    "matplotlib-base": "matplotlib",
    "msgpack-python": "msgpack",
    "opencv": "opencv-python-headless",
    "py-lightgbm": "lightgbm",
    "py-opencv": "opencv-python-headless",
    "py-xgboost": "xgboost",
    "py-xgboost-cpu": "xgboost-cpu",
    "pytables": "tables",
    "python-xxhash": "xxhash",
    "pytorch": "torch",
    "pytorch-cpu": "torch",
    "tensorflow-base": "tensorflow",
    "dask-core": "dask",
    "arrow-py": "arrow",
    "ruamel-yaml": "ruamel.yaml",
}
_NO_PYTHON = re.compile(
    r"""(?x)
    _.* | r | r-.* | lib.* | m2.* | .*-devel | .*_linux-64
  | cuda.* | cudnn | nccl | mkl(?!-service).* | blas | openblas | lapack | intel-openmp | llvm-openmp | tbb
  | gcc.* | gxx.* | gfortran.* | clang.* | .*-?compilers? | cmake | make | ninja | pkg-config | binutils.*
  | openssl | zlib | bzip2 | xz | sqlite | readline | ncurses | tk | hdf5 | gdal | geos | proj | ffmpeg | git | curl | wget
  | nodejs | openjdk | java-.* | go | rust | perl | ruby | julia | graphviz | poppler | tesseract | unixodbc | postgresql
    """
)
_SPECIFICATION = re.compile(
    r"(?:(?P<channel>[^\s:\[\]]+)::)?(?P<name>[A-Za-z0-9_][\w.-]*)\s*(?P<version>[^\[\]]*?)\s*(?P<rest>\[.*\])?"
)
_DROPPED = {"azureml-defaults": "inference-schema"}
_OUT = "move it to the file's 'pip:' section if PyPI has it, or deploy with --target container."


def requirement_name(requirement: str) -> str:
    """The normalized name of a requirement, ``""`` for an option, a path or an address without a name."""
    match = re.match(r"[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?(?=\s*(?:[\[=<>!~;@]|$))", requirement)
    return re.sub(r"[-_.]+", "-", match[0]).lower() if match else ""


def pip_requirements(environment: Environment) -> tuple[list[str], list[str]]:
    """Requirements for pip, and notes (one sentence each) of what was read otherwise than it was written.

    Conda packages are taken from PyPI where it is known to have the same software under that name; a name is never just
    tried, because on PyPI it may be another's package. ``azureml-defaults`` is left out: it brings a scoring server of its
    own, and the runtime lends scripts the ``azureml`` modules they use.

    Raises:
        InvalidValue: A conda package is no Python package, or is not known to be the same on PyPI.
    """
    requirements: list[str] = []
    notes: list[str] = []
    names = {requirement_name(requirement) for requirement in environment.requirements}
    for package, requirement in _all_from_conda(environment.conda):
        if requirement_name(requirement) not in names:
            requirements.append(requirement)
            notes.append(f"The conda package {package!r} is installed from PyPI, as {requirement!r}.")
    for requirement in environment.requirements:
        name = requirement_name(requirement)
        if name not in _DROPPED:
            requirements.append(requirement)
            continue
        stand_in = _DROPPED[name]
        if stand_in not in names:
            requirements.append(stand_in)
        notes.append(
            f"{name} is left out: it brings a scoring server of its own, which is not needed here; {stand_in} is kept of it."
        )
    return list(dict.fromkeys(requirements)), notes


def _all_from_conda(packages: Sequence[str]) -> list[tuple[str, str]]:
    """Each package and its requirement; all that cannot be had are named at once."""
    found, refused = [], []
    for package in packages:
        try:
            found.append((package, _from_conda(package)))
        except InvalidValue as error:
            refused.append((package, error))
    if len(refused) > 1:
        listed = ", ".join(package for package, _ in refused)
        raise InvalidValue("conda", listed, f"none of them is known to be the same package on PyPI; {_NEEDS_CONDA}")
    for _, refusal in refused:
        raise refusal
    return found


def _from_conda(package: str) -> str:
    match = _SPECIFICATION.fullmatch(package.strip())
    if match is None or match["rest"]:
        raise InvalidValue("conda", package, f"it cannot be written as a pip requirement; {_OUT}")
    name = requirement_name(match["name"]) or match["name"]
    if name in _RENAMED:
        name = _RENAMED[name]
    elif name not in _SAME:
        if _NO_PYTHON.fullmatch(match["name"].lower()):
            raise InvalidValue("conda", package, f"it is no Python package and needs conda; {_NEEDS_CONDA}")
        raise InvalidValue("conda", package, f"it is not known to be the same package on PyPI; {_OUT}")
    return name + _from_conda_version(match["version"], package)


_NEEDS_CONDA = "deploy with --target container, or leave it out if the pip packages bring what you need."


def _from_conda_version(text: str, package: str) -> str:
    """``1.26``, ``=1.26``, ``==1.26.4``, ``=1.26.4=py311_0``, ``>=1.20,<2``, ``1.26.*`` as pip writes them."""
    text = re.sub(r"\s*([,=<>!~]+)\s*", r"\1", text.strip())
    text = re.sub(r"^(=?=?[\w.*]+)[\s=]\w+$", r"\1", text)  # the build string is conda's own
    if not text or text in {"*", "=*"}:
        return ""
    if "|" in text or " " in text:
        raise InvalidValue("conda", package, f"its version cannot be written as a pip requirement; {_OUT}")
    return ",".join(_clauses(text.split(","), package))


def _clauses(clauses: Iterable[str], package: str) -> Iterable[str]:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    for clause in clauses:
        match = re.fullmatch(r"(?P<operator>[=<>!~]*)(?P<version>[\w.*+]+)", clause)
        operator, version = (match["operator"], match["version"]) if match else ("", "")
        fuzzy = operator == "=" or (operator in {"", "=="} and version.endswith("*"))
        written = f"=={version.rstrip('*').rstrip('.')}.*" if fuzzy else f"{operator or '=='}{version}"
        if operator in {">", ">=", "<", "<="}:
            written = written.rstrip("*").rstrip(".")
        try:
            SpecifierSet(written)
        except InvalidSpecifier:
            raise InvalidValue(
                "conda", package, f"its version cannot be written as a pip requirement; {_OUT}"
            ) from None
        yield written
