"""The program: flags, environment and files become a configuration; then the front runs.

Flags and variables are those of the inference HTTP server that existing scripts were written for; the command line goes
before the environment, the environment before the configuration file. The first worker is started before the event
loop is imported, because it is what a start waits for.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any, NoReturn

from jupyter_mldeploy.runtime.configuration import (
    ConfigurationError,
    ServiceConfig,
    WorkerMake,
    content_of,
    not_readable,
)

NEEDS_SCRIPT = (
    "Either provide an entry_script using --entry_script "
    "or provide a path to the configuration file using --config_file"
)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Wrong arguments end with exit code 1 and the whole help."""
        self.print_help(sys.stderr)
        self.exit(1, f"{self.prog}: error: {message}\n")


def parser() -> argparse.ArgumentParser:
    """The program's flags."""
    made = _Parser(prog="mldeploy serve", description="Serve a scoring script over HTTP.", allow_abbrev=False)
    add = made.add_argument
    add("--entry_script", help="the scoring script, with init() and run(data)")
    add("--model_dir", help="AZUREML_MODEL_DIR, as given")
    add("--port", type=int, help="port to listen on (5001); 0 takes a free one")
    add("--host", help="address to listen on (127.0.0.1)")
    add("--worker_count", help="number of replicas, or 'auto' to adapt to what run() does")
    add("--threads", type=int, help="requests that one replica runs at a time (1)")
    add("--config_file", help="JSON file with settings, named like the environment variables")
    add("--access_control_allow_origins", help="comma-separated origins for cross-origin requests")
    add("--scoring_timeout_ms", type=int, help="longest run() before 504 (60000)")
    add("--max_request_wait_ms", type=int, help="longest wait for a free replica before 503 (no limit)")
    add("--debug", action="store_true", default=None, help="put tracebacks into answers; not for production")
    add("--debug_port", type=int, help="wait for debugpy on this port before init()")
    add("--dry_run", action="store_true", help="load the script, run init() and the sample, then leave")
    add("--sample", help="a file whose content run() gets in a dry run")
    add("--reload", action="store_true", help="take in the script file whenever it changes")
    add("--service_config", help=argparse.SUPPRESS)
    add("--announce_fd", type=int, help=argparse.SUPPRESS)
    for accepted in ("--appinsights_instrumentation_key", "--health_port", "--rest"):
        add(accepted, nargs="?", help=argparse.SUPPRESS)
    return made


def main(argv: list[str] | None = None) -> int:
    """Run the program; see `jupyter_mldeploy.runtime.main`."""
    flags = parser().parse_args(argv)
    try:
        config = (
            ServiceConfig.from_file(flags.service_config) if flags.service_config else by_hand(flags, dict(os.environ))
        )
        config = config.with_secrets_of(os.environ)  # type: ignore[arg-type]
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    from jupyter_mldeploy.runtime.front import run

    return run(config, announce_fd=flags.announce_fd)


def by_hand(flags: argparse.Namespace, environment: dict[str, str]) -> ServiceConfig:
    """The configuration of a server started by hand; raises `ConfigurationError`."""
    root = environment.get("AML_APP_ROOT") or os.getcwd()
    if not os.path.isdir(root):
        raise ConfigurationError(f"The app root {root}, from AML_APP_ROOT, is not a folder.")
    settings = {**_config_file(flags, environment, root), **environment}
    script = flags.entry_script or settings.get("AZUREML_ENTRY_SCRIPT")
    if not script:
        if not os.path.exists(os.path.join(root, "main.py")):
            raise ConfigurationError(NEEDS_SCRIPT)
        script = "main.py"
    if flags.entry_script:
        script = _place_of(flags.entry_script)
    if flags.sample and not flags.dry_run:
        raise ConfigurationError("--sample is the request of a --dry_run; add that, or leave --sample out.")
    count = flags.worker_count if flags.worker_count is not None else settings.get("WORKER_COUNT", "auto")
    adapting = str(count).lower() == "auto"
    replicas = 1 if adapting else _number("worker_count", count)
    debug_port = flags.debug_port or settings.get("AZUREML_DEBUG_PORT")
    if debug_port and not 0 < _number("debug_port", debug_port) <= 65535:
        raise ConfigurationError(f"debug_port must be between 1 and 65535, not {debug_port}.")
    if flags.sample and not os.access(flags.sample, os.R_OK):
        raise ConfigurationError(f"The sample {flags.sample} cannot be read; name a file with a request's body.")
    if debug_port:  # one process to attach to
        adapting, replicas = False, 1
    origins = flags.access_control_allow_origins or settings.get("AML_CORS_ORIGINS") or ""
    model_dir = flags.model_dir if flags.model_dir is not None else settings.get("AZUREML_MODEL_DIR")
    config = ServiceConfig(
        worker=WorkerMake(
            entry_script=str(script),
            app_root=root,
            source_directory=settings.get("AZUREML_SOURCE_DIRECTORY") or None,
            model_dir=model_dir,
        ),
        by_hand=True,
        service=str(settings.get("SERVICE_NAME") or "ML service"),
        service_version=str(settings.get("SERVICE_VERSION") or "1.0"),
        path_prefix=str(settings.get("SERVICE_PATH_PREFIX") or ""),
        host=flags.host or "127.0.0.1",
        port=5001 if flags.port is None else flags.port,
        min_replicas=replicas,
        max_replicas=None if adapting else replicas,
        threads=1 if flags.threads is None else flags.threads,
        scoring_timeout_ms=_number("SCORING_TIMEOUT_MS", settings.get("SCORING_TIMEOUT_MS", 60_000))
        if flags.scoring_timeout_ms is None
        else flags.scoring_timeout_ms,
        max_request_wait_ms=flags.max_request_wait_ms,
        init_timeout_s=None,
        cors_origins=tuple(part for part in str(origins).split(",") if part.strip()),
        debug=bool(flags.debug),
        debug_port=None if not debug_port else _number("debug_port", debug_port),
        dry_run=flags.dry_run,
        sample=flags.sample,
        watch=flags.reload,
    )
    return config._replace(server_version=_server_version(settings)).validated()


def _place_of(script: str) -> str:
    """Where a script lies; links within its own folder are kept: mounted configuration swaps what they lead to."""
    path, real = os.path.abspath(script), os.path.realpath(script)
    return path if real.startswith(os.path.join(os.path.dirname(path), "")) else real


def _config_file(flags: argparse.Namespace, environment: dict[str, str], root: str) -> dict[str, Any]:
    given = flags.config_file or environment.get("AZUREML_CONFIG_FILE")
    candidates = [given or os.path.join(root, "config.json")]
    script = flags.entry_script or environment.get("AZUREML_ENTRY_SCRIPT")
    if not given and script:
        candidates.append(os.path.join(os.path.dirname(os.path.join(root, script)), "config.json"))
    for path in candidates:
        if not os.path.isfile(path):
            if given:
                what = "is a folder" if os.path.isdir(path) else "does not exist"
                raise ConfigurationError(f"The configuration file {path} {what}.")
            continue
        try:
            value = json.loads(content_of(path))
        except (OSError, ValueError) as error:
            if given:
                raise ConfigurationError(not_readable("configuration file", path, error)) from None
            continue
        if isinstance(value, dict):
            return value
        if given:
            raise ConfigurationError(f"The configuration file {path} must hold a JSON object.")
    return {}


def _server_version(settings: dict[str, Any]) -> str | None:
    from jupyter_mldeploy._version import __version__

    if str(settings.get("SERVER_VERSION_LOG_RESPONSE_ENABLED", "true")).lower() != "true":
        return None
    return str(settings.get("HTTP_X_MS_SERVER_VERSION") or f"mldeploy/{__version__}")


def _number(name: str, value: Any) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = 0
    if number <= 0:
        raise ConfigurationError(f"{name} must be a whole number above 0, not {value!r}.")
    return number
