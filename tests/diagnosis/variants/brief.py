"""Short evidence: a status, an exit code, one line."""

from __future__ import annotations

from tests.diagnosis.variants.imports_and_crashes import case

CASES = [
    case(
        "module-not-found",
        "WARNING:root:loading\nModuleNotFoundError: No module named 'joblib'",
        stage="run",
        http_status=500,
    ),
    case("local-module-not-packaged", "ModuleNotFoundError: No module named 'src'", stage="init"),
    case(
        "local-module-not-packaged",
        "ModuleNotFoundError: No module named 'preprocess'\n[ERROR] Worker failed to boot",
        stage="init",
    ),
    case(
        "missing-shared-library",
        "ImportError: libpython3.8.so.1.0: cannot open shared object file: No such file or directory",
        stage="launch",
    ),
    case(
        "missing-shared-library",
        "ImportError: libcudart.so.11.0: cannot open shared object file: No such file or directory",
        stage="init",
    ),
    case("glibc-too-old", "/lib64/libc.so.6: version `GLIBC_2.28' not found (required by node)", stage="launch"),
    case("segfault", "", stage="run", exit_code=139),
    case("segfault", "Worker (pid:31) was terminated due to signal 11", stage="run"),
    case("illegal-instruction", "Worker with pid 22 was terminated due to signal 4", stage="init"),
    case(
        "cuda-out-of-memory",
        "ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization` "
        "when initializing the engine.",
        stage="init",
    ),
    case("http-503-overloaded", "", stage="http", http_status=503),
    case("http-504-timeout", "", stage="http", http_status=504),
    case("http-502-run-crashed", "", stage="run", http_status=502),
    case("http-413-payload-too-large", "", stage="http", http_status=413),
    case("http-415-content-type", '{"message":"Unsupported media type"}', stage="http", http_status=415),
    case(
        "http-401-unauthorized",
        '{"statusCode":401,"message":"Access denied due to missing subscription key."}',
        stage="http",
        http_status=401,
    ),
    case("http-405-method", "", stage="http", http_status=405),
    case("http-429-throttled", "", stage="http", http_status=429),
    case("http-400-bad-request", "", stage="http", http_status=400),
    case("http-404-wrong-path", "", stage="http", http_status=404),
    case(
        "endpoint-connection-refused",
        "curl: (56) Recv failure\ncurl: (7) Failed to connect to localhost port 6789: Connection refused",
        stage="http",
    ),
    case(
        "deployment-timed-out",
        "ERROR - Service deployment polling reached non-successful terminal state, current service state: "
        "Transitioning\nError: Deployment timed out.",
        stage="ready",
        http_status=504,
    ),
    case(
        "operation-in-progress",
        "",
        stage="launch",
        http_status=409,
        http_body='{"message":"Another operation is in progress"}',
    ),
    case(
        "service-already-exists",
        "",
        stage="launch",
        http_status=409,
        http_body='{"message":"A service named iris already exists in the workspace"}',
    ),
    case(
        "run-exception",
        'Traceback (most recent call last):\n  File "/var/azureml-app/score.py", line 24, in run\n    '
        "raise ValueError('negative age')\nValueError: negative age\n",
        stage="run",
        http_status=502,
        http_body="negative age",
    ),
    case(
        "input-shape-mismatch",
        "",
        stage="http",
        http_status=200,
        http_body='{"error": "X has 3 features, but StandardScaler is expecting 4 features as input."}',
    ),
    case(
        "stopped-by-sigterm",
        "Received signal 15",
        stage="run",
        exit_code=143,
        k8s_events=["Killing: Stopping container scorer", "ScalingReplicaSet: Scaled down replica set s to 0"],
    ),
    case(
        "container-oom-killed",
        "terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc",
        stage="init",
        exit_code=134,
    ),
    case(
        "container-oom-killed",
        "MemoryError: Unable to allocate 1.86 GiB for an array with shape (500000, 500) and data type float64",
        stage="run",
        http_status=500,
    ),
    case("container-oom-killed", "", stage="init", exit_code=137, k8s_reason="OOMKilled"),
    case(
        "worker-timeout",
        "[1] [CRITICAL] WORKER TIMEOUT (pid:8)",
        stage="init",
        k8s_reason="CrashLoopBackOff",
        exit_code=1,
    ),
    case(
        "file-permission-denied",
        "PermissionError: [Errno 13] Permission denied: 'logs/app.log'",
        stage="launch",
        exit_code=1,
    ),
    case("entry-script-not-found", "Failed to find attribute 'app' in 'score'.", stage="launch", exit_code=4),
    case(
        "entry-script-not-found",
        "gunicorn.errors.AppImportError: Failed to find application object 'app' in 'main'",
        stage="launch",
        exit_code=4,
    ),
]
