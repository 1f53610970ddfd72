"""The specification that is asked for: how the service runs, where and with how much."""

from __future__ import annotations

import operator
from dataclasses import replace
from typing import Any

from jupyter_mldeploy.asked import Asked
from jupyter_mldeploy.errors import InvalidValue
from jupyter_mldeploy.samples import read_sample
from jupyter_mldeploy.spec import Autoscale, Placement, Resources, ServiceSpec, Toleration, parse_seconds, read_labels

__all__ = ["specify"]


def specify(asked: Asked, spec: ServiceSpec) -> ServiceSpec:
    """A specification with all that is said of how the service runs; what is not said stays.

    Raises:
        InvalidValue: What cannot be, and what excludes each other.
        NotFound: The file of a sample.
    """
    if asked.replicas is not None and asked.autoscale is not None:
        raise InvalidValue("replicas", asked.replicas, "choose --replicas or --autoscale, not both.")
    return replace(
        spec,
        resources=_resources(asked, spec.resources),
        autoscale=_bounds(asked, spec.autoscale),
        sample=spec.sample if asked.sample is None else read_sample(asked.sample),
        port=spec.port if asked.port is None else _whole_number("port", asked.port),
        scoring_timeout=spec.scoring_timeout if asked.timeout is None else parse_seconds(asked.timeout, "timeout"),
        image=asked.image or spec.image,
        placement=_placement(asked, spec.placement),
    )


def _resources(asked: Asked, before: Resources) -> Resources:
    said = Resources.of(asked.cpu, asked.memory, asked.gpus or 0)
    return Resources(
        cpu=before.cpu if said.cpu is None else said.cpu,
        memory=before.memory if said.memory is None else said.memory,
        gpus=before.gpus if asked.gpus is None else said.gpus,
    )


def _placement(asked: Asked, before: Placement) -> Placement:
    """What is said; an empty list or name takes away what there was."""
    said: dict[str, Any] = {}
    if asked.node_selector is not None:
        said["node_selector"] = read_labels(asked.node_selector)
    if asked.tolerations is not None:
        said["tolerations"] = tuple(
            wish if isinstance(wish, Toleration) else Toleration.parse(wish) for wish in asked.tolerations
        )
    if asked.pull_secrets is not None:
        said["pull_secrets"] = tuple(asked.pull_secrets)
    if asked.ingress is not None:
        said["ingress"] = asked.ingress or None
    if asked.load_balancer is not None:
        said["load_balancer"] = asked.load_balancer
    return replace(before, **said)


def _bounds(asked: Asked, before: Autoscale) -> Autoscale:
    if asked.replicas is not None:
        number = _whole_number("replicas", asked.replicas)
        return Autoscale(number, number, before.target_utilization)
    if asked.autoscale is not None:
        return asked.autoscale if isinstance(asked.autoscale, Autoscale) else Autoscale.parse(asked.autoscale)
    return before


def _whole_number(field: str, value: int | str) -> int:
    try:
        return operator.index(value) if not isinstance(value, str) else int(value)
    except (TypeError, ValueError):
        raise InvalidValue(field, value, "it is a whole number from 1 on.") from None
