"""Wordings of imports and of model loading by many libraries."""

from __future__ import annotations

from tests.diagnosis.variants.imports_and_crashes import case

T = "Traceback (most recent call last):\n"
LI = {"k8s_reason": "CrashLoopBackOff"}

CASES = [
    case(
        "flask-stack-incompatible",
        T
        + (
            '  File "/opt/miniconda/lib/python3.7/site-packages/azureml_inference_server_http/server/create_app'
            '.py", line 9, in <module>\n    from flask import Flask, request, g, Request, Response, '
            'Blueprint\n  File "/x/flask/__init__.py", line 19, in <module>\n    from . import json\n  File '
            '"/x/flask/json/__init__.py", line 15, in <module>\n    from itsdangerous import json as '
            "_json\nImportError: cannot import name 'json' from 'itsdangerous' "
            "(/x/itsdangerous/__init__.py)"
        ),
        stage="launch",
        exit_code=3,
    ),
    case(
        "flask-stack-incompatible",
        T
        + (
            '  File "/x/azureml_inference_server_http/server/app.py", line 3\n    from '
            "opencensus.ext.azure.log_exporter import AzureLogHandler\nModuleNotFoundError: No module named "
            "'opencensus'"
        ),
        stage="launch",
    ),
    case(
        "module-not-found",
        T
        + (
            '  File "/app/score.py", line 3, in <module>\n    import transformers\n  File '
            "\"/x/transformers/__init__.py\", line 26\nModuleNotFoundError: No module named 'regex'"
        ),
        stage="init",
    ),
    case("module-not-found", "/usr/local/bin/python: No module named uvicorn", stage="launch", exit_code=1),
    case("module-not-found", "/usr/bin/python3: No module named gunicorn", stage="launch", exit_code=1),
    case(
        "module-not-found",
        "ImportError: Using `low_cpu_mem_usage=True` or a `device_map` requires Accelerate: `pip install accelerate`",
        stage="init",
    ),
    case(
        "module-not-found",
        "pkg_resources.DistributionNotFound: The 'tqdm>=4.27' distribution was not found and is required "
        "by transformers",
        stage="init",
    ),
    case("module-not-found", "ModuleNotFoundError: No module named 'pkg_resources'", stage="launch"),
    case(
        "module-not-found",
        "ValueError: Unrecognized backend\nModuleNotFoundError: No module named 'tensorflow'",
        stage="init",
    ),
    case(
        "missing-shared-library",
        "ImportError: libSM.so.6: cannot open shared object file: No such file or directory",
        stage="launch",
        exit_code=1,
        **LI,
    ),
    case(
        "missing-shared-library",
        "OSError: cannot load library 'libsndfile.so': libsndfile.so: cannot open shared object file: No "
        "such file or directory",
        stage="init",
    ),
    case(
        "missing-shared-library",
        "ImportError: libxgboost.so: cannot open shared object file\nlibgomp.so.1 missing",
        stage="init",
    ),
    case(
        "missing-shared-library",
        "django.core.exceptions: ImportError: libpq.so.5: cannot open shared object file: No such file or directory",
        stage="launch",
    ),
    case(
        "glibc-too-old",
        "python: /lib/x86_64-linux-gnu/libm.so.6: version `GLIBC_2.29' not found (required by python)",
        stage="launch",
        exit_code=1,
    ),
    case(
        "numpy-abi-mismatch",
        '  File "/x/joblib/numpy_pickle.py", line 402\n    array = '
        "unpickler.load()\nModuleNotFoundError: No module named 'numpy._core.numeric'",
        stage="init",
    ),
    case(
        "numpy-abi-mismatch",
        "ValueError: numpy.ndarray size changed, may indicate binary incompatibility. Expected 88 from C "
        "header, got 80 from PyObject",
        stage="init",
    ),
    case(
        "numpy-abi-mismatch",
        "AttributeError: module 'numpy' has no attribute 'float'.\n`np.float` was a deprecated alias for "
        "the builtin `float`.",
        stage="init",
    ),
    case(
        "protobuf-version-mismatch",
        "AttributeError: 'MessageFactory' object has no attribute 'GetPrototype'",
        stage="init",
    ),
    case(
        "cuda-driver-mismatch",
        "Error: failed to create containerd task: OCI runtime create failed: nvidia-container-cli: "
        "initialization error: load library failed: libnvidia-ml.so.1: cannot open shared object file: no "
        "such file or directory",
        stage="launch",
        target="kubernetes",
    ),
    case(
        "cuda-driver-mismatch",
        "UserWarning: CUDA initialization: The NVIDIA driver on your system is too old (found version "
        "10010).\n"
        + T
        + (
            '  File "/app/score.py", line 3, in init\n    m.cuda()\nRuntimeError: CUDA error: no kernel '
            "image is available for execution on the device"
        ),
        stage="init",
    ),
    case(
        "torch-cuda-unavailable",
        "UserWarning: CUDA initialization: Found no NVIDIA driver on your system.\n"
        + T
        + (
            '  File "/app/score.py", line 3, in init\n    m=torch.load(p)\nRuntimeError: Attempting to '
            "deserialize object on a CUDA device but torch.cuda.is_available() is False."
        ),
        stage="init",
    ),
    case(
        "model-architecture-mismatch",
        '  File "/app/score.py", line 9, in init\n    '
        "model.load_state_dict(torch.load(p))\nRuntimeError: Error(s) in loading state_dict for "
        'ResNet:\n\tMissing key(s) in state_dict: "conv1.weight"\n\tUnexpected key(s) in state_dict: '
        '"module.conv1.weight"',
        stage="init",
    ),
    case(
        "model-architecture-mismatch",
        "AttributeError: 'collections.OrderedDict' object has no attribute 'eval'",
        stage="init",
    ),
    case(
        "model-file-corrupt",
        "OSError: Unable to load weights from pytorch checkpoint file for '/models/bert' at "
        "'/models/bert/pytorch_model.bin'. If you tried to load a PyTorch model from a TF 2.0 checkpoint, "
        "please set from_tf=True.",
        stage="init",
    ),
    case("model-file-corrupt", "_pickle.UnpicklingError: pickle data was truncated", stage="init"),
    case(
        "model-file-corrupt",
        "xgboost.core.XGBoostError: [10:00:00] ../src/learner.cc:1023: Check failed: header == "
        "serialisation_header_: If you are loading a serialized model (like pickle in Python, RDS in R) "
        "generated by older XGBoost",
        stage="init",
    ),
    case("model-file-corrupt", "zipfile.BadZipFile: File is not a zip file", stage="init"),
    case(
        "model-file-corrupt",
        "ValueError: Unable to load model: not a valid keras file. OSError: Unable to open file (truncated "
        "file: eof = 1024, sblock->base_addr = 0, stored_eof = 4096)",
        stage="init",
    ),
    case("model-file-corrupt", "_pickle.UnpicklingError: invalid load key, '<'.", stage="init"),
    case("model-file-corrupt", "_pickle.UnpicklingError: invalid load key, '\\x0a'.", stage="init"),
    case(
        "pickle-main-attribute",
        "AttributeError: Can't get attribute 'Model' on <module 'main' from '/var/azureml-app/main.py'>",
        stage="init",
    ),
    case(
        "sklearn-version-mismatch",
        "ImportError: cannot import name 'joblib' from 'sklearn.externals' (/x/sklearn/externals/__init__.py)",
        stage="init",
    ),
    case(
        "sklearn-version-mismatch",
        "AttributeError: 'DecisionTreeClassifier' object has no attribute 'monotonic_cst'",
        stage="run",
        http_status=500,
    ),
    case(
        "sklearn-version-mismatch",
        "AttributeError: 'ColumnTransformer' object has no attribute '_feature_names_in'",
        stage="run",
    ),
    case(
        "sklearn-version-mismatch", "ValueError: Buffer dtype mismatch, expected 'SIZE_t' but got 'int'", stage="init"
    ),
    case(
        "sklearn-version-mismatch",
        "AttributeError: Can't get attribute '__pyx_unpickle_EnumLoss' on <module 'sklearn._loss'>",
        stage="init",
    ),
    case("pickle-protocol-unsupported", "ValueError: unsupported pickle protocol: 4\n", stage="init"),
    case(
        "keras-h5py-incompatible",
        "TypeError: Error when deserializing class 'InputLayer' using config={'batch_shape': [None, "
        "10]}.\nException encountered: Unrecognized keyword arguments: ['batch_shape']",
        stage="init",
    ),
    case(
        "model-path-lookup-failed",
        "  File \"/var/azureml-app/score.py\", line 9, in init\n    p = Model.get_model_path('m')\n  File "
        '"/x/azureml/core/model.py", line 751, in _get_model_path_local\nException: Dir '
        "azureml-models/m/1 can contain only 1 file or folder. Found ['a', 'b']",
        stage="init",
    ),
    case(
        "model-path-lookup-failed",
        "azureml._model_management._util: ModelNotFoundException:\n\tMessage: Model not found in cache or "
        "in root at ./azureml-models/foo.pkl.",
        stage="init",
        http_status=400,
        **LI,
    ),
    case(
        "config-file-missing",
        "FileNotFoundError: [Errno 2] No such file or directory: '/app/params.toml'",
        stage="init",
    ),
    case(
        "config-file-missing",
        '  File "/app/score.py", line 9, in init\n    df = '
        "pd.read_csv('data/lookup.csv')\nFileNotFoundError: [Errno 2] No such file or directory: "
        "'data/lookup.csv'",
        stage="init",
    ),
    case(
        "model-file-not-found",
        "  File \"/app/score.py\", line 9, in init\n    with open('model.pkl','rb') as "
        "f:\nFileNotFoundError: [Errno 2] No such file or directory: 'model.pkl'",
        stage="init",
        exit_code=3,
    ),
    case(
        "model-file-not-found",
        '  File "/app/score.py", line 9, in init\n    v = '
        "joblib.load('tfidf.joblib')\nFileNotFoundError: [Errno 2] No such file or directory: "
        "'tfidf.joblib'",
        stage="init",
    ),
    case(
        "model-file-not-found",
        '  File "/app/score.py", line 9, in init\n    m = '
        "torch.load('weights/best.pt')\nFileNotFoundError: [Errno 2] No such file or directory: "
        "'weights/best.pt'",
        stage="init",
    ),
    case(
        "model-not-global",
        "  File \"/app/score.py\", line 12, in run\n    x = scaler.transform(d)\nNameError: name 'scaler' "
        "is not defined",
        stage="run",
        http_status=500,
    ),
    case("model-not-global", "UnboundLocalError: local variable 'model' referenced before assignment", stage="run"),
    case(
        "score-missing-init-run", "TypeError: init() missing 1 required positional argument: 'model_path'", stage="init"
    ),
]
