"""Messages of Python's imports, of the loader and of crashes, as several versions and platforms print them."""

from __future__ import annotations

from textwrap import dedent
from typing import Any


def case(cause: str, log: str = "", **fields: Any) -> tuple[str, dict[str, Any]]:
    return cause, {"log": dedent(log).strip("\n"), **fields}


CASES = [
    case(
        "module-not-found",
        """
        2022-09-21T13:13:48,238 | root | INFO | Invoking user's init function
        2022-09-21 13:13:50,198 | root | ERROR | User's init function failed
        2022-09-21 13:13:50,199 | root | ERROR | Encountered Exception Traceback (most recent call last):
          File "/var/azureml-server/aml_blueprint.py", line 163, in register
            main.init()
          File "/var/azureml-app/main.py", line 5, in <module>
            import lightgbm as lgb
        ModuleNotFoundError: No module named 'lightgbm'
        """,
        stage="init",
        exit_code=3,
    ),
    case(
        "module-not-found",
        """
        scorer-1  | [2024-05-02 09:00:01 +0000] [8] [ERROR] Exception in worker process
        scorer-1  | Traceback (most recent call last):
        scorer-1  |   File "/usr/local/lib/python3.11/site-packages/gunicorn/arbiter.py", line 609, in spawn_worker
        scorer-1  |     worker.init_process()
        scorer-1  |   File "/usr/local/lib/python3.11/site-packages/gunicorn/util.py", line 371, in import_app
        scorer-1  |     mod = importlib.import_module(module)
        scorer-1  |   File "/app/score.py", line 3, in <module>
        scorer-1  |     from imblearn.over_sampling import SMOTE
        scorer-1  | ModuleNotFoundError: No module named 'imblearn'
        scorer-1  | [2024-05-02 09:00:01 +0000] [8] [INFO] Worker exiting (pid: 8)
        scorer-1  | [2024-05-02 09:00:01 +0000] [1] [ERROR] Reason: Worker failed to boot.
        """,
        stage="launch",
        exit_code=3,
    ),
    case(
        "module-not-found",
        """
        Traceback (most recent call last):
          File "score.py", line 2, in <module>
            from sklearn.externals import joblib
        ImportError: No module named sklearn
        """,
        stage="init",
    ),
    case(
        "module-not-found",
        """
        Traceback (most recent call last):
          File "/app/score.py", line 14, in init
            df = pd.read_excel(path)
          File "/usr/lib/python3.9/site-packages/pandas/compat/_optional.py", line 126, in import_optional_dependency
            raise ImportError(msg)
        ImportError: Missing optional dependency 'openpyxl'.  Use pip or conda to install openpyxl.
        """,
        stage="init",
    ),
    case(
        "local-module-not-packaged",
        """
        Traceback (most recent call last):
          File "/var/azureml-app/score.py", line 9, in <module>
            from utils.preprocessing import clean_text
        ModuleNotFoundError: No module named 'utils'
        """,
        stage="init",
    ),
    case(
        "local-module-not-packaged",
        """
        Traceback (most recent call last):
          File "/srv/app/score.py", line 12, in init
            model = joblib.load(os.path.join(os.environ["AZUREML_MODEL_DIR"], "model.joblib"))
          File "/opt/conda/lib/python3.10/site-packages/joblib/numpy_pickle.py", line 658, in load
            obj = _unpickle(fobj, filename, mmap_mode)
          File "/opt/conda/lib/python3.10/pickle.py", line 1538, in find_class
            __import__(module, level=0)
        ModuleNotFoundError: No module named 'churn_transformers'
        """,
        stage="init",
    ),
    case(
        "local-module-not-packaged", "ImportError: attempted relative import with no known parent package", stage="init"
    ),
    case(
        "local-module-not-packaged",
        """
          File "/app/score.py", line 1, in <module>
            from my_features import build
        ModuleNotFoundError: No module named 'my_features'
        """,
        stage="launch",
        exit_code=1,
    ),
    case(
        "sklearn-version-mismatch",
        """
        Traceback (most recent call last):
          File "/app/score.py", line 7, in init
            model = pickle.load(f)
        ModuleNotFoundError: No module named 'sklearn.ensemble.forest'
        """,
        stage="init",
    ),
    case(
        "entry-script-not-found",
        """
        Traceback (most recent call last):
          File "/usr/local/lib/python3.10/site-packages/gunicorn/util.py", line 359, in import_app
            mod = importlib.import_module(module)
          File "/usr/local/lib/python3.10/importlib/__init__.py", line 126, in import_module
            return _bootstrap._gcd_import(name[level:], package, level)
          File "<frozen importlib._bootstrap>", line 1004, in _find_and_load_unlocked
        ModuleNotFoundError: No module named 'score'
        """,
        stage="launch",
        exit_code=3,
    ),
    case(
        "entry-script-not-found",
        'ERROR:    Error loading ASGI app. Could not import module "main".',
        stage="launch",
        exit_code=1,
    ),
    case(
        "entry-script-not-found",
        "python: can't open file '/app/score.py': [Errno 2] No such file or directory",
        stage="launch",
        exit_code=2,
    ),
    case(
        "entry-script-not-found",
        """
        2024-01-15 10:11:12,100 E [73] azmlinfsrv - No score script found. Expected score script main.py.
        2024-01-15 10:11:12,100 E [73] azmlinfsrv - Expected script to be found in PYTHONPATH: ['/var/azureml-app']
        """,
        stage="launch",
    ),
    case(
        "missing-shared-library",
        "ImportError: libGL.so.1: cannot open shared object file: No such file or directory",
        stage="init",
    ),
    case(
        "missing-shared-library",
        "OSError: libgthread-2.0.so.0: cannot open shared object file: No such file or directory",
        stage="launch",
    ),
    case("missing-shared-library", "OSError: sndfile library not found using ctypes.util.find_library", stage="init"),
    case(
        "missing-shared-library",
        "pyodbc.Error: ('01000', \"[01000] [unixODBC][Driver Manager]Can't open lib 'ODBC Driver 17 for SQL "
        "Server' : file not found (0)\")",
        stage="init",
    ),
    case(
        "glibc-too-old",
        "ImportError: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.34' not found (required by "
        "/opt/env/lib/python3.9/site-packages/x/_core.so)",
        stage="init",
    ),
    case(
        "glibc-too-old",
        "OSError: /lib64/libstdc++.so.6: version `CXXABI_1.3.13' not found (required by /app/lib/libtorch_cpu.so)",
        stage="launch",
    ),
    case(
        "glibc-too-old",
        "Error relocating /usr/lib/python3.11/site-packages/onnxruntime/capi/onnxruntime_pybind11_state.so: "
        "__memcpy_chk: symbol not found",
        stage="init",
    ),
    case(
        "numpy-abi-mismatch",
        """
          File "pandas/_libs/__init__.py", line 13, in <module>
            from pandas._libs.interval import Interval
          File "pandas/_libs/interval.pyx", line 1, in init pandas._libs.interval
        ValueError: numpy.dtype size changed, may indicate binary incompatibility. Expected 96 from C header, got 88 from PyObject
        """,
        stage="init",
    ),
    case("numpy-abi-mismatch", "ModuleNotFoundError: No module named 'numpy._core'", stage="init"),
    case(
        "numpy-abi-mismatch",
        """
        RuntimeError: module compiled against ABI version 0x1000009 but this version of numpy is 0x2000000
        Traceback (most recent call last):
          File "/app/score.py", line 2, in <module>
            import gensim
        ImportError: numpy.core.multiarray failed to import
        """,
        stage="launch",
    ),
    case(
        "numpy-abi-mismatch",
        "ValueError: <class 'numpy.random._mt19937.MT19937'> is not a known BitGenerator module.",
        stage="init",
    ),
    case(
        "protobuf-version-mismatch",
        """
        TypeError: Descriptors cannot not be created directly.
        If this call came from a _pb2.py file, your generated code is out of date and must be regenerated with protoc >= 3.19.0.
        If you cannot immediately regenerate your protos, some other possible workarounds are:
         1. Downgrade the protobuf package to 3.20.x or lower.
        """,
        stage="init",
    ),
    case(
        "protobuf-version-mismatch",
        "google.protobuf.runtime_version.VersionError: Detected incompatible Protobuf Gencode/Runtime versions "
        "when loading a/b.proto: "
        "gencode 5.29.5 runtime 5.27.2. Runtime version cannot be older than the linked gencode version.",
        stage="init",
    ),
    case(
        "protobuf-version-mismatch",
        "ImportError: cannot import name 'builder' from 'google.protobuf.internal' "
        "(/opt/venv/lib/python3.9/site-packages/google/protobuf/internal/__init__.py)",
        stage="launch",
    ),
    case(
        "flask-stack-incompatible",
        "ImportError: cannot import name 'escape' from 'jinja2' "
        "(/opt/env/lib/python3.7/site-packages/jinja2/__init__.py)",
        stage="launch",
    ),
    case(
        "flask-stack-incompatible",
        "ImportError: cannot import name 'soft_unicode' from 'markupsafe' (/opt/x/markupsafe/__init__.py)",
        stage="launch",
    ),
    case(
        "flask-stack-incompatible",
        "ImportError: cannot import name 'url_quote' from 'werkzeug.urls' (/x/site-packages/werkzeug/urls.py)",
        stage="init",
    ),
    case(
        "flask-stack-incompatible",
        "TypeError: register() takes 3 positional arguments but 4 were given",
        stage="launch",
        exit_code=3,
    ),
    case(
        "flask-stack-incompatible",
        "AttributeError: 'Flask' object has no attribute 'before_first_request'. Did you mean: '_got_first_request'?",
        stage="launch",
    ),
    case(
        "cuda-driver-mismatch",
        "RuntimeError: The NVIDIA driver on your system is too old (found version 11040). Please update your "
        "GPU driver",
        stage="init",
    ),
    case(
        "cuda-driver-mismatch",
        'docker: Error response from daemon: could not select device driver "" with capabilities: [[gpu]].',
        stage="launch",
        exit_code=125,
    ),
    case(
        "cuda-driver-mismatch",
        "ImportError: libcuda.so.1: cannot open shared object file: No such file or directory",
        stage="init",
    ),
    case(
        "cuda-driver-mismatch",
        "RuntimeError: Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU",
        stage="init",
    ),
    case(
        "segfault",
        "bash: line 1:    12 Segmentation fault      (core dumped) python -m server",
        stage="launch",
        exit_code=139,
    ),
    case("segfault", "[2024-02-02 10:00:00 +0000] [1] [ERROR] Worker (pid:31) was sent SIGSEGV!", stage="init"),
    case("segfault", "Loading tokenizer", stage="init", exit_code=139, k8s_reason="CrashLoopBackOff"),
    case(
        "illegal-instruction", "[1]    4711 illegal hardware instruction  python score.py", stage="init", exit_code=132
    ),
    case("illegal-instruction", "", stage="init", exit_code=132),
    case(
        "illegal-instruction",
        "2020-02-02 10:10:10.1: F tensorflow/core/platform/cpu_feature_guard.cc:37] The TensorFlow library was "
        "compiled to use AVX instructions, but these aren't available on your machine.\nAborted (core dumped)",
        stage="init",
        exit_code=134,
    ),
    case(
        "stopped-by-sigterm",
        """
        [2024-03-01 10:00:00 +0000] [1] [INFO] Handling signal: term
        [2024-03-01 10:00:00 +0000] [9] [INFO] Worker exiting (pid: 9)
        [2024-03-01 10:00:00 +0000] [1] [INFO] Shutting down: Master
        """,
        stage="run",
        exit_code=143,
    ),
    case(
        "stopped-by-sigterm",
        "INFO:     Shutting down\nINFO:     Finished server process [1]",
        stage="run",
        exit_code=143,
        k8s_events=["Killing: Stopping container scorer"],
    ),
]
