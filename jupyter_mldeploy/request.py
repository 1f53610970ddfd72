"""From what people write to a deployment: the one place where the words of magics, commands and Python calls are read."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path

from jupyter_mldeploy import pipeline
from jupyter_mldeploy.asked import Asked
from jupyter_mldeploy.asked_models import check_known, find_or_register, name_of, registered
from jupyter_mldeploy.asked_spec import specify
from jupyter_mldeploy.capture import environment_for, script_for
from jupyter_mldeploy.config import settings
from jupyter_mldeploy.environments import with_requirements
from jupyter_mldeploy.errors import Conflict, InvalidValue, NotFound, RecordDamaged, StorageError
from jupyter_mldeploy.events import Cancel, Sink
from jupyter_mldeploy.pipeline import Outcome, Wishes
from jupyter_mldeploy.records import Records
from jupyter_mldeploy.registry import Model, ModelRegistry
from jupyter_mldeploy.spec import (
    Environment,
    InferenceConfig,
    ModelRef,
    Script,
    ServiceSpec,
    Target,
    TargetKind,
    keys_marked,
    marked,
    read_variables,
)
from jupyter_mldeploy.targets import driver_for

__all__ = ["Request", "carry_out", "in_thread", "read_script"]


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
    _check_image(asked)
    known = records.secrets(request.name)
    variables, values = marked(read_variables(asked.env or ()), base.env if base else (), known)
    keys, more = keys_marked(asked.keys, known) if asked.keys is not None else (base.keys if base else "", {})
    # All that can be refused is, before a model is registered.
    wanted = replace(specify(asked, base or _unmade(request)), env=variables, keys=keys)
    models: tuple[ModelRef, ...] = ()
    if base is None and asked.image_alone and request.target.kind is TargetKind.CONTAINER:
        former = _runs_image(request.name, asked, records)
        if former:
            inference, models = former.inference, former.models
        else:
            inference = _inference(replace(asked, script=Script("")), request.target, None)
        wishes = replace(wishes, image_script=True, keeps_files=True)
    elif asked.script is None and base is None:
        _check_place(wanted, asked, records, wishes)
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
        check_known(asked.models, registry)
        shipped = asked.models or (base.models if base else ())
        pipeline.check(inference, [name_of(wish) for wish in shipped], request.notebook_names)
        _check_place(wanted, asked, records, wishes)
        models = find_or_register(shipped, request.name, registry, sink, cancel)
    inference = _with_libraries(inference, [registry.get(one.name, one.version) for one in models if asked.models])
    spec = replace(wanted, inference=inference, models=models)
    return pipeline.run(spec, records, wishes=replace(wishes, values=values | more), sink=sink, cancel=cancel)


def _check_image(asked: Asked) -> None:
    """Refuse what an image that was built before holds already, and would keep whatever is said."""
    if asked.image is None:
        return
    for name, value in (
        ("pip", list(asked.pip) or None),
        ("apt", list(asked.apt) or None),
        ("environment", asked.environment),
        ("source_directory", asked.source_directory),
    ):
        if value is not None:
            shown = value if isinstance(value, list | str) else str(getattr(value, "name", value))
            raise InvalidValue(name, shown, f"the image {asked.image} holds its own; leave it out, or build anew.")


def _runs_image(name: str, asked: Asked, records: Records) -> ServiceSpec | None:
    """The service of that name, where it runs that image: then the script is known that is in it."""
    try:
        former = records.find(name)
    except (RecordDamaged, StorageError):
        return None  # the pipeline speaks of it
    same = former is not None and former.state == "running" and former.spec.image == asked.image
    return former.spec if former and same and former.spec.target.kind is TargetKind.CONTAINER else None


def _unmade(request: Request) -> ServiceSpec:
    """What a new service is where nothing is said of it; its script and models come later."""
    of_all = settings()
    return ServiceSpec(
        name=request.name,
        inference=InferenceConfig(Script(""), environment=Environment()),
        target=request.target,
        scoring_timeout=of_all.scoring_timeout,
        max_request_wait=of_all.max_request_wait,
        init_timeout=of_all.init_timeout,
    )


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
    known = {model.ref for model in registry.list()}
    with registered(request.asked.models, request.name, registry, sink, cancel) as (models, told):
        try:
            script = script_for([registry.get(model.name, model.version) for model in models])
        except InvalidValue:
            for model in set(models) - known:  # only looked at
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
