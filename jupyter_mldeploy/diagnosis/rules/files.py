"""What a process may not write or read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jupyter_mldeploy.diagnosis.reading import Reading
from jupyter_mldeploy.diagnosis.rule import Depth, Finding, found, rule

_NOT_A_FILE = re.compile(
    r"docker\.sock|docker daemon|podman\.sock|containerd\.sock|exec:|OCI runtime|starting container process"
    r"|\bbind\b|listen tcp|address \('|denied:? \('[^']*', \d+\)|publickey|entrypoint|unauthorized"
    r"|denied: (?:requested|access)|registry"
    r"|pull access|insufficient_scope|runc create|ssh|: line \d+: \S+: Permission",
    re.IGNORECASE,
)
_DENIED = (
    r"PermissionError: (?:\[Errno (?:13|1)\] )?(?:Permission denied|Operation not permitted"
    r"|access denied):? ?(?:b)?['\"]?(?P<python>[^'\"\n]*)"
    r"|\[Errno 13\] Permission denied:? ['\"]?(?P<errno>/?[^'\"\n]*)"
    r"|PermissionError: \[(?:Errno 13|WinError 5)\] [^:\n]+: ['\"](?P<said>[^'\"\n]+)"
    r"|(?:mkdir|cp|mv|touch|tee|chmod|chown|rm|cat|ls|ln|tar|install): (?:cannot|can't"
    r"|could not) [\w ]+ ?(?:to |for )?[`'\"‘]?(?P<shell>/?[\w./@-]+)['\"’]?: (?:Permission denied"
    r"|Operation not permitted)"
    r"|(?:open|mkdir|stat|create|write|unlink|chown|mkdirat) (?P<go>/[^:\s]+): permission denied"
    r"|EACCES: permission denied, \w+ '(?P<node>[^']+)'|Permission denied: '(?P<plain>[^']+)'"
    r"|(?P<before>/[\w./-]+): Permission denied"
    r"|(?:unable|failed|can't|cannot|could not) (?:to )?(?:create|write|open|read"
    r"|access)[\w ]*:? ['\"]?(?P<words>/[\w./-]+)['\"]?.{0,30}(?:Permission denied|errno = 13)"
    r"|PermissionError at (?P<hub>/\S+) when downloading|errno = 13, error message = 'permission denied'"
    # The shell and its tools, in other languages.
    r"|(?:['\"»’]|: )(?P<foreign>/[\w./@-]+)['\"«’]?[^\n]{0,60}: (?:Keine Berechtigung|Permiso denegado"
    r"|Permissão (?:negada|recusada)|Permesso negato|Отказано в доступе|Åtkomst nekas|Permission non accordée)"
    r"|(?:is not a writable directory|not writable"
    r"|no write (?:permission|access))"
)
_READ_ONLY = (
    r"Read-only file ?system:? ?['\"]?(?P<path>[^'\"\n(]*)|\[Errno 30\]"
    r"|EROFS: read-only file system, \w+ '(?P<node>[^']+)'|(?:cannot|can't"
    r"|could not) .{0,80}[`'\"‘](?P<shell>/?[\w./-]+)['\"’]: Read-only"
    r"|(?P<before>/[\w./-]+): read-only file system"
)


@rule("read-only-filesystem")
def read_only(reading: Reading) -> Finding | None:
    """A write where nothing can be written."""
    hit = reading.find(_READ_ONLY)
    if not hit:
        return None
    path = next((value.strip() for value in hit.match.groupdict().values() if value), "")
    if not path and (match := re.search(r"['\"`‘ ](/[\w./-]+)", hit.line.text)):
        path = match[1]
    return found("read-only-filesystem", Depth.ROOT - 1, hit, path=path)


@rule("file-permission-denied")
def permission_denied(reading: Reading) -> Iterator[Finding]:
    """The user of the process lacks a right on a path."""
    if reading.stage in ("push", "schedule"):
        return
    for hit in reading.find_all(_DENIED, limit=20):
        if _NOT_A_FILE.search(hit.line.text):
            continue
        path = next((value.strip(" '\":") for value in hit.match.groupdict().values() if value), "")
        if not path and re.search(r"PermissionError: \[Errno 13\] Permission denied$", hit.line.text):
            continue  # a socket; said without a path
        depth = Depth.ROOT if reading.stage != "build" else Depth.SPECIFIC + 2
        yield found("file-permission-denied", depth, hit, path=path)
        return
