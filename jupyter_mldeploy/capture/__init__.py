"""From a cell to a scoring script: its text, the problems that can be seen before anything is built, what it needs."""

from jupyter_mldeploy.capture.cell import script_from_cell
from jupyter_mldeploy.capture.checks import check_script
from jupyter_mldeploy.capture.dependencies import environment_for
from jupyter_mldeploy.capture.generate import script_for
from jupyter_mldeploy.capture.import_checks import lent_uses
from jupyter_mldeploy.capture.problems import Problem, raise_for

__all__ = ["Problem", "check_script", "environment_for", "lent_uses", "raise_for", "script_for", "script_from_cell"]
