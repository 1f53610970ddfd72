"""What registries, engines and container runtimes say of images and of starting what is in them."""

from __future__ import annotations

import pytest

from jupyter_mldeploy.diagnosis.control import verdict
from jupyter_mldeploy.diagnosis.reading import Reading
from jupyter_mldeploy.diagnosis.rules import load
from jupyter_mldeploy.evidence import Evidence

# Cause, what the kubelet says of a pull.
PULLS = [
    ("image-pull-auth", "Failed to pull image \"acme.azurecr.io/scorer:3\": rpc error: code = Unknown desc = failed to pull and unpack image \"acme.azurecr.io/scorer:3\": failed to resolve reference \"acme.azurecr.io/scorer:3\": failed to authorize: failed to fetch anonymous token: unexpected status: 401 Unauthorized"),
    ("image-pull-auth", "Failed to pull image \"123456789012.dkr.ecr.eu-west-1.amazonaws.com/scorer:1\": rpc error: code = Unknown desc = Error response from daemon: Get https://123456789012.dkr.ecr.eu-west-1.amazonaws.com/v2/scorer/manifests/1: no basic auth credentials"),
    ("image-pull-auth", "Failed to pull image \"ghcr.io/acme/scorer:main\": rpc error: code = Unknown desc = failed to pull and unpack image \"ghcr.io/acme/scorer:main\": failed to resolve reference \"ghcr.io/acme/scorer:main\": failed to authorize: failed to fetch anonymous token: unexpected status from GET request to https://ghcr.io/token?scope=repository%3Aacme%2Fscorer%3Apull&service=ghcr.io: 403 Forbidden"),
    ("image-pull-auth", "Failed to pull image \"acme/private:1\": rpc error: code = Unknown desc = Error response from daemon: pull access denied for acme/private, repository does not exist or may require 'docker login': denied: requested access to the resource is denied"),
    ("image-pull-auth", "Failed to pull image \"europe-docker.pkg.dev/p/r/scorer:1\": rpc error: code = Unknown desc = failed to pull and unpack image: failed to resolve reference: unexpected status from HEAD request to https://europe-docker.pkg.dev/v2/p/r/scorer/manifests/1: 403 Forbidden"),
    ("image-pull-auth", "Failed to pull image \"acme.azurecr.io/scorer:2\": [rpc error: code = Unknown desc = Error response from daemon: Get \"https://acme.azurecr.io/v2/scorer/manifests/2\": unauthorized: authentication required, visit https://aka.ms/acr/authorization for more information.]"),
    ("image-not-found", "Failed to pull image \"acme.azurecr.io/scorer:9\": rpc error: code = NotFound desc = failed to pull and unpack image \"acme.azurecr.io/scorer:9\": failed to resolve reference \"acme.azurecr.io/scorer:9\": acme.azurecr.io/scorer:9: not found"),
    ("image-not-found", "Failed to pull image \"nginx:99.99\": rpc error: code = Unknown desc = Error response from daemon: manifest for nginx:99.99 not found: manifest unknown: manifest unknown"),
    ("image-not-found", "Failed to pull image \"my-scorer:latest\": rpc error: code = Unknown desc = failed to pull and unpack image \"docker.io/library/my-scorer:latest\": failed to resolve reference \"docker.io/library/my-scorer:latest\": pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed"),
    ("image-not-found", "Failed to pull image \"quay.io/acme/scorer:7\": rpc error: code = Unknown desc = reading manifest 7 in quay.io/acme/scorer: manifest unknown"),
    ("image-not-found", "Failed to pull image \"gcr.io/p/scorer:x\": rpc error: code = Unknown desc = Error response from daemon: manifest for gcr.io/p/scorer:x not found: manifest unknown: Failed to fetch \"x\" from request \"/v2/p/scorer/manifests/x\"."),
    ("image-pull-rate-limited", "Failed to pull image \"python:3.11\": rpc error: code = Unknown desc = failed to pull and unpack image \"docker.io/library/python:3.11\": failed to copy: httpReadSeeker: failed open: unexpected status code https://registry-1.docker.io/v2/library/python/manifests/sha256:ab: 429 Too Many Requests - Server message: toomanyrequests: You have reached your unauthenticated pull rate limit."),
    ("image-pull-rate-limited", "Failed to pull image \"public.ecr.aws/x/y:1\": rpc error: code = Unknown desc = toomanyrequests: Rate exceeded"),
    ("image-pull-tls", "Failed to pull image \"harbor.corp.example/ml/scorer:1\": rpc error: code = Unknown desc = failed to pull and unpack image \"harbor.corp.example/ml/scorer:1\": failed to resolve reference: failed to do request: Head \"https://harbor.corp.example/v2/ml/scorer/manifests/1\": tls: failed to verify certificate: x509: certificate signed by unknown authority"),
    ("image-pull-tls", "Failed to pull image \"reg.local:5000/a:1\": rpc error: code = Unknown desc = Error response from daemon: Get https://reg.local:5000/v2/: x509: certificate has expired or is not yet valid: current time 2023-05-01T00:00:00Z is after 2023-04-30T12:00:00Z"),
    ("image-pull-network", "Failed to pull image \"acme.azurecr.io/scorer:1\": rpc error: code = Unknown desc = failed to pull and unpack image: failed to resolve reference: failed to do request: Head \"https://acme.azurecr.io/v2/scorer/manifests/1\": dial tcp: lookup acme.azurecr.io on 168.63.129.16:53: no such host"),
    ("image-pull-network", "Failed to pull image \"k8s.gcr.io/pause:3.1\": rpc error: code = Unknown desc = Error response from daemon: Get https://k8s.gcr.io/v2/: net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)"),
    ("image-pull-network", "Failed to pull image \"docker.io/a/b:1\": rpc error: code = DeadlineExceeded desc = failed to pull and unpack image \"docker.io/a/b:1\": failed to do request: Head \"https://registry-1.docker.io/v2/a/b/manifests/1\": dial tcp 3.94.224.37:443: i/o timeout"),
    ("image-not-on-node", "Container image \"scorer:dev\" is not present with pull policy of Never"),
    ("image-name-invalid", "Failed to apply default image tag \"Scorer:1.0\": couldn't parse image name \"Scorer:1.0\": invalid reference format: repository name (library/Scorer) must be lowercase"),
    ("image-name-invalid", "Failed to apply default image tag \"registry.local/scorer:\": couldn't parse image reference \"registry.local/scorer:\": invalid reference format"),
    ("image-platform-mismatch", "Failed to pull image \"acme/scorer:1\": rpc error: code = NotFound desc = failed to pull and unpack image \"docker.io/acme/scorer:1\": no match for platform in manifest: not found"),
    ("image-platform-mismatch", "Failed to pull image \"acme/scorer:arm\": rpc error: code = Unknown desc = no matching manifest for linux/arm64/v8 in the manifest list entries"),
    ("image-platform-mismatch", "Failed to pull image \"acme/x:1\": rpc error: code = Unknown desc = choosing an image from manifest list docker://acme/x:1: no image found in image index for architecture \"arm64\", variant \"v8\", OS \"linux\""),
    ("registry-insecure-http", "Failed to pull image \"10.0.0.5:5000/scorer:1\": rpc error: code = Unknown desc = failed to pull and unpack image: failed to resolve reference: failed to do request: Head \"https://10.0.0.5:5000/v2/scorer/manifests/1\": http: server gave HTTP response to HTTPS client"),
]  # fmt: skip

# Cause, what is printed on this machine by a pull.
LOCAL_PULLS = [
    ("image-platform-mismatch", "Error response from daemon: no matching manifest for linux/arm64/v8 in the manifest list entries: no match for platform in manifest: not found"),
    ("image-pull-auth", "Unable to find image 'acme/scorer:1' locally\ndocker: Error response from daemon: pull access denied for acme/scorer, repository does not exist or may require 'docker login': denied: requested access to the resource is denied."),
    ("image-name-invalid", "docker: invalid reference format: repository name (library/MyScorer) must be lowercase."),
    ("image-not-found", "docker.errors.ImageNotFound: 404 Client Error for http+docker://localhost/v1.43/images/create?tag=9&fromImage=acme%2Fscorer: Not Found (\"manifest for acme/scorer:9 not found: manifest unknown: manifest unknown\")"),
    ("image-pull-rate-limited", "Error response from daemon: toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating and upgrading: https://www.docker.com/increase-rate-limit"),
]  # fmt: skip

PUSHES = [
    ("registry-push-denied", "The push refers to repository [docker.io/library/scorer]\n5f70bf18a086: Preparing\ndenied: requested access to the resource is denied"),
    ("registry-push-denied", "The push refers to repository [acme.azurecr.io/scorer]\nunauthorized: authentication required, visit https://aka.ms/acr/authorization for more information."),
    ("registry-push-denied", "The push refers to repository [123456789012.dkr.ecr.eu-west-1.amazonaws.com/scorer]\nname unknown: The repository with name 'scorer' does not exist in the registry with id '123456789012'"),
    ("registry-push-denied", "ERROR: failed to solve: failed to push ghcr.io/acme/scorer:1: denied: permission_denied: write_package"),
    ("registry-push-denied", "error: failed to push some refs: push access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed"),
    ("registry-push-denied", "denied: Permission \"artifactregistry.repositories.uploadArtifacts\" denied on resource \"projects/p/locations/europe/repositories/r\" (or it may not exist)"),
    ("registry-insecure-http", "The push refers to repository [192.168.1.10:5000/scorer]\nGet \"https://192.168.1.10:5000/v2/\": http: server gave HTTP response to HTTPS client"),
    ("push-image-not-found-locally", "The push refers to repository [acme.azurecr.io/scorer]\nAn image does not exist locally with the tag: acme.azurecr.io/scorer"),
    ("push-image-not-found-locally", "Error response from daemon: No such image: scorer:latest"),
    ("push-image-not-found-locally", "Error: registry.local/scorer:1: image not known"),
    ("push-image-not-found-locally", "tag does not exist: acme/scorer:2"),
]  # fmt: skip

# Cause, exit code, what the runtime or shell says.
STARTS = [
    ("command-not-found", 127, "docker: Error response from daemon: failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: exec: \"gunicorn\": executable file not found in $PATH: unknown."),
    ("command-not-found", 127, "/bin/sh: 1: exec: gunicorn: not found"),
    ("command-not-found", 127, "bash: line 1: uvicorn: command not found"),
    ("command-not-found", 128, "Error: failed to start container \"scorer\": Error response from daemon: OCI runtime create failed: container_linux.go:349: starting container process caused \"exec: \\\"/app/start.sh\\\": stat /app/start.sh: no such file or directory\": unknown"),
    ("command-not-found", 127, "Error: crun: executable file `azmlinfsrv` not found in $PATH: No such file or directory: OCI runtime attempted to invoke a command that was not found"),
    ("command-not-found", 127, "[FATAL tini (7)] exec gunicorn failed: No such file or directory"),
    ("entrypoint-not-executable", 126, "docker: Error response from daemon: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: \"./entrypoint.sh\": permission denied: unknown."),
    ("entrypoint-not-executable", 126, "exec /srv/run.sh: permission denied"),
    ("entrypoint-not-executable", 126, "standard_init_linux.go:228: exec user process caused: permission denied"),
    ("entrypoint-not-executable", 126, "/bin/sh: 1: /app/start.sh: Permission denied"),
    ("entrypoint-bad-interpreter", 1, "standard_init_linux.go:211: exec user process caused \"no such file or directory\""),
    ("entrypoint-bad-interpreter", 1, "exec /entrypoint.sh: no such file or directory"),
    ("entrypoint-bad-interpreter", 127, "/usr/bin/env: 'bash\\r': No such file or directory\n/usr/bin/env: use -[v]S to pass options in shebang lines"),
    ("entrypoint-bad-interpreter", 126, "bash: ./start.sh: /bin/bash^M: bad interpreter: No such file or directory"),
    ("entrypoint-bad-interpreter", 127, "/usr/bin/env: 'python3\r': No such file or directory"),
    ("exec-format-error", 1, "standard_init_linux.go:228: exec user process caused: exec format error"),
    ("exec-format-error", 1, "WARNING: The requested image's platform (linux/arm64) does not match the detected host platform (linux/amd64/v4) and no specific platform was requested\nexec /usr/local/bin/gunicorn: exec format error"),
    ("exec-format-error", 126, "/bin/bash: /app/server: cannot execute binary file: Exec format error"),
]  # fmt: skip


def first_cause(evidence: Evidence) -> str:
    reading = Reading(evidence)
    return verdict(reading, [finding for rule in load() for finding in rule(reading)])[0].cause


@pytest.mark.parametrize(("cause", "message"), PULLS)
def test_inner_text_of_a_pull(cause: str, message: str) -> None:
    events = (f"Failed: {message} (x4)", "Failed: Error: ErrImagePull (x4)", "BackOff: Back-off pulling image (x9)")
    known = Evidence(stage="launch", target="kubernetes", k8s_reason="ImagePullBackOff", k8s_events=events)
    assert first_cause(known) == cause


@pytest.mark.parametrize(("cause", "message"), PULLS)
def test_pull_told_by_describe(cause: str, message: str) -> None:
    """The same pasted from ``kubectl describe pod``, as a log."""
    log = f"Events:\n  Type     Reason   Age   From     Message\n  Warning  Failed   12s   kubelet  {message}\n  Warning  Failed   12s   kubelet  Error: ErrImagePull"
    assert first_cause(Evidence(stage="launch", target="kubernetes", log=log)) == cause


@pytest.mark.parametrize(("cause", "log"), LOCAL_PULLS)
def test_pull_on_this_machine(cause: str, log: str) -> None:
    assert first_cause(Evidence(stage="launch", target="docker", log=log, exit_code=125)) == cause


@pytest.mark.parametrize(("cause", "log"), PUSHES)
def test_push(cause: str, log: str) -> None:
    assert first_cause(Evidence(stage="push", log=log, exit_code=1)) == cause


@pytest.mark.parametrize(("cause", "code", "log"), STARTS)
def test_start(cause: str, code: int, log: str) -> None:
    assert first_cause(Evidence(stage="launch", target="container", log=log, exit_code=code)) == cause


@pytest.mark.parametrize(("cause", "code", "log"), STARTS)
def test_start_on_a_cluster(cause: str, code: int, log: str) -> None:
    events = (
        "Pulled: Container image already present on machine",
        "BackOff: Back-off restarting failed container (x7)",
    )
    known = Evidence(
        stage="launch", target="kubernetes", log=log, exit_code=code, k8s_reason="CrashLoopBackOff", k8s_events=events
    )
    assert first_cause(known) == cause
