"""The magics that look at a service or end it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from jupyter_mldeploy.notebook.formatters import shown_already
from jupyter_mldeploy.notebook.frontend import FrontEnd, front_end
from jupyter_mldeploy.notebook.language import Later, later, tr
from jupyter_mldeploy.notebook.namespace import read_data, read_file
from jupyter_mldeploy.notebook.options import BadLine, Parsed
from jupyter_mldeploy.notebook.output import Output

if TYPE_CHECKING:
    from jupyter_mldeploy.api import Service
    from jupyter_mldeploy.comparison import Comparison
    from jupyter_mldeploy.diagnosis.report import Diagnosis
    from jupyter_mldeploy.notebook.render.bundle import Bundle

__all__ = ["compare", "delete", "diagnose", "replicas", "run", "status", "stop"]


def status(shell: Any, line: Parsed) -> Service | None:
    """``%service_status``."""
    from jupyter_mldeploy.api import service
    from jupyter_mldeploy.notebook.render.service_card import service_bundle
    from jupyter_mldeploy.notebook.service_view import look

    found = service(line.places["NAME"])
    if line.get("panel") and front_end(shell) is FrontEnd.LIVE:
        found.panel()
    else:
        _show(shell, service_bundle(look(found)))
    return shown_already(found) if front_end(shell) is not FrontEnd.TERMINAL else None


def run(shell: Any, line: Parsed) -> Any:
    """``%service_run``."""
    from jupyter_mldeploy.api import service
    from jupyter_mldeploy.errors import Cancelled, ScoringFailed
    from jupyter_mldeploy.notebook.explanation import explain
    from jupyter_mldeploy.notebook.render.bundle import explanation_bundle

    found = service(line.places["NAME"])
    data = _data(shell, line, line.places["DATA"])
    try:
        return found.run(data, timeout=line.get("timeout"))
    except KeyboardInterrupt:
        raise Cancelled(
            f"The request to {found.name!r} was interrupted; its answer is not waited for any more."
        ) from None
    except ScoringFailed as error:
        explanation = explain(error, found.name)
        if explanation is not None:
            _show(shell, explanation_bundle(explanation))
        raise


def compare(shell: Any, line: Parsed) -> Comparison:
    """``%service_compare``."""
    from jupyter_mldeploy.comparison import compare as compare_services
    from jupyter_mldeploy.notebook.render.comparison_card import comparison_bundle

    written = line.place("DATA")
    data = None if written is None else _data(shell, line, written)
    found = compare_services(line.places["NAME"], line.places["OTHER"], data, **line.given("tolerance"))
    _show(shell, comparison_bundle(found))
    return shown_already(found)


def stop(shell: Any, line: Parsed) -> None:
    """``%service_stop``."""
    from jupyter_mldeploy.api import service

    found = service(line.places["NAME"]).stop()
    _tell(shell, later("%1 is stopped; %2 starts it again.", found.name, f"%service_start {found.name}"))


def delete(shell: Any, line: Parsed) -> None:
    """``%service_delete``."""
    from jupyter_mldeploy.api import service

    found = service(line.places["NAME"])
    images = found.delete(images=bool(line.get("image")), forget=bool(line.get("forget")))
    besides = later("%1 is deleted, and %2.", found.name, ", ".join(images))
    _tell(shell, besides if images else later("%1 is deleted.", found.name))


def diagnose(shell: Any, line: Parsed) -> Diagnosis | None:
    """``%diagnose``."""
    from jupyter_mldeploy.api import service

    if line.get("list"):
        _list_causes()
        return None
    if "NAME" not in line.places:
        raise UsageError("%diagnose: name a service, or --list.")
    diagnosis = service(line.places["NAME"]).diagnose()
    _show(shell, diagnosis_bundle(diagnosis))
    return shown_already(diagnosis)


def diagnosis_bundle(diagnosis: Diagnosis) -> Bundle:
    """A diagnosis as it is shown."""
    from jupyter_mldeploy.notebook.explanation import explain_diagnosis
    from jupyter_mldeploy.notebook.render.bundle import explanation_bundle

    return explanation_bundle(explain_diagnosis(diagnosis))


def _list_causes() -> None:
    from jupyter_mldeploy.diagnosis.pages import causes, fill, page

    for slug in causes():
        _say(f"{slug:<36}{fill(page(slug).title, {})}")


def _data(shell: Any, line: Parsed, written: str) -> object:
    """What a request is to hold."""
    magic = f"%{line.magic.name}"
    try:
        return read_file(read_data(written, shell.user_ns, magic), magic)
    except BadLine as error:
        raise UsageError(str(error)) from None


def _show(shell: Any, bundle: Bundle) -> None:
    if front_end(shell) is FrontEnd.TERMINAL:
        _say(str(bundle["text/plain"]))
    else:
        Output().show(bundle)


def _tell(shell: Any, text: Later) -> None:
    """In the user's language, but in a terminal."""
    _say(text if front_end(shell) is FrontEnd.TERMINAL else tr(text))


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


def replicas(line: Parsed) -> int:
    """The number of replicas for a load."""
    from jupyter_mldeploy.spec import replicas_for

    load, given = line.given("rps", "seconds"), line.given("utilization", "concurrent")
    if len(load) < 2:
        raise UsageError("%replicas: say --rps and --seconds, such as: %replicas --rps 20 --seconds 0.5")
    return replicas_for(
        load["rps"],
        load["seconds"],
        utilization=given.get("utilization", 0.7),
        concurrent_requests=int(given.get("concurrent", 1)),
    )
