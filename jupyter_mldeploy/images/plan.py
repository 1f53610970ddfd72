"""From what an image is made of to how it is built: up to three parts, each an image with a name made of its content. Pure.

Environment, models and script are parts of their own, so that a part that is there already is neither built nor sent again: an
edited script costs neither an installation nor ten gigabytes of model, however the engine's own cache was cleaned.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field, replace

from jupyter_mldeploy._version import __version__
from jupyter_mldeploy.images.dockerfile import PIP_CONF, environment_part, environment_yml, models_part, script_part
from jupyter_mldeploy.images.entries import Entry, digest_of
from jupyter_mldeploy.images.inputs import ImageInputs, default_base
from jupyter_mldeploy.images.runtime_files import FRONT_REQUIREMENTS

__all__ = ["LABEL", "ImagePlan", "Part", "plan_image"]

LABEL = "mldeploy."
REPOSITORY = "mldeploy"


@dataclass(frozen=True)
class Part:
    """One image on the way to a service's.

    Attributes:
        name: ``environment``, ``models`` or ``script``.
        reference: What it is tagged with: repository and a hash of everything it is made of.
        dockerfile: Its text.
        entries: Its build context, without the Dockerfile.
        buildkit: The same for BuildKit, with what only that can mount; empty where there is nothing to mount.
        secrets: Entries that BuildKit mounts, and that are not sent to it.
    """

    name: str
    reference: str
    dockerfile: str
    entries: tuple[Entry, ...] = field(repr=False)
    buildkit: str = ""
    secrets: tuple[str, ...] = ()

    @property
    def has_commands(self) -> bool:
        """Whether anything is carried out in it; else files are copied."""
        return re.search(r"^RUN\s", self.dockerfile, re.MULTILINE | re.IGNORECASE) is not None


@dataclass(frozen=True)
class ImagePlan:
    """How an image is built.

    Attributes:
        parts: In order; each begins with the one before it.
        dockerfile: All of it as one file, for people and for other builders; its context is that of all parts.
        labels: Of the finished image.
        notes: What the network asked for, for people.
    """

    parts: tuple[Part, ...]
    dockerfile: str
    labels: dict[str, str]
    notes: tuple[str, ...] = ()

    @property
    def reference(self) -> str:
        """Name of the finished image."""
        return self.parts[-1].reference

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The context of the one Dockerfile."""
        return tuple(entry for part in self.parts for entry in part.entries)


def plan_image(inputs: ImageInputs, repository: str = "") -> ImagePlan:
    """Plan the image of a service.

    Args:
        inputs: What it is made of.
        repository: Of the finished image; ``mldeploy/<service>`` where none is named.
    """
    labels = _labels(inputs)
    environment_entries = (*_environment_files(inputs), *inputs.runtime)
    environment_text = environment_part(inputs)
    environment = _part("environment", f"{REPOSITORY}/environment", environment_text, environment_entries)
    # The name does not depend on who builds it.
    environment = replace(environment, buildkit=environment_part(inputs, buildkit=True), secrets=(PIP_CONF,))
    parts, texts, parent = [environment], [environment_text], "environment"
    if inputs.models:
        names = tuple(sorted(inputs.models))
        entries = tuple(entry for name in names for entry in inputs.models[name])
        parts.append(_part("models", f"{REPOSITORY}/models", models_part(names, parts[-1].reference), entries))
        texts.append(models_part(names, "environment"))
        parent = "models"
    repository = repository or f"{REPOSITORY}/{inputs.service}"
    script = _part("script", repository, script_part(inputs, parts[-1].reference, labels), inputs.app)
    parts.append(script)
    texts.append(script_part(inputs, parent, labels))
    heading = f"# The image of the service {inputs.service!r}, by jupyter_mldeploy {__version__}.\n\n"
    return ImagePlan(tuple(parts), heading + "\n".join(texts), labels, inputs.surroundings.notes)


def _part(name: str, repository: str, text: str, entries: tuple[Entry, ...]) -> Part:
    digest = hashlib.sha256(f"{text}\0{digest_of(entries)}".encode()).hexdigest()
    return Part(name, f"{repository}:{digest[:16]}", text, entries)


def _environment_files(inputs: ImageInputs) -> tuple[Entry, ...]:
    files = [Entry("front.txt", _lines(FRONT_REQUIREMENTS))]
    if inputs.surroundings.ca_bundle:
        files.append(Entry("ca-bundle.pem", inputs.surroundings.ca_bundle))
    if inputs.surroundings.pip_conf:
        files.append(Entry(PIP_CONF, inputs.surroundings.pip_conf))
    if inputs.requirements or inputs.conda:
        files.append(Entry("requirements.txt", _lines(inputs.requirements)))
    if inputs.conda:
        files.append(Entry("environment.yml", environment_yml(inputs).encode()))
    return tuple(files)


def _lines(lines: tuple[str, ...]) -> bytes:
    return "".join(re.sub(r"[\r\n]+", " ", line) + "\n" for line in lines).encode()


def _labels(inputs: ImageInputs) -> dict[str, str]:
    return {
        "org.opencontainers.image.title": inputs.service,
        "org.opencontainers.image.description": f"The scoring service {inputs.service}",
        "org.opencontainers.image.base.name": inputs.base or default_base(inputs.environment),
        f"{LABEL}service": inputs.service,
        f"{LABEL}script": inputs.script,
        f"{LABEL}entry-script": inputs.entry_script,
        f"{LABEL}models": " ".join(sorted(inputs.models)),
        f"{LABEL}environment": inputs.environment.hash,
        f"{LABEL}version": __version__,
    }
