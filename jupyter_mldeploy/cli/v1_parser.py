"""The words of ``mldeploy service …`` and ``mldeploy model …``: the options of ``az ml``, of the same names."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

__all__ = ["SETTINGS", "add_v1_models", "add_v1_services"]

Adds = Callable[[str, str], argparse.ArgumentParser]
SETTINGS: dict[tuple[str, ...], Callable[[str], Any]] = {
    ("--cpu-cores", "--cc"): float,
    ("--memory-gb", "--gb"): float,
    ("--cpu-cores-limit", "--ccl"): float,
    ("--memory-gb-limit", "--gbl"): float,
    ("--gpu-cores", "--gc"): int,
    ("--num-replicas", "--nr"): int,
    ("--autoscale-enabled", "--as"): bool,
    ("--autoscale-min-replicas",): int,
    ("--autoscale-max-replicas",): int,
    ("--autoscale-target-utilization",): int,
    ("--scoring-timeout-ms",): int,
    ("--max-request-wait-time",): int,
    ("--auth-enabled", "--ae"): bool,
    ("--token-auth-enabled",): bool,
}
"""Options of ``az ml`` that are arguments of the same names in Python."""


def add_v1_services(service: argparse.ArgumentParser) -> None:
    """``mldeploy service ACTION``."""
    action = _actions(service, "v1_services")
    listing = action("list", "list the services of a workspace")
    listing.add_argument("--compute-type", "-k", help="ACI, AKS or Local")
    listing.add_argument("--model-name")
    _named(action("show", "show a service"))
    logs = _named(action("get-logs", "print a service's log"))
    logs.add_argument("--num-lines", "--num_lines", "-l", type=int, default=5000, metavar="N", help="the last so many")
    run = _named(action("run", "send a request and print the answer"))
    run.add_argument("--input-data", "-d", required=True, metavar="DATA", help="JSON, @FILE, or - for standard input")
    _named(action("get-keys", "print the two keys of a service"))
    regen = _named(action("regen-key", "replace a key of a service"))
    regen.add_argument("--key", "-k", required=True, help="Primary or Secondary")
    regen.add_argument("--set-key", "-s", metavar="KEY", help="the new one (default: one is made)")
    _named(action("delete", "remove a service"))
    update = _named(action("update", "change what a service is made of"))
    update.add_argument("--ic", metavar="FILE", help="inferenceconfig.json")
    update.add_argument("--model", "-m", action="append", default=[], metavar="NAME:VERSION")
    _metadata(update)
    update.add_argument("--add-tag", action="append", default=[], metavar="KEY=VALUE")
    update.add_argument("--remove-tag", action="append", default=[], metavar="KEY")
    update.add_argument("--add-property", action="append", default=[], metavar="KEY=VALUE")
    update.add_argument("--description", "-d", metavar="TEXT")
    _settings(update)


def add_v1_models(model: argparse.ArgumentParser) -> None:
    """``mldeploy model ACTION``."""
    action = _actions(model, "v1_models")
    register = _named(action("register", "register a model"))
    register.add_argument("--model-path", "-p", metavar="PATH", help="a file or folder")
    register.add_argument("--asset-path", metavar="PATH", help="the same; with --run-id among the run's files")
    register.add_argument("--run-id", metavar="ID", help="the run that it comes of")
    register.add_argument("--experiment-name", metavar="NAME", help="the experiment of that run")
    register.add_argument(
        "--output-metadata-file", "-t", metavar="FILE", help="write what is known of it there, as JSON"
    )
    register.add_argument("--description", "-d")
    register.add_argument("--tag", action="append", default=[], metavar="KEY=VALUE")
    register.add_argument("--property", action="append", default=[], metavar="KEY=VALUE")
    register.add_argument("--model-framework")
    register.add_argument("--model-framework-version")
    listing = action("list", "list the models of a workspace")
    listing.add_argument("--model-name", "-n")
    listing.add_argument("--latest", "-l", action="store_true")
    show = action("show", "show a model")
    show.add_argument("--model-name", "-n")
    show.add_argument("--model-id", "-i")
    show.add_argument("--version", type=int)
    download = action("download", "copy a model's file or folder")
    download.add_argument("--model-id", "-i", required=True)
    download.add_argument("--target-dir", "-t", default=".")
    download.add_argument("--overwrite", action="store_true")
    delete = action("delete", "delete a model")
    delete.add_argument("--model-id", "-i", required=True)
    deploy = _named(action("deploy", "deploy models"))
    deploy.add_argument("--model", "-m", action="append", default=[], metavar="NAME:VERSION", help="again for more")
    _metadata(deploy)
    deploy.add_argument("--ic", "--inference-config-file", metavar="FILE", help="inferenceconfig.json")
    deploy.add_argument("--dc", "--deploy-config-file", metavar="FILE", help="deploymentconfig.json")
    deploy.add_argument("--ct", "--compute-target", metavar="NAME", help="a context of your kubeconfig")
    deploy.add_argument("--overwrite", action="store_true")
    deploy.add_argument("--tag", action="append", default=[], metavar="KEY=VALUE")
    deploy.add_argument("--property", action="append", default=[], metavar="KEY=VALUE")
    deploy.add_argument("--description", "-d", metavar="TEXT")
    _settings(deploy)
    package = action("package", "build an image of models, or write its Dockerfile")
    package.add_argument("--model", "-m", action="append", default=[], metavar="NAME:VERSION")
    package.add_argument("--ic", "--inference-config-file", metavar="FILE")
    package.add_argument("--output-path", metavar="DIR", help="write the Dockerfile and its context there")
    package.add_argument("--image-name")
    package.add_argument("--image-label")


class _Action(argparse.ArgumentParser):
    """Says itself what it does not take, under its own usage."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        found, rest = super().parse_known_args(args, namespace)
        if rest:
            self.error(f"unrecognized arguments: {' '.join(rest)}")
        return found, rest


def _settings(parser: argparse.ArgumentParser) -> None:
    """What ``deploy_configuration()`` and ``update()`` take, as far as the kind of service takes it."""
    for names, kind in SETTINGS.items():
        if kind is bool:
            parser.add_argument(*names, type=_flag, metavar="true|false")
        else:
            parser.add_argument(*names, type=kind, metavar="N")


def _flag(text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
    return text.lower() == "true"


def _actions(parser: argparse.ArgumentParser, module: str) -> Adds:
    actions = parser.add_subparsers(metavar="ACTION", dest="action", required=True, parser_class=_Action)

    def action(name: str, text: str) -> argparse.ArgumentParser:
        made = actions.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.", allow_abbrev=False)
        function = {"list": "listing"}.get(name, name.replace("-", "_"))
        made.set_defaults(handler=f"{module}:{function}")
        # A default here would overwrite what was said before the action.
        made.add_argument("--format", choices=("text", "json"), default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        made.add_argument("--home", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        made.add_argument(
            "--output",
            "-o",
            dest="format",
            type=_format,
            default=argparse.SUPPRESS,
            metavar="FORMAT",
            help="json, or table",
        )
        made.add_argument("--query", type=_no_query, help=argparse.SUPPRESS)
        made.add_argument(
            "--workspace-name", "-w", metavar="W", help="default: config.json's, or the only one there is"
        )
        made.add_argument("--resource-group", "-g", metavar="G")
        made.add_argument("--subscription-id", metavar="S")
        made.add_argument("--verbose", action="store_true", help="say which workspace and which folder it is, too")
        return made

    return action


def _metadata(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model-metadata-file", "-f", action="append", default=[], metavar="FILE", help="what register wrote with -t"
    )


def _format(text: str) -> str:
    """The formats of ``az``, as ours."""
    if text not in {"json", "jsonc", "table", "tsv", "none"}:
        raise argparse.ArgumentTypeError(f"{text!r} is not among json, jsonc, table, tsv and none")
    return "json" if text.startswith("json") else "text"


def _no_query(text: str) -> str:
    raise argparse.ArgumentTypeError(f"{text!r} is not evaluated: take --format json, and cut out of it what you need")


def _named(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("--name", "-n", required=True)
    return parser
