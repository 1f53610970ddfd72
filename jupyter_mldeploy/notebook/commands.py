"""What stands on the line of each magic. From these tables lines are read, completed and documented."""

from __future__ import annotations

from jupyter_mldeploy.errors import InvalidValue
from jupyter_mldeploy.notebook.options import Magic, Option

__all__ = ["BY_NAME", "COMPARE", "DELETE", "DEPLOY", "DIAGNOSE", "LOGS", "MAGICS", "RELOAD", "REPLICAS", "RUN", "SERVICES",
           "START", "STATUS", "STOP", "UPDATE", "as_number"]  # fmt: skip


def _whole(text: str, option: str) -> int:
    if not text.isdecimal():
        raise InvalidValue(option, text, "it is a whole number.")
    return int(text)


def as_number(text: str, option: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InvalidValue(option, text, "it is a number, such as 20 or 0.5.") from None


def _seconds(text: str, option: str) -> float:
    from jupyter_mldeploy.spec import parse_seconds

    return parse_seconds(text, option)


def _target(text: str, option: str) -> str:
    if text not in {"local", "container", "kubernetes"}:
        raise InvalidValue(option, text, "choose one of local, container, kubernetes.")
    return text


_SIZE = (
    Option(name="replicas", value="N", help="so many workers", example="2", convert=_whole),
    Option(name="autoscale", value="MIN:MAX", help="as many workers as the load needs, within bounds", example="1:4"),
    Option(name="cpu", value="Q", help="cores of one replica: 0.5, 500m", example="0.5"),
    Option(name="memory", value="Q", help="memory of one replica: 512Mi, 2Gi, or a number of GB", example="2Gi"),
    Option(name="gpus", value="N", help="whole GPUs of one replica", example="1", convert=_whole),
)
_MODEL = Option(
    name="model",
    value="NAME|NAME:VERSION|variable|path",
    help="a model the script loads; a variable or path is registered first",
    many=True,
    example="clf",
    words="models",
)
_ENVIRONMENT = Option(
    name="environment",
    value="current|auto|FILE",
    help="what is installed: this kernel, what the script imports, or a file",
    example="requirements.txt",
    words="environments",
)
_PIP = Option(name="pip", value="REQ", help="one more requirement", many=True, example="scikit-learn==1.7")
_APT = Option(name="apt", value="PKG", help="a Debian package in the image", many=True, example="libgomp1")
_SAMPLE = Option(
    name="sample", value="JSON|@FILE|{variable}", help="input that run() must answer before it is ready",
    example='{"data": [[1, 2]]}', words="files",
)  # fmt: skip
_PORT = Option(
    name="port", value="N", help="port on this machine; a free one otherwise", example="8080", convert=_whole
)
_TIMEOUT = Option(
    name="timeout", value="S", help="seconds until a request is answered with 504", example="60", convert=_seconds
)
_ENV = Option(
    name="env",
    value="NAME=VALUE",
    help="an environment variable; NAME={variable}; without =VALUE the kernel's",
    many=True,
    example="LEVEL=2",
    words="variables",
)
_KEY = Option(
    name="key", value="KEY", help="a key that requests need: Authorization: Bearer KEY", many=True, example="{key}"
)
_CLUSTER = (
    Option(name="node-selector", value="K=V", help="a label its nodes must have", many=True, example="disktype=ssd"),
    Option(
        name="toleration",
        value="K=V:EFFECT",
        help="a taint of nodes it puts up with",
        many=True,
        example="gpu=yes:NoSchedule",
    ),
    Option(name="pull-secret", value="NAME", help="a Secret its image is pulled with", many=True, example="registry"),
    Option(
        name="ingress", value="HOST", help="host name for requests from outside the cluster", example="iris.example.org"
    ),
    Option(name="load-balancer", help="an address of its own outside the cluster"),
)
_SCRIPT = Option(name="script", value="FILE", help="a scoring script in a file", example="score.py", words="files")
_SOURCE = Option(
    name="source-directory", value="DIR", help="folder that goes with the script", example="src", words="files"
)

_WITH_WHAT = (_ENVIRONMENT, _PIP, _APT, *_SIZE, _SAMPLE, _PORT, _TIMEOUT, _ENV, _KEY, *_CLUSTER)
"""What deploying and updating both take."""

DEPLOY = Magic(
    name="deploy",
    places=("NAME",),
    options=(
        Option(name="target", value="local|container|kubernetes", help="where it runs", words="targets", example="local",
               convert=_target),
        _MODEL,
        _SCRIPT,
        _SOURCE,
        *_WITH_WHAT,
        Option(name="until", value="STAGE", help="end after this stage, such as build", example="build", words="stages"),
        Option(name="from-image", value="REF", help="an image that was built before", example="registry/iris:1"),
        Option(name="context", value="NAME", help="context of Docker or of kubectl", example="minikube"),
        Option(name="namespace", value="NAME", help="Kubernetes namespace", example="models"),
        Option(name="no-wait", help="return at once and go on in the background"),
        Option(name="overwrite", help="take over a name that another script or target uses"),
    ),
)  # fmt: skip
LOGS = Magic(
    name="service_logs",
    places=("NAME",),
    options=(
        Option(name="lines", short="n", value="N", help="only the last lines", example="50", convert=_whole),
        Option(name="follow", short="f", help="go on until interrupted"),
        Option(name="previous", help="of its life before the last restart"),
        Option(name="build", help="of the build of its environment or image"),
        Option(name="replica", value="R", help="of one replica only", example="iris/1", words="replicas"),
        Option(name="grep", value="TEXT", help="only lines that contain the text", example="Error"),
        Option(name="since", value="TIME", help="only younger lines", example="5m", convert=_seconds),
    ),
)
SERVICES = Magic(name="services", words="")
STATUS = Magic(
    name="service_status",
    places=("NAME",),
    options=(Option(name="panel", help="as a live panel with buttons"),),
)
RUN = Magic(
    name="service_run",
    places=("NAME", "DATA"),
    options=(Option(name="timeout", value="S", help="seconds to wait", example="10", convert=_seconds),),
)
RELOAD = Magic(name="service_reload", places=("NAME",), options=(_SCRIPT,))
UPDATE = Magic(
    name="service_update",
    places=("NAME",),
    options=(_SCRIPT, _SOURCE, _MODEL, *_WITH_WHAT),
)
DELETE = Magic(
    name="service_delete",
    places=("NAME",),
    options=(
        Option(name="image", help="also the images built for it here that nothing else needs"),
        Option(name="forget", help="only what is known of it here: what it ran on is gone for good"),
        Option(name="yes", help="as in a terminal, where it is asked before; a cell never asks"),
    ),
)
STOP = Magic(name="service_stop", places=("NAME",))
START = Magic(name="service_start", places=("NAME",))
DIAGNOSE = Magic(
    name="diagnose",
    places=("[NAME]",),
    options=(Option(name="list", help="every cause the catalogue knows"),),
)

COMPARE = Magic(
    name="service_compare",
    places=("NAME", "OTHER", "[DATA]"),
    options=(
        Option(name="tolerance", value="T", help="how far numbers may lie apart, as a share; 1e-9", convert=as_number),
    ),
)
REPLICAS = Magic(
    name="replicas",
    options=(
        Option(name="rps", value="N", help="requests a second at the peak", example="20", convert=as_number),
        Option(name="seconds", value="S", help="how long one request takes", example="0.5", convert=as_number),
        Option(name="utilization", value="U", help="share of it that may be busy; 0.7 if not given", convert=as_number),
        Option(name="concurrent", value="N", help="requests that one replica works on at a time; 1", convert=as_number),
    ),
)

MAGICS = (DEPLOY, LOGS, SERVICES, STATUS, RUN, RELOAD, UPDATE, DELETE, STOP, START, DIAGNOSE, COMPARE, REPLICAS)
BY_NAME = {magic.name: magic for magic in MAGICS}
