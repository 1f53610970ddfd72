"""Messages of the scoring server, of memory limits, of Azure's management; and evidence of services that are well."""

from __future__ import annotations

from tests.diagnosis.variants.imports_and_crashes import case

CASES = [
    case(
        "container-oom-killed",
        "Loading checkpoint shards:  33%|###3      | 1/3",
        stage="init",
        exit_code=137,
        k8s_reason="OOMKilled",
    ),
    case("container-oom-killed", "Killed", stage="init", exit_code=137),
    case(
        "container-oom-killed",
        '"State": {"Status": "exited", "OOMKilled": true, "ExitCode": 137}',
        stage="run",
        exit_code=137,
    ),
    case(
        "container-oom-killed",
        "numpy.core._exceptions._ArrayMemoryError: Unable to allocate 7.45 GiB for an array with shape "
        "(1000000000,) and data type float64",
        stage="init",
        exit_code=1,
    ),
    case(
        "container-oom-killed",
        "[12345.6] Memory cgroup out of memory: Killed process 4711 (python) total-vm:9000000kB",
        stage="run",
    ),
    case(
        "gunicorn-worker-oom",
        "[2023-01-01 10:00:00 +0000] [1] [ERROR] Worker (pid:31) was sent SIGKILL! Perhaps out of "
        "memory?\n[2023-01-01 10:00:00 +0000] [45] [INFO] Booting worker with pid: 45",
        stage="run",
    ),
    case(
        "gunicorn-worker-oom",
        "\n".join(
            f"[2021-01-01 10:0{i}:00 +0000] [{40 + i}] [INFO] Booting worker with pid: {40 + i}" for i in range(6)
        ),
        stage="init",
    ),
    case(
        "cuda-out-of-memory",
        "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB (GPU 0; 15.78 GiB total "
        "capacity; 14.2 GiB already allocated)",
        stage="run",
        http_status=500,
    ),
    case(
        "cuda-out-of-memory",
        "tensorflow.python.framework.errors_impl.ResourceExhaustedError: OOM when allocating tensor with "
        "shape[64,512,56,56] and type float on /job:localhost/replica:0/task:0/device:GPU:0 by allocator "
        "GPU_0_bfc",
        stage="run",
    ),
    case(
        "cuda-out-of-memory",
        "RuntimeError: CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported at some "
        "other API call",
        stage="init",
    ),
    case(
        "worker-timeout",
        "[2022-05-05 10:00:00 +0000] [14] [INFO] Booting worker with pid: 14\n[2022-05-05 10:05:00 +0000] [9] "
        "[CRITICAL] WORKER TIMEOUT (pid:14)\n[2022-05-05 10:05:01 +0000] [9] [ERROR] Worker (pid:14) was sent "
        "SIGKILL! Perhaps out of memory?",
        stage="init",
    ),
    case(
        "worker-timeout",
        "[CRITICAL] WORKER TIMEOUT (pid:22)\n[2024-02-02 10:00:00 +0000] [22] [ERROR] Error handling request "
        '/score\nTraceback (most recent call last):\n  File "/app/score.py", line 20, in run\n    '
        'time.sleep(100)\n  File "/x/site-packages/gunicorn/workers/base.py", line 204, in handle_abort\n    '
        "sys.exit(1)\nSystemExit: 1",
        stage="run",
    ),
    case(
        "port-already-in-use",
        "docker: Error response from daemon: driver failed programming external connectivity on endpoint "
        "scorer: Bind for 0.0.0.0:5001 failed: port is already allocated.",
        stage="launch",
        exit_code=125,
    ),
    case(
        "port-already-in-use",
        "OSError: [Errno 48] error while attempting to bind on address ('127.0.0.1', 5001): address already in use",
        stage="launch",
        exit_code=1,
    ),
    case(
        "port-already-in-use",
        "Address already in use\nPort 5001 is in use by another program. Either identify and stop that "
        "program, or start the server with a different port.",
        stage="launch",
    ),
    case(
        "privileged-port-denied",
        "[2024-01-01 00:00:00 +0000] [1] [ERROR] Can't connect to ('0.0.0.0', 80)\nPermissionError: [Errno 13] "
        "Permission denied",
        stage="launch",
        exit_code=1,
    ),
    case(
        "privileged-port-denied",
        "nginx: [emerg] bind() to 0.0.0.0:80 failed (13: Permission denied)",
        stage="launch",
        exit_code=1,
    ),
    case(
        "privileged-port-denied",
        "ERROR:    [Errno 13] error while attempting to bind on address ('0.0.0.0', 443): permission denied",
        stage="launch",
        exit_code=1,
    ),
    case("file-permission-denied", "PermissionError: [Errno 13] Permission denied: '/.cache'", stage="init"),
    case(
        "file-permission-denied",
        "mkdir: cannot create directory ‘/var/log/app’: Permission denied",
        stage="launch",
        exit_code=1,
    ),
    case(
        "file-permission-denied",
        '  File "/app/score.py", line 9, in init\n    joblib.load("/models/m.pkl")\nPermissionError: [Errno '
        "13] Permission denied: '/models/m.pkl'",
        stage="init",
    ),
    case("read-only-filesystem", "OSError: [Errno 30] Read-only file system: '/app/cache'", stage="init"),
    case(
        "read-only-filesystem",
        "touch: cannot touch '/var/run/app.pid': Read-only file system",
        stage="launch",
        exit_code=1,
    ),
    case(
        "crashloop-init-exception",
        "Aci Deployment failed with exception: Your container application crashed. This may be caused by "
        "errors in your scoring file's init() function.\n1. Please check the logs for your container instance: "
        "x.",
        stage="init",
        http_status=400,
        k8s_reason="CrashLoopBackOff",
    ),
    case(
        "crashloop-init-exception",
        "Checking container health...\nERROR - Error: Container has crashed. Did your init method fail?",
        stage="init",
    ),
    case(
        "deployment-timed-out",
        '{"code": "DeploymentTimedOut", "statusCode": 504, "message": "The deployment operation polling has '
        'TimedOut. The service creation is taking longer than our normal time."}',
        stage="launch",
        http_status=504,
    ),
    case(
        "deployment-timed-out",
        "Error: Connection to container has timed out. Did your init method fail?",
        stage="ready",
    ),
    case(
        "model-artifact-missing-at-register",
        "azureml.exceptions._azureml_exception.ModelPathNotFoundException: "
        "ModelPathNotFoundException:\n\tMessage: Could not locate the provided model_path outputs/model.pkl in "
        "the set of files uploaded to the run: ['logs/a.txt']",
        stage="register",
    ),
    case(
        "model-artifact-missing-at-register",
        "WebserviceException:\n\tMessage: Error, provided model path [./model.pkl] cannot be found.",
        stage="register",
    ),
    case(
        "service-already-exists",
        "Error, there is already a service with name my-svc found in workspace ws.\nService my-svc with the "
        "same name already exists, please use a different service name or delete the existing service.",
        stage="launch",
        http_status=409,
    ),
    case(
        "service-already-exists",
        'Error from server (AlreadyExists): error when creating "d.yaml": deployments.apps "scorer" already exists',
        stage="launch",
    ),
    case(
        "operation-in-progress",
        "",
        stage="launch",
        http_status=409,
        http_body=(
            '{"error": {"code": "Conflict", "message": "An operation is already in progress on service '
            'my-svc. Please wait for it to finish."}}'
        ),
    ),
    case(
        "operation-in-progress",
        "Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress",
        stage="launch",
        exit_code=1,
    ),
    case("fpga-unavailable", "Deployment failed: FPGA quota is not approved for subscription", stage="launch"),
    case(
        "fpga-unavailable",
        "",
        stage="schedule",
        k8s_events=["FailedScheduling: 0/2 nodes are available: 2 Insufficient microsoft.com/catapult."],
    ),
    case(
        "key-vault-access-policy",
        "Image creation failed: the workspace has no access to the Key Vault: Access denied",
        stage="build",
        http_status=500,
    ),
    # Nothing is wrong.
    case(
        "",
        "2024-01-15 10:11:12,100 W [73] azmlinfsrv - Found extra keys in the config file that are not "
        "supported by the server.\nExtra keys = ['AZUREML_ENTRY_SCRIPT']\n2024-01-15 10:11:12,600 I [73] "
        "gunicorn.error - Listening at: http://0.0.0.0:31311 (73)\n2024-01-15 10:11:13,600 I [99] azmlinfsrv - "
        "Users's init has completed successfully\n2024-01-15 10:11:14,600 I [99] gunicorn.access - POST /score "
        "200 0.433ms 18",
        stage="run",
        http_status=200,
    ),
    case(
        "",
        "2024-01-15 10:11:12,100 E [99] azmlinfsrv.trace - Error while fetching model IDs\nTraceback (most "
        'recent call last):\n  File "/x/azureml_inference_server_http/server/create_app.py", line 10, in f\n '
        "   os.listdir(p)\nNotADirectoryError: [Errno 20] Not a directory: 'm/model.pkl'\n2024-01-15 "
        "10:11:13,600 I [99] azmlinfsrv - Users's init has completed successfully",
        stage="init",
        http_status=200,
    ),
    case(
        "",
        "INFO:     Started server process [1]\nINFO:     Waiting for application startup.\nINFO:     "
        'Application startup complete.\nINFO:     10.0.0.1:1 - "POST /score HTTP/1.1" 200 OK',
        stage="run",
        k8s_events=[
            "Unhealthy: Readiness probe failed: dial tcp 10.0.0.2:5001: connect: connection refused",
            "Started: Started container scorer",
        ],
    ),
    case("", "Successfully built 0123456789ab\nSuccessfully tagged scorer:latest", stage="build", exit_code=0),
    case(
        "",
        "2023-10-10 10:10:10.1: W tensorflow/stream_executor/platform/default/dso_loader.cc:64] Could not load "
        "dynamic library 'libcudart.so.11.0'; dlerror: libcudart.so.11.0: cannot open shared object file: No "
        "such file or directory\n2023-10-10 10:10:10.2: I tensorflow/stream_executor/cuda/cudart_stub.cc:29] "
        'Ignore above cudart dlerror if you do not have a GPU set up on your machine.\n10.0.0.1 - - "POST '
        '/score HTTP/1.1" 200 12',
        stage="run",
        http_status=200,
    ),
    # It cannot be told.
    case("insufficient-evidence", "", stage="launch", exit_code=1),
    case(
        "insufficient-evidence",
        "Starting application...\nshutting down",
        stage="init",
        exit_code=1,
        k8s_reason="CrashLoopBackOff",
    ),
    case("run-exception", "", stage="run", http_status=500, http_body="Internal Server Error"),
    case("insufficient-evidence", "Something went wrong. Please contact your administrator.", stage="http"),
]
