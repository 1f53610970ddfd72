"""The container runtime speaks: runc, crun, containerd, tini and the shell that should start the service."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from jupyter_mldeploy.diagnosis.rule import Depth, Finding, found, rule

if TYPE_CHECKING:
    from jupyter_mldeploy.diagnosis.reading import Hit, Reading

_FORMAT = (
    r"exec (?P<command>/?[\w./-]+): exec format error|exec format error"
    r"|exec user process caused:? \"?exec format error"
    r"|cannot execute binary file|rosetta error: |qemu-\w+: could not open|elf file[^\n]*wrong (?:class|architecture)"
)
_INTERPRETER = (
    r"exec user process caused:? \"?no such file or directory"
    r"|(?P<command>/?[\w./-]+): (?:/[\w./]+(?:\^m|\\r)?: )?bad interpreter: ?(?P<interpreter>[^\n]*)|bad interpreter"
    r"|/usr/bin/env: ['‘`]?(?P<cut>python\d?|bash|sh|node)['’]?\s*$"
    r"|env: ['‘`\"]?(?P<plain>[\w./]+)(?:\\r|\^m|\\015)?['’\"]?: no such file"
    r"|env: can't execute '?(?P<busybox>[\w.]+)|use -\[v\]s to pass options in shebang lines"
    r"|exec (?P<script>/?[\w./-]+): no such file or directory|cannot execute: required file not found"
    r"|(?:\$'\\r'|\\r|\^m): (?:command )?not found|/bin/(?:ba|da)?sh(?:\^m|\\r)"
)
_CARRIAGE = re.compile(r"\\r|\^M|\r|\\015")
_NOT_EXECUTABLE = (
    r"exec:? \\?\"(?P<command>[^\"\\\n]+)\\?\": (?:permission denied|is a directory)"
    r"|exec user process caused:? \"?permission denied"
    r"|exec (?P<script>/?[\w./-]+): permission denied|exec (?P<tini>\S+) failed: permission denied"
    r"|open executable: permission denied"
    r"|\[dumb-init\] (?P<dumb>\S+): permission denied|starting container process caused[^\n]*permission denied"
    r"|unable to start container process[^\n]*: permission denied: unknown"
    r"|unable to exec (?P<s6>\S+): permission denied|oci permission denied|executable bit is not set"
    r"|error executing[^\n]*permission denied"
)
_SHELL_DENIED = (
    r"/bin/(?:ba|da)?sh: (?:line )?(?:\d+: )?(?P<command>[\w./-]+): permission denied"
    r"|^(?P<bare>[\w./-]+\.sh): permission denied"
)
_NOT_FOUND = (
    r"exec:? \\?\"(?P<command>[^\"\\\n]+)\\?\": (?:executable file not found|stat [^\n]*no such file"
    r"|no such file or directory|not found)"
    r"|exec: (?P<sh>[\w./-]+): not found|executable file `(?P<crun>[^`\n]+)` not found"
    r"|exec (?P<tini>[\w./-]+) failed: no such file"
    r"|\[dumb-init\] (?P<dumb>\S+): no such file|unable to exec (?P<s6>\S+): no such file|unable to find user"
    r"|failed to find (?:initial )?executable \\?\"(?P<gvisor>[^\"\\\n]+)"
    r"|executable file not found in|attempted to invoke a command that was not found"
    r"|/(?:ba|da|a)?sh: (?:line )?(?:\d+: )?(?P<shell>[\w./+-]+): (?:command )?not found"
    r"|^(?P<bare>[\w./-]+): command not found|(?:line )?\d+: (?P<line>[\w./-]+): (?:command )?not found"
    # bash, in other languages
    r"|: (?P<foreign>[\w./-]+): (?:orden no encontrada|comando non trovato|comando não encontrado|команда не найдена"
    r"|(?:Kommando|Befehl) nicht gefunden|commande introuvable|kommandot finns inte|kommando finns inte)"
    r"|/bin/sh: (?P<old>[\w./-]+): not found"
    r"|/(?:ba|da|a)?sh: (?:0: )?can't open '?(?P<open>[\w./-]+)'?"
    r"|/(?:ba|da|a)?sh: (?P<missing>/[\w./-]+): no such file or directory"
)
_PACKAGES = {
    "gunicorn": "gunicorn",
    "azmlinfsrv": "azureml-inference-server-http",
    "uvicorn": "uvicorn",
    "flask": "flask",
    "mlflow": "mlflow",
    "waitress-serve": "waitress",
    "streamlit": "streamlit",
    "hypercorn": "hypercorn",
    "bentoml": "bentoml",
    "mlserver": "mlserver",
}


@rule("exec-format-error", "entrypoint-bad-interpreter", "entrypoint-not-executable", "command-not-found")
def start_command(reading: Reading) -> Iterator[Finding]:
    """The program cannot be started: of another machine, without its interpreter, without the bit, or not there."""
    root = Depth.ROOT - 3 if reading.stage != "build" else Depth.SPECIFIC - 1
    if hit := reading.find(_FORMAT):
        yield found("exec-format-error", Depth.ROOT - 4, hit, command=_named(hit))
    hit = reading.find(_INTERPRETER)
    if hit and not _elsewhere(hit):
        crlf = any(_CARRIAGE.search(line.text + line.shown) for line in reading.near(hit.line, after=1))
        interpreter = next((hit[k] for k in ("interpreter", "plain", "busybox", "cut") if hit[k]), "")
        interpreter = re.sub(r"\^M|\\r|: no such file.*", "", interpreter, flags=re.IGNORECASE).strip(" :")
        yield found(
            "entrypoint-bad-interpreter",
            root - 1 if crlf else root,
            hit,
            command=hit["command"] or hit["script"],
            interpreter=f"{interpreter} with CRLF line endings".strip() if crlf else interpreter,
        )
    elif shebang := _shown_shebang(reading):
        yield found(
            "entrypoint-bad-interpreter", root, *shebang, command=_named(shebang[0]), interpreter=shebang[1]["path"]
        )
    hit = reading.find(_NOT_EXECUTABLE)
    if hit is None and reading.exit_code in (126, None):
        hit = reading.find(_SHELL_DENIED)
    if hit and not _elsewhere(hit):
        yield found("entrypoint-not-executable", root, hit, command=_named(hit))
    hit = next((hit for hit in reading.find_all(_NOT_FOUND, limit=20) if not _elsewhere(hit)), None)
    if hit:
        command = _named(hit)
        program = command.split(" ", 1)[0].rsplit("/", 1)[-1]
        depth = root + 1 if reading.exit_code in (127, 128, None) or "exec" in hit.line.text else Depth.SPECIFIC
        yield found("command-not-found", depth, hit, command=command, requirement=_PACKAGES.get(program, ""))
    elif reading.exit_code == 127:
        yield found("command-not-found", Depth.SYMPTOM, reading.statement("exit code", 127), certain=False)
    elif reading.exit_code == 126:
        yield found("entrypoint-not-executable", Depth.SYMPTOM, reading.statement("exit code", 126), certain=False)


def _shown_shebang(reading: Reading) -> tuple[Hit, Hit] | None:
    """A program is not found and yet somebody shows its first line: it is there, and what that line names is not."""
    missing = reading.find(_NOT_FOUND)
    if missing is None or not _named(missing).startswith("/"):
        return None
    shebang = reading.find(r"^#! ?(?P<path>/[^\s]+)")
    return (missing, shebang) if shebang and shebang.line.number > missing.line.number else None


def _named(hit: Hit) -> str:
    return next((value for value in hit.match.groupdict().values() if value), "").strip("'\" ")


def _elsewhere(hit: Hit) -> bool:
    """Whether it is a program that a client on this machine wants to run, or a compiler that a build lacks."""
    text = hit.line.text.lower()
    others = (
        "getting credentials",
        "unable to connect to the server",
        "docker-credential",
        "cc1plus",
        "gcc",
        "g++",
        "gke-gcloud",
        "kubelogin",
        "preinstall",
    )
    return any(word in text for word in others)
