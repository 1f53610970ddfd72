"""From what people write to a deployment: the one place where the words of magics, commands and Python calls are read."""

from __future__ import annotations

import json
import operator
import re
import threading
import unicodedata
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jupyter_mldeploy import pipeline
from jupyter_mldeploy.asked import Asked, ModelWish
from jupyter_mldeploy.capture import environment_for, script_for
from jupyter_mldeploy.config import settings
from jupyter_mldeploy.environments import with_requirements
from jupyter_mldeploy.errors import Conflict, InvalidValue, NotFound, RecordDamaged, StorageError
from jupyter_mldeploy.events import Cancel, Sink, Stage, staged
from jupyter_mldeploy.pipeline import Outcome, Wishes
from jupyter_mldeploy.records import Records
from jupyter_mldeploy.registry import Model, ModelRegistry
from jupyter_mldeploy.spec import (
    Autoscale,
    Environment,
    InferenceConfig,
    ModelRef,
    Placement,
    Resources,
    Script,
    ServiceSpec,
    Target,
    TargetKind,
    Toleration,
    check_model_name,
    keys_marked,
    marked,
    parse_seconds,
    read_labels,
    read_variables,
)
from jupyter_mldeploy.targets import driver_for

__all__ = ["Request", "carry_out", "in_thread", "read_script", "to_json"]


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is asked of one service.

    Attributes:
        name: Of the service.
        target: Where.
        asked: What was said.
        base: The specification that is kept where nothing is said (an update), or ``None``.
        notebook_names: Names that live in the notebook, for better words about a script that uses them.
    """

    name: str
    target: Target
    asked: Asked
    base: ServiceSpec | None = None
    notebook_names: Collection[str] = ()


def carry_out(request: Request, records: Records, wishes: Wishes, sink: Sink, cancel: Cancel) -> Outcome:
    """Check the script, register the models, run the pipeline.

    Raises:
        MLDeployError: Before anything is made for what cannot be right, afterwards as ``pipeline.run`` does.
    """
    registry = ModelRegistry(records.home)
    asked, base = request.asked, request.base
    known = records.secrets(request.name)
    variables, values = marked(read_variables(asked.env or ()), base.env if base else (), known)
    keys, more = keys_marked(asked.keys, known) if asked.keys is not None else (base.keys if base else "", {})
    first = _specify(request, base.inference if base else InferenceConfig(Script(""), environment=Environment()), ())
    first = replace(first, env=variables, keys=keys)  # all that can be refused is, before a model is registered
    models: tuple[ModelRef, ...] = ()
    if base is None and asked.image_alone and request.target.kind is TargetKind.CONTAINER:
        inference = _inference(replace(asked, script=Script("")), request.target, None)
        wishes = replace(wishes, image_script=True)
    elif asked.script is None and base is None:
        _check_place(first, asked, records, wishes)
        models, script = _write_script(request, registry, sink, cancel)
        inference = _inference(replace(asked, script=script), request.target, None)
    elif base is not None and not asked.makes_anew:
        inference, models = base.inference, base.models
        wishes = replace(wishes, keeps_files=True)
    else:
        wishes = replace(wishes, image_script=base is not None and asked.image is not None and asked.script is None)
        inference = _inference(asked, request.target, base)
        if base is None and not wishes.overwrite:
            _check_not_anothers(request.name, inference.script, records)
        _check_known(asked.models, registry)
        wishes_or_kept = asked.models or (base.models if base else ())
        pipeline.check(inference, [_model_name(wish) for wish in wishes_or_kept], request.notebook_names)
        _check_place(first, asked, records, wishes)
        models = _register(request, registry, sink, cancel)
    inference = _with_libraries(inference, [registry.get(one.name, one.version) for one in models if asked.models])
    spec = replace(_specify(request, inference, models), env=variables, keys=keys)
    return pipeline.run(spec, records, wishes=replace(wishes, values=values | more), sink=sink, cancel=cancel)


def _check_place(spec: ServiceSpec, asked: Asked, records: Records, wishes: Wishes) -> None:
    """Refuse a name that is taken and what the target cannot do, before a model is registered for it."""
    if all(isinstance(wish, Model | ModelRef) for wish in asked.models):
        return  # nothing will be
    former, _displaced = pipeline.former_of(spec, records, wishes)
    if former is None:  # else it was checked before, and is checked again
        driver_for(spec.target, records).check(spec, launches=not wishes.prepares)


def _check_not_anothers(name: str, script: Script, records: Records) -> None:
    """Refuse a name whose service runs another file: the two would replace each other. A cell is no file, and edits itself."""
    try:
        former = records.find(name)
    except (RecordDamaged, StorageError):
        return  # the pipeline speaks of it
    theirs = former.spec.inference.script.path if former and former.state == "running" else None
    if theirs and script.path and Path(theirs) != Path(script.path) and Path(theirs).exists():
        raise Conflict(
            f"The name {name!r} is taken by a service that runs {theirs}.",
            f"Choose another name, update it (`mldeploy update {name} --script FILE`), or add --overwrite to replace it.",
        )


# -- scripts and environments ------------------------------------------------------------------------------------------


def read_script(script: Script | str | Path) -> Script:
    """A script as it is, or read from its file."""
    if not isinstance(script, Script | str | Path):
        raise InvalidValue("script", script, "it is the path of a Python file.")
    return script if isinstance(script, Script) else Script.from_file(script)


def _write_script(
    request: Request, registry: ModelRegistry, sink: Sink, cancel: Cancel
) -> tuple[tuple[ModelRef, ...], Script]:
    """Register the models, and write the script for them."""
    if not request.asked.models:
        raise InvalidValue("script", None, "name a script, or a model that one can be written for.")
    registered = {model.ref for model in registry.list()}
    with _registering(request, registry, sink, cancel) as (models, told):
        try:
            script = script_for([registry.get(model.name, model.version) for model in models])
        except InvalidValue:
            for model in set(models) - registered:  # only looked at
                registry.delete(model.name, model.version, force=True, users=lambda _: ())
            raise
        told["written_script"] = script.text
    return models, script


def _inference(asked: Asked, target: Target, base: ServiceSpec | None) -> InferenceConfig:
    before = base.inference if base else None
    script = read_script(asked.script) if asked.script is not None else None
    script = script or (before.script if before else None)
    assert script is not None
    folder = asked.source_directory or (before.source_directory if before else None)
    if folder is not None:
        if not Path(folder).is_dir():
            raise NotFound(f"There is no source directory {str(folder)!r}.")
        folder = str(Path(folder).absolute())
    given = asked.environment
    if given is None and before:
        given = before.environment
    name = before.source_name if before and folder == before.source_directory else ""
    return InferenceConfig(script, folder, _environment(given, asked, target.kind, script, folder), name)


def _environment(
    given: str | Path | Environment | None, asked: Asked, target: TargetKind, script: Script, folder: str | None
) -> Environment:
    """None is ``current`` on the local target, where nothing needs to be installed, and ``auto`` elsewhere."""
    if given is None:
        given = "current" if target is TargetKind.LOCAL else "auto"
    if isinstance(given, Environment):
        chosen = given
    elif given == "current":
        chosen = Environment.kernel()
    elif given == "auto":
        chosen = environment_for(script, Path(folder) if folder else None)
    else:
        chosen = Environment.from_file(given)
    if asked.pip:
        chosen = with_requirements(chosen, list(asked.pip))
    if asked.apt:
        if target is TargetKind.LOCAL:
            message = "the local target runs on this machine as it is: install it here, or take another target."
            raise InvalidValue("apt", asked.apt[0], message)
        chosen = replace(chosen, apt=tuple(dict.fromkeys((*chosen.apt, *asked.apt))))
    return chosen


def _with_libraries(inference: InferenceConfig, models: Sequence[Model]) -> InferenceConfig:
    """What loading the models needs belongs to ``auto`` too: a pickle names its classes, no script imports them."""
    libraries = {library for model in models for library in model.libraries}
    if inference.environment.name != "auto" or not libraries:
        return inference
    folder = Path(inference.source_directory) if inference.source_directory else None
    known = inference.environment.requirements
    found = environment_for(inference.script, folder, extra=known, libraries=libraries)
    return replace(inference, environment=replace(found, apt=inference.environment.apt))


# -- models ------------------------------------------------------------------------------------------------------------


def _register(request: Request, registry: ModelRegistry, sink: Sink, cancel: Cancel) -> tuple[ModelRef, ...]:
    with _registering(request, registry, sink, cancel) as (models, _told):
        return models


@contextmanager
def _registering(
    request: Request, registry: ModelRegistry, sink: Sink, cancel: Cancel
) -> Iterator[tuple[tuple[ModelRef, ...], dict[str, Any]]]:
    """The stage: its models, and what it tells when it ends."""
    with staged(request.name, Stage.REGISTER, sink, cancel) as told:
        if request.asked.models:
            found = (_find_or_register(wish, registry, cancel) for wish in request.asked.models)
            models = tuple(dict.fromkeys(found))  # one that is named twice is one
        else:
            models = request.base.models if request.base else ()
        told["message"] = ", ".join(str(model) for model in models) or "no model"
        yield models, told


def _check_known(wishes: Sequence[ModelWish], registry: ModelRegistry) -> None:
    """Refuse the name of a model that is not registered, before the script is found to ask for another one."""
    for wish in wishes:
        if isinstance(wish, str) and not _is_path(wish):
            registry.resolve(wish)


def _is_path(wish: str) -> bool:
    path = Path(wish)
    return "/" in wish or bool(path.suffix and path.exists())


def _find_or_register(wish: ModelWish, registry: ModelRegistry, cancel: Cancel) -> ModelRef:
    if isinstance(wish, ModelRef):
        return wish
    if isinstance(wish, Model):
        return ModelRef(wish.name, wish.version)
    if isinstance(wish, tuple):
        return _registered(check_model_name(wish[0]), wish[1], registry, cancel)
    if not _is_path(wish):
        return registry.resolve(wish)
    path = Path(wish)
    if not path.exists():
        raise NotFound.of_file("model file", wish)
    return _registered(_name_of(path), path, registry, cancel)


def _registered(name: str, source: object, registry: ModelRegistry, cancel: Cancel) -> ModelRef:
    model = registry.register(name, source, cancel=cancel)
    return ModelRef(model.name, model.version)


def _name_of(path: Path) -> str:
    letters = unicodedata.normalize("NFKD", path.stem).encode("ascii", "ignore").decode()  # é → e
    return re.sub(r"[^A-Za-z0-9._-]+", "-", letters).strip("-._") or "model"


def _model_name(wish: ModelWish) -> str:
    if isinstance(wish, tuple):
        return wish[0]
    if isinstance(wish, Model | ModelRef):
        return wish.name
    return _name_of(Path(wish)) if _is_path(wish) else wish.partition(":")[0]


def _specify(request: Request, inference: InferenceConfig, models: tuple[ModelRef, ...]) -> ServiceSpec:
    asked = request.asked
    if asked.replicas is not None and asked.autoscale is not None:
        raise InvalidValue("replicas", asked.replicas, "choose --replicas or --autoscale, not both.")
    spec = request.base or _with_settings(request, inference)
    return replace(
        spec,
        inference=inference,
        models=models,
        resources=_resources(asked, spec.resources),
        autoscale=_bounds(asked, spec.autoscale),
        sample=spec.sample if asked.sample is None else _read_sample(asked.sample),
        port=spec.port if asked.port is None else _whole_number("port", asked.port),
        scoring_timeout=spec.scoring_timeout if asked.timeout is None else parse_seconds(asked.timeout, "timeout"),
        image=asked.image or spec.image,
        placement=_placement(asked, spec.placement),
    )


def _with_settings(request: Request, inference: InferenceConfig) -> ServiceSpec:
    force = settings()
    return ServiceSpec(
        name=request.name,
        inference=inference,
        target=request.target,
        scoring_timeout=force.scoring_timeout,
        max_request_wait=force.max_request_wait,
        init_timeout=force.init_timeout,
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


def _read_sample(sample: object) -> str:
    """JSON text as it is, ``@FILE`` read, anything else encoded."""
    if not isinstance(sample, str):
        return to_json(sample, "sample")
    if not sample.startswith("@"):
        return sample
    path = Path(sample[1:])
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotFound.of_file("sample file", path) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidValue("sample", sample, f"the file cannot be read: {error}.") from None


def to_json(value: object, field: str = "data") -> str:
    """Encode a value; what knows ``tolist``, ``to_dict`` or ``isoformat`` (numpy, pandas, dates) is asked for plain data."""

    def plain(item: Any) -> Any:
        if callable(getattr(item, "to_dict", None)):
            try:
                return item.to_dict(orient="records")
            except TypeError:  # a Series
                return item.to_dict()
        for method in ("tolist", "isoformat"):
            if callable(getattr(item, method, None)):
                return getattr(item, method)()
        raise TypeError(f"{type(item).__name__} has no JSON form")

    try:
        return json.dumps(value, default=plain)
    except (TypeError, ValueError) as error:
        raise InvalidValue(field, value, f"it cannot be written as JSON: {error}.") from None


def in_thread(call: Callable[[], Outcome], name: str) -> Future[Outcome]:
    """Deploy in a thread that does not keep the interpreter from ending."""
    future: Future[Outcome] = Future()

    def work() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits
            future.set_exception(error)

    threading.Thread(target=work, name=f"mldeploy-deploy-{name}", daemon=True).start()
    return future
