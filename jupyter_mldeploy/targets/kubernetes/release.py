"""One release of a service: what is wanted, as which revision, from which image. Its manifests follow from it alone."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from jupyter_mldeploy.spec import Script, ServiceSpec
from jupyter_mldeploy.targets.kubernetes.names import ANNOTATION_RELEASE, config_name, keys_name

__all__ = ["Release", "with_script"]


@dataclass(frozen=True, kw_only=True)
class Release:
    """A release.

    Attributes:
        spec: What is wanted.
        image: Reference of the image, by digest where the registry told one.
        revision: Counts the releases of the service in its namespace.
        source: Digest of the source directory's files, for whoever attaches to the service from another machine.
        keda: Whether the cluster scales by the runtime's own utilisation.
        birth: Tells what is mounted into its pods from that of an earlier service of this name: a kubelet that has just
            lost its API server mounts what it remembers of the name.
        ingress_class: The IngressClass that its Ingress names; ``""`` leaves it to the cluster.
    """

    spec: ServiceSpec
    image: str
    revision: int = 1
    source: str = ""
    keda: bool = False
    birth: str = ""
    ingress_class: str = ""

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def config_name(self) -> str:
        """Name of its ConfigMap."""
        return config_name(self.name, self.revision, self.birth)

    @property
    def keys_name(self) -> str:
        """Name of its Secret."""
        return keys_name(self.name, self.birth)

    @property
    def spec_hash(self) -> str:
        """Digest of everything that is wanted, the script's text included."""
        return hashlib.sha256(_encode(self.spec)).hexdigest()

    @property
    def fixed(self) -> bool:
        """Whether the number of replicas is a number, not bounds."""
        return self.spec.autoscale.minimum == self.most

    @property
    def most(self) -> int:
        """The largest number of replicas; where none was named, the documents' default."""
        autoscale = self.spec.autoscale
        return autoscale.maximum if autoscale.maximum is not None else max(10, autoscale.minimum)

    def to_annotation(self) -> str:
        """The release as text, without the script: an annotation has no room for it, and its ConfigMap holds it."""
        return _encode(replace(self, spec=with_script(self.spec, ""))).decode()

    @classmethod
    def from_objects(cls, deployment: Mapping[str, Any]) -> Release | None:
        """Read the release that a Deployment was made from, without its script; ``None`` if another hand made it."""
        import msgspec

        text = (deployment["metadata"].get("annotations") or {}).get(ANNOTATION_RELEASE)
        if not text:
            return None
        try:
            return msgspec.json.decode(text, type=cls)
        except (msgspec.MsgspecError, ValueError):
            return None


def with_script(spec: ServiceSpec, text: str) -> ServiceSpec:
    """The specification with another text of its script."""
    before = spec.inference.script
    script = Script(text, before.file_name, before.origin, before.path)
    return replace(spec, inference=replace(spec.inference, script=script))


def _encode(value: object) -> bytes:
    import msgspec

    return msgspec.json.encode(value)
