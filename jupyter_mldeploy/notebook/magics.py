"""The magics: ``%%deploy`` and its family. Thin: read the line, call the service, show what comes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, line_magic, magics_class, no_var_expand

from jupyter_mldeploy.notebook import commands
from jupyter_mldeploy.notebook.options import BadLine, Magic, Parsed, parse

if TYPE_CHECKING:
    from pandas import DataFrame

    from jupyter_mldeploy.api import Service
    from jupyter_mldeploy.comparison import Comparison
    from jupyter_mldeploy.diagnosis.report import Diagnosis

__all__ = ["DeployMagics", "load"]


@magics_class
class DeployMagics(Magics):
    """See each magic's own help, such as ``%deploy?``."""

    @no_var_expand
    @line_cell_magic
    def deploy(self, line: str, cell: str | None = None) -> Service | None:
        """Deploy the scoring script in this cell as a service that answers HTTP requests.

        The cell defines ``init()``, which loads the model once, and ``run(data)``, which answers a request:

            %%deploy iris --model clf --sample {"data": [[5.1, 3.5, 1.4, 0.2]]}
            import json, joblib
            from azureml.core.model import Model

            def init():
                global model
                model = joblib.load(Model.get_model_path("clf"))

            def run(data):
                return model.predict(json.loads(data)["data"]).tolist()

        Here ``clf`` is a variable of the notebook; it is registered as a model under its name. Run the cell again after an edit,
        and the service takes it: a changed script is reloaded in place, anything else costs what it needs and no more.

        More examples:

            %deploy iris --script score.py --model clf:3        the script is in a file, the model is registered
            %deploy iris --model clf                            no script: one is written for the model, and shown
            %%deploy iris --target container --memory 2Gi       in a container instead of a process
            %%deploy iris --environment auto --pip shap         in an environment of its own
            %%deploy iris --sample {X_test[:2]}                 the sample is a value of the notebook

        Without anything, ``%deploy`` shows a form, and the line that does the same.

        Interrupting the kernel cancels and cleans up. The value is the service.
        """
        if cell is None and self._wants_form(line):
            from jupyter_mldeploy.notebook.deploy_form import DeployForm

            DeployForm(self.shell).show()
            return None
        from jupyter_mldeploy.notebook.deploying import deploy_from_line

        return deploy_from_line(self.shell, self._read(commands.DEPLOY, line, "%%" if cell is not None else "%"), cell)

    @no_var_expand
    @line_magic
    def service_logs(self, line: str) -> None:
        """Show what a service printed.

        %service_logs iris                  all of it
        %service_logs iris -n 50            the last 50 lines
        %service_logs iris -f               go on until interrupted
        %service_logs iris --grep Error --since 5m
        """
        from jupyter_mldeploy.notebook.log_view import show_logs

        show_logs(self.shell, self._read(commands.LOGS, line))

    @no_var_expand
    @line_magic
    def services(self, line: str) -> DataFrame:
        """List the services as a pandas table."""
        from jupyter_mldeploy.notebook.listing import services_table

        self._read(commands.SERVICES, line)
        return services_table()

    @no_var_expand
    @line_magic
    def service_status(self, line: str) -> Service | None:
        """Show a service as it is now: its state, its replicas and which script each runs.

        %service_status iris
        %service_status iris --panel        live, with buttons
        """
        from jupyter_mldeploy.notebook.asking import status

        return status(self.shell, self._read(commands.STATUS, line))

    @no_var_expand
    @line_magic
    def service_run(self, line: str) -> Any:
        """Send a request to a service; the value is its answer, decoded.

        %service_run iris {"data": [[5.1, 3.5, 1.4, 0.2]]}
        %service_run iris @sample.json
        %service_run iris {X_test[:2]}
        """
        from jupyter_mldeploy.notebook.asking import run

        return run(self.shell, self._read(commands.RUN, line))

    @no_var_expand
    @line_magic
    def service_reload(self, line: str) -> Service | None:
        """Let a running service take the edited script.

        %service_reload iris                        its file, read again
        %service_reload iris --script score.py      another file
        """
        from jupyter_mldeploy.notebook.deploying import reload_from_line

        return reload_from_line(self.shell, self._read(commands.RELOAD, line))

    @no_var_expand
    @line_magic
    def service_update(self, line: str) -> Service | None:
        """Change what a service is made of; what is not named stays.

        %service_update iris --memory 4Gi
        %service_update iris --replicas 2
        %service_update iris --model clf:2
        """
        from jupyter_mldeploy.notebook.deploying import update_from_line

        return update_from_line(self.shell, self._read(commands.UPDATE, line))

    @no_var_expand
    @line_magic
    def service_start(self, line: str) -> Service | None:
        """Start a service that was stopped, or whose process is gone."""
        from jupyter_mldeploy.notebook.deploying import start_from_line

        return start_from_line(self.shell, self._read(commands.START, line))

    @no_var_expand
    @line_magic
    def service_stop(self, line: str) -> None:
        """End a service's processes and keep what is known of it."""
        from jupyter_mldeploy.notebook.asking import stop

        stop(self.shell, self._read(commands.STOP, line))

    @no_var_expand
    @line_magic
    def service_delete(self, line: str) -> None:
        """Remove a service: its processes, and all that is kept of it. Models stay."""
        from jupyter_mldeploy.notebook.asking import delete

        delete(self.shell, self._read(commands.DELETE, line))

    @no_var_expand
    @line_magic
    def diagnose(self, line: str) -> Diagnosis | None:
        """Explain what is wrong with a service: the cause, the lines that prove it, the steps that mend it.

        %diagnose iris
        %diagnose --list        every cause that is known
        """
        from jupyter_mldeploy.notebook.asking import diagnose

        return diagnose(self.shell, self._read(commands.DIAGNOSE, line))

    @no_var_expand
    @line_magic
    def service_compare(self, line: str) -> Comparison | None:
        """Send two services the same request and say whether they answer the same; without names, by a form.

        %service_compare iris iris-new
        %service_compare iris iris-new {"data": [[5.1, 3.5, 1.4, 0.2]]}
        %service_compare iris iris-new {X_test[:20]} --tolerance 1e-6
        """
        if self._wants_form(line) and (samples := _samples()):
            from jupyter_mldeploy.notebook.comparison_form import ComparisonForm

            ComparisonForm(samples).show()
            return None
        from jupyter_mldeploy.notebook.asking import compare

        return compare(self.shell, self._read(commands.COMPARE, line))

    @no_var_expand
    @line_magic
    def replicas(self, line: str) -> int | None:
        """How many replicas a load needs: ceil(rps × seconds / (utilization × concurrent)); without options, by a form.

        %replicas --rps 20 --seconds 0.5
        """
        if self._wants_form(line):
            from jupyter_mldeploy.notebook.replicas_form import ReplicasForm

            ReplicasForm().show()
            return None
        from jupyter_mldeploy.notebook.asking import replicas

        return replicas(self._read(commands.REPLICAS, line))

    def _wants_form(self, line: str) -> bool:
        """Whether nothing is said where somebody could fill in a form."""
        from jupyter_mldeploy.notebook.frontend import FrontEnd, front_end

        return not line.strip() and front_end(self.shell) is FrontEnd.LIVE

    def _read(self, magic: Magic, line: str, percent: str = "%") -> Parsed:
        try:
            return parse(magic, line, percent)
        except BadLine as error:
            raise UsageError(str(error)) from None


def _samples() -> dict[str, str]:
    """The services that can answer, with the sample of each; empty if there are not two to be compared."""
    from jupyter_mldeploy.notebook.listing import known_services

    found = {each.name: each.spec.sample or "" for each in known_services() if each.state in {"running", "degraded"}}
    return found if len(found) > 1 else {}


def _document() -> None:
    for magic in commands.MAGICS:
        method = getattr(DeployMagics, magic.name)
        if magic.options:
            method.__doc__ = f"{(method.__doc__ or '').rstrip()}\n\n        Options:\n\n" + _indented(magic.usage())


def _indented(text: str) -> str:
    return "\n".join(f"        {line}" for line in text.splitlines()) + "\n"


_document()


def load(shell: Any) -> None:
    """Register the magics and what they need, and import nothing heavy. Called by ``load_ipython_extension``."""
    from jupyter_mldeploy.config import MLDeploy, configure
    from jupyter_mldeploy.notebook.completion import register_completers
    from jupyter_mldeploy.notebook.formatters import register_formatters

    if not MLDeploy.initialized():
        configure(shell.config)
    shell.register_magics(DeployMagics)
    register_completers(shell)
    register_formatters(shell)
