"""What the cluster says: scheduler, admission, kubelet, API server, autoscaler, and the clients who call it."""

from __future__ import annotations

import json

import pytest

from jupyter_mldeploy.diagnosis.control import verdict
from jupyter_mldeploy.diagnosis.evidence_file import from_case
from jupyter_mldeploy.diagnosis.reading import Reading
from jupyter_mldeploy.diagnosis.rule import Finding
from jupyter_mldeploy.diagnosis.rules import load
from jupyter_mldeploy.evidence import Evidence

# Cause, stage, reason, events as "Reason: message" (with " xN" for a count), log.
CASES = [
    (
        "insufficient-gpu",
        "schedule",
        "Unschedulable",
        ["FailedScheduling: 0/3 nodes are available: 3 Insufficient nvidia.com/gpu."],
        "",
    ),
    (
        "insufficient-gpu",
        "schedule",
        "",
        [
            "FailedScheduling: 0/5 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, 4 Insufficient nvidia.com/gpu. preemption: 0/5 nodes are available: 1 Preemption is not helpful for scheduling, 4 No preemption victims found for incoming pod."
        ],
        "",
    ),
    (
        "insufficient-gpu",
        "schedule",
        "",
        [],
        '{"code":"KubernetesError","statusCode":400,"message":"Kubernetes Deployment Error","details":[{"code":"Unschedulable","message":"0/3 nodes are available: 3 Insufficient nvidia.com/gpu."}]}',
    ),
    (
        "insufficient-gpu",
        "schedule",
        "UnexpectedAdmissionError",
        [
            "UnexpectedAdmissionError: Allocate failed due to requested number of devices unavailable for nvidia.com/gpu. Requested: 1, Available: 0, which is unexpected"
        ],
        "",
    ),
    (
        "insufficient-cpu-memory",
        "schedule",
        "Unschedulable",
        [
            "FailedScheduling: 0/4 nodes are available: 1 node(s) had taint {node-role.kubernetes.io/master: }, that the pod didn't tolerate, 3 Insufficient memory."
        ],
        "",
    ),
    (
        "insufficient-cpu-memory",
        "schedule",
        "",
        [
            "FailedScheduling: No nodes are available that match all of the predicates: Insufficient cpu (3), PodToleratesNodeTaints (1)."
        ],
        "",
    ),
    (
        "insufficient-cpu-memory",
        "schedule",
        "",
        [],
        "Couldn't schedule because the kubernetes cluster didn't have available resources after trying for 00:05:00.\nYou can address this error by either adding more nodes, changing the SKU of your nodes or changing the resource requirements of your service.",
    ),
    (
        "insufficient-cpu-memory",
        "schedule",
        "",
        [],
        "CPU/Memory resource insufficient, 1 replicas unschedulable. Please add more node(s) with SKU more than 1.1 CPU Cores and 2.6GB Memory",
    ),
    (
        "insufficient-cpu-memory",
        "schedule",
        "OutOfmemory",
        [
            "OutOfmemory: Node didn't have enough resource: memory, requested: 4294967296, used: 6442450944, capacity: 8254193664"
        ],
        "",
    ),
    (
        "insufficient-cpu-memory",
        "schedule",
        "",
        [
            "NotTriggerScaleUp: pod didn't trigger scale-up: 1 max node group size reached",
            "FailedScheduling: 0/2 nodes are available: 2 Insufficient cpu.",
        ],
        "",
    ),
    (
        "taint-not-tolerated",
        "schedule",
        "",
        [
            "FailedScheduling: 0/3 nodes are available: 3 node(s) had untolerated taint {sku: gpu}. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
        ],
        "",
    ),
    (
        "taint-not-tolerated",
        "schedule",
        "",
        [
            "FailedScheduling: 0/1 nodes are available: 1 node(s) had taint {node-role.kubernetes.io/control-plane: }, that the pod didn't tolerate."
        ],
        "",
    ),
    (
        "taint-not-tolerated",
        "schedule",
        "",
        ["FailedScheduling: 0/2 nodes are available: 2 node(s) had taints that the pod didn't tolerate."],
        "",
    ),
    (
        "taint-not-tolerated",
        "schedule",
        "",
        [
            "FailedScheduling: No nodes are available that match all of the following predicates:: PodToleratesNodeTaints (2)."
        ],
        "",
    ),
    (
        "node-not-ready",
        "schedule",
        "",
        [
            "FailedScheduling: 0/3 nodes are available: 3 node(s) had untolerated taint {node.kubernetes.io/unreachable: }. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
        ],
        "",
    ),
    (
        "node-not-ready",
        "schedule",
        "",
        [
            "FailedScheduling: 0/2 nodes are available: 2 node(s) had taint {node.kubernetes.io/not-ready: }, that the pod didn't tolerate."
        ],
        "",
    ),
    (
        "node-not-ready",
        "schedule",
        "",
        ["FailedScheduling: 0/1 nodes are available: 1 node(s) were unschedulable."],
        "",
    ),
    ("node-not-ready", "launch", "", ["NodeNotReady: Node is not ready"], ""),
    (
        "node-selector-mismatch",
        "schedule",
        "",
        [
            "FailedScheduling: 0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
        ],
        "",
    ),
    (
        "node-selector-mismatch",
        "schedule",
        "",
        ["FailedScheduling: 0/4 nodes are available: 4 node(s) didn't match node selector."],
        "",
    ),
    (
        "node-selector-mismatch",
        "schedule",
        "",
        ["FailedScheduling: No nodes are available that match all of the predicates: MatchNodeSelector (3)."],
        "",
    ),
    (
        "node-selector-mismatch",
        "schedule",
        "",
        [
            "FailedScheduling: 0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't match pod anti-affinity rules."
        ],
        "",
    ),
    (
        "too-many-pods",
        "schedule",
        "",
        [
            "FailedScheduling: 0/2 nodes are available: 2 Too many pods. preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod."
        ],
        "",
    ),
    (
        "too-many-pods",
        "schedule",
        "",
        ["FailedScheduling: No nodes are available that match all of the predicates: Insufficient pods (3)."],
        "",
    ),
    (
        "pvc-unbound",
        "schedule",
        "",
        [
            "FailedScheduling: 0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
        ],
        "",
    ),
    (
        "pvc-unbound",
        "schedule",
        "",
        ["FailedScheduling: pod has unbound immediate PersistentVolumeClaims (repeated 3 times)"],
        "",
    ),
    ("pvc-unbound", "schedule", "", ['ProvisioningFailed: storageclass.storage.k8s.io "fast-ssd" not found'], ""),
    (
        "pvc-unbound",
        "schedule",
        "",
        ["FailedBinding: no persistent volumes available for this claim and no storage class is set"],
        "",
    ),
    (
        "pvc-unbound",
        "schedule",
        "",
        ["FailedScheduling: 0/3 nodes are available: 3 node(s) didn't find available persistent volumes to bind."],
        "",
    ),
    ("pvc-not-found", "schedule", "", ['FailedScheduling: persistentvolumeclaim "models" not found'], ""),
    (
        "pvc-not-found",
        "schedule",
        "",
        [
            'FailedScheduling: 0/3 nodes are available: persistentvolumeclaim "model-store" not found. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.'
        ],
        "",
    ),
    (
        "quota-exceeded",
        "launch",
        "",
        [
            'FailedCreate: Error creating: pods "scorer-7d" is forbidden: exceeded quota: team-quota, requested: limits.cpu=2,requests.memory=4Gi, used: limits.cpu=7,requests.memory=14Gi, limited: limits.cpu=8,requests.memory=16Gi'
        ],
        "",
    ),
    (
        "quota-exceeded",
        "launch",
        "",
        [],
        'Error from server (Forbidden): error when creating "pod.yaml": pods "scorer" is forbidden: exceeded quota: mem-cpu, requested: pods=1, used: pods=10, limited: pods=10',
    ),
    (
        "quota-requires-requests",
        "launch",
        "",
        [
            'FailedCreate: Error creating: pods "scorer-6c-x" is forbidden: failed quota: compute: must specify limits.cpu for: scorer; limits.memory for: scorer'
        ],
        "",
    ),
    (
        "quota-requires-requests",
        "launch",
        "",
        [
            'FailedCreate: Error creating: pods "scorer" is forbidden: failed quota: mem-cpu-demo: must specify limits.cpu,limits.memory,requests.cpu,requests.memory'
        ],
        "",
    ),
    (
        "limitrange-violation",
        "launch",
        "",
        [
            'FailedCreate: Error creating: pods "scorer" is forbidden: maximum memory usage per Container is 2Gi, but limit is 4Gi'
        ],
        "",
    ),
    (
        "limitrange-violation",
        "launch",
        "",
        [],
        'Error from server (Forbidden): error when creating "d.yaml": pods "scorer" is forbidden: [minimum cpu usage per Container is 200m, but request is 100m, cpu max limit to request ratio per Container is 2, but provided ratio is 4.000000]',
    ),
    (
        "limitrange-violation",
        "launch",
        "",
        [],
        'The Deployment "scorer" is invalid: spec.template.spec.containers[0].resources.requests: Invalid value: "500m": must be less than or equal to cpu limit of 250m',
    ),
    (
        "pod-security-violation",
        "launch",
        "",
        [
            'FailedCreate: Error creating: pods "scorer-5f" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "scorer" must set securityContext.allowPrivilegeEscalation=false), runAsNonRoot != true'
        ],
        "",
    ),
    (
        "pod-security-violation",
        "launch",
        "",
        [
            'FailedCreate: Error creating: pods "scorer-" is forbidden: unable to validate against any pod security policy: [spec.containers[0].securityContext.privileged: Invalid value: true: Privileged containers are not allowed]'
        ],
        "",
    ),
    (
        "pod-security-violation",
        "launch",
        "",
        [],
        'Error from server (Forbidden): admission webhook "validation.gatekeeper.sh" denied the request: [azurepolicy-container-no-privilege-1] Privileged container is not allowed: scorer',
    ),
    (
        "pod-security-violation",
        "launch",
        "CreateContainerConfigError",
        ['Failed: Error: container has runAsNonRoot and image will run as root (pod: "scorer", container: scorer)'],
        "",
    ),
    (
        "rbac-forbidden",
        "launch",
        "",
        [],
        'kubernetes.client.exceptions.ApiException: (403)\nReason: Forbidden\nHTTP response body: {"kind":"Status","apiVersion":"v1","status":"Failure","message":"deployments.apps is forbidden: User \\"system:serviceaccount:jupyter:default\\" cannot create resource \\"deployments\\" in API group \\"apps\\" in the namespace \\"serving\\"","reason":"Forbidden","code":403}',
    ),
    (
        "rbac-forbidden",
        "launch",
        "",
        [],
        'Error from server (Forbidden): User "ada" cannot create deployments.extensions in the namespace "default". (post deployments.extensions)',
    ),
    (
        "rbac-forbidden",
        "launch",
        "",
        [],
        "azureml._restclient.exceptions.ServiceException: Code: 403 (AuthorizationFailed) The client 'ada@example.test' with object id '00000000-0000' does not have authorization to perform action 'Microsoft.MachineLearningServices/workspaces/services/aks/write' over scope '/subscriptions/x'",
    ),
    (
        "rbac-forbidden",
        "launch",
        "",
        [],
        'Error from server (Forbidden): pods is forbidden: User "ada@example.test" cannot list resource "pods" in API group "" in the namespace "default": requires one of ["container.pods.list"] permission(s).',
    ),
    (
        "kubeconfig-missing",
        "launch",
        "",
        [],
        "kubernetes.config.config_exception.ConfigException: Invalid kube-config file. No configuration found.",
    ),
    (
        "kubeconfig-missing",
        "launch",
        "",
        [],
        "The connection to the server localhost:8080 was refused - did you specify the right host or port?",
    ),
    (
        "kubeconfig-missing",
        "launch",
        "",
        [],
        "error: no configuration has been provided, try setting KUBERNETES_MASTER environment variable",
    ),
    (
        "kubeconfig-missing",
        "launch",
        "",
        [],
        "kubernetes.config.config_exception.ConfigException: Service host/port is not set.",
    ),
    (
        "kubeconfig-missing",
        "launch",
        "",
        [],
        'error: error loading config file "/root/.kube/config": open /root/.kube/config: no such file or directory',
    ),
    ("kube-context-missing", "launch", "", [], 'error: context "prod-aks" does not exist'),
    ("kube-context-missing", "launch", "", [], 'error: no context exists with the name: "staging"'),
    (
        "kube-context-missing",
        "launch",
        "",
        [],
        "kubernetes.config.config_exception.ConfigException: Invalid kube-config file. Expected object with name prod in /home/ada/.kube/config/contexts list",
    ),
    (
        "kube-context-missing",
        "launch",
        "",
        [],
        "Error in configuration: context was not found for specified context: minikube",
    ),
    (
        "kube-credential-plugin-missing",
        "launch",
        "",
        [],
        "Unable to connect to the server: getting credentials: exec: executable gke-gcloud-auth-plugin not found\n\nIt looks like you are trying to use a client-go credential plugin that is not installed.",
    ),
    (
        "kube-credential-plugin-missing",
        "launch",
        "",
        [],
        'Unable to connect to the server: getting credentials: exec: "aws": executable file not found in $PATH',
    ),
    (
        "kube-credential-plugin-missing",
        "launch",
        "",
        [],
        'error: The gcp auth plugin has been removed.\nPlease use the "gke-gcloud-auth-plugin" kubectl/client-go credential plugin instead.',
    ),
    (
        "kube-credential-plugin-missing",
        "launch",
        "",
        [],
        "Unable to connect to the server: getting credentials: exec: fork/exec /usr/local/bin/kubelogin: no such file or directory",
    ),
    ("cluster-credentials-invalid", "launch", "", [], "error: You must be logged in to the server (Unauthorized)"),
    (
        "cluster-credentials-invalid",
        "launch",
        "",
        [],
        "error: You must be logged in to the server (the server has asked for the client to provide credentials)",
    ),
    (
        "cluster-credentials-invalid",
        "launch",
        "",
        [],
        "Unable to connect to the server: getting credentials: exec: executable kubelogin failed with exit code 1\nE0101 azurecli: AADSTS700082: The refresh token has expired due to inactivity.",
    ),
    ("apiserver-unreachable", "launch", "", [], "Unable to connect to the server: dial tcp 10.0.0.4:6443: i/o timeout"),
    (
        "apiserver-unreachable",
        "launch",
        "",
        [],
        "Unable to connect to the server: dial tcp: lookup aks-dns-1.hcp.westeurope.azmk8s.io on 10.0.0.2:53: no such host",
    ),
    (
        "apiserver-unreachable",
        "launch",
        "",
        [],
        "The connection to the server 127.0.0.1:39541 was refused - did you specify the right host or port?",
    ),
    (
        "apiserver-unreachable",
        "launch",
        "",
        [],
        "urllib3.exceptions.MaxRetryError: HTTPSConnectionPool(host='aks.example.test', port=443): Max retries exceeded with url: /apis/apps/v1/namespaces/default/deployments (Caused by ConnectTimeoutError(<urllib3.connection.HTTPSConnection object at 0x7f>, 'Connection to aks.example.test timed out. (connect timeout=None)'))",
    ),
    (
        "apiserver-unreachable",
        "launch",
        "",
        [],
        'Error: Kubernetes cluster unreachable: Get "https://10.1.2.3:6443/version": net/http: TLS handshake timeout',
    ),
    (
        "apiserver-tls-failure",
        "launch",
        "",
        [],
        "Unable to connect to the server: x509: certificate signed by unknown authority",
    ),
    (
        "apiserver-tls-failure",
        "launch",
        "",
        [],
        "Unable to connect to the server: tls: failed to verify certificate: x509: certificate is valid for 10.96.0.1, 192.168.49.2, not 203.0.113.7",
    ),
    (
        "apiserver-tls-failure",
        "launch",
        "",
        [],
        "urllib3.exceptions.MaxRetryError: HTTPSConnectionPool(host='10.0.0.1', port=6443): Max retries exceeded with url: /api/v1/namespaces (Caused by SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate in certificate chain (_ssl.c:1006)')))",
    ),
    (
        "k8s-api-version-removed",
        "launch",
        "",
        [],
        'error: unable to recognize "deployment.yaml": no matches for kind "Deployment" in version "extensions/v1beta1"',
    ),
    (
        "k8s-api-version-removed",
        "launch",
        "",
        [],
        'error: resource mapping not found for name: "scorer" namespace: "" from "ingress.yaml": no matches for kind "Ingress" in version "networking.k8s.io/v1beta1"\nensure CRDs are installed first',
    ),
    (
        "k8s-api-version-removed",
        "launch",
        "",
        [],
        'Error: INSTALLATION FAILED: unable to build kubernetes objects from release manifest: resource mapping not found for name: "scorer" namespace: "" from "": no matches for kind "HorizontalPodAutoscaler" in version "autoscaling/v2beta2"',
    ),
    (
        "namespace-not-found",
        "launch",
        "",
        [],
        'Error from server (NotFound): error when creating "d.yaml": namespaces "serving" not found',
    ),
    (
        "namespace-not-found",
        "launch",
        "",
        [],
        'kubernetes.client.exceptions.ApiException: (404)\nReason: Not Found\nHTTP response body: {"kind":"Status","status":"Failure","message":"namespaces \\"scoring\\" not found","reason":"NotFound","details":{"name":"scoring","kind":"namespaces"},"code":404}',
    ),
    ("secret-missing", "launch", "CreateContainerConfigError", ['Failed: Error: secret "api-keys" not found x5'], ""),
    (
        "secret-missing",
        "launch",
        "ContainerCreating",
        ['FailedMount: MountVolume.SetUp failed for volume "tls" : secret "scorer-tls" not found x9'],
        "",
    ),
    (
        "secret-key-missing",
        "launch",
        "CreateContainerConfigError",
        ["Failed: Error: couldn't find key PRIMARY_KEY in Secret serving/scoring-keys"],
        "",
    ),
    (
        "secret-key-missing",
        "launch",
        "ContainerCreating",
        ['FailedMount: MountVolume.SetUp failed for volume "keys" : references non-existent secret key: tls.crt'],
        "",
    ),
    (
        "configmap-missing",
        "launch",
        "CreateContainerConfigError",
        ['Failed: Error: configmap "scorer-config" not found'],
        "",
    ),
    (
        "configmap-missing",
        "launch",
        "",
        ['FailedMount: MountVolume.SetUp failed for volume "cfg" : configmap "scorer-files" not found'],
        "",
    ),
    (
        "configmap-missing",
        "launch",
        "CreateContainerConfigError",
        ["Failed: Error: couldn't find key MODEL in ConfigMap serving/scorer-config"],
        "",
    ),
    (
        "hpa-missing-requests",
        "scale",
        "",
        [
            "FailedGetResourceMetric: failed to get cpu utilization: missing request for cpu in container scorer of Pod scorer-5c"
        ],
        "",
    ),
    (
        "hpa-missing-requests",
        "scale",
        "",
        [
            "FailedComputeMetricsReplicas: invalid metrics (1 invalid out of 1), first error is: failed to get cpu utilization: missing request for cpu"
        ],
        "",
    ),
    (
        "hpa-missing-requests",
        "scale",
        "",
        ["FailedGetMetrics: failed to get CPU consumption and request: some pods do not have request for cpu"],
        "",
    ),
    (
        "hpa-metrics-unavailable",
        "scale",
        "",
        [
            "FailedGetResourceMetric: failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)"
        ],
        "",
    ),
    ("hpa-metrics-unavailable", "scale", "", [], "error: Metrics API not available"),
    (
        "hpa-metrics-unavailable",
        "scale",
        "",
        [
            "FailedGetResourceMetric: unable to get metrics for resource cpu: failed to get pod resource metrics: the server could not find the requested resource (get services http:heapster:)"
        ],
        "",
    ),
    (
        "namespace-stuck-terminating",
        "delete",
        "",
        [],
        "conditions:\n- type: NamespaceContentRemaining\n  message: 'Some resources are remaining: pods. has 1 resource instances'\n- type: NamespaceFinalizersRemaining\n  message: 'Some content in the namespace has finalizers remaining: foregroundDeletion in 1 resource instances'",
    ),
    (
        "namespace-stuck-terminating",
        "delete",
        "",
        [],
        "$ kubectl get ns\nNAME      STATUS        AGE\nserving   Terminating   3h12m",
    ),
    (
        "namespace-stuck-terminating",
        "launch",
        "",
        [],
        'Error from server (Forbidden): error when creating "d.yaml": deployments.apps "scorer" is forbidden: unable to create new content in namespace serving because it is being terminated',
    ),
    (
        "resource-not-found-on-delete",
        "delete",
        "",
        [],
        'Error from server (NotFound): deployments.apps "scorer" not found',
    ),
    ("resource-not-found-on-delete", "delete", "", [], "No service with name mysvc found to delete."),
    ("resource-not-found-on-delete", "delete", "", [], "Error response from daemon: No such container: scorer"),
    (
        "resource-not-found-on-delete",
        "delete",
        "",
        [],
        "Error: uninstall: Release not loaded: scorer: release: not found",
    ),
    (
        "readiness-probe-failing",
        "ready",
        "Running",
        ["Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 503 x42"],
        "2024-01-01 INFO Listening at: http://0.0.0.0:5001",
    ),
    (
        "readiness-probe-failing",
        "launch",
        "",
        [
            'Unhealthy: Readiness probe failed: Get "http://10.1.0.31:8080/": dial tcp 10.1.0.31:8080: connect: connection refused x25'
        ],
        "",
    ),
    (
        "readiness-probe-failing",
        "launch",
        "ProgressDeadlineExceeded",
        [
            "Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 404 x60",
            'ProgressDeadlineExceeded: ReplicaSet "scorer-5d" has timed out progressing.',
        ],
        "",
    ),
    (
        "liveness-probe-killed",
        "launch",
        "CrashLoopBackOff",
        [
            "Unhealthy: Liveness probe failed: Get http://10.244.0.9:5001/: net/http: request canceled (Client.Timeout exceeded while awaiting headers) x6",
            "Killing: Killing container with id docker://scorer:Container failed liveness probe.. Container will be killed and recreated.",
        ],
        "",
    ),
    (
        "liveness-probe-killed",
        "launch",
        "",
        [
            "Unhealthy: Startup probe failed: HTTP probe failed with statuscode: 503 x30",
            "Killing: Container scorer failed startup probe, will be restarted",
        ],
        "",
    ),
    (
        "rollout-deadline-exceeded",
        "launch",
        "ProgressDeadlineExceeded",
        [],
        'error: deployment "scorer" exceeded its progress deadline',
    ),
    (
        "rollout-deadline-exceeded",
        "launch",
        "",
        ['ProgressDeadlineExceeded: ReplicaSet "scorer-84b" has timed out progressing.'],
        'Waiting for deployment "scorer" rollout to finish: 0 of 1 updated replicas are available...',
    ),
    (
        "pod-evicted-disk",
        "run",
        "Evicted",
        [
            "Evicted: The node was low on resource: ephemeral-storage. Threshold quantity: 2146Mi, available: 1.9Gi. Container scorer was using 5Gi, request is 0, has larger consumption of ephemeral-storage."
        ],
        "",
    ),
    (
        "pod-evicted-disk",
        "run",
        "Evicted",
        ["Evicted: Pod ephemeral local storage usage exceeds the total limit of containers 1Gi."],
        "",
    ),
    ("pod-evicted-disk", "run", "Evicted", ["Evicted: The node had condition: [DiskPressure]."], ""),
    ("pod-evicted-disk", "run", "Evicted", ['Evicted: Usage of EmptyDir volume "tmp" exceeds the limit "500Mi".'], ""),
]


def evidence(case: tuple[str, str, str, list[str], str]) -> Evidence:
    """A case in the form in which it comes from a file."""
    _, stage, reason, events, log = case
    listed = []
    for event in events:
        kind, _, message = event.partition(": ")
        message, _, count = message.rpartition(" x") if message.rpartition(" x")[2].isdigit() else (message, "", "1")
        listed.append({"type": "Warning", "reason": kind, "count": int(count), "message": message})
    fields = {"log": log, "k8s_reason": reason, "k8s_events": listed}
    return from_case({"stage": stage, "target": "kubernetes", "evidence": {k: v for k, v in fields.items() if v}})


def findings(known: Evidence) -> list[Finding]:
    reading = Reading(known)
    return verdict(reading, [finding for rule in load() for finding in rule(reading)])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_named_from_its_words(case: tuple[str, str, str, list[str], str]) -> None:
    assert findings(evidence(case))[0].cause == case[0]


def test_scheduling_says_how_many_nodes_and_of_what() -> None:
    text = "0/5 nodes are available: 1 node(s) had untolerated taint {pool: spot}, 4 Insufficient nvidia.com/gpu."
    first, second = findings(Evidence(stage="schedule", k8s_events=(text,)))[:2]
    assert first.cause == "insufficient-gpu"
    assert first.facts["blocked"] == "4"
    assert first.facts["nodes"] == "5"
    assert first.facts["resource"] == "nvidia.com/gpu"
    assert second.cause == "taint-not-tolerated"
    assert second.facts["key"] == "pool"


def test_last_scheduling_event_counts() -> None:
    events = ("0/1 nodes are available: 1 Insufficient cpu.", "0/1 nodes are available: 1 Too many pods.")
    assert findings(Evidence(stage="schedule", k8s_events=events))[0].cause == "too-many-pods"


def test_a_few_readiness_failures_while_starting_are_no_finding() -> None:
    events = (
        "Unhealthy: Readiness probe failed: connect: connection refused (x2)",
        "Started: Started container scorer",
    )
    assert "readiness-probe-failing" not in [f.cause for f in findings(Evidence(stage="run", k8s_events=events))]


def test_liveness_after_an_out_of_memory_kill_is_not_the_cause() -> None:
    events = ("Liveness probe failed: connection refused", "Container scorer failed liveness probe, will be restarted")
    known = Evidence(stage="run", exit_code=137, oom_killed=True, k8s_reason="OOMKilled", k8s_events=events)
    assert findings(known)[0].cause == "container-oom-killed"


def test_a_warning_of_pod_security_refuses_nothing() -> None:
    log = 'Warning: would violate PodSecurity "restricted:latest": runAsNonRoot != true\ndeployment.apps/scorer created'
    assert [f.cause for f in findings(Evidence(stage="launch", log=log, exit_code=0))] == ["none"]


def test_azure_error_in_a_body() -> None:
    body = json.dumps({"code": "KubernetesError", "statusCode": 400, "details": [
        {"code": "Unschedulable", "message": "0/3 nodes are available: 3 Insufficient nvidia.com/gpu."}]})  # fmt: skip
    assert findings(Evidence(stage="schedule", http_status=400, http_body=body))[0].cause == "insufficient-gpu"
