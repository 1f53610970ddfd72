"""The API server and those who call it: kubectl, client-go, the Python client, clouds' control planes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from jupyter_mldeploy.diagnosis.rule import Depth, Finding, found, rule
from jupyter_mldeploy.diagnosis.signs import Sign, show
from jupyter_mldeploy.diagnosis.stages import calling_cluster, deleting

if TYPE_CHECKING:
    from jupyter_mldeploy.diagnosis.reading import Reading

_Q = r"\\?[\"'“”]"
_VERBS = "get|list|watch|create|update|patch|delete|deletecollection|impersonate|bind|escalate|use|post|put"
_CLIENT = re.compile(r"(?:client|User:?) ['\"]?([\w.@:/+-]+)['\"]? (?:with object id|is not authorized)")
_ROLES = (
    Sign(
        "rbac-forbidden",
        rf"(?P<resource>[\w./-]+)(?: {_Q}[^\"\n]*?{_Q})? is forbidden: user {_Q}(?P<user>[^\"\\\n]+){_Q}"
        rf" cannot (?P<verb>\w+)[^\n]*?(?:in the namespace {_Q}(?P<namespace>[^\"\\\n]+)|at the cluster scope|$)"
        rf"|user {_Q}(?P<old_user>[^\"\\\n]+){_Q} cannot (?P<old_verb>{_VERBS})\b"
        r"|does not have authorization to perform action '(?P<action>[^'\n]+)'|authorizationfailed"
        r"|linkedauthorizationfailed"
        r"|user does not have access to the resource in azure|requires one of \[[^\]\n]*\] permission"
        r"|missing (?P<missing>[\w.-]+\.[\w.]+) permission"
        r"|required (?:\\?[\"'])?(?P<google>[\w.-]+\.[\w.]+)(?:\\?[\"'])? permission"
        r"|is not authorized to perform: (?P<aws>eks:\w+|sts:\w+)"
        r"|attempting to grant rbac permissions not currently held|attempting to grant extra privileges"
        r"|insufficient privileges to complete"
        r"|does not have (?:the )?(?:required |sufficient |necessary )?permissions? (?:to|for|on)"
        r"|access denied[^\n]*(?:role|workspace|subscription(?! key))|forbidden by rbac|you do not have permission",
        Depth.ROOT - 3,
    ),
    Sign(
        "rbac-forbidden",
        r"apiexception: \(403\)|error from server \(forbidden\)|reason: forbidden|\"?reason\"?: ?\\?\"?forbidden",
        Depth.SPECIFIC,
        certain=False,
    ),
)
_CREDENTIALS = (
    Sign(
        "cluster-credentials-invalid",
        r"apiexception: \(401\)|kubernetes refused to [^\n]*: unauthorized|log-in helper of the kubeconfig context"
        r"|you must be logged in to the server"
        r"|the server has asked for the client to provide credentials"
        r"|error from server \(unauthorized\)|\"reason\": ?\"unauthorized\"|reason: unauthorized"
        r"|status_code=401|status: 401 unauthorized"
        r"|invalid bearer token|token (?:has|is) expired|token expired|expiredtoken|aadsts\d+"
        r"|the security token included in the request is (?:expired|invalid)"
        r"|refresh token[^\n]*(?:expired|revoked)|invalid_grant|reauthentication (?:failed|is needed|required)"
        r"|getting credentials: exec: executable (?P<plugin>\S+) failed with exit code"
        r"|exec: process returned [^0\s]|failed to refresh token"
        r"|unable to authenticate the request|failed to retrieve access token|please run 'az login'|az login --"
        r"|aws sso login|gcloud auth login"
        r"|remote error: tls: (?:bad certificate|expired certificate|certificate required)"
        r"|client certificate[^\n]*expired"
        r"|unauthorized: not authenticated|provided credentials are invalid"
        r"|getting credentials: (?!exec: executable \S+ not found)",
        Depth.ROOT - 2,
    ),
)
_REFUSED_LOCAL = (
    r"localhost:8080|127\.0\.0\.1:8080|\[::1\]:8080|host='localhost', port=(?:80|443|8080)\)|http://localhost/"
)
_REACH = (
    Sign(
        "apiserver-tls-failure",
        r"unable to connect to the server: (?P<reason>x509: [^\n]+|tls: [^\n]+|remote error: tls: [^\n]+"
        r"|http: server gave http response[^\n]*)"
        r"|max retries exceeded with url: /(?:apis?|version|openapi)\b[^\n]*(?P<python>ssl: [^\n\]]+|sslerror)"
        r"|\"https?://(?P<server>[\w.:\[\]-]+)/(?:apis?|version|healthz|openapi"
        r"|livez)[^\"\n]*\\?\": (?P<go>x509: [^\n]+|tls: [^\n]+|http: server gave http response[^\n]*)"
        r"|x509: certificate signed by unknown authority|x509: certificate has expired"
        r"|x509: certificate is valid for (?P<names>[^\n]+)"
        r"|tls: failed to verify certificate|certificate_verify_failed|certificate verify failed"
        r"|x509: cannot validate certificate"
        r"|kubernetes api server https?://(?P<ours>[^\s/]+)\S* could not be reached: (?P<certificate>[^\n]*certificate[^\n.]*)"
        r"|reason: invalidcertificate|kubernetes error: authenticationexception"
        r"|unable to load root certificates|tls: private key does not match"
        r"|unable to read certificate-authority|illegal base64 data at input byte",
        Depth.ROOT - 2,
    ),
    Sign(
        "apiserver-unreachable",
        r"the connection to the server (?P<server>\S+) was refused"
        r"|kubernetes api server https?://(?P<ours>[^\s/]+)\S* could not be reached: (?P<why>[^\n.]+)"
        r"|unable to connect to the server: (?P<reason>[^\n]+)"
        r"|max retries exceeded with url: /(?:apis?|version|openapi|livez)\b[^\n]*"
        r"|kubernetes cluster unreachable: (?P<helm>[^\n]+)"
        r"|\"https?://(?P<host>[\w.:\[\]-]+)/(?:apis?|version|healthz|openapi|livez)[^\"\n]*\\?\": (?P<go>[^\n]+)"
        r"|kubernetesunaccessible[^\n]*"
        r"|error from server \((?:serviceunavailable|timeout|gatewaytimeout|internalerror)\)|etcdserver: "
        r"|apiexception: \((?:500|503|504)\)"
        r"|couldn't get available api versions from server: (?P<old>[^\n]+)"
        r"|couldn't get current server api group list: [^\n]*|the server is currently unable to handle the request"
        r"|cannot connect to host (?P<aio>[\w.-]+:\d+)|api server (?:is )?(?:not reachable|unreachable)"
        r"|dial tcp (?P<dial>[\w.:\[\]-]+): [^\n]*"
        r"|unable to (?:reach|connect to) (?:the )?(?:kubernetes|cluster|api server)[^\n]*"
        r"|cluster is (?:stopped|not running)|client rate limiter wait returned an error",
        Depth.ROOT - 1,
    ),
)
_REASONS = (
    ("refused", "the connection is refused"),
    ("no such host", "its name is not resolved"),
    ("resol", "its name is not resolved"),
    ("name or service", "its name is not resolved"),
    ("timed out", "it does not answer in time"),
    ("not answer in time", "it does not answer in time"),
    ("timeout", "it does not answer in time"),
    ("deadline", "it does not answer in time"),
    ("no route", "there is no route to it"),
    ("unable to handle", "it is overloaded or starting"),
)


@rule(
    "rbac-forbidden",
    "cluster-credentials-invalid",
    "apiserver-tls-failure",
    "apiserver-unreachable",
    "kubeconfig-missing",
)
def access(reading: Reading) -> Iterator[Finding]:
    """Whether the call came through, who called, and what the caller may."""
    if not calling_cluster(reading) and reading.stage in ("build", "push", "run", "http", "init"):
        return
    yield from _roles(reading)
    # Events are the cluster's own: what they say of connections and credentials is of registries and probes.
    said = tuple(name for name in reading.sources if name not in ("k8s_events", "k8s_reason"))
    if not calling_cluster(reading):
        return
    yield from show(reading, _CREDENTIALS, said)
    for finding in show(reading, _REACH, said):
        text = finding.proof[0].text
        if re.search(_REFUSED_LOCAL, text, re.IGNORECASE):
            yield found("kubeconfig-missing", Depth.ROOT - 3, *finding.proof)
        yield Finding(finding.cause, finding.depth, finding.proof, _reach_facts(finding, text), finding.certain)


def _roles(reading: Reading) -> Iterator[Finding]:
    for finding in show(reading, _ROLES):
        facts = dict(finding.facts)
        for name, groups in (
            ("user", ("old_user",)),
            ("verb", ("old_verb",)),
            ("permission", ("action", "aws", "google", "missing")),
        ):
            value = next((facts.pop(group) for group in groups if group in facts), "")
            if value and name not in facts:
                facts[name] = value
        if "permission" in facts:
            facts["by"] = "account"
            if match := _CLIENT.search(finding.proof[0].text):
                facts["user"] = match[1]
        yield Finding(finding.cause, finding.depth, finding.proof, facts, finding.certain)


def _reach_facts(finding: Finding, text: str) -> dict[str, str]:
    facts = finding.facts
    server = next((facts[name] for name in ("server", "host", "aio", "dial", "ours") if name in facts), "")
    pool = re.search(r"host='([^']+)', port=(\d+)", text)
    address = re.search(r"dial tcp ([\w.:\[\]-]+?):? (?:connect|i/o|lookup)|https?://([\w.:\[\]-]+)/", text)
    if not server:
        server = f"{pool[1]}:{pool[2]}" if pool else next((g for g in address.groups() if g), "") if address else ""
    said = facts.get("why") or facts.get("reason") or facts.get("go") or facts.get("helm") or text
    reason = next((words for sign, words in _REASONS if sign in said.lower()), "")
    if finding.cause == "apiserver-tls-failure":
        reason = next((facts[name] for name in ("reason", "go", "python", "certificate") if name in facts), "")
    return {name: value for name, value in (("server", server.rstrip(":")), ("reason", reason)) if value}


_OBJECTS = (
    Sign(
        "k8s-api-version-removed",
        rf"no matches for kind {_Q}(?P<kind>\w+){_Q} in (?:version|group) {_Q}(?P<api_version>[\w./-]+)"
        r"|no matches for (?P<gvk>[\w./]+, ?kind=\w+)"
        r"|no kind \\?\"(?P<nokind>\w+)\\?\" is registered for version \\?\"(?P<registered>[\w./-]+)"
        r"|ensure crds are installed first|unable to recognize \\?\"(?P<file>[^\"\\\n]+)"
        r"|does not support the api version|the server does not allow access to the requested resource"
        r"|the server could not find the requested resource(?! \(get [\w./ ]*metrics)(?! \(post [\w./"
        r" ]*metrics)|the server doesn't have a resource type|404 page not found|unsupported api version",
        Depth.ROOT - 3,
    ),
    Sign(
        "namespace-stuck-terminating",
        rf"namespaces? {_Q}?(?P<namespace>[\w-]+){_Q}? (?:because it )?is being (?:terminated|deleted)"
        rf"|because it is being terminated|object is being deleted: namespaces {_Q}(?P<being>[\w-]+)"
        r"|namespacecontentremaining|namespacefinalizersremaining|namespacedeletiondiscoveryfailure"
        r"|namespacedeletioncontentfailure|some resources are remaining: (?P<remaining>[^\n]+)"
        r"|some content in the namespace has finalizers remaining|namespaceterminating"
        r"|discovery failed for some groups"
        r"|^(?P<listed>[\w-]+)\s+terminating\s+\d+\w+|namespace[^\n]{0,80}\bterminating\b",
        Depth.ROOT - 4,
    ),
    Sign(
        "operation-in-progress",
        r"system is ensuring all content is removed from this namespace"
        r"|operation cannot be fulfilled on (?P<object>[^\n:]+)"
        r"|object is being deleted: [^\n]+ already exists|the object has been modified; please apply your changes",
        Depth.ROOT - 5,
    ),
    Sign(
        "namespace-not-found",
        rf"namespaces? {_Q}(?P<namespace>[\w.-]+){_Q} (?:was )?not found"
        rf"|namespace (?P<bare>[\w-]+) (?:does not exist|not found)|no such namespace",
        Depth.ROOT - 3,
    ),
)
_GONE = (
    rf"(?P<kind>[\w.]+) {_Q}(?P<name>[^\"'\\\n]+){_Q} not found"
    r"|no service with name (?P<service>\S+) found|no such container: (?P<container>\S+)"
    r"|no (?:local )?container with name (?P<local>\S+)"
    r"|the resource '(?P<azure>[^'\n]+)' under resource group '[^'\n]*' was not found|\(resourcenotfound\)"
    r"|webservicenotfound|no resources found|release: not found|uninstall: release not loaded"
    r"|service (?P<gone>\S+) not found|not found: no (?:service|deployment)"
    r"|no such (?:image|volume|network|object|service): (?P<object>\S+)|apiexception: \(404\)"
    r"|error from server \(notfound\)"
)


@rule(
    "k8s-api-version-removed",
    "namespace-stuck-terminating",
    "namespace-not-found",
    "resource-not-found-on-delete",
    "operation-in-progress",
)
def objects(reading: Reading) -> Iterator[Finding]:
    """What the server does not know, no longer knows, or is about to forget."""
    removal = deleting(reading)
    if removal and (hit := reading.find(_GONE, [name for name in reading.sources if name != "k8s_events"])):
        name = next(
            (hit[key] for key in ("name", "service", "container", "local", "gone", "object", "azure") if hit[key]), ""
        )
        yield found("resource-not-found-on-delete", Depth.ROOT - 3, hit, name=name.strip(" ,.'\""), kind=hit["kind"])
    for finding in show(reading, _OBJECTS):
        facts = dict(finding.facts)
        if finding.cause == "namespace-not-found" and removal:
            continue
        if finding.cause == "k8s-api-version-removed" and not calling_cluster(reading):
            continue
        facts["namespace"] = next((facts[k] for k in ("namespace", "being", "bare", "listed") if k in facts), "")
        facts["api_version"] = facts.get("api_version") or facts.get("registered") or ""
        facts["kind"] = facts.get("kind") or facts.get("nokind") or ""
        yield Finding(
            finding.cause, finding.depth, finding.proof, {k: v for k, v in facts.items() if v}, finding.certain
        )
