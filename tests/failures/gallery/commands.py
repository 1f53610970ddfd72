"""Tools that really fail: what they print is the evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["CLUSTER", "ENGINE", "HERE", "Command"]


@dataclass(frozen=True)
class Command:
    """A command line and the cause that must be named for what it prints.

    Attributes:
        cause: Slug of the cause.
        line: For ``sh``; it runs in a folder of its own with ``files`` in it. ``$PY`` is this Python, ``$BASE`` an image with
            Python that the engine has, ``$NAME`` a name that nothing else has.
        stage: Of the deployment.
        files: Files of the folder, by name.
        prepare: A command line before it that must succeed.
        also: Other causes that are right as well.
    """

    cause: str
    line: str
    stage: str = "launch"
    files: Mapping[str, str] = field(default_factory=dict)
    prepare: str = ""
    also: tuple[str, ...] = ()


_UV = "uv pip install --no-cache --target here --python $PY"
_DEAD = "http://127.0.0.1:1"
_SCRIPT = {"score.py": "import json\n\ndef init():\n    pass\n"}
HERE = (
    # Python and the inference server's command line
    Command("entry-script-not-found", "$PY no_such_score.py", stage="launch"),
    Command(
        "score-missing-init-run", "$PY -m jupyter_mldeploy.cli serve --entry_script score.py --dry_run", "init", _SCRIPT
    ),
    Command(
        "score-syntax-error",
        "$PY score.py",
        "init",
        {"score.py": "def init():\n    model = {'a': 1\n\ndef run(data):\n    return data\n"},
    ),
    Command("segfault", '$PY -X faulthandler -c "import ctypes; ctypes.string_at(0)"', "run"),
    Command("stopped-by-sigterm", '$PY -c "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"', "run"),
    Command("missing-env-var", 'set -u; echo "$GALLERY_BUCKET"', "launch"),
    # uv
    Command("pip-resolution-conflict", f"{_UV} --offline 'joblib>2' 'joblib<1'", "build"),
    Command("pip-requirements-invalid", f"{_UV} -r requirements.txt", "build", {"requirements.txt": "numpy 1.26\n"}),
    Command("requirements-file-missing", f"{_UV} -r requirements.txt", "build"),
    Command(
        "pip-python-version-incompatible",
        f"{_UV} --offline ./old",
        "build",
        {"old/pyproject.toml": "[project]\nname = 'old'\nversion = '1'\nrequires-python = '>=3.99'\n"},
    ),
    Command("build-network-unreachable", f"UV_HTTP_RETRIES=0 {_UV} --index-url {_DEAD}/simple joblib==1.4.2", "build"),
    Command(
        "build-proxy-failure",
        f"UV_HTTP_RETRIES=0 HTTPS_PROXY={_DEAD} HTTP_PROXY={_DEAD} ALL_PROXY={_DEAD} NO_PROXY= no_proxy= "
        f"{_UV} --index-url https://pypi.org/simple joblib==1.4.2",
        "build",
        also=("build-network-unreachable",),
    ),
    Command(
        "pip-package-build-failed",
        f"{_UV} --no-build-isolation ./broken",
        "build",
        {
            "broken/pyproject.toml": "[build-system]\nrequires = []\nbuild-backend = 'no_such_backend'\n"
            "[project]\nname = 'broken'\nversion = '1'\n"
        },
    ),
    Command("pip-no-matching-distribution", f"{_UV} --no-index no-such-package-of-the-gallery==1.0", "build"),
    Command(
        "pip-hash-mismatch",
        f"{_UV} --no-index --require-hashes -r requirements.txt",
        "build",
        {"requirements.txt": "joblib>=1\n"},
    ),
    # a client of the Docker engine and of Kubernetes, with nothing at the other end
    Command("docker-daemon-not-running", "docker -H unix:///nowhere/docker.sock ps"),
    Command("kubeconfig-missing", "KUBECONFIG=/nowhere/config kubectl get pods", also=("apiserver-unreachable",)),
    Command(
        "kube-context-missing", "kubectl --kubeconfig config --context of-another-day get pods", files={"config": ""}
    ),
    Command(
        "apiserver-unreachable", "kubectl --server https://127.0.0.1:1 --insecure-skip-tls-verify --token x get pods"
    ),
    Command(
        "kube-credential-plugin-missing",
        "kubectl --kubeconfig config get pods",
        files={
            "config": "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
            "clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]\n"
            "contexts: [{name: c, context: {cluster: c, user: u}}]\n"
            "users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: gallery-auth-plugin,"
            " interactiveMode: Never}}}]\n"
        },
    ),
    Command(
        "endpoint-connection-refused",
        "$PY -c \"import urllib.request; urllib.request.urlopen('http://127.0.0.1:1/score', b'{}')\"",
        "http",
    ),
)

_RUN = "docker run --rm --network none --name $NAME"
_BUILD = "docker build --network none -t mldeploy-gallery:$NAME ."


def _built(cause: str, dockerfile: str, files: Mapping[str, str] | None = None, also: tuple[str, ...] = ()) -> Command:
    return Command(
        cause,
        'sed -i "s|@BASE|$BASE|" Dockerfile && ' + _BUILD,
        "build",
        {"Dockerfile": dockerfile, **(files or {})},
        also=also,
    )


ENGINE = (
    Command("command-not-found", f"{_RUN} $BASE no-such-server"),
    Command("entrypoint-not-executable", f"{_RUN} $BASE /etc/hostname", also=("exec-format-error",)),
    Command(
        "entrypoint-bad-interpreter",
        f"{_RUN} -v $PWD:/app:ro $BASE /app/start.sh",
        files={"start.sh": "#!/bin/bash\r\necho hello\r\n"},
        prepare="chmod 755 . start.sh",
    ),
    Command(
        "exec-format-error",
        f"{_RUN} -v $PWD:/app:ro $BASE /app/start",
        files={"start": "\x7fELF of another machine\n"},
        prepare="chmod 755 . start",
    ),
    Command("read-only-filesystem", f"{_RUN} --read-only $BASE python3 -c \"open('/srv/cache', 'w')\"", "init"),
    Command("file-permission-denied", f"{_RUN} --user 65534 $BASE python3 -c \"open('/srv/cache', 'w')\"", "init"),
    Command(
        "privileged-port-denied",
        "docker run --rm --name $NAME --user 65534 --sysctl net.ipv4.ip_unprivileged_port_start=1024 $BASE "
        "python3 -m http.server 80",
    ),
    Command(
        "container-oom-killed",
        "docker run --network none --name $NAME --memory 64m --memory-swap 64m $BASE python3 -c \"b'x' * 2**30\";"
        " docker inspect -f '{{json .State}}' $NAME; exit 137",
        "init",
    ),
    Command("segfault", f'{_RUN} $BASE python3 -c "import ctypes; ctypes.string_at(0)"', "run"),
    Command("image-name-invalid", f"{_RUN} Gallery/Upper python"),
    Command("push-image-not-found-locally", "docker push 127.0.0.1:5000/mldeploy-gallery/no-such-image:1", "push"),
    Command(
        "container-name-conflict",
        "docker create --name $NAME $BASE true",
        prepare="docker create --name $NAME $BASE true",
    ),
    Command("resource-not-found-on-delete", "docker rm $NAME-of-another-day", "delete"),
    Command("docker-context-path-missing", "docker build ./no-such-folder", "build"),
    _built("dockerfile-copy-missing", "FROM @BASE\nCOPY model.pkl /srv/\n"),
    _built("base-image-unavailable", "FROM 127.0.0.1:5000/mldeploy-gallery/no-such-base:1\n"),
    _built("base-image-unavailable", "FROM 127.0.0.1:1/mldeploy-gallery/base:1\n"),
    Command(
        # Somebody killed it: that is not the memory's doing.
        "insufficient-evidence",
        "docker kill $NAME; docker logs $NAME; exit $(docker wait $NAME)",
        "run",
        prepare="docker run --detach --name $NAME $BASE python3 -u -c \"print('started'); import time; time.sleep(600)\"",
    ),
    _built(
        "requirements-file-missing",
        "FROM @BASE\nENV PIP_BREAK_SYSTEM_PACKAGES=1\nRUN python3 -m pip install -r requirements.txt\n",
    ),
    Command(
        "pip-no-matching-distribution",
        f"{_RUN} -e PIP_BREAK_SYSTEM_PACKAGES=1 $BASE python3 -m pip install --no-index no-such-package-of-the-gallery==1.0",
        "build",
    ),
    Command(
        "pip-hash-mismatch",
        f"{_RUN} -v $PWD:/app:ro -e PIP_BREAK_SYSTEM_PACKAGES=1 $BASE python3 -m pip install --no-index --require-hashes -r /app/requirements.txt",
        "build",
        {
            "requirements.txt": f"/app/thing-1.0-py3-none-any.whl --hash=sha256:{'0' * 64}\n",
            "thing-1.0-py3-none-any.whl": "not looked into",
        },
        prepare="chmod 755 .",
    ),
    Command(
        "pip-platform-only-package",
        f"{_RUN} -e PIP_BREAK_SYSTEM_PACKAGES=1 $BASE python3 -m pip install --no-index /tmp/thing-1.0-cp311-cp311-win_amd64.whl",
        "build",
    ),
    Command(
        "pip-requirements-invalid",
        f"{_RUN} -v $PWD:/app:ro -e PIP_BREAK_SYSTEM_PACKAGES=1 $BASE python3 -m pip install --no-index -r /app/requirements.txt",
        "build",
        {"requirements.txt": "numpy = 1.26\n"},
        prepare="chmod 755 .",
    ),
    _built("build-oom-killed", "FROM @BASE\nRUN sh -c 'kill -9 $$'\n", also=("insufficient-evidence",)),
    Command(
        # A server that answers, and has no such distribution: as the mirrors after the end of a release.
        "apt-repository-unavailable",
        "docker run --rm --network host $BASE sh -c 'rm -rf /etc/apt/sources.list.d;"
        ' echo "deb [trusted=yes] http://127.0.0.1:5000/debian stretch main" > /etc/apt/sources.list; apt-get update\'',
        "build",
    ),
    _built(
        "build-network-unreachable",
        "FROM @BASE\nENV PIP_BREAK_SYSTEM_PACKAGES=1\nRUN python3 -m pip install --retries 1 --index-url https://pypi.org/simple joblib==1.4.2\n",
    ),
)
"""Against the Docker engine."""

_TRY = "kubectl apply --dry-run=server -f x.yaml"
_POD = (
    "apiVersion: v1\nkind: Pod\nmetadata: {name: gallery}\n"
    "spec: {containers: [{name: scorer, image: 'busybox', resources: {limits: {memory: 4Gi}}}]}\n"
)
CLUSTER = (
    Command("namespace-not-found", f"{_TRY} --namespace of-another-day", files={"x.yaml": _POD}),
    Command(
        "k8s-api-version-removed",
        _TRY,
        files={
            "x.yaml": "apiVersion: autoscaling/v2beta2\nkind: HorizontalPodAutoscaler\nmetadata: {name: x}\nspec: {}\n"
        },
    ),
    Command("resource-not-found-on-delete", "kubectl delete deployment of-another-day", "delete"),
    Command(
        "cluster-credentials-invalid",
        "kubectl --kubeconfig /dev/null --server $SERVER --insecure-skip-tls-verify --token wrong get pods",
    ),
    Command("apiserver-tls-failure", "kubectl --kubeconfig /dev/null --server $SERVER --token wrong get pods"),
    Command("rbac-forbidden", "kubectl --as gallery get pods"),
    Command(
        "limitrange-violation",
        _TRY,
        files={
            "x.yaml": _POD,
            "limits.yaml": "apiVersion: v1\nkind: LimitRange\nmetadata: {name: small}\n"
            "spec: {limits: [{type: Container, max: {memory: 1Gi}}]}\n",
        },
        prepare="kubectl apply -f limits.yaml",
    ),
    Command(
        "quota-exceeded",
        _TRY,
        files={
            "x.yaml": _POD,
            "quota.yaml": "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: none}\nspec: {hard: {pods: '0'}}\n",
        },
        prepare="kubectl apply -f quota.yaml",
    ),
    Command(
        "pod-security-violation",
        _TRY,
        files={"x.yaml": _POD},
        prepare="kubectl label namespace $NAMESPACE pod-security.kubernetes.io/enforce=restricted",
    ),
)
"""Against a cluster, each in a namespace of its own."""
