"""Push images to a registry and pull them, with Docker's own credentials, layer by layer."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jupyter_mldeploy.errors import DeploymentFailed
from jupyter_mldeploy.events import Cancel
from jupyter_mldeploy.evidence import Evidence
from jupyter_mldeploy.images.engine import Engine
from jupyter_mldeploy.images.stream import post_stream

__all__ = ["Progress", "pull_image", "push_image", "split_reference"]

Progress = Callable[[str, int, int], None]
"""Called with a line, how many layers have ended and how many there are."""

_ENDED = ("Pushed", "Layer already exists", "Mounted from", "Pull complete", "Already exists")


def split_reference(reference: str) -> tuple[str, str]:
    """Repository and tag (``latest`` where none is named)."""
    repository, colon, tag = reference.rpartition(":")
    if not colon or "/" in tag:
        return reference, "latest"
    return repository, tag


def push_image(reference: str, engine: Engine, *, service: str, target: str, progress: Progress, cancel: Cancel) -> str:
    """Push an image that the engine has; returns its digest.

    Raises:
        DeploymentFailed: The registry refused it or could not be reached; carries what was said.
        Cancelled: It was interrupted.
    """
    repository, tag = split_reference(reference)
    mover = _Mover(engine, "push", reference, service, target, progress)
    told = mover.move(f"images/{repository}/push", {"tag": tag}, cancel)
    for item in told:
        if digest := (item.get("aux") or {}).get("Digest"):
            return str(digest)
    found = re.findall(r"digest: (sha256:[0-9a-f]{64})", " ".join(str(item.get("status", "")) for item in told))
    return found[-1] if found else ""


def pull_image(
    reference: str, engine: Engine, *, service: str, target: str, progress: Progress, cancel: Cancel
) -> None:
    """Pull an image to the engine.

    Raises:
        DeploymentFailed: There is none, or the registry does not give it; carries what was said.
        Cancelled: It was interrupted.
    """
    repository, tag = split_reference(reference)
    params = {"fromImage": reference} if "@" in reference else {"fromImage": repository, "tag": tag}
    _Mover(engine, "pull", reference, service, target, progress).move("images/create", params, cancel)


@dataclass
class _Mover:
    """One push or pull, and what is said of it."""

    engine: Engine
    verb: str
    reference: str
    service: str
    target: str
    progress: Progress

    def move(self, route: str, params: dict[str, str], cancel: Cancel) -> list[dict[str, Any]]:
        from docker.errors import APIError

        layers: dict[str, str] = {}
        lines: list[str] = []
        told: list[dict[str, Any]] = []
        try:
            for item in post_stream(self.engine, route, params, cancel, headers=_credentials(self.reference)):
                told.append(item)
                if "error" in item:
                    raise self._failed(str(item["error"]), lines)
                status, layer = str(item.get("status", "")), str(item.get("id", ""))
                if re.fullmatch(r"[0-9a-f]{12}", layer):
                    if layers.get(layer) == status:
                        continue  # the same, some bytes further
                    layers[layer] = status
                line = f"{layer}: {status}" if layer else status
                if status:
                    lines.append(line)
                    ended = sum(state.startswith(_ENDED) for state in layers.values())
                    self.progress(line, ended, len(layers))
        except APIError as error:
            raise self._failed(str(error.explanation or error), lines) from None
        return told

    def _failed(self, message: str, lines: list[str]) -> DeploymentFailed:
        stage = "push" if self.verb == "push" else "build"
        log = "\n".join([*lines, message])
        facts = {"image": self.reference} | ({"pulled": "yes"} if self.verb == "pull" else {})
        evidence = Evidence(stage=stage, target=self.target, service=self.service, build_log=log, facts=facts)
        verb = f"{self.verb} of {self.reference}"
        return DeploymentFailed(f"{self.service} failed in {stage}: {verb}: {message}", stage=stage, evidence=evidence)


def _credentials(reference: str) -> dict[str, str]:
    """What Docker's configuration and its credential helpers know for the registry of an image."""
    from docker import auth

    registry, _ = auth.resolve_repository_name(split_reference(reference.partition("@")[0])[0])
    try:
        known = auth.resolve_authconfig(auth.load_config(), registry)
    except Exception:  # noqa: BLE001 - a credential helper may fail in any way; the registry then says what it wants
        known = None
    # A push without the header is refused by the engine itself, before the registry is asked.
    return {"X-Registry-Auth": auth.encode_header(known or {}).decode("ascii")}
