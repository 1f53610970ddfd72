"""Further real wordings, as they stand in reports of users."""

from __future__ import annotations

from tests.diagnosis.variants.imports_and_crashes import case

CASES = [
    case(
        "sklearn-version-mismatch",
        '  File "/home/site/wwwroot/app.py", line 30, in predict\n    return model.predict(x)\n  File '
        "\"/x/sklearn/ensemble/_gb.py\", line 1800, in predict\nAttributeError: 'LeastSquaresError' object "
        "has no attribute 'get_init_raw_predictions'",
        stage="run",
        http_status=500,
    ),
    case(
        "model-file-corrupt",
        '  File "/var/azureml-app/score.py", line 9, in init\n    clf = joblib.load(model_path)\n  File '
        '"/x/sklearn/externals/joblib/numpy_pickle.py", line 526, in _unpickle\n    obj = '
        'unpickler.load()\n  File "/x/pickle.py", line 1050, in load\n    '
        "dispatch[key[0]](self)\nKeyError: 118",
        stage="init",
    ),
    case("http-503-overloaded", "", stage="http", http_status=503, http_body="No ready replicas for service"),
    case(
        "liveness-probe-killed",
        "(None) ResourceNotReady: User container has crashed or terminated: Liveness probe failed: HTTP "
        "probe failed with statuscode: 502.",
        stage="launch",
    ),
    case(
        "crashloop-init-exception",
        '{"code":"AciDeploymentFailed","statusCode":400,"message":"Aci Deployment failed with exception: '
        "Your container application crashed. This may be caused by errors in your scoring file's init() "
        "function.\\n\\t1. Please check the logs for your container instance: "
        'ccm-service-3.","details":[{"code":"CrashLoopBackOff","message":"Your container application '
        'crashed."}]}',
        stage="launch",
        http_status=400,
    ),
    case(
        "container-oom-killed",
        '{"restartCount":3,"currentState":{"state":"Waiting","detailStatus":"CrashLoopBackOff"},"previousSt'
        'ate":{"state":"Terminated","exitCode":137,"detailStatus":"OOMKilled"}}',
        stage="init",
    ),
    case(
        "module-not-found",
        "Initializing logger\n2021-03-03 10:00:00,100 | root | INFO | Starting up app insights "
        "client\n2021-03-03 10:00:00,200 | root | ERROR | User's init function failed\nTraceback (most "
        'recent call last):\n  File "/var/azureml-server/aml_blueprint.py", line 156, in register\n    '
        'from routes_common import main\n  File "/var/azureml-server/routes_common.py", line 35, in '
        '<module>\n    import main\n  File "/var/azureml-app/main.py", line 19, in <module>\n    '
        'driver_module_spec.loader.exec_module(driver_module)\n  File "/structure/azureml-app/score.py", '
        "line 3, in <module>\n    import pandas as pd\nModuleNotFoundError: No module named "
        "'pandas'\nWorker exiting (pid: 41)\nShutting down: Master\nReason: Worker failed to boot.",
        stage="init",
        exit_code=3,
    ),
    case(
        "entry-script-not-found",
        '  File "/var/azureml-server/aml_blueprint.py", line 156, in register\n    import '
        "main\nModuleNotFoundError: No module named 'main'",
        stage="launch",
    ),
    case(
        "entry-script-not-found",
        '  File "/var/azureml-app/main.py", line 19, in <module>\n    '
        'driver_module_spec.loader.exec_module(driver_module)\n  File "<frozen '
        'importlib._bootstrap_external>", line 674, in exec_module\n  File "<frozen '
        'importlib._bootstrap_external>", line 916, in get_data\nFileNotFoundError: [Errno 2] No such '
        "file or directory: '/var/azureml-app/source/score.py'",
        stage="init",
    ),
    case(
        "local-module-not-packaged",
        '  File "/var/azureml-app/main.py", line 19, in <module>\n    '
        'driver_module_spec.loader.exec_module(driver_module)\n  File "/var/azureml-app/score.py", line '
        "3, in <module>\n    from model import Net\nModuleNotFoundError: No module named 'model'",
        stage="init",
    ),
    case(
        "score-missing-init-run",
        "azureml_inference_server_http.server.exceptions: UserScriptFunctionNotFound: init not found in score.py",
        stage="init",
    ),
    case(
        "score-syntax-error",
        "  File \"/var/azureml-app/score.py\", line 33\n    print f'x'\n          ^\nSyntaxError: Missing "
        "parentheses in call to 'print'. Did you mean print(...)?",
        stage="launch",
        exit_code=3,
        k8s_reason="CrashLoopBackOff",
    ),
    case(
        "http-400-bad-request",
        "",
        stage="http",
        http_status=400,
        http_body='{"detail":[{"loc":["body","data"],"msg":"value is not a valid list","type":"type_error.list"}]}',
    ),
    case(
        "http-400-bad-request",
        "",
        stage="http",
        http_status=422,
        http_body=(
            '{"detail":[{"type":"list_type","loc":["body","data"],"msg":"Input should be a valid list","input":"x"}]}'
        ),
    ),
    case(
        "request-missing-key",
        "",
        stage="http",
        http_status=422,
        http_body='{"detail":[{"type":"missing","loc":["body","data"],"msg":"Field required"}]}',
    ),
    case(
        "http-400-bad-request",
        "",
        stage="http",
        http_status=400,
        http_body=(
            "<title>400 Bad Request</title>\n<p>The browser (or proxy) sent a request that this server could "
            "not understand.</p>"
        ),
    ),
    case("http-405-method", "", stage="http", http_status=405, http_body="<title>405 Method Not Allowed</title>"),
    case(
        "http-429-throttled",
        "azure.core.exceptions.HttpResponseError: (429) Too Many Requests\nRetry-After: 10",
        stage="http",
    ),
    case("http-404-wrong-path", '{"detail":"Not Found"}', stage="http", http_status=404),
    case(
        "http-401-unauthorized",
        '{"error":{"code":"UserError","message":"Invalid access token. Please pass a valid bearer token or key."}}',
        stage="http",
        http_status=401,
    ),
    case(
        "http-502-run-crashed",
        "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<center>nginx/1.14.0</center>",
        stage="http",
        http_status=502,
    ),
    case("http-504-timeout", "socket.timeout: timed out", stage="http"),
    case("http-504-timeout", "TimeoutError: The read operation timed out", stage="run"),
    case(
        "http-504-timeout",
        "azmlinfsrv - Script failed to finish execution within the allocated time: 60000ms",
        stage="run",
        http_status=500,
    ),
    case("endpoint-connection-refused", "ConnectionRefusedError: [Errno 111] Connection refused", stage="http"),
    case(
        "endpoint-connection-refused",
        "urllib.error.URLError: <urlopen error [WinError 10061] No connection could be made because the "
        "target machine actively refused it>",
        stage="http",
    ),
    case(
        "worker-timeout",
        "[2020-10-10 10:10:10 +0000] [1] [CRITICAL] WORKER TIMEOUT (pid:12)\n[2020-10-10 10:10:10 +0000] "
        "[12] [INFO] Worker exiting (pid: 12)\n[2020-10-10 10:10:11 +0000] [14] [INFO] Booting worker with "
        "pid: 14",
        stage="run",
        http_status=502,
    ),
    case(
        "gunicorn-worker-oom",
        "worker timeout is set to 300\nBooting worker with pid: 41\nBooting worker with pid: 52\nBooting "
        "worker with pid: 63\nBooting worker with pid: 74\nBooting worker with pid: 85",
        stage="init",
    ),
    case(
        "cuda-out-of-memory",
        "RuntimeError: CUDA out of memory. Tried to allocate 20.00 MiB (GPU 0; 7.43 GiB total capacity; "
        "6.9 GiB already allocated; 10.94 MiB free)",
        stage="init",
    ),
    case(
        "numpy-abi-mismatch",
        "ImportError: \n\nIMPORTANT: PLEASE READ THIS FOR ADVICE ON HOW TO SOLVE THIS ISSUE!\n\nImporting "
        "the numpy C-extensions failed. This error can happen for many reasons",
        stage="init",
    ),
    case(
        "numpy-abi-mismatch",
        "AttributeError: `np.float_` was removed in the NumPy 2.0 release. Use `np.float64` instead.",
        stage="init",
    ),
    case(
        "torch-weights-only",
        "_pickle.UnpicklingError: Weights only load failed. In PyTorch 2.6, we changed the default value "
        "of the `weights_only` argument in `torch.load` from `False` to `True`. Re-running `torch.load` "
        "with `weights_only` set to `False`",
        stage="init",
    ),
    case(
        "keras-h5py-incompatible",
        '  File "/x/keras/engine/saving.py", line 273, in _deserialize_model\n    model_config = '
        "json.loads(model_config.decode('utf-8'))\nAttributeError: 'str' object has no attribute 'decode'",
        stage="init",
    ),
    case(
        "pickle-protocol-unsupported",
        '  File "/x/joblib/numpy_pickle.py", line 585, in load\nValueError: unsupported pickle protocol: 5\n',
        stage="init",
        exit_code=3,
    ),
    case(
        "model-dir-env-missing",
        "  File \"/app/score.py\", line 9, in init\n    model_path = os.getenv('AZUREML_MODEL_DIR') + "
        "'/model.pkl'\nTypeError: unsupported operand type(s) for +: 'NoneType' and 'str'",
        stage="init",
    ),
    case(
        "model-dir-env-missing",
        "azmlinfsrv - AZUREML_MODEL_DIR environment variable is not set\n  File "
        '"/usr/lib/python3.8/genericpath.py", line 19, in exists\nTypeError: stat: path should be '
        "string, bytes, os.PathLike or integer, not NoneType",
        stage="init",
    ),
    case(
        "model-file-not-found",
        "xgboost.core.XGBoostError: [10:10:10] ../dmlc-core/src/io/local_filesys.cc:209: Check failed: "
        'allow_null:  LocalFileSystem::Open "model.bst": No such file or directory',
        stage="init",
    ),
    case("model-file-not-found", "lightgbm.basic.LightGBMError: Could not open model.txt", stage="init"),
    case(
        "model-file-not-found",
        "tensorflow.python.framework.errors_impl.NotFoundError: Unsuccessful TensorSliceReader "
        "constructor: Failed to find any matching files for /app/model/variables/variables",
        stage="init",
    ),
    case(
        "model-file-not-found",
        "E tensorflow_serving/sources/storage_path/file_system_storage_path_source.cc:362] "
        "FileSystemStoragePathSource encountered a filesystem access error: Could not find base path "
        "/models/model for servable model with error NOT_FOUND: /models/model not found",
        stage="init",
    ),
    case(
        "model-file-not-found",
        'mlflow.exceptions.MlflowException: Could not find an "MLmodel" configuration file at "/var/azureml-app/model"',
        stage="init",
    ),
    case(
        "runtime-download-blocked",
        "OSError: Can't load tokenizer for 'bert-base-uncased'. If you were trying to load it from "
        "'https://huggingface.co/models', make sure you don't have a local directory with the same name.",
        stage="init",
    ),
    case(
        "runtime-download-blocked",
        "LookupError: \n**********************************************************************\n  Resource "
        "\x1b[93mstopwords\x1b[0m not found.\n  Please use the NLTK Downloader to obtain the resource:",
        stage="init",
    ),
    case(
        "runtime-download-blocked",
        "botocore.exceptions.EndpointConnectionError: Could not connect to the endpoint URL: "
        '"https://bucket.s3.amazonaws.com/model.tar.gz"',
        stage="init",
    ),
    case(
        "runtime-download-blocked",
        "Exception: URL fetch failure on https://storage.googleapis.com/tensorflow/keras-applications/vgg16"
        "/x.h5: None -- [Errno -3] Temporary failure in name resolution",
        stage="init",
    ),
    case(
        "file-permission-denied",
        "There was a problem when trying to write in your cache folder (/.cache/huggingface/hub). You "
        "should set the environment variable TRANSFORMERS_CACHE to a writable directory.\nPermissionError: "
        "[Errno 13] Permission denied: '/.cache'",
        stage="init",
    ),
    case(
        "read-only-filesystem",
        "OSError: [Errno 30] Read-only file system: '/root/.cache/huggingface'",
        stage="init",
        exit_code=1,
    ),
    case(
        "stopped-by-sigterm",
        "2024/09/06 11:33:03 INFO mlflow.models.container: Got sigterm signal, exiting.",
        stage="run",
        exit_code=143,
    ),
    case("stopped-by-sigterm", "", stage="run", exit_code=143),
    case(
        "glibc-too-old",
        "ImportError: /usr/lib/x86_64-linux-gnu/libstdc++.so.6: version `GLIBCXX_3.4.30' not found "
        "(required by /opt/conda/lib/python3.9/site-packages/pandas/_libs/window/aggregations.so)",
        stage="init",
    ),
    case(
        "missing-shared-library",
        "Error loading shared library libgomp.so.1: No such file or directory (needed by "
        "/usr/lib/python3.9/site-packages/lightgbm/lib_lightgbm.so)",
        stage="init",
    ),
    case(
        "missing-shared-library",
        '  File "/x/xgboost/libpath.py", line 50\nOSError: libgomp.so.1: cannot open shared object file: '
        "No such file or directory",
        stage="init",
    ),
    case(
        "cuda-driver-mismatch",
        "nvidia-container-cli: requirement error: unsatisfied condition: cuda>=11.8, please update your "
        "driver to a newer version, or use an earlier cuda container: unknown",
        stage="launch",
        exit_code=125,
    ),
    case(
        "service-already-exists",
        "WebserviceException:\n\tMessage: Service iris-svc with the same name already exists, please use a "
        "different service name or delete the existing service.",
        stage="launch",
    ),
    case(
        "service-already-exists",
        '{"error":{"code":"Conflict","message":"Deployment with name iris already exists"}}',
        stage="launch",
        http_status=409,
    ),
    case(
        "operation-in-progress",
        'Conflict: There is already an update operation in progress on service "iris".',
        stage="launch",
        http_status=409,
    ),
    case(
        "operation-in-progress",
        "kubernetes.client.exceptions.ApiException: (409)\nReason: Conflict\nHTTP response body: "
        '{"kind":"Status","message":"Operation cannot be fulfilled on deployments.apps \\"scorer\\": the '
        "object has been modified; please apply your changes to the latest version and try "
        'again","reason":"Conflict","code":409}',
        stage="launch",
        http_status=409,
    ),
    case(
        "model-artifact-missing-at-register",
        "FileNotFoundError: [Errno 2] No such file or directory: 'outputs/model.pkl'",
        stage="register",
    ),
    case(
        "model-artifact-missing-at-register",
        "azureml.exceptions._azureml_exception.UserErrorException: UserErrorException:\n\tMessage: The "
        "model path ./models/model.pkl does not exist",
        stage="register",
    ),
    case(
        "deployment-timed-out",
        "Service deployment polling reached non-successful terminal state, current service state: "
        'TimedOut\nError:\n{"code": "DeploymentTimedOut", "statusCode": 504, "message": "The '
        'deployment operation polling has TimedOut."}',
        stage="launch",
        http_status=504,
    ),
    case("", "kubectl get pods\nNAME READY STATUS RESTARTS AGE\nscorer-5d 1/1 Running 0 5m", stage="run"),
    case(
        "",
        "[2024-03-02 10:00:01 +0000] [1] [INFO] Starting gunicorn 21.2.0\n[2024-03-02 10:00:01 +0000] [1] "
        "[INFO] Listening at: http://0.0.0.0:5001 (1)\n[2024-03-02 10:00:01 +0000] [7] [INFO] Booting "
        "worker with pid: 7",
        stage="ready",
        http_status=200,
        http_body="Healthy",
    ),
    case(
        "",
        "[2024-03-02 10:00:01 +0000] [1] [INFO] Booting worker with pid: 7\n[2024-03-02 10:00:01 +0000] "
        "[1] [INFO] Booting worker with pid: 8\n[2024-03-02 10:10:01 +0000] [7] [INFO] Autorestarting "
        "worker after current request.\n[2024-03-02 10:10:02 +0000] [1] [INFO] Booting worker with pid: "
        '19\n10.0.0.1 - - "POST /score HTTP/1.1" 200 12',
        stage="run",
    ),
    case("insufficient-evidence", "Container exited with code 1", stage="init", exit_code=1),
    case(
        "insufficient-evidence",
        "",
        stage="init",
        exit_code=1,
        k8s_reason="CrashLoopBackOff",
        k8s_events=["BackOff: Back-off restarting failed container"],
    ),
    case(
        "insufficient-evidence",
        "2024-01-01 10:00:00 INFO starting\n2024-01-01 10:00:05 INFO loading model\n",
        stage="init",
        exit_code=1,
    ),
    case("insufficient-evidence", "Error", stage="run"),
    case("insufficient-evidence", "", stage="http", http_status=500),
]
