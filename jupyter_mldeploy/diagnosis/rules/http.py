"""HTTP answers of the scoring endpoint.

A status belongs to whoever sent it: the 400 of a container engine, the 404 of a package mirror, the 401 of an API server are
other tools' business. Statuses are symptoms here; the words of an answer can say more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from jupyter_mldeploy.diagnosis.reading import Hit, Line, Reading
from jupyter_mldeploy.diagnosis.rule import Depth, Finding, found, rule

_CAUSES = {
    400: "http-400-bad-request",
    401: "http-401-unauthorized",
    403: "http-401-unauthorized",
    404: "http-404-wrong-path",
    405: "http-405-method",
    408: "http-504-timeout",
    413: "http-413-payload-too-large",
    415: "http-415-content-type",
    422: "http-400-bad-request",
    424: "http-502-run-crashed",
    429: "http-429-throttled",
    499: "http-504-timeout",
    502: "http-502-run-crashed",
    503: "http-503-overloaded",
    504: "http-504-timeout",
}
_STATUS = (
    r"\bHTTP/[\d.]+\"? (?P<line>[45]\d\d)\b|(?:Response Code|[Ss]tatus(?: ?code)?|HTTP [Ss]tatus|HTTPError"
    r"|http error|code)\W{1,4}(?P<code>[45]\d\d)\b|\b(?P<error>[45]\d\d) (?:Client|Server) Error\b"
    r"|\b(?P<title>40[0-5]|413|415|429|50[0234]) (?:Bad Request|Unauthorized|Forbidden|Not Found"
    r"|Method Not Allowed|Request Entity Too Large|Payload Too Large|Content Too Large|Unsupported Media Type"
    r"|Too Many Requests|Bad Gateway|Service (?:Temporarily )?Unavailable|Gateway Time-?out)"
    r"|(?:POST|GET|PUT) /\S* (?P<access>[45]\d\d)\b"
)
_NOT_ENDPOINT = re.compile(
    r"docker|registry|/v2/|manifest|apiserver|kubernetes|\"kind\": ?\"Status\"|/apis?/|pypi|simple/|\bapt\b"
    r"|archive\.ubuntu|deb\.debian|conda|huggingface|management\.azure|Model Management Service|\.azurecr\.io"
    r"|ApiException|DeploymentFailed|KubernetesError|"
    r"AciDeploymentFailed|helm|kubectl|nltk|github\.com",
    re.IGNORECASE,
)
_TROUBLE = re.compile(
    r"error|fail|refused|denied|status|\b[45]\d\d\b|unauthori[sz]ed|forbidden|not found|exception|timed? ?out|conflict"
    r"|throttl|invalid|bad re|unable|cannot|reset",
    re.IGNORECASE,
)
"""Only what complains can be whose answer it is; many logs speak of other tools in passing."""
_PROBED = re.compile(r"\"(?:GET|HEAD) /(?:healthz?|readyz?|livez?|ping)?[ ?]|kube-probe", re.IGNORECASE)
_WORDS: tuple[tuple[str, str, int], ...] = (
    (
        "http-413-payload-too-large",
        (
            r"Request Entity Too Large|Payload Too Large|Content Too Large|request body (?:is )?too large"
            r"|client intended to send too large (?:a )?body|data value transmitted exceeds the capacity limit"
            r"|(?:body|payload|request|message)(?: size)? .{0,30}(?:exceeds|larger than|too (?:large|big)"
            r"|over).{0,40}(?:limit|max|bytes|size|MB|$)"
        ),
        3,
    ),
    (
        "http-415-content-type",
        (
            r"This service takes application/json, not|Unsupported Media Type|(?:Content-?Type|media type"
            r"|mimetype).{0,60}(?:not (?:supported|allowed"
            r"|accepted|'?application/json)|unsupported|invalid|must be|expected|missing)"
            r"|(?:Did not attempt to load JSON data|request Content-Type was not 'application/json')"
            r"|(?:Unsupported|Invalid|Wrong|Expected|Missing) (?:content|media)[- ]?type"
            r"|Input request does not have content type|not a supported content type"
        ),
        2,
    ),
    (
        "http-405-method",
        (
            r"Method Not Allowed|method is not allowed for the requested URL|(?:Request"
            r"|HTTP) method '?\w+'? (?:is )?not supported|405 .{0,20}[Mm]ethod"
        ),
        3,
    ),
    (
        "http-401-unauthorized",
        (
            r"Authorization header|(?:missing|invalid|wrong|incorrect|expired|no|bad"
            r"|absent) (?:or \w+ )?(?:api[ -]?key|scoring key|auth(?:entication|orization)?(?: ?(?:key|token"
            r"|header))?|access token|bearer token|credentials|JWT|subscription key)|key_auth_access_denied"
            r"|key_auth_bad_header|could not find .{0,30}token|subscription key|(?:not "
            r"|un)authori[sz]ed to (?:access|score|call)|token (?:has )?expired"
        ),
        4,
    ),
    (
        "http-429-throttled",
        (
            r"Too Many Requests|rate limit (?:exceeded|is exceeded|reached|of)|(?:request|call)s? (?:was "
            r"|were |is |are )?(?:being )?throttled|Try again in \d+ seconds|quota .{0,30}(?:requests"
            r"|calls) .{0,30}exceeded|slow down"
        ),
        5,
    ),
    (
        "http-503-overloaded",
        (
            r"\(overloaded\)|Too many requests for service|no (?:free|available|healthy|idle|ready) (?:replica"
            r"|upstream|worker|backend|endpoint|server)s?\b|upstream connect error"
            r"|(?<!Either the )server (?:is )?(?:overloaded|busy|at capacity)|Service (?:Temporarily )?Unavailable"
            r"|queue (?:is )?(?:full|size exceeded)|waited longer than|max_(?:request_wait_time|queue_wait_ms)"
            r"|no endpoints available|max concurrent requests|exceeded.{0,20}concurren"
        ),
        4,
    ),
    (
        "http-504-timeout",
        (
            r"Client\.Timeout exceeded while awaiting headers|context deadline exceeded"
            r"|upstream (?:request timeout|timed out)|Gateway Time-?out|Read(?:Timeout)?(?: "
            r"|:).{0,160}[Rr]ead timed out|ReadTimeout(?:Error)?\b|Operation timed out after \d+ milliseconds"
            r"|request (?:was )?(?:cancell?ed|timed out)|(?<![._])scoring[ _]timeout(?! is set)|(?:The )?read operation timed out"
            r"|socket\.timeout: timed out|Scoring (?:request )?time(?:d)? ?out(?! is set)|Endpoint request timed out"
            r"|TimeoutError: .{0,60}(?:score|request|response)|stream timeout|Timeout (?:was reached|exceeded)"
            r"|HTTPX?.{0,10}ReadTimeout|did not (?:answer|respond) within|ServerTimeoutError|Timeout on reading data from socket"
            r"|StatusCode\.DEADLINE_EXCEEDED|failed to finish execution within the allocated time"
        ),
        3,
    ),
    (
        "http-502-run-crashed",
        (
            r"Replica closed connection before replying|(?:upstream )?prematurely closed (?:connection|by)"
            r"|Bad Gateway|RemoteDisconnected|Remote end closed connection without response"
            r"|Connection reset by peer|Empty reply from server|ConnectionResetError|(?:server"
            r"|peer) closed (?:the )?connection|Server disconnected(?: without sending a response)?"
            r"|IncompleteRead|transport closed|connection (?:was )?(?:aborted|closed) (?:before|while|by)"
        ),
        5,
    ),
    (
        "endpoint-connection-refused",
        (
            r"Connection refused|ECONNREFUSED|actively refused it|\[WinError 10061\]"
            r"|Zielcomputer die Verbindung verweigerte|ordinateur cible l.a expressément refusée"
            r"|el equipo de destino denegó expresamente|Failed to connect to \S+ port \d+"
            r"|\[Errno 111\]|\[Errno 61\]|ConnectError: All connection attempts failed"
            r"|Cannot connect to host (?:localhost|127\.0\.0\.1|0\.0\.0\.0)|Connect call failed"
            r"|Couldn't connect to server|Could not connect to server|no listener|nothing (?:is )?listen"
            r"|NameResolutionError|Name or service not known|Could not resolve host|getaddrinfo failed"
        ),
        4,
    ),
    (
        "http-400-bad-request",
        (
            r"(?:Expected|Missing|Invalid|Unexpected|Required) (?:property|field|attribute|schema"
            r"|request (?:body|payload)|payload|input schema)|(?:does not|doesn't|failed to) (?:match|conform"
            r"|validate|satisfy).{0,40}schema|schema (?:validation|mismatch|violation)|(?:payload|request|body"
            r"|input)(?: \w+)? (?:validation|is invalid|not valid|rejected|malformed)|validation error"
            r"|RequestValidationError|BAD REQUEST|bad request"
        ),
        6,
    ),
    (
        "http-404-wrong-path",
        (
            r"requested URL was not found on (?:the|this) server|Cannot (?:POST|GET) /|no (?:such )?route"
            r"|404 page not found|\"detail\": ?\"Not Found\"|detail: Not Found|No matching route"
            r"|default backend - 404|unknown route|Resource not found.{0,40}(?:path|url|route)"
        ),
        4,
    ),
)


@rule(*dict.fromkeys(_CAUSES.values()), "endpoint-connection-refused", "run-exception")
def answer(reading: Reading) -> Iterator[Finding]:
    """A request was answered with an error, or not at all."""
    if reading.stage in ("build", "push", "schedule", "register", "init") or reading.building_packages:
        return
    elsewhere = _elsewhere(reading)
    of_endpoint = reading.stage in ("run", "http", "ready") or (
        not reading.stage and reading.http_status is not None and not elsewhere
    )
    status, proof = _status(reading)
    if status == 424 and (model := reading.find(r"model-error-statuscode\W+(?P<code>\d{3})\b")):
        status, proof = int(model["code"]), model.line  # what a managed endpoint's front had for an answer
    named = _CAUSES.get(status or 0)
    if status is not None and named and (of_endpoint or not elsewhere):
        depth = Depth.WRAPPER + 2 if not of_endpoint else Depth.WRAPPER - 6
        yield found(
            named,
            depth,
            proof,
            certain=status != 403 and of_endpoint,
            status=str(status),
            limit=_limit(reading, status),
        )
    elif status == 500 and of_endpoint:
        told = not reading.empty
        yield found("run-exception", Depth.WRAPPER, proof, certain=told)
    if elsewhere and not of_endpoint:
        return
    for cause, pattern, step in _WORDS:
        hit = next((hit for hit in reading.find_all(pattern, limit=20) if not reading.in_script(hit.line)), None)
        if not hit or (_NOT_ENDPOINT.search(hit.line.text) and not re.search(r"/score", hit.line.text)):
            continue
        if named and named != cause and not _explains(named, cause):
            continue
        if cause == "endpoint-connection-refused":
            tried = reading.find_all(pattern, limit=20)
            hit = next((refused for refused in tried if _endpoint_refused(reading, refused)), None)
            if hit is None:
                continue
        if cause == "http-400-bad-request" and not of_endpoint and status is None:
            continue
        yield found(cause, Depth.SPECIFIC + step, hit, proof if named == cause else None, limit=_limit(reading, status))


def _explains(status_cause: str, cause: str) -> bool:
    """Whether words may correct a status: a 400 of a server that means 413, a 500 or 502 around a time-out."""
    return (status_cause, cause) in {
        ("http-400-bad-request", "http-415-content-type"),
        ("http-400-bad-request", "http-413-payload-too-large"),
        ("http-429-throttled", "http-503-overloaded"),
        ("http-502-run-crashed", "http-504-timeout"),
    }


def _status(reading: Reading) -> tuple[int | None, Line | None]:
    if reading.http_status is not None:
        return reading.http_status, reading.statement("HTTP status", reading.http_status)
    for hit in reading.find_all(_STATUS, limit=50):
        text = next(value for value in hit.match.groupdict().values() if value)
        text_of_it = hit.line.text
        if not (_NOT_ENDPOINT.search(text_of_it) or _PROBED.search(text_of_it) or reading.in_script(hit.line)):
            return int(text), hit.line
    return None, None


def _elsewhere(reading: Reading) -> bool:
    """Whether the talk is of an API server, an engine or a registry, and not of a scoring endpoint."""
    if (
        reading.http_status is None
        and not reading.evidence.http_body
        and reading.find(r"/score\b|scoring_uri|:5001\b|HTTP/1\.1 [45]")
    ):
        return False
    return any(_TROUBLE.search(hit.line.text) for hit in reading.find_all(_NOT_ENDPOINT.pattern, limit=50))


def _endpoint_refused(reading: Reading, hit: Hit) -> bool:
    """Connection refused at a scoring endpoint: not a probe, not the API server, not an engine, not a database of the script."""
    text = hit.line.text
    if not reading.stage:  # the address can stand on the next line
        text = " ".join(line.text for line in reading.near(hit.line, before=1, after=2))
    if re.search(
        r"probe failed|:6443|:8443|/var/run|dial unix|:5432|:6379|:3306|:27017|:443\b"
        r"|localhost:8080\b.*specify the right host|daemon",
        text,
    ) or hit.line.source in ("k8s_events", "k8s_reason"):
        return False
    if reading.stage in ("run", "http", "ready"):
        return not any(raised.in_script for raised in reading.raised)
    return bool(re.search(r"/score|:5001|127\.0\.0\.1|localhost|scor", text)) and not re.search(r"/api|/version", text)


def _limit(reading: Reading, status: int | None) -> str:
    if told := reading.find(r"scoring timeout after (?P<ms>\d+) ms"):
        return f"{int(told['ms']) / 1000:g} s"
    if status != 413:
        return ""
    hit = reading.find(r"(?:limit|max\w*|exceeds?)\D{0,30}(?P<size>\d[\d.,]* ?(?:bytes|[KMG]i?B|[kmg]\b)?)")
    return hit["size"] if hit else ""
