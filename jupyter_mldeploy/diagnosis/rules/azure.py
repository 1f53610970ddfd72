"""Azure Machine Learning's management: registering, creating and updating, and what it says around the causes of others."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jupyter_mldeploy.diagnosis.reading import Reading
from jupyter_mldeploy.diagnosis.rule import Depth, Finding, found, rule

_OF_REGISTRATION = (
    r"ModelPathNotFound|provided model[_ ]path|files uploaded to the run|logged_?model|cannot find model data"
    r"|AssetPathException|artifact path .{0,120} does not exist|AssetPathNotFound|No blobs found in storage"
)
"""Words that only registration says, whatever stage the evidence calls itself."""


@rule("model-artifact-missing-at-register")
def nothing_to_register(reading: Reading) -> Iterator[Finding]:
    """The path that was given at registration has nothing at it."""
    hit = reading.find(
        r"ModelPathNotFound\w*|Could not locate the provided model_path (?P<run>\S+)|(?:provided |given "
        r"|specified )?model(?:_| )path:? ?[\[\"']?(?P<path>[^\]\"'\s]+)?[\]\"']? (?:cannot be found"
        r"|could not be found|does ?n[o']t exist|not found|is not (?:a )?valid)"
        r"|(?:specified|requested) (?:blob|artifact|path|resource|asset) does ?n[o']t exist|BlobNotFound|(?:No"
        r"|Could not find|Unable to find|Cannot find) (?:such )?(?:model )?artifacts? ?(?:at|in|under|with"
        r"|named|for|path|\b)|[Aa]rtifact .{0,80}(?:not found|does ?n[o']t exist)|Error, provided model path"
        r"|(?:register|registration|Registering).{0,120}(?:No such file|not found|does ?n[o']t exist|no files?"
        r"|missing|empty)|(?:no files?(?: or blobs?)?|nothing) (?:found |was found |were found )?(?:at|in|under|to register)"
        r"|EmptyAssetsOrArtifacts"
        r"|NoSuchKey|The specified key does not exist|source .{0,60}path .{0,80}(?:does ?n[o']t|not) exist"
        r"|in the set of files uploaded to the run"
        r"|Path '(?P<aml>[^']+)' does not exist|No artifacts? (?:were )?logged|Unable to (?:find"
        r"|locate) a logged_?model|Failed to download artifacts|while downloading one or more artifacts from"
        r"|MLmodel.{0,40}not found|cannot find model data"
        r"|There is no file or folder ['\"](?P<own>[^'\"]+)|Asset path is neither a file nor a directory:? ?(?P<neither>\S*)"
        r"|\w*AssetPathNotFound\w*|No blobs found in storage(?: at model asset path: (?P<asset>\S+))?"
    )
    surely = hit and re.search(_OF_REGISTRATION, hit.line.text, re.IGNORECASE)
    if hit and surely:
        path = next((value.strip("'\"") for value in hit.match.groupdict().values() if value), "") or _quoted(
            hit.line.text
        )
        yield found("model-artifact-missing-at-register", Depth.ROOT - 1, hit, path=path)
    elif hit and (
        reading.stage in ("register", "")
        or re.search(r"regist|model_path|ModelPathNotFound|artifact|blob", hit.line.text, re.IGNORECASE)
    ):
        if reading.stage in ("init", "run", "build", "push", "schedule") or re.search(
            r"Max retries|docker", hit.line.text
        ):
            return
        path = next((value.strip("'\"") for value in hit.match.groupdict().values() if value), "") or _quoted(
            hit.line.text
        )
        yield found("model-artifact-missing-at-register", Depth.ROOT - 1, hit, path=path)
    elif reading.stage == "register":
        for raised in reading.raised:
            if match := re.search(
                r"(?:No such file or directory|cannot find the (?:path|file) specified"
                r"|\[(?:Errno 2|WinError [23])\][^:\n]*):? ?['\"]?(?P<path>[^'\"\n]*)",
                raised.message,
                re.IGNORECASE,
            ):
                yield found("model-artifact-missing-at-register", Depth.ROOT, raised.line, path=match["path"].strip())
                return


def _quoted(text: str) -> str:
    match = re.search(r"['\"\[]([\w./~-]+[./][\w./-]*)['\"\]]", text)
    return match[1] if match else ""


_RUNNING = (
    r"(?:operation|deployment|update|upgrade|delet(?:e|ion)|creation|request|reload"
    r"|rollout) .{0,80}(?:already |currently |still )?(?:in[ -]progress|is (?:already |still "
    r"|currently )?(?:running|being|ongoing|underway|pending))|another (?:operation|deployment|update"
    r"|request|release)|OperationInProgress|in[ -]progress.{0,60}(?:operation|conflict)"
    r"|(?:currently|already) (?:being )?(?:updat|creat|delet|transition|deploy)\w+|ConflictingOperation"
    r"|(?:service|endpoint|deployment) is (?:being|busy)|(?:is |in )?[Tt]ransitioning"
    r"|in state (?:Deleting|Updating|Creating|Transitioning)|(?:Being|In)(?:Updated|Deleted|Created|Progress)"
    r"|the object has been modified; please apply your changes|concurrent (?:operation|update"
    r"|modification)|(?:resource|service) is locked|wait (?:for|until) (?:the )?(?:current|previous"
    r"|running|ongoing|other)"
)
"""Words for an operation that has not ended, in the company of a 409."""


@rule("operation-in-progress", "service-already-exists")
def conflict(reading: Reading) -> Iterator[Finding]:
    """409: another operation is running, or the name is taken. A container's name is the engine's business."""
    if "container name" in reading or reading.stage in ("build", "push"):
        return
    status = reading.http_status == 409 or bool(reading.find(r"\b409\b|[Cc]onflict"))
    # Without a 409 only words count that can mean nothing else.
    said = (
        r"another (?:operation|deployment|update|request|release)|OperationInProgress|ConflictingOperation"
        r"|the object has been modified; please apply your changes|\w*Transitioning\)|still transitioning"
        r"|another \w+ operation|(?:Operation|Update|Put\w*|Upgrade)InProgress"
    )
    running = reading.find(_RUNNING if status else said)
    taken = reading.find(
        r"(?:service|webservice|deployment|endpoint|name|resource|model|release)\b.{0,120}\balready (?:exists|taken"
        r"|in use|registered|used)|AlreadyExists|\bServiceExists|\bNameConflict|already contains an? .{0,60} with name"
        r"|ServiceAlreadyExists|EndpointAlreadyExists"
        r"|there is already an? [\w ]{0,20}(?:service|endpoint|deployment) (?:with|named)|with the same name already exists"
        r"|name .{0,60}(?:is (?:already )?(?:taken|in use|used)"
        r"|not available|must be unique)|exists and cannot be imported into the current release"
        r"|cannot re-use a name that is still in use"
    )
    proof = reading.statement("HTTP status", 409) if reading.http_status == 409 else None
    if running:
        yield found("operation-in-progress", Depth.ROOT, running, proof)
    if taken and not re.search(
        r"container (?!group)|pod already exists|/score|file exists|directory"
        r"|image|network with name|volume|namespaces? \"[^\"]*\" already",
        taken.line.text,
        re.IGNORECASE,
    ):
        name = re.search(
            r"(?:service|deployments?\S*|endpoint|name|services)\W{1,3}[\"'`]?(?P<name>[a-z][\w-]*)[\"'`]? ",
            taken.line.text,
            re.IGNORECASE,
        )
        depth = Depth.ROOT + (1 if not running else 4)
        yield found(
            "service-already-exists",
            depth,
            taken,
            proof,
            name=name["name"] if name and name["name"] not in ("with", "name", "already", "is") else "",
        )
    if reading.http_status == 409 and not running and not taken:
        yield found("operation-in-progress", Depth.SYMPTOM, proof, certain=False)


@rule("fpga-unavailable")
def fpga(reading: Reading) -> Finding | None:
    """FPGA is by quota, and few regions have nodes with it."""
    hit = reading.find(
        r"\bFPGA(?:\b|Quota|Not|Un)|Insufficient \S*(?:catapult|fpga)|PBS ?Family|Project Brainwave|Standard_PB6s"
        r"|microsoft\.com/catapult"
    )
    failed = hit and reading.find(
        r"Insufficient|quota|not (?:available|approved|enabled|supported|found)|unavailable|fail|error"
        r"|no (?:nodes?|fpga|capacity)|exceed|denied|Unschedulable"
    )
    return found("fpga-unavailable", Depth.ROOT - 4, hit) if hit and failed else None


@rule("key-vault-access-policy")
def key_vault(reading: Reading) -> Finding | None:
    """The workspace lost its rights on the key vault, as after running a resource template again."""
    hit = reading.find(
        r"key ?vault.{0,200}(?:access|denied|forbidden|permission|polic|not found|unauthori[sz]ed|could not"
        r"|unable|fail)|(?:access|denied|forbidden|permission|polic|unable|fail)\w*.{0,120}key ?vault"
        r"|vault\.azure\.net.{0,200}(?:403|Forbidden|denied|not found)|SecretsInjectionError"
    )
    if hit and not reading.in_script(hit.line):
        return found("key-vault-access-policy", Depth.ROOT, hit)
    image = reading.find(
        r"[Ii]mage creat(?:e|ion).{0,200}InternalServerError|InternalServerError.{0,200}[Ii]mage creat"
        r"|[Cc]reate image.{0,120}internal server error|500 Server Error.{0,300}/images\?api-version"
        r"|Received bad response from Model Management Service"
    )
    # The command line printed the code without a word of the image that it was about.
    told = image and (not image[0].startswith("Received") or reading.find(r"\bimages?\b|InternalServerError"))
    if image and told and (reading.http_status == 500 or "500" in reading or "internal server error" in reading):
        return found("key-vault-access-policy", Depth.SPECIFIC, image, certain=False)
    return None
