"""PyTorch's ways of not loading a model, and models that are downloaded when the service starts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jupyter_mldeploy.diagnosis.reading import Reading
from jupyter_mldeploy.diagnosis.rule import Depth, Finding, found, rule


@rule("torch-cuda-unavailable")
def torch_without_cuda(reading: Reading) -> Finding | None:
    """CUDA is asked for on a runtime that has none."""
    hit = reading.find(
        r"Attempting to deserialize object on (?:a )?CUDA device|Torch not compiled with CUDA enabled"
        r"|torch\.cuda\.is_available\(\) is False|Cannot access accelerator device when none is available"
        r"|Attempting to deserialize object on CUDA device \d+ but torch\.cuda\.device_count\(\) is"
        r"|This (?:model|function|operation) requires (?:a )?(?:GPU|CUDA)|CUDA is not available"
        r"|requires (?:a )?CUDA(?:-enabled)? (?:GPU|device)"
        r"|Expected all tensors to be on the same device|Input type \(torch\.(?:FloatTensor"
        r"|cuda\.FloatTensor)\) and weight type|\"\w+\" not implemented for 'Half'"
        r"|ValueError: Expected a cuda device, but got: cpu|AssertionError: .*CUDA"
        r"|CPU-only (?:build|machine|runtime)|GPU is required to run|No GPU found\. A GPU is needed"
        r"|could not be loaded on (?:a )?CPU"
    )
    return found("torch-cuda-unavailable", Depth.ROOT - 1, hit) if hit and not reading.building_packages else None


@rule("torch-weights-only")
def torch_weights_only(reading: Reading) -> Finding | None:
    """From version 2.6 on ``torch.load`` reads weights only unless it is told otherwise."""
    hit = reading.find(
        r"Weights only load failed|Unsupported global: GLOBAL (?P<name>[\w.]+) was not an allowed global"
        r"|WeightsUnpickler error|add_safe_globals|default value of the `?weights_only`? argument"
        r"|weights_only=False|Unsupported operand \d+ .*weights|Unsupported class (?P<class>[\w.]+) .*weights_only"
    )
    if not hit or "FutureWarning" in hit.line.text:
        return None
    name = reading.find(r"GLOBAL (?P<name>[\w.]+) was not an allowed global")
    return found("torch-weights-only", Depth.ROOT - 1, hit, name, name=name["name"] if name else "")


@rule("model-architecture-mismatch")
def other_architecture(reading: Reading) -> Finding | None:
    """The weights belong to another class or to other sizes."""
    hit = reading.find(
        r"Error\(s\) in loading state_dict for (?P<class>\w+)"
        r"|size mismatch for (?P<layer>[\w.]+): copying a param with shape|(?:Missing"
        r"|Unexpected) key\(s\) in state_dict|Layer count mismatch|Shape mismatch in layer"
        r"|You are trying to load a weight file containing (?P<have>\d+) layers into a model with"
        r" (?P<want>\d+) layers|Weight count mismatch|expects \d+ weight\(s\), but the saved weights have \d+"
        r"|Cannot assign (?:value )?to variable '?\S+'?.*Shape mismatch"
        r"|(?:load_state_dict|__init__)\(\) (?:got an unexpected|missing \d+ required).{0,40}(?:checkpoint"
        r"|state)|Axis \d+ of weight array has shape|You set `ignore_mismatched_sizes`"
        r"|checkpoint .{0,80}(?:shape|size)s? .{0,40}(?:mismatch|does not match)"
        r"|'(?:collections\.)?OrderedDict' object has no attribute '(?P<od>eval|predict|to|forward|\w+)'"
        r"|Assign requires shapes of both tensors to match|Received incompatible tensor(?: with shape)?"
        r"|Layer '?\S+'? expected \d+ variables, but received \d+ variables"
    )
    return found("model-architecture-mismatch", Depth.ROOT - 1, hit, facts={"class": hit["class"]}) if hit else None


_HOSTS = (
    "huggingface.co",
    "hf.co",
    "cdn-lfs",
    "storage.googleapis.com",
    "download.pytorch.org",
    "github.com",
    "raw.githubusercontent.com",
    "tfhub.dev",
    "nltk",
    "s3.amazonaws.com",
    "amazonaws.com",
    "blob.core.windows.net",
    "s3://",
    "gs://",
    "mlflow",
    "kaggle",
    "spacy",
    "ultralytics",
    "public.ukp.informatik",
    "dl.fbaipublicfiles.com",
    "keras-applications",
    "openaipublic",
    "drive.google.com",
    "modelscope",
    "minio",
    "wandb",
)


@rule("runtime-download-blocked")
def download_at_start(reading: Reading) -> Iterator[Finding]:
    """``init()`` downloads something, and there is no network, no permission to use it, or no such thing in the cache."""
    if reading.stage in ("build", "push", "schedule") or reading.building_packages:
        return
    hit = reading.find(
        r"We couldn't connect to '?https?://(?P<host>[\w.-]+)|outgoing traffic has been disabled"
        r"|LocalEntryNotFoundError|OfflineModeIsEnabled|Cannot (?:reach|find the requested files)"
        r"|offline mode is enabled|HF_HUB_OFFLINE"
        r"|\[nltk_data\] Error loading (?P<nltk>[\w-]+)"
        r"|Resource (?:\S*m)?'?(?P<corpus>[\w/]+)'? ?(?:\S*m)?not found\.|Please use the NLTK Downloader"
        r"|nltk\.download\(|Can't load (?:tokenizer|model|config\w*|feature extractor|the configuration"
        r"|image processor|weights) for '(?P<model>[\w-]+(?:/[\w.-]+)?)'"
        r"|Exception: URL fetch failure on (?P<url>\S+)|Failed to download (?:model|weights|file)"
        r"|Downloading (?:model|pretrained).{0,80}(?:failed|error)"
        r"|is not a local folder and is not a valid model identifier|tfhub\.dev.{0,80}(?:failed|error"
        r"|timed out|unreachable)"
        r"|make sure you don't have a local directory with the same name"
        r"|There was a specific connection error when trying to load"
        r"|Connection error, and we cannot find the requested files in the (?:cached path|disk cache)"
    )
    if hit:
        yield found("runtime-download-blocked", Depth.ROOT, hit, host=_host(hit.line.text))
        return
    network = reading.find_last(
        r"Max retries exceeded with url|urlopen error \[?(?:Errno|timed out|SSL)|Name or service not known"
        r"|Temporary failure in name resolution|getaddrinfo failed|nodename nor servname|NameResolutionError"
        r"|Network is unreachable"
        r"|ConnectTimeout|EndpointConnectionError|Could not connect to the endpoint URL|No route to host"
        r"|Connection to \S+ timed out|ServiceRequestError|Failed to establish a new connection|ProxyError"
        r"|Could not resolve host|ClientConnectorError|CERTIFICATE_VERIFY_FAILED|Tunnel connection failed"
        r"|HTTP Error 403: Forbidden|407 Proxy Authentication"
    )
    if not network or reading.stage not in ("init", "ready", "run", "launch", ""):
        return
    around = " ".join(line.text for line in reading.near(network.line, before=3, after=3))
    if re.search(
        r"api/v1/|/apis/|kubernetes|docker\.sock|:6443|pypi|/simple/|in_cluster|registry|dial tcp|apt-get"
        r"|conda|docker\.errors",
        around,
    ):
        return
    own = [r for r in reading.raised if r.own_frame is not None]
    downloading = (
        any(host in around for host in _HOSTS)
        or any(
            r.through(
                "urlretrieve",
                "hub.py",
                "download",
                "from_pretrained",
                "load_state_dict_from_url",
                "botocore",
                "boto3",
                "azure/storage",
                "get_file",
            )
            for r in reading.raised
        )
        or any(
            re.search(r"urlretrieve|download|from_pretrained|load_state_dict_from_url", f.source)
            # With each request a service is asked, and nothing fetched that init() could have.
            or (f.function != "run" and re.search(r"requests\.get|urlopen", f.source))
            for r in own
            for f in r.frames
        )
    )
    in_init = reading.stage == "init" or any(f.function == "init" for r in own for f in r.frames)
    local = re.search(r"(?:localhost|127\.0\.0\.1|0\.0\.0\.0|host='(?:10|192\.168)\.)", network.line.text) is not None
    if (downloading or in_init) and not local:
        yield found(
            "runtime-download-blocked",
            Depth.ROOT + (0 if downloading else 3),
            network,
            host=_host(around),
            certain=downloading,
        )


def _host(text: str) -> str:
    match = re.search(r"host='(?P<a>[\w.-]+)'|https?://(?P<b>[\w.-]+)|Connection to (?P<c>[\w.-]+\.\w+)", text)
    return next((value for value in match.groups() if value), "") if match else ""
