"""The options that several verbs share, each declared once. Nothing of the package is imported here."""

from __future__ import annotations

import argparse

__all__ = ["SETTINGS", "add_build", "add_deployment", "add_format", "add_log_query", "add_service_options"]

SETTINGS = ("home", "base_image", "registry", "ca_bundle", "max_request_wait", "init_timeout")
"""Options that are settings of the same name, and win over them."""
STAGES = ("register", "build", "push", "ready")


def add_format(parser: argparse.ArgumentParser, *, of_verb: bool = True) -> None:
    """What the program has and every verb, so that it may stand before the verb or after it."""
    # A verb's default would overwrite what was said before it.
    form, home = (argparse.SUPPRESS, argparse.SUPPRESS) if of_verb else ("text", None)
    add = parser.add_argument
    add("--format", choices=("text", "json"), default=form, help="text for people, json for programs")
    add("--home", metavar="DIR", default=home, help="folder of what the package keeps (MLDEPLOY_HOME)")


def add_deployment(parser: argparse.ArgumentParser) -> None:
    """What a first deployment can be told besides what an update can."""
    add = parser.add_argument_group("the deployment").add_argument
    add("--target", choices=("local", "container", "kubernetes"), help="where the service runs (default: local)")
    add("--context", help="Docker or kubeconfig context")
    add("--namespace", help="Kubernetes namespace")
    add("--until", choices=STAGES, metavar="STAGE", help=f"end after this stage: {', '.join(STAGES)}")
    add("--from-image", metavar="REF", help="use an image that was built before")
    add("--overwrite", action="store_true", help="take over a name that a service of another script or target uses")
    add("--no-wait", action="store_true", help="return once the deployment has begun")
    add("--base-image", metavar="REF", help="image that images are built on")
    add("--registry", metavar="REF", help="registry and path that images are pushed to")
    add("--ca-bundle", metavar="FILE", help="certificates to trust besides the usual")
    add("--init-timeout", type=float, metavar="S", help="seconds until an init() that does not return has failed")
    add("--max-request-wait", type=float, metavar="S", help="seconds a request waits for a free replica before 503")


def add_build(parser: argparse.ArgumentParser) -> None:
    """What the build of an image can be told."""
    add = parser.add_argument_group("the build").add_argument
    add("--context", help="Docker context")
    add("--overwrite", action="store_true", help="take over a name that a service of another script or target uses")
    add("--base-image", metavar="REF", help="image that it is built on")
    add("--registry", metavar="REF", help="registry and path that it will be pushed to")
    add("--ca-bundle", metavar="FILE", help="certificates to trust besides the usual")


def add_service_options(parser: argparse.ArgumentParser) -> None:
    """What a service is made of, for ``deploy`` and ``update``."""
    add = parser.add_argument_group("the service").add_argument
    add(
        "--model",
        action="append",
        default=[],
        metavar="MODEL",
        help="NAME, NAME:VERSION, a path, or NAME=PATH; again for more",
    )
    add("--environment", metavar="E", help="current, auto, or a conda or requirements file")
    add("--pip", action="append", default=[], metavar="REQ", help="a requirement besides; again for more")
    add("--apt", action="append", default=[], metavar="PKG", help="a Debian package in the image; again for more")
    add("--source-directory", metavar="DIR", help="folder that goes with the script")
    add("--replicas", type=int, metavar="N", help="so many replicas")
    add("--autoscale", metavar="MIN:MAX", help="as many replicas as are busy, between these")
    add("--cpu", metavar="Q", help="cores of a replica, such as 0.5 or 500m")
    add("--memory", metavar="Q", help="memory of a replica, such as 512Mi or 1.5 (GB)")
    add("--gpus", type=int, metavar="N", help="whole GPUs of a replica")
    add("--sample", metavar="JSON", help="JSON or @FILE that run() must answer before the service counts as ready")
    add("--port", type=int, metavar="N", help="port on this machine (default: a free one)")
    add("--timeout", metavar="S", help="time until a request is answered with 504, such as 30 or 2m")
    more = "an environment variable; without =VALUE the value it has here; again for more"
    add("--env", action="append", default=[], metavar="NAME=VALUE", help=more)
    add(
        "--key",
        action="append",
        metavar="KEY",
        help="a key that requests need: Authorization: Bearer KEY; again for more",
    )
    add = parser.add_argument_group("the service on a cluster").add_argument
    add("--node-selector", action="append", metavar="K=V", help="a label that its nodes must have; again for more")
    add(
        "--toleration",
        action="append",
        metavar="K=V:EFFECT",
        help="a taint of nodes that it puts up with; again for more",
    )
    add("--pull-secret", action="append", metavar="NAME", help="a Secret that its image is pulled with; again for more")
    add("--ingress", metavar="HOST", help="host name that requests from outside are sent to")
    add("--load-balancer", action=argparse.BooleanOptionalAction, help="an address of its own outside the cluster")


def add_log_query(parser: argparse.ArgumentParser) -> None:
    """Which lines of a log."""
    add = parser.add_argument
    add("-n", "--lines", type=_count, metavar="N", help="the last N lines")
    add("-f", "--follow", action="store_true", help="go on until interrupted or the service ends")
    add("--previous", action="store_true", help="the log of the life before the last restart")
    add("--build", action="store_true", help="the log of the environment's or image's build")
    add("--replica", metavar="R", help="of one replica")
    add("--grep", metavar="TEXT", help="only lines that contain this, in capitals or not")
    add("--since", metavar="TIME", help="only lines younger than this, such as 5m")


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of lines")
    return int(text)
