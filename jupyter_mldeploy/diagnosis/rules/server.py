"""The scoring server: gunicorn's and others' words about their workers and their port."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jupyter_mldeploy.diagnosis.reading import LOGS, Hit, Reading
from jupyter_mldeploy.diagnosis.rule import Depth, Finding, found, rule

_SIGKILL = (
    r"Worker (?:with pid |\(pid: ?)(?P<pid>\d+)\)? (?:was sent SIGKILL|was terminated due to signal 9"
    r"|exited with (?:code|signal):? ?-?(?:9|137))"
    r"|(?:Child|child|Process|worker)\W.{0,40}(?P<other>\d+).{0,30}(?:signal 9|SIGKILL|code -9|code: -9"
    r"|exitcode -9|exitcode=-9)|Perhaps out of memory\?"
    r"|A worker process managed by the executor was unexpectedly terminated"
    r"|DAMN ! worker \d+ \(pid: (?P<uwsgi>\d+)\) died, killed by signal 9|terminated due to signal 9"
    r"|WorkerLostError: .*SIGKILL|died from signal 9|Waiting for child process \[(?P<uvicorn>\d+)\].*SIGKILL"
)
_TIMEOUT = (
    r"WORKER TIMEOUT \(pid: ?(?P<pid>\d+)\)|CRITICAL\W+WORKER TIMEOUT|HARAKIRI (?:\[core|ON WORKER)"
    r"|Worker (?P<other>\d+) .{0,40}(?:timed out|heartbeat)"
    r""
)


@rule("worker-timeout", "gunicorn-worker-oom")
def worker_ended(reading: Reading) -> Iterator[Finding]:
    """``WORKER TIMEOUT`` or a SIGKILL. After a time-out gunicorn kills the worker itself, so of one pid the time-out counts."""
    late = reading.find_all(_TIMEOUT, limit=50)
    killed = reading.find_all(_SIGKILL, limit=50)
    late_pids = {hit["pid"] or hit["other"] for hit in late}
    seconds = reading.find(r"(?:--timeout[ =]|worker timeout (?:is )?set to|[Tt]imeout:? )(?P<seconds>\d+)")
    in_init = bool(late) and not reading.find(
        r"(?:POST|GET) /score|init has completed|Application startup complete|\" 200 |replica_ready"
    )
    if late:
        yield found("worker-timeout", Depth.ROOT + 5, late[0], *late[1:3], timeout=seconds["seconds"] if seconds else "",
                    phase="init()" if in_init else "")  # fmt: skip
    other = [hit for hit in killed if (hit["pid"] or hit["other"] or hit["uwsgi"] or "-") not in late_pids]
    if other:
        yield found("gunicorn-worker-oom", Depth.ROOT + 5 if not late else Depth.SYMPTOM, *other[:3], certain=not late)
    elif killed:
        yield found("gunicorn-worker-oom", Depth.SYMPTOM, killed[0], certain=False)


@rule("gunicorn-worker-oom")
def boots_again_and_again(reading: Reading) -> Finding | None:
    """``Booting worker`` in a loop. It is documented as too little memory, and also follows crashes and time-outs."""
    boots = reading.find_all(r"Booting worker with pid: ?(?P<pid>\d+)", LOGS, limit=300)
    if len({hit["pid"] for hit in boots}) < 3 or reading.find(_TIMEOUT):
        return None
    told = reading.find(
        r"Traceback|Exception in worker process|Worker failed to boot|Segmentation|SIGSEGV"
        r"|Autorestarting worker|Handling signal: (?:hup|ttin|usr2)|exited with code|due to signal (?:11|4"
        r"|6)\b|\" 200 "
    )
    times = {stamp for hit in boots if (stamp := _stamp(hit))}
    # Without stamps and without gunicorn's own words before it, the line is what Azure's logs are filtered to.
    few = 3 if not reading.find(r"Starting gunicorn|Listening at:|Using worker:") else 5
    repeated = len(times) > 2 if times else len(boots) >= few
    listening = len(reading.find_all(r"Listening at:", LOGS))
    if told or not repeated or (times and len(boots) <= 4 and listening >= len(boots)):
        return None
    return found("gunicorn-worker-oom", Depth.SYMPTOM, *boots[:4], certain=False)


def _stamp(hit: Hit) -> str:
    match = re.search(r"\d\d:\d\d:\d\d", hit.line.shown)
    return match[0] if match else ""


@rule("port-already-in-use")
def port_taken(reading: Reading) -> Finding | None:
    """Somebody else listens there already."""
    hit = reading.find(
        r"Address already in use|address in use|Connection in use: \('?(?P<host>[^']*)'?, (?P<gunicorn>\d+)\)"
        r"|port is already allocated|Only one usage of each socket address|EADDRINUSE"
        r"|[Pp]ort (?P<port>\d+) is (?:already )?(?:in use|being used|taken|allocated)"
        r"|port you are attempting to use is already in use|Ports are not available"
        r"|provided port is already allocated"
        r"|didn't have free ports for the requested pod ports|\[Errno 98\]|\[Errno 48\]|WinError 10048"
        r"|bind: address already in use|port .{0,20}(?:already in use|not available)"
        r"|listen .{0,60}already in use"
    )
    if not hit and reading.exit_code == 98 and reading.target == "local":
        return found("port-already-in-use", Depth.ROOT, reading.statement("exit code", 98))
    if not hit:
        return None
    text = hit.line.text
    number = hit["gunicorn"] or hit["port"]
    if not number:
        match = re.search(
            r"(?:0\.0\.0\.0|127\.0\.0\.1|localhost|\[::\]|\*|::1|for)?[:,] ?'?\(?(\d{2,5})\b(?!-\d)",
            re.sub(r"\d\d:\d\d:\d\d", "", text),
        )
        number = match[1] if match else ""
    return found("port-already-in-use", Depth.ROOT, hit, port=number)


@rule("privileged-port-denied")
def low_port(reading: Reading) -> Finding | None:
    """Only root, or a process with NET_BIND_SERVICE, may listen below 1024."""
    hit = reading.find(
        r"(?:bind|listen)\S* .{0,60}(?::|, )(?P<port>\d{1,3})\b.{0,60}permission denied"
        r"|bind\(\) to \S*?:(?P<nginx>\d{1,3}) failed \(13"
        r"|attempting to bind on address \('[^']*', (?P<asyncio>\d{1,3})\): .{0,20}(?:permission denied|EACCES)"
        r"|(?:connection|connect) to \('[^']*', (?P<gunicorn>\d{1,3})\)(?: failed)?: \[Errno 13\]"
        r"|cannot expose privileged port (?P<rootless>\d+)|EACCES:? .{0,60}:(?P<node>\d{1,3})\b"
        r"|[Pp]ermission denied.{0,40}(?:bind|port|socket).{0,30}\b(?P<after>\d{2,3})\b"
        r"|(?:could not|cannot|can't|failed to) (?:bind"
        r"|listen).{0,60}\b(?P<plain>\d{2,3})\b.{0,40}(?:[Pp]ermission|13)"
        r"|listen tcp \S*:(?P<go>\d{1,3}): bind: permission denied"
        r"|permission denied:? \('[^']*', (?P<errno>\d{1,3})\)"
    )
    if not hit:
        denied = reading.find(r"\[Errno 13\]|Permission denied")
        port = reading.find(
            r"(?:Can't connect to|Retrying in|bind(?:ing)? (?:to|on)|Listening at:?|--bind|-b|--port"
            r"|address).{0,30}[:, ](?P<port>\d{1,3})(?!\d|\.)\)?'?\s*$"
        )
        if not denied or not port or "/" in denied.line.text.split("ermission denied")[-1]:
            bare = reading.find(r"PermissionError: \[Errno 13\] Permission denied$")
            if not bare or not any(
                r.through("bind", "socketserver", "create_server", "sock.py") for r in reading.raised
            ):
                return None
            return found("privileged-port-denied", Depth.ROOT, bare, certain=False)
        return found("privileged-port-denied", Depth.ROOT, port, denied, port=port["port"])
    number = next((value for value in hit.match.groupdict().values() if value), "")
    if number and int(number) >= 1024:
        return None
    return found("privileged-port-denied", Depth.ROOT - 1, hit, port=number)


@rule("crashloop-init-exception")
def init_failed(reading: Reading) -> Iterator[Finding]:
    """``init()`` failed: a platform says so, or there is a traceback through it that no other rule knows better."""
    own = [r for r in reading.raised if any(f.own and f.function == "init" for f in r.frames)]
    if own:
        frame = own[-1].own_frame
        yield found("crashloop-init-exception", Depth.SYMPTOM, own[-1].line, type=own[-1].name, text=own[-1].message,
                    script=frame.name if frame else "", line=str(frame.line) if frame else "")  # fmt: skip
    hit = reading.find(
        r"errors in your scoring file'?s? init\(\)|Did your init method fail|User'?s init function failed"
        r"|UserScriptInitFailed|container application crashed|Error: Container has crashed"
        r"|init\(\) (?:has )?(?:failed|raised|crashed)|(?:exception|error) in (?:your |the |user'?s? )?init\b"
    )
    if hit and "timed out" not in hit.line.text:
        yield found("crashloop-init-exception", Depth.WRAPPER - 1, hit)
        return
    loop = reading.find(
        r"CrashLoopBackOff|Back-off restarting failed container|Worker failed to boot|Application startup failed"
    )
    started = reading.find_last(
        r"Invoking user'?s init function|Running init|init_started|Waiting for application startup"
    )
    done = reading.find(r"init has completed|init_finished|Application startup complete")
    if loop and started and not done:
        yield found("crashloop-init-exception", Depth.WRAPPER - 1, loop, started, certain=False)
    elif reading.stage == "init" and (last := reading.last_exception()) and not own:
        yield found(
            "crashloop-init-exception", Depth.WRAPPER - 2, last.line, certain=False, type=last.name, text=last.message
        )


@rule("deployment-timed-out")
def gave_up_waiting(reading: Reading) -> Finding | None:
    """The platform waited for a healthy service and gave up; what kept it is elsewhere."""
    hit = reading.find(
        r"DeploymentTimedOut|deployment (?:operation )?(?:has )?timed[ -]?out|(?:service|deployment"
        r"|endpoint) .{0,60}(?:did not|didn't|failed to|not) (?:become|get|reach|turn)\w* (?:healthy|ready"
        r"|running).{0,40}|gave up waiting|polling timed? ?out"
        r"|Connection to container has timed out|timed out waiting for (?:the )?(?:service|deployment"
        r"|container|endpoint|model)|TimedOut\b.{0,80}(?:deploy|service|polling)|(?:deploy\w*|rollout"
        r"|service creation).{0,60}(?:timed out|time-?out)|current service state: (?:TimedOut|Transitioning)"
        r"|wait_for_deployment.{0,60}(?:timeout|timed out)|exceeded the (?:maximum )?(?:deployment|wait) time"
    )
    if not hit or re.search(r"ProgressDeadlineExceeded|progress deadline", hit.line.text):
        return None
    waited = reading.find(
        r"(?:after|within|for|timeout[ :=]+"
        r"|polling:? ?)(?: polling)?(?: trying)?(?: for)? ?(?P<time>\d\d:\d\d:\d\d|\d+ ?(?:s|seconds|minutes"
        r"|min|m)\b)"
    )
    return found("deployment-timed-out", Depth.SYMPTOM + 2, hit, waited, waited=waited["time"] if waited else "")
