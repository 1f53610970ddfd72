"""The kubeconfig and its log-in helpers, before anything is sent to a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from jupyter_mldeploy.diagnosis.rule import Depth, Finding, rule
from jupyter_mldeploy.diagnosis.signs import Sign, show
from jupyter_mldeploy.diagnosis.stages import calling_cluster

if TYPE_CHECKING:
    from jupyter_mldeploy.diagnosis.reading import Reading

_SIGNS = (
    Sign(
        "kube-context-missing",
        r"there is no kubeconfig context '(?P<ours>[^'\n]+)"
        r"|context \\?[\"'](?P<context>[^\"'\\\n]+)\\?[\"'] (?:does not exist|not found|was not found)"
        r"|no context exists with the name:? ?\\?\"?(?P<named>[^\"\\\n]+)"
        r"|context was not found for specified context: (?P<specified>[^\n]+)"
        r"|expected object with name (?P<python>\S*) in [^\n]*contexts"
        r"|expected key current-context|current-context is not set|current-context must exist"
        r"|no current context|cannot locate context (?P<cannot>\S+)"
        r"|context (?P<bare>[\w@./:-]+) (?:does not exist|not found in kube-?config)"
        r"|cluster \\?\"(?P<cluster>[^\"\\\n]+)\\?\" does not exist"
        r"|cluster has no server defined|expected object with name \S* in [^\n]*(?:clusters|users)"
        r"|auth info \\?\"(?P<user>[^\"\\\n]+)\\?\" does not exist"
        r"|kubeconfig context[^\n]*(?:not found|does not exist)",
        Depth.ROOT - 4,
    ),
    Sign(
        "kube-credential-plugin-missing",
        r"exec: executable (?P<executable>\S+) not found"
        r"|getting credentials: (?:exec: )+\\?\"(?P<exec>[\w./-]+)\\?\": (?:executable file not found"
        r"|stat [^\n]*no such file)"
        r"|exec: \\?\"(?P<known>aws|az|gcloud|doctl|oci|kubelogin|aws-iam-authenticator"
        r"|gke-gcloud-auth-plugin)\\?\": executable"
        r"|client-go credential plugin that is not installed|fork/exec (?P<fork>[\w./-]+): no such file"
        r"|no auth provider found for name \\?\"(?P<provider>\w+)"
        r"|the (?P<removed>\w+) auth plugin has been removed|(?P<gke>gke-gcloud-auth-plugin), which is needed"
        r"|gke-gcloud-auth-plugin[^\n]*not (?:be )?found"
        r"|invalid apiversion \\?\"(?P<api>client\.authentication\.k8s\.io/\w+)"
        r"|exec plugin is configured to use api version (?P<configured>[^\s,]+)"
        r"|no such file or directory: '(?P<python>[\w./-]*(?:aws|aws-iam-authenticator|kubelogin"
        r"|kubectl-oidc_login|gke-gcloud-auth-plugin|gcloud|doctl|az|oci))'"
        r"|(?P<sh>aws-iam-authenticator|kubelogin|gke-gcloud-auth-plugin|gcloud"
        r"|kubectl-oidc_login): (?:command )?not found|exec plugin[^\n]*not (?:found|installed)"
        r"|unable to retrieve exec credential"
        r"|error executing access token command \\?\"(?P<command>[\w./-]+)[^\n]*no such file",
        Depth.ROOT - 4,
    ),
    Sign(
        "kubeconfig-missing",
        r"there is no kubeconfig: (?P<named>[^\n]+?) is not a file|the kubeconfig (?P<ours>\S+) cannot be used"
        r"|error loading config file \\?\"(?P<loading>[^\"\\\n]+)"
        r"|error: stat (?P<stat>[^\n:]*(?:kube|config|\.ya?ml|\.conf)[^\n:]*): no such file"
        r"|invalid kube-?config file\. (?:no configuration found|expected key (?:clusters|contexts|users"
        r"|apiversion))|no configuration has been provided"
        r"|invalid configuration: (?P<invalid>no configuration|incomplete|missing)"
        r"|kube-?config (?:file )?(?:at )?(?P<path>\S*) ?(?:not found|does not exist|is empty|is missing)"
        r"|(?:config|kube-config|kubeconfig) file not found"
        r"|(?:open|stat) (?P<client>[^\n:]*(?:\.kube/config|kubeconfig)[^\n:]*): no such file"
        r"|(?:open|stat|createfile|getfileattributesex) (?P<windows>[^\n]*(?:kube|config)[^\n:]*): the system cannot find"
        r"|no such file or directory: '(?P<python>[^'\n]*(?:\.kube/|kubeconfig)[^'\n]*)'"
        r"|service host/port is not set|did you specify the right host or port\? ?[^\n]*kubeconfig"
        r"|could not (?:find|locate|load) (?:a )?(?:valid )?kube-?config"
        r"|unable to load in-cluster configuration|kubernetes configuration (?:file )?not found"
        r"|missing or incomplete configuration info|missing kubeconfig"
        r"|error loading kube-?config|serviceaccount/token: no such file|no kube-?config(?! context)|neither kubeconfig nor",
        Depth.ROOT - 3,
    ),
)


@rule("kubeconfig-missing", "kube-context-missing", "kube-credential-plugin-missing")
def configuration(reading: Reading) -> Iterator[Finding]:
    """No file, no context in it, or no helper to log in with."""
    if reading.stage in ("build", "push", "run", "http", "init") and not calling_cluster(reading):
        return
    client = calling_cluster(reading) or reading.target == "kubernetes"
    said = tuple(name for name in reading.sources if name not in ("k8s_events", "k8s_reason"))
    for finding in show(reading, _SIGNS, said):
        if not client and finding.cause == "kube-credential-plugin-missing":
            continue  # an executable that a container lacks
        facts = finding.facts
        if finding.cause == "kube-context-missing":
            name = "context"
        else:
            name = "plugin" if finding.cause == "kube-credential-plugin-missing" else "path"
        value = (
            next(iter(facts.values()), "").rsplit("/", 1)[-1] if name == "plugin" else next(iter(facts.values()), "")
        )
        yield Finding(finding.cause, finding.depth, finding.proof, {name: value} if value else {}, finding.certain)
