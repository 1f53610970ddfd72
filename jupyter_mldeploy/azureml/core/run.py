"""``Run``: what a training script logs and keeps, in the workspace's folder, as far as its model is registered from it."""

from __future__ import annotations

import builtins
import json
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from jupyter_mldeploy.azureml.exceptions import ModelPathNotFoundException, RunEnvironmentException, UserErrorException
from jupyter_mldeploy.azureml.facade import Facade, facade
from jupyter_mldeploy.azureml.telling import say, warn_once
from jupyter_mldeploy.azureml.unknown import TRAINING
from jupyter_mldeploy.azureml.values import check_kinds, check_names
from jupyter_mldeploy.records import write_aside

if TYPE_CHECKING:
    from jupyter_mldeploy.azureml.core.experiment import Experiment
    from jupyter_mldeploy.azureml.core.model import Model
    from jupyter_mldeploy.azureml.core.workspace import Workspace

__all__ = ["Run", "get_run"]


@facade(UserErrorException)
class Run(Facade):
    """One run of an experiment: metrics, files, status."""

    REFUSED: ClassVar[dict[str, str]] = {
        **dict.fromkeys(
            ("submit_child", "get_submitted_run", "add_type_provider", "list_by_compute", "get_environment", "take_snapshot",
             "restore_snapshot", "get_snapshot_id", "get_all_logs", "get_details_with_logs", "clean", "create_children",
             "get_children", "parent", "input_datasets", "output_datasets"), TRAINING,
        ),
        **dict.fromkeys(("get_secret", "get_secrets"), "read secrets from environment variables"),
        **dict.fromkeys(
            ("log_confusion_matrix", "log_accuracy_table", "log_residuals", "log_predictions"), "log_table keeps any table"
        ),
        "get_detailed_status": "see status",
        "get_portal_url": "there is no portal; get_details, get_metrics and get_file_names tell what a run has kept",
        "type": "there is one kind of run",
    }  # fmt: skip

    def __init__(self, experiment: Experiment | None, run_id: str, outputs: str | None = None, **kwargs: Any) -> None:
        self._experiment = experiment
        self._id = run_id
        self._outputs = outputs
        self._folder = (
            experiment.folder / run_id if experiment is not None else Path.cwd() / "outputs" / ".run" / run_id
        )
        if experiment is not None and not (self._folder / "run.json").exists():
            self._write(
                {"id": run_id, "status": "Running", "started": time.time(), "metrics": {}, "tags": {}, "properties": {}}
            )

    def __repr__(self) -> str:
        experiment = self._experiment.name if self._experiment else "offline"
        return f"Run(Experiment: {experiment},\nId: {self.id},\nStatus: {self.status})"

    # -- what is known of it -------------------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        return self._id

    @property
    def name(self) -> str:
        return str(self._read().get("name") or self._id)

    @property
    def display_name(self) -> str:
        return self.name

    @property
    def description(self) -> str | None:
        return self._read().get("description")

    @property
    def number(self) -> int:
        return int(self._read().get("number") or 1)

    @property
    def status(self) -> str:
        return str(self._read().get("status", "Running"))

    @property
    def experiment(self) -> Experiment | None:
        return self._experiment

    @property
    def tags(self) -> dict[str, str]:
        return dict(self._read().get("tags") or {})

    @property
    def properties(self) -> dict[str, str]:
        return dict(self._read().get("properties") or {})

    def get_status(self) -> str:
        """As ``status``."""
        return self.status

    def get_details(self) -> dict[str, Any]:
        """All that is known, by the original's names."""
        known = self._read()
        times = {"startTimeUtc": known.pop("started", None), "endTimeUtc": known.pop("ended", None)}
        error = known.pop("error", None)
        return {
            "runId": known.pop("id", self.id),
            "target": "local",
            "status": known.pop("status", "Running"),
            **{name: _utc(seconds) for name, seconds in times.items() if seconds is not None},
            **({"error": {"error": {"message": error}}} if error else {}),
            "properties": known.pop("properties", {}),
            **known,
        }

    def get_tags(self) -> dict[str, str]:
        """As ``tags``."""
        return self.tags

    def get_properties(self) -> dict[str, str]:
        """As ``properties``."""
        return self.properties

    def get_metrics(
        self, name: str | None = None, recursive: bool = False, run_type: Any = None, populate: bool = False
    ) -> dict[str, Any]:
        """What was logged: a value, or a list of those that were logged one after another."""
        metrics = self._read().get("metrics") or {}
        found = {key: values[0] if len(values) == 1 else values for key, values in metrics.items()}
        return found if name is None else {key: value for key, value in found.items() if key == name}

    # -- how it goes -----------------------------------------------------------------------------------------------------

    @classmethod
    def get_context(cls, allow_offline: bool = True, used_for_context_manager: bool = False, **kwargs: Any) -> Run:
        """The run of this script: outside of Azure one that keeps nothing but files in ``outputs``."""
        if not allow_offline:
            raise RunEnvironmentException(
                "Could not load a submitted run; use experiment.start_logging to create a run."
            )
        return cls(None, f"OfflineRun_{uuid.uuid4()}")

    @staticmethod
    def get(workspace: Workspace, run_id: str) -> Run:
        """A run of any experiment of a workspace."""
        from jupyter_mldeploy.azureml.core.experiment import Experiment

        for experiment in Experiment.list(workspace):
            if (experiment.folder / run_id / "run.json").exists():
                return Run(experiment, run_id)
        raise UserErrorException(f"There is no run {run_id!r} in the workspace {workspace.name!r}.")

    @staticmethod
    def list(
        experiment: Experiment, type: str | None = None, tags: Any = None, properties: Any = None, status: str | None = None,
        include_children: bool = False, _rehydrate_runs: bool = True,
    ) -> Iterator[Run]:  # fmt: skip
        """Those of an experiment, newest first."""
        return iter(
            [run for run in experiment.get_runs(tags=tags, properties=properties) if status in {None, run.status}]
        )

    def start(self) -> None:
        """Begin."""
        self._change(status="Running")

    def complete(self, _set_status: bool = True) -> None:
        """End well; what has failed or was cancelled before stays so."""
        if self.status in {"Failed", "Canceled"}:
            warn_once(f"The run {self.id} is {self.status}; it stays so.")
            return
        self._change(status="Completed", ended=time.time())

    def fail(self, error_details: Any = None, error_code: str | None = None, _set_status: bool = True) -> None:
        """End badly."""
        self._change(status="Failed", ended=time.time(), error=str(error_details or ""))

    def cancel(self) -> None:
        """End before its time."""
        self._change(status="Canceled", ended=time.time())

    def flush(self, timeout_seconds: int = 300) -> None:
        """Everything is written at once."""

    def wait_for_completion(
        self, show_output: bool = False, wait_post_processing: bool = False, raise_on_error: bool = True
    ) -> dict[str, Any]:
        """It runs in this process."""
        return self.get_details()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, exit_type: object, value: object, traceback: object) -> None:
        if exit_type is None:
            self.complete()
        else:
            self.fail(value)

    def child_run(self, name: str | None = None, run_id: str | None = None, outputs: str | None = None) -> Run:
        """Another run of the experiment."""
        return Run(self._experiment, run_id or str(uuid.uuid4()), outputs)

    # -- what it keeps -----------------------------------------------------------------------------------------------------

    def log(self, name: str, value: Any, description: str = "", step: int | None = None) -> None:
        """Keep a value."""
        self._log(name, value)

    def log_list(self, name: str, value: builtins.list[Any], description: str = "") -> None:
        """Keep several."""
        for each in value:
            self._log(name, each)

    def log_row(self, name: str, description: str | None = None, **kwargs: Any) -> None:
        """Keep a row of a table."""
        self._log(name, kwargs)

    def log_table(self, name: str, value: dict[str, Any], description: str = "") -> None:
        """Keep a table."""
        self._log(name, value)

    def log_image(self, name: str, path: str | None = None, plot: Any = None, description: str = "") -> None:
        """Keep a picture."""
        target = self._files / f"{name}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        if plot is not None:
            plot.savefig(target)
        elif path is not None:
            shutil.copy2(path, target)

    def tag(self, key: str, value: str | None = None) -> None:
        """Add a tag."""
        self._change(tags={**self.tags, key: str(value)})

    def set_tags(self, tags: dict[str, str]) -> None:
        """Add tags."""
        check_kinds(tags=tags)
        self._change(tags={**self.tags, **tags})

    def remove_tags(self, tags: builtins.list[str]) -> None:
        """Take tags off, by name."""
        check_names(tags)
        self._change(tags={key: value for key, value in self.tags.items() if key not in tags})

    def add_properties(self, properties: dict[str, str]) -> None:
        """Add properties."""
        check_kinds(properties=properties)
        self._change(properties={**self.properties, **properties})

    def upload_file(self, name: str, path_or_stream: Any, datastore_name: str | None = None) -> None:
        """Keep a file under a name."""
        target = self._inside(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        if hasattr(path_or_stream, "read"):
            content = path_or_stream.read()
            target.write_bytes(content if isinstance(content, bytes) else content.encode())
        else:
            shutil.copy2(path_or_stream, target)

    def upload_folder(self, name: str, path: str, datastore_name: str | None = None) -> None:
        """Keep a folder under a name."""
        shutil.copytree(path, self._inside(name), dirs_exist_ok=True)

    def upload_files(
        self, names: builtins.list[str], paths: builtins.list[str], return_artifacts: bool = False,
        timeout_seconds: int | None = None, datastore_name: str | None = None,
    ) -> None:  # fmt: skip
        """Keep files under names."""
        for name, path in zip(names, paths, strict=True):
            self.upload_file(name, path)

    def get_file_names(self) -> builtins.list[str]:
        """Of what was kept."""
        files = self._files
        return sorted(path.relative_to(files).as_posix() for path in files.rglob("*") if path.is_file())

    def download_file(self, name: str, output_file_path: str | None = None, _validate_checksum: bool = False) -> None:
        """Copy a kept file."""
        source = self._inside(name)
        if not source.is_file():
            raise UserErrorException(
                f"File with path {name} was not found; there are {', '.join(self.get_file_names()) or 'none'}."
            )
        target = Path(output_file_path or Path(name).name)
        if target.is_dir():
            target /= Path(name).name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)

    def download_files(
        self, prefix: str | None = None, output_directory: str | None = None, output_paths: Any = None, batch_size: int = 100,
        append_prefix: bool = True, timeout_seconds: int | None = None,
    ) -> None:  # fmt: skip
        """Copy kept files."""
        for name in self.get_file_names():
            if name.startswith(prefix or ""):
                self.download_file(name, str(Path(output_directory or ".") / name))

    def register_model(
        self, model_name: str, model_path: str | None = None, tags: dict[str, str] | None = None,
        properties: dict[str, str] | None = None, model_framework: str | None = None,
        model_framework_version: str | None = None, description: str | None = None, datasets: Any = None,
        sample_input_dataset: Any = None, sample_output_dataset: Any = None, resource_configuration: Any = None, **kwargs: Any,
    ) -> Model:  # fmt: skip
        """Register a file or folder that the run has kept, or that lies in ``outputs`` here."""
        from jupyter_mldeploy.azureml.core.model import Model
        from jupyter_mldeploy.azureml.registering import check_model_name, register

        if self._experiment is None:
            raise RunEnvironmentException("An offline run registers no model: use Model.register(workspace, ...).")
        check_model_name(model_name)
        wanted = model_path or model_name
        kept = self._inside(wanted)
        found = kept if kept.exists() else Path(wanted)
        if not found.exists():
            there = ", ".join(self.get_file_names()) or "none"
            raise ModelPathNotFoundException(
                f"Could not locate the provided model_path {wanted} in the set of files uploaded to the run: {there}.",
                hint="Keep it with run.upload_file(name, path), or write it to that path of the current folder.",
            )
        facts = {
            "framework": model_framework,
            "framework_version": model_framework_version,
            "run_id": self.id,
            "experiment_name": self._experiment.name,
            "resource_configuration": resource_configuration.serialize() if resource_configuration else None,
        }
        say(f"Registering model {model_name}")
        workspace = self._experiment.workspace
        made, known = register(workspace, str(found), model_name, tags, properties, description, facts)
        return Model._of(workspace, made, known)

    # -- within ------------------------------------------------------------------------------------------------------------

    @property
    def _files(self) -> Path:
        return self._folder / "files" if self._experiment is not None else Path.cwd()

    def _inside(self, name: str) -> Path:
        path = self._files / name
        if not path.resolve().is_relative_to(self._files.resolve()):
            raise UserErrorException(f"The name {name!r} leads out of the run's files.")
        return path

    def _read(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads((self._folder / "run.json").read_bytes())
        except FileNotFoundError:
            return {"status": "Running"}
        return found

    def _write(self, content: dict[str, Any]) -> None:
        if self._experiment is not None:  # an offline run keeps nothing
            write_aside(self._folder / "run.json", json.dumps(content, indent=1, default=_plain).encode())

    def _change(self, **changes: Any) -> None:
        with self._changing() as content:
            content.update(changes)

    def _log(self, name: str, value: Any) -> None:
        if self._experiment is None:
            say(f"Attempted to log scalar metric {name}:\n{value}")
            return
        with self._changing() as content:
            content.setdefault("metrics", {}).setdefault(name, []).append(value)

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Any]]:
        content = self._read()
        yield content
        self._write(content)


def get_run(experiment: Experiment, run_id: str, rehydrate: bool = True, clean_up: bool = True) -> Run:
    """A run by its id."""
    return Run(experiment, run_id)


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _plain(value: Any) -> Any:
    return value.tolist() if callable(getattr(value, "tolist", None)) else str(value)
