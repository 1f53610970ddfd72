"""Evidence as it really comes: several tools speak, the root is in the middle, the last line is a symptom."""

from __future__ import annotations

from tests.diagnosis.variants.imports_and_crashes import case

FLASK = (
    "2026-01-20 08:13:07,903 | main | ERROR | Exception on /score [POST]\nTraceback (most recent call last):\n"
    '  File "/srv/venv/lib/python3.11/site-packages/flask/app.py", line 1511, in wsgi_app\n'
    "    response = self.full_dispatch_request()\n"
    '  File "/srv/app/main.py", line 16, in score\n    out = mod.run(request.get_data(as_text=True))\n'
)
PAGE = (
    "<!doctype html>\n<title>500 Internal Server Error</title>\n<p>The server encountered an internal "
    "error and was unable to complete your request. Either the server is overloaded or there is an error "
    "in the application.</p>"
)
BOOT = (
    "[2026-01-20 08:10:43 +0000] [7] [INFO] Starting gunicorn 23.0.0\n[2026-01-20 08:10:43 +0000] [7] "
    "[INFO] Listening at: http://0.0.0.0:5001 (7)\n[2026-01-20 08:10:43 +0000] [7] [INFO] Using worker: "
    "sync\n[2026-01-20 08:10:43 +0000] [9] [INFO] Booting worker with pid: 9\n"
)
READY = BOOT + (
    "2026-01-20 08:10:44,000 | scoring | INFO | Invoking user's init function\n2026-01-20 08:10:45,000 | "
    "scoring | INFO | Users's init has completed successfully\n"
)
LOOP = {
    "k8s_reason": "CrashLoopBackOff",
    "k8s_events": [
        {
            "type": "Normal",
            "reason": "Pulled",
            "count": 4,
            "message": 'Container image "r.local/s:1" already present on machine',
        },
        {
            "type": "Warning",
            "reason": "BackOff",
            "count": 19,
            "message": "Back-off restarting failed container scorer in pod scorer-5d_default(1)",
        },
    ],
}

CASES = [
    case(
        "request-missing-key",
        READY
        + FLASK
        + (
            '  File "/srv/app/score.py", line 9, in run\n    data = json.loads(raw)["data"]\n           '
            "~~~~~~~~~~~~~~~^^^^^^^^\nKeyError: 'data'"
        ),
        stage="run",
        http_status=500,
        http_body=PAGE,
    ),
    case(
        "request-json-invalid",
        READY
        + FLASK
        + (
            '  File "/srv/app/score.py", line 9, in run\n    data = json.loads(raw)["data"]\n  File '
            '"/usr/lib/python3.11/json/__init__.py", line 346, in loads\n    return '
            '_default_decoder.decode(s)\n  File "/usr/lib/python3.11/json/decoder.py", line 355, in '
            'raw_decode\n    raise JSONDecodeError("Expecting value", s, err.value) from '
            "None\njson.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)"
        ),
        stage="run",
        http_status=500,
        http_body=PAGE,
    ),
    case(
        "model-not-global",
        READY
        + FLASK
        + (
            '  File "/srv/app/score.py", line 9, in run\n    return model.predict(rows).tolist()\n           '
            "^^^^^\nNameError: name 'model' is not defined"
        ),
        stage="run",
        http_status=500,
        http_body=PAGE,
    ),
    case(
        "run-exception",
        READY
        + FLASK
        + (
            '  File "/srv/app/score.py", line 9, in run\n    return rows[0] / rows[1]\nZeroDivisionError: '
            "division by zero"
        ),
        stage="run",
        http_status=500,
        http_body=PAGE,
    ),
    case(
        "response-not-serializable",
        READY
        + FLASK
        + (
            '  File "/srv/app/main.py", line 17, in score\n    return json.dumps(out)\n  File '
            '"/usr/lib/python3.11/json/encoder.py", line 180, in default\n    raise TypeError(f\'Object of '
            "type {o.__class__.__name__} '\nTypeError: Object of type DataFrame is not JSON serializable"
        ),
        stage="run",
        http_status=500,
        http_body=PAGE,
    ),
    case(
        "input-type-error",
        READY
        + FLASK
        + (
            '  File "/srv/app/score.py", line 9, in run\n    return clf.predict(np.array(rows)).tolist()\n  '
            'File "/srv/venv/lib/python3.11/site-packages/sklearn/utils/validation.py", line 1055, in '
            "check_array\n    array = _asarray_with_order(array, order=order, dtype=dtype, xp=xp)\nValueError: "
            "could not convert string to float: 'setosa'"
        ),
        stage="run",
        http_status=500,
        http_body=PAGE,
    ),
    case(
        "input-missing-values",
        READY
        + FLASK
        + (
            '  File "/srv/app/score.py", line 9, in run\n    return clf.predict(df).tolist()\n  File '
            '"/srv/venv/lib/python3.11/site-packages/sklearn/utils/validation.py", line 149, in '
            "_assert_all_finite_element_wise\n    raise ValueError(msg_err)\nValueError: Input X contains "
            "NaN.\nLogisticRegression does not accept missing values encoded as NaN natively. For supervised "
            "learning, you might want to consider sklearn.ensemble.HistGradientBoostingClassifier"
        ),
        stage="run",
        http_status=500,
        http_body=PAGE,
    ),
    case(
        "feature-names-mismatch",
        READY
        + FLASK
        + (
            '  File "/srv/app/score.py", line 9, in run\n    return clf.predict(df[COLUMNS]).tolist()\n  File '
            '"/srv/venv/lib/python3.11/site-packages/pandas/core/indexes/base.py", line 6252, in '
            '_raise_if_missing\n    raise KeyError(f"{not_found} not in index")\nKeyError: "[\'petal_width\'] '
            'not in index"'
        ),
        stage="run",
        http_status=500,
        http_body=PAGE,
    ),
    case(
        "config-file-missing",
        BOOT
        + (
            'Traceback (most recent call last):\n  File "/srv/app/score.py", line 5, in init\n    cfg = '
            'yaml.safe_load(open("config.yml"))\nFileNotFoundError: [Errno 2] No such file or directory: '
            "'config.yml'\n[2026-01-20 08:10:45 +0000] [9] [INFO] Worker exiting (pid: 9)\n[2026-01-20 "
            "08:10:45 +0000] [7] [ERROR] Worker (pid:9) exited with code 3\n[2026-01-20 08:10:45 +0000] [7] "
            "[ERROR] Shutting down: Master\n[2026-01-20 08:10:45 +0000] [7] [ERROR] Reason: Worker failed to "
            "boot."
        ),
        stage="init",
        exit_code=3,
        **LOOP,
    ),
    case(
        "model-file-not-found",
        "",
        stage="init",
        exit_code=1,
        **LOOP,
        previous_log=(
            'Traceback (most recent call last):\n  File "/app/serve.py", line 3, in <module>\n    '
            'score.init()\n  File "/app/score.py", line 8, in init\n    model = '
            'tf.keras.models.load_model(os.path.join(root, "model"))\nOSError: No file or directory found at '
            "azureml-models/cnn/2/model"
        ),
    ),
    case(
        "container-oom-killed",
        "Loading weights...",
        stage="init",
        exit_code=137,
        k8s_reason="CrashLoopBackOff",
        k8s_events=[
            "BackOff: Back-off restarting failed container",
            "lastState: terminated: reason: OOMKilled exitCode: 137",
        ],
    ),
    case("container-oom-killed", READY, stage="run", k8s_reason="OOMKilled"),
    case(
        "liveness-probe-killed",
        READY,
        stage="run",
        exit_code=137,
        k8s_events=[
            (
                'Unhealthy: Liveness probe failed: Get "http://10.0.0.9:5001/": context deadline exceeded '
                "(Client.Timeout exceeded while awaiting headers) (x3)"
            ),
            "Killing: Container scorer failed liveness probe, will be restarted",
        ],
    ),
    case(
        "insufficient-gpu",
        "",
        stage="schedule",
        http_status=400,
        http_body=(
            '{"code":"KubernetesError","statusCode":400,"message":"Kubernetes Deployment '
            'Error","details":[{"code":"Unschedulable","message":"0/3 nodes are available: 3 Insufficient '
            'nvidia.com/gpu."}]}'
        ),
    ),
    case(
        "insufficient-cpu-memory",
        "Couldn't schedule because the kubernetes cluster didn't have available resources after trying for "
        "00:05:00.\nYou can address this error by either adding more nodes, changing the SKU of your nodes "
        "or changing the resource requirements of your service.",
        stage="launch",
        http_status=400,
    ),
    case(
        "http-503-overloaded",
        "requests.exceptions.HTTPError: 503 Server Error: Service Unavailable for url: "
        "http://20.1.2.3:80/api/v1/service/iris/score",
        stage="http",
    ),
    case(
        "http-401-unauthorized",
        "WebserviceException: Received bad response from service:\nResponse Code: 401\nHeaders: {'Server': "
        "'nginx'}\nContent: b''",
        stage="http",
    ),
    case(
        "http-404-wrong-path",
        "curl -X POST http://127.0.0.1:5001/predict\n<!doctype html>\n<title>404 Not "
        "Found</title>\n<h1>Not Found</h1>\n<p>The requested URL was not found on the server. If you "
        "entered the URL manually please check your spelling and try again.</p>",
        stage="http",
        http_status=404,
    ),
    case(
        "http-504-timeout",
        "<html>\r\n<head><title>504 Gateway Time-out</title></head>\r\n<body>\r\n<center><h1>504 Gateway "
        "Time-out</h1></center>\r\n<hr><center>nginx/1.18.0</center>",
        stage="http",
        http_status=504,
    ),
    case(
        "http-413-payload-too-large",
        "<html>\r\n<head><title>413 Request Entity Too Large</title></head>\r\n<center>nginx</center>",
        stage="http",
        http_status=413,
    ),
    case(
        "http-502-run-crashed",
        READY,
        stage="run",
        http_status=502,
        http_body="Replica closed connection before replying",
    ),
    case(
        "worker-timeout",
        BOOT
        + (
            "[2026-01-20 08:11:13 +0000] [7] [CRITICAL] WORKER TIMEOUT (pid:9)\n[2026-01-20 08:11:13 +0000] "
            "[9] [INFO] Worker exiting (pid: 9)\n[2026-01-20 08:11:14 +0000] [7] [ERROR] Worker (pid:9) was "
            "sent SIGKILL! Perhaps out of memory?\n[2026-01-20 08:11:14 +0000] [21] [INFO] Booting worker with "
            "pid: 21"
        ),
        stage="init",
        target="local",
    ),
    case(
        "gunicorn-worker-oom",
        BOOT
        + (
            "[2026-01-20 08:11:13 +0000] [7] [ERROR] Worker (pid:9) was sent SIGKILL! Perhaps out of "
            "memory?\n[2026-01-20 08:11:14 +0000] [21] [INFO] Booting worker with pid: 21\n[2026-01-20 "
            "08:12:13 +0000] [7] [ERROR] Worker (pid:21) was sent SIGKILL! Perhaps out of memory?\n[2026-01-20 "
            "08:12:14 +0000] [31] [INFO] Booting worker with pid: 31"
        ),
        stage="init",
        target="kubernetes",
    ),
    case(
        "missing-env-var",
        'Traceback (most recent call last):\n  File "/srv/app/score.py", line 2, in <module>\n    TOKEN = '
        'os.environ["SCORING_TOKEN"]\n            ~~~~~~~~~~^^^^^^^^^^^^^^^^^\n  File "<frozen os>", line '
        "679, in __getitem__\nKeyError: 'SCORING_TOKEN'",
        stage="launch",
        exit_code=1,
        **LOOP,
    ),
    case(
        "cuda-driver-mismatch",
        '  File "/app/score.py", line 9, in init\n    model.to("cuda")\n  File '
        '"/x/site-packages/torch/cuda/__init__.py", line 298, in _lazy_init\n    '
        "torch._C._cuda_init()\nRuntimeError: CUDA driver initialization failed, you might not have a CUDA "
        "gpu.",
        stage="init",
    ),
    case(
        "torch-cuda-unavailable",
        '  File "/app/score.py", line 9, in init\n    model = Net().cuda()\n  File '
        '"/x/site-packages/torch/cuda/__init__.py", line 284, in _lazy_init\n    raise '
        'AssertionError("Torch not compiled with CUDA enabled")\nAssertionError: Torch not compiled with '
        "CUDA enabled",
        stage="init",
        exit_code=3,
    ),
    case(
        "sklearn-version-mismatch",
        "/x/sklearn/base.py:329: UserWarning: Trying to unpickle estimator Pipeline from version 0.22.1 "
        "when using version 0.24.2.\n  warnings.warn(\n"
        '  File "/var/azureml-app/score.py", line 18, in init\n    model = joblib.load(model_path)\n  '
        'File "sklearn/tree/_tree.pyx", line 590, in sklearn.tree._tree.Tree.__cinit__\nTypeError: '
        "__cinit__() takes exactly 3 positional arguments (1 given)",
        stage="init",
    ),
    case(
        "pickle-main-attribute",
        "2021-01-01T00:00:00 | root | ERROR | Encountered Exception Traceback (most recent call last):\n  "
        'File "/var/azureml-server/aml_blueprint.py", line 163, in register\n    main.init()\n  File '
        '"/var/azureml-app/main.py", line 14, in init\n    model = joblib.load(model_path)\n  File '
        '"/x/pickle.py", line 1376, in find_class\n    return getattr(sys.modules[module], '
        "name)\nAttributeError: module '__main__' has no attribute 'FeatureSelector'",
        stage="init",
    ),
    case(
        "local-module-not-packaged",
        '  File "/var/azureml-app/main.py", line 4, in <module>\n    from azureml_utils import '
        "load_config\nModuleNotFoundError: No module named 'azureml_utils'",
        stage="init",
    ),
    case(
        "local-module-not-packaged",
        '  File "/var/azureml-app/score.py", line 4, in <module>\n    import helper\nModuleNotFoundError: '
        "No module named 'helper'",
        stage="init",
    ),
    case(
        "module-not-found",
        '  File "/var/azureml-app/score.py", line 4, in <module>\n    import '
        "pygeohash\nModuleNotFoundError: No module named 'pygeohash'",
        stage="init",
    ),
    case(
        "module-not-found",
        '  File "/var/azureml-app/score.py", line 4, in <module>\n    from azureml.core.model import '
        "Model\nModuleNotFoundError: No module named 'azureml'",
        stage="init",
    ),
    case(
        "module-not-found",
        '  File "/var/azureml-app/score.py", line 4, in <module>\n    import cv2\nModuleNotFoundError: No '
        "module named 'cv2'",
        stage="init",
    ),
    case(
        "crashloop-init-exception",
        BOOT + "2026-01-20 08:10:44,000 | scoring | INFO | Invoking user's init function",
        stage="init",
        exit_code=1,
        **LOOP,
    ),
    case(
        "segfault",
        "Fatal Python error: Segmentation fault\n\nCurrent thread 0x00007f (most recent call first):\n  "
        'File "/x/lightgbm/basic.py", line 2000 in __init__\n  File "/app/score.py", line 8 in init',
        stage="init",
        exit_code=-11,
    ),
    case(
        "runtime-download-blocked",
        '  File "/app/score.py", line 5, in init\n    nlp = pipeline("sentiment-analysis")\n  File '
        '"/x/site-packages/transformers/utils/hub.py", line 400, in '
        "cached_file\nrequests.exceptions.ConnectionError: "
        "(MaxRetryError(\"HTTPSConnectionPool(host='huggingface.co', port=443): Max retries exceeded with "
        "url: /distilbert/resolve/main/config.json (Caused by NameResolutionError('Failed to resolve "
        "huggingface.co'))\"))",
        stage="init",
    ),
    case(
        "file-permission-denied",
        '  File "/x/site-packages/transformers/utils/hub.py", line 110, in move_cache\n    '
        "os.makedirs(cache)\nPermissionError: [Errno 13] Permission denied: "
        "'/home/app/.cache/huggingface'\nThere was a problem when trying to write in your cache folder. "
        "You should set the environment variable TRANSFORMERS_CACHE to a writable directory.",
        stage="init",
    ),
]
