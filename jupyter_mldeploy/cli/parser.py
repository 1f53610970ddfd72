"""The words of ``mldeploy``: verbs, their options, and which function carries each out."""

from __future__ import annotations

import argparse
from typing import Any

from jupyter_mldeploy._version import __version__
from jupyter_mldeploy.cli.options import add_build, add_deployment, add_format, add_log_query, add_service_options
from jupyter_mldeploy.cli.v1_parser import add_v1_models, add_v1_services

__all__ = ["build_parser"]

EPILOG = """\
exit codes: 0 done, 1 refused or failed (one line on stderr, and one for each of several problems), 2 usage, 130 interrupted;
those of `mldeploy serve`, which has its own, are in docs/contract.md.
With --format json, stdout gets one JSON value (logs, status --watch: one a line); an error is {"error": {...}}.
"""


class _Parser(argparse.ArgumentParser):
    """What one does not know it tells with its own usage, and not with that of the whole program."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        known, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return known, unknown


class _Verbs:
    """Adds verbs to the program."""

    def __init__(self, program: argparse.ArgumentParser) -> None:
        self._actions = program.add_subparsers(title="verbs", metavar="VERB", dest="verb", required=True)

    def add(self, name: str, handler: str, text: str) -> argparse.ArgumentParser:
        """A verb; ``handler`` is ``module:function`` below ``cli``."""
        made = self._actions.add_parser(name, help=text, description=_sentence(text), allow_abbrev=False)
        made.set_defaults(handler=handler)
        add_format(made)
        return made

    def add_on_service(self, name: str, handler: str, text: str) -> argparse.ArgumentParser:
        """A verb whose first word is the name of a service."""
        made = self.add(name, handler, text)
        made.add_argument("name", metavar="NAME", help="name of the service")
        return made


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    program = _Parser(
        prog="mldeploy",
        description="Deploy models to a local process, a container or Kubernetes, and see why it fails.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    program.add_argument("--version", action="version", version=f"mldeploy {__version__}")
    add_format(program, of_verb=False)
    verbs = _Verbs(program)
    _add_changing(verbs)
    _add_looking(verbs)
    _add_models(verbs)
    _add_images(verbs)
    _add_v1(verbs)
    _add_tools(verbs)
    return program


def _add_changing(verbs: _Verbs) -> None:
    deploy = verbs.add("deploy", "deploying:deploy", "deploy a scoring script, or bring a service to what is asked")
    deploy.add_argument("script", nargs="?", help="the scoring script; left out, one is written for the models")
    deploy.add_argument("--name", required=True, help="name of the service: a DNS label of at most 63 characters")
    add_service_options(deploy)
    add_deployment(deploy)
    deploy.add_argument("--announced", action="store_true", help=argparse.SUPPRESS)

    reload = verbs.add_on_service("reload", "changing:reload", "let a running service take its edited script")
    reload.add_argument("--script", metavar="FILE", help="another script (default: the service's own, read again)")

    update = verbs.add_on_service("update", "changing:update", "change what a service is made of; the rest stays")
    update.add_argument("--script", metavar="FILE", help="another script")
    update.add_argument("--from-image", metavar="REF", help="use an image that was built before")
    add_service_options(update)

    scale = verbs.add_on_service("scale", "changing:scale", "change the number of replicas")
    bounds = scale.add_mutually_exclusive_group(required=True)
    bounds.add_argument("number", nargs="?", type=int, metavar="N", help="so many replicas")
    bounds.add_argument("--replicas", type=int, metavar="N", help="the same, as an option")
    bounds.add_argument("--autoscale", metavar="MIN:MAX", help="between these")

    verbs.add_on_service("history", "changing:history", "list the revisions of a service that its cluster keeps")
    rollback = verbs.add_on_service("rollback", "changing:rollback", "go back to an earlier revision of a service")
    rollback.add_argument("--revision", type=int, metavar="N", help="its number (default: the last one before this)")

    verbs.add_on_service("start", "changing:start", "start a service that was stopped or whose process is gone")
    verbs.add_on_service("stop", "changing:stop", "end a service's processes, and keep what is known of it")
    delete = verbs.add_on_service("delete", "changing:delete", "remove a service and all that is kept of it")
    delete.add_argument(
        "--image", action="store_true", help="also the images built for it here that nothing else needs"
    )
    delete.add_argument(
        "--forget", action="store_true", help="only what is known of it here: what it ran on is gone for good"
    )
    delete.add_argument("--yes", "-y", action="store_true", help="do not ask")


def _add_looking(verbs: _Verbs) -> None:
    verbs.add("services", "looking:services", "list the services")
    status = verbs.add_on_service("status", "looking:status", "show a service: state, replicas, what they run")
    status.add_argument("--watch", "-w", action="store_true", help="show each change until interrupted")

    run = verbs.add_on_service("run", "looking:run", "send a request and print the answer")
    run.add_argument("data", metavar="DATA", help="JSON, @FILE, or - for standard input")
    run.add_argument("--timeout", metavar="S", help="longest time to wait, such as 30 or 2m")
    run.add_argument("--raw", action="store_true", help="send the bytes as they are; they need not be JSON")

    score = verbs.add_on_service(
        "score", "looking:score", "send a request and print the answer, with the data as an option"
    )
    score.add_argument("--data", "-d", required=True, metavar="DATA", help="JSON, @FILE, or - for standard input")
    score.add_argument("--timeout", metavar="S", help="longest time to wait, such as 30 or 2m")
    score.add_argument("--raw", action="store_true", help="send the bytes as they are; they need not be JSON")

    compare = verbs.add_on_service("compare", "comparing:compare", "send two services one request; 1 if they differ")
    compare.add_argument("other", metavar="OTHER", help="name of the other service")
    compare.add_argument("data", nargs="?", metavar="DATA", help="JSON, @FILE, or - (default: the sample of the first)")
    compare.add_argument("--tolerance", metavar="T", help="how far numbers may lie apart, as a share (default: 1e-9)")

    logs = verbs.add_on_service("logs", "looking:logs", "print or follow a service's log")
    add_log_query(logs)

    diagnose = verbs.add("diagnose", "looking:diagnose", "say what is wrong with a service, or with evidence of one")
    # argparse writes a word and options that exclude each other as if all could be said.
    diagnose.usage = "%(prog)s [-h] [--format {text,json}] [--home DIR] (NAME | --evidence FILE | --list)"
    of_what = diagnose.add_mutually_exclusive_group(required=True)
    of_what.add_argument("name", metavar="NAME", nargs="?", help="name of the service")
    of_what.add_argument(
        "--evidence",
        metavar="FILE",
        help="name the cause from evidence: a case in JSON, a log as text, a folder of them, or - for standard input",
    )
    of_what.add_argument("--list", action="store_true", help="list the causes that are known")


def _add_models(verbs: _Verbs) -> None:
    models = verbs.add("models", "models:listing", "list, register, download and delete models")
    actions = models.add_subparsers(metavar="ACTION", dest="action")

    def action(name: str, text: str) -> argparse.ArgumentParser:
        made = actions.add_parser(name, help=text, description=_sentence(text), allow_abbrev=False)
        made.set_defaults(handler=f"models:{'listing' if name == 'list' else name}")
        # A default here would overwrite what was said before the action.
        made.add_argument("--format", choices=("text", "json"), default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        made.add_argument("--home", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        return made

    listing = action("list", "list models, or the versions of one")
    listing.add_argument("model", nargs="?", metavar="NAME")

    register = action("register", "keep a file or folder as the next version of a model")
    register.add_argument("model", metavar="NAME")
    register.add_argument("path", metavar="PATH", help="file or folder")
    register.add_argument("--tag", action="append", default=[], metavar="KEY=VALUE", help="again for more")
    register.add_argument("--property", action="append", default=[], metavar="KEY=VALUE", help="again for more")
    register.add_argument("--description", metavar="TEXT")

    download = action("download", "copy a model's file or folder")
    download.add_argument("model", metavar="NAME[:VERSION]")
    download.add_argument("folder", metavar="DIR", nargs="?", default=".", help="where to (default: here)")
    download.add_argument("--overwrite", action="store_true", help="replace what is there")

    delete = action("delete", "delete a version, or all of a model; refused while a service uses it")
    delete.add_argument("model", metavar="NAME[:VERSION]")
    delete.add_argument("--force", action="store_true", help="even if a service uses it")
    delete.add_argument("--yes", "-y", action="store_true", help="do not ask")


def _add_images(verbs: _Verbs) -> None:
    build = verbs.add("build", "images:build", "build the image of a service, and do no more")
    build.add_argument("script", nargs="?", help="the scoring script; left out, one is written for the models")
    build.add_argument("--name", required=True, help="name of the service")
    add_service_options(build)
    add_build(build)

    push = verbs.add_on_service("push", "images:push", "push the image of a service to a registry")
    push.add_argument("--registry", metavar="REF", help="registry and path (default: the setting)")

    image = verbs.add_on_service("image", "images:image", "show the image of a service: what it is made of, its steps")
    what = image.add_mutually_exclusive_group()
    what.add_argument("--dockerfile", action="store_true", help="print the Dockerfile")
    what.add_argument("--save", metavar="DIR", help="write the Dockerfile and all it copies, for another builder")

    images = verbs.add("images", "images:images", "list the images that were built here, also those that failed")
    images.add_argument("--log", metavar="REF", help="print the log of a build: an image, its tag, or a service")

    prune = verbs.add("prune", "images:prune", "remove containers of no record and images of no service")
    prune.add_argument("--context", help="Docker context")
    prune.add_argument("--yes", "-y", action="store_true", help="do not ask")

    verbs.add_on_service("manifests", "objects:manifests", "print a service's objects on a cluster, for a repository")
    verbs.add_on_service("shell", "inside:shell", "open a shell in a service's container")
    execute = verbs.add_on_service(
        "exec", "inside:execute", "run a command in a service's container: exec NAME -- pip freeze"
    )
    debug = verbs.add_on_service(
        "debug", "inside:debug", "let a debugger into a service's container; prints launch.json"
    )
    debug.add_argument("--port", type=int, default=5678, metavar="N", help="port on this machine (default: 5678)")
    execute.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND", help="program and arguments")


def _add_v1(verbs: _Verbs) -> None:
    add_v1_services(
        verbs.add("service", "v1_services:listing", "services of a v1 workspace, with the options of az ml service")
    )
    add_v1_models(verbs.add("model", "v1_models:listing", "models of a v1 workspace, with the options of az ml model"))
    reading = verbs.add("import", "importing:report", "say what of a project written for azureml-core runs as it is")
    reading.add_argument("path", metavar="PATH", help="a folder, a notebook or a Python file")


def _add_tools(verbs: _Verbs) -> None:
    # Never parsed here: its words go to the server's own program as they are (see program.run).
    verbs.add("serve", "program:serve", "serve a scoring script in the foreground (mldeploy serve --help)")
    verbs.add("doctor", "doctor:doctor", "say what is installed, which engines answer, and why not")
    verbs.add("config", "looking:config", "print every setting, its value and where that comes from")
    demo = verbs.add("demo", "demo:demo", "train, deploy, score, edit, break, explain and delete a model, step by step")
    demo.add_argument("--keep", action="store_true", help="leave the service running and say where it is kept")


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
