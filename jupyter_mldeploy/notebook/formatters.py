"""How our values look as the last expression of a cell. Registered by name, so that nothing is imported for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from jupyter_mldeploy.comparison import Comparison
    from jupyter_mldeploy.diagnosis.report import Diagnosis

__all__ = ["register_formatters", "shown_already"]

T = TypeVar("T")

_shown: list[object] = []
"""The value that its magic has shown already; the next display of it is left out. Holds one at most."""


def shown_already(value: T) -> T:
    """Return ``value`` to the notebook without showing it once more: it goes into ``Out`` and ``_``, not below the panel."""
    _shown[:] = [value]
    return value


def register_formatters(shell: Any) -> None:
    """Teach ``shell`` to show services, diagnoses and comparisons."""
    formatter = shell.display_formatter
    formatter.ipython_display_formatter.for_type_by_name("jupyter_mldeploy.api", "Service", _leave_out)
    formatter.ipython_display_formatter.for_type_by_name("jupyter_mldeploy.diagnosis.report", "Diagnosis", _leave_out)
    formatter.ipython_display_formatter.for_type_by_name("jupyter_mldeploy.comparison", "Comparison", _leave_out)
    formatter.mimebundle_formatter.for_type_by_name("jupyter_mldeploy.diagnosis.report", "Diagnosis", _diagnosis_bundle)
    formatter.mimebundle_formatter.for_type_by_name("jupyter_mldeploy.comparison", "Comparison", _comparison_bundle)


def _leave_out(value: object) -> None:
    """Show nothing if it was shown already; else leave it to the other formatters."""
    if _shown and _shown[0] is value:
        _shown.clear()
        return
    raise NotImplementedError  # IPython's way of saying: not me


def _diagnosis_bundle(diagnosis: Diagnosis, **_how: Any) -> dict[str, Any]:
    from jupyter_mldeploy.notebook.explanation import explain_diagnosis
    from jupyter_mldeploy.notebook.render.bundle import explanation_bundle

    return explanation_bundle(explain_diagnosis(diagnosis))


def _comparison_bundle(found: Comparison, **_how: Any) -> dict[str, Any]:
    from jupyter_mldeploy.notebook.render.comparison_card import comparison_bundle

    return comparison_bundle(found)
