"""Which distribution brings which module: by a table of the usual ones, else by what is installed here."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from pathlib import PurePosixPath

__all__ = ["KNOWN_DEPENDENCIES", "candidates", "install_name", "installed_names", "normalized"]

_USUAL: dict[str, tuple[str, ...]] = {
    "Crypto": ("pycryptodome", "pycrypto"),
    "IPython": ("ipython",),
    "MySQLdb": ("mysqlclient",),
    "OpenSSL": ("pyopenssl",),
    "PIL": ("pillow", "pillow-simd"),
    "attr": ("attrs",),
    "azureml": ("azureml-core",),
    "bs4": ("beautifulsoup4",),
    "cv2": ("opencv-python-headless", "opencv-python", "opencv-contrib-python", "opencv-contrib-python-headless"),
    "dateutil": ("python-dateutil",),
    "dotenv": ("python-dotenv",),
    "faiss": ("faiss-cpu", "faiss-gpu"),
    "fitz": ("pymupdf",),
    "git": ("gitpython",),
    "imblearn": ("imbalanced-learn",),
    "jose": ("python-jose",),
    "jwt": ("pyjwt",),
    "magic": ("python-magic",),
    "mpl_toolkits": ("matplotlib",),
    "onnxruntime": ("onnxruntime", "onnxruntime-gpu"),
    "pkg_resources": ("setuptools",),
    "prophet": ("prophet",),
    "psycopg2": ("psycopg2-binary", "psycopg2"),
    "pylab": ("matplotlib",),
    "serial": ("pyserial",),
    "skimage": ("scikit-image",),
    "sklearn": ("scikit-learn",),
    "sksurv": ("scikit-survival",),
    "slugify": ("python-slugify",),
    "socks": ("pysocks",),
    "tensorflow": ("tensorflow", "tensorflow-cpu", "tensorflow-gpu", "tf-nightly", "intel-tensorflow"),
    "tlz": ("toolz",),
    "umap": ("umap-learn",),
    "xgboost": ("xgboost", "xgboost-cpu"),
    "yaml": ("pyyaml",),
    "zmq": ("pyzmq",),
}

KNOWN_DEPENDENCIES: dict[str, tuple[str, ...]] = {
    # What these bring, for the case that they are not installed here to be asked.
    "azureml-defaults": ("inference-schema",),  # it is left out itself, and this is put in its place
    "inference-schema": ("python-dateutil", "pytz", "wrapt"),
    "joblib": (),
    "lightgbm": ("numpy", "scipy"),
    "numpy": (),
    "pandas": ("numpy", "python-dateutil", "pytz", "tzdata"),
    "pillow": (),
    "pip": (),
    "python-dateutil": ("six",),
    "pytz": (),
    "pyyaml": (),
    "requests": ("charset-normalizer", "idna", "urllib3", "certifi"),
    "scikit-learn": ("numpy", "scipy", "joblib", "threadpoolctl", "narwhals"),
    "scipy": ("numpy",),
    "setuptools": (),
    "six": (),
    "threadpoolctl": (),
    "narwhals": (),
    "tzdata": (),
    "wheel": (),
    "wrapt": (),
    "xgboost": ("numpy", "scipy", "nvidia-nccl-cu12"),
    "xgboost-cpu": ("numpy", "scipy"),
    **dict.fromkeys(("charset-normalizer", "idna", "urllib3", "certifi", "nvidia-nccl-cu12"), ()),
}


def normalized(name: str) -> str:
    """A distribution's name as PyPI compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def candidates(module: str) -> tuple[str, ...]:
    """Normalized names of distributions that may bring a top-level module, without looking at what is installed."""
    return (*_USUAL.get(module, ()), normalized(module))


def install_name(module: str) -> str:
    """The name to install a top-level module by, as well as it is known."""
    if found := installed_names(module):
        return found[0]
    return candidates(module)[0]


def installed_names(module: str) -> tuple[str, ...]:
    """Normalized names of the installed distributions that bring a top-level module."""
    quick = tuple(name for name in candidates(module) if _is_installed(name) and _brings(name, module))
    return quick or tuple(normalized(name) for name in _packages_distributions().get(module, ()))


def _is_installed(name: str) -> bool:
    from importlib import metadata

    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


@functools.lru_cache(maxsize=1024)
def _brings(name: str, module: str) -> bool:
    from importlib import metadata

    files = metadata.files(name)
    if files is None:
        return True
    return any(file.parts[0].partition(".")[0] == module for file in files if file.suffix != ".pth") or _editable(files)


def _editable(files: Iterable[PurePosixPath]) -> bool:
    return any(file.name.startswith(("__editable__", "_")) and file.suffix == ".pth" for file in files)


@functools.lru_cache(maxsize=1)
def _packages_distributions() -> dict[str, list[str]]:
    from importlib import metadata

    # Reads what every installed distribution lists: a tenth of a second and more, so it is asked last and once.
    return {module: list(dict.fromkeys(names)) for module, names in metadata.packages_distributions().items()}
