"""Evidence of services that are well, and evidence that does not tell."""

from __future__ import annotations

from tests.diagnosis.variants.imports_and_crashes import case
from tests.diagnosis.variants.mixed import LOOP, READY

CASES = [
    # Nothing is wrong.
    case(
        "",
        READY
        + (
            '10.0.0.1 - - [20/Jan/2026:08:11:11 +0000] "GET / HTTP/1.1" 200 7\n10.0.0.1 - - '
            '[20/Jan/2026:08:11:12 +0000] "POST /score HTTP/1.1" 200 41'
        ),
        stage="run",
        http_status=200,
        http_body="[0]",
    ),
    case(
        "",
        READY,
        stage="ready",
        k8s_reason="Running",
        k8s_events=[
            "Scheduled: Successfully assigned default/s to node-1",
            "Pulled: Successfully pulled image",
            "Started: Started container scorer",
            (
                'Unhealthy: Readiness probe failed: Get "http://10.0.0.3:5001/": dial tcp 10.0.0.3:5001: '
                "connect: connection refused"
            ),
        ],
    ),
    case(
        "",
        "WARNING: Running pip as the 'root' user can result in broken permissions and conflicting "
        "behaviour with the system package manager.\nWARNING: Retrying (Retry(total=4, connect=None, "
        "read=None, redirect=None, status=None)) after connection broken by "
        "'ReadTimeoutError'\nSuccessfully installed flask-3.0.0\nSuccessfully tagged scorer:1",
        stage="build",
        exit_code=0,
    ),
    case(
        "",
        'deployment.apps/scorer created\nservice/scorer created\nWaiting for deployment "scorer" rollout '
        'to finish: 0 of 1 updated replicas are available...\ndeployment "scorer" successfully rolled out',
        stage="launch",
        exit_code=0,
    ),
    case(
        "",
        "/x/numpy/core/getlimits.py:500: UserWarning: The value of the smallest subnormal is "
        "zero.\nINFO:root:loaded\n" + READY,
        stage="init",
        exit_code=None,
        http_status=200,
    ),
    case("", "", stage="run", http_status=200, http_body='{"result": [0, 1]}'),
    case(
        "",
        "The push refers to repository [r.local/s]\n5f70bf18a086: Layer already exists\n1: digest: "
        "sha256:aaaa size: 1234",
        stage="push",
        exit_code=0,
    ),
    # It cannot be told.
    case(
        "insufficient-evidence",
        "[2026-01-20 08:10:43 +0000] [7] [INFO] Starting gunicorn 23.0.0",
        stage="init",
        exit_code=1,
    ),
    case("insufficient-evidence", "", stage="launch", **LOOP),
    case("insufficient-evidence", "", stage="run", exit_code=137),
    case("insufficient-evidence", "Deployment failed. See the log for more information.", stage="launch"),
    case("insufficient-evidence", ""),
]
