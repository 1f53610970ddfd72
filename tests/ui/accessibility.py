"""What axe and a ruler say of a page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

__all__ = ["check_accessible"]

AXE = Path(__file__).parents[2] / "labextension" / "node_modules" / "axe-core" / "axe.min.js"


def check_accessible(page: Any, place: str) -> None:
    """No violation that axe can see."""
    page.add_script_tag(path=AXE)
    told = page.evaluate(
        """place => axe.run(place, {resultTypes: ['violations']}).then(found =>
             found.violations.flatMap(v => v.nodes.map(n => `${v.id}: ${n.html.slice(0, 200)} ${n.failureSummary}`)))""",
        place,
    )
    assert told == []
    small = page.evaluate(
        """place => [...document.querySelectorAll(place + ' *')].filter(e => e.childNodes.length && e.innerText &&
             parseFloat(getComputedStyle(e).fontSize) < 11).map(e => e.outerHTML.slice(0, 200))""",
        place,
    )
    assert small == [], "no text under 11 px"
