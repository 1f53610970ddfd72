"""Every text that is drawn in a cell is in the catalogue, in every language, and nothing is drawn past it."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from jupyter_mldeploy.config import LANGUAGES, MLDeploy
from jupyter_mldeploy.diagnosis import diagnose
from jupyter_mldeploy.errors import Cancelled, InvalidScript
from jupyter_mldeploy.evidence import Evidence
from jupyter_mldeploy.notebook import language
from jupyter_mldeploy.notebook.explanation import explain, explain_diagnosis
from jupyter_mldeploy.notebook.language import later_all, tr
from jupyter_mldeploy.notebook.render.bundle import explanation_bundle, timeline_bundle
from jupyter_mldeploy.notebook.render.card import style
from jupyter_mldeploy.notebook.render.log_card import log_card
from jupyter_mldeploy.notebook.render.service_card import service_bundle
from jupyter_mldeploy.notebook.render.timeline_card import live_card
from jupyter_mldeploy.notebook.timeline import Timeline
from tests.notebook import stories

ROOT = Path(__file__).parents[2]
LOCALE = ROOT / "labextension" / "src" / "locale"
OTHERS = sorted(set(LANGUAGES) - {"en"})
SLOT = re.compile(r"%\d")


@pytest.fixture
def spoken(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[str]:
    """The language of the parameter, or Spanish."""
    chosen = getattr(request, "param", "es")
    MLDeploy.clear_instance()
    monkeypatch.setenv("MLDEPLOY_LANGUAGE", chosen)
    language._told.cache_clear()
    yield chosen
    MLDeploy.clear_instance()
    language._told.cache_clear()


def said_in_notebooks() -> set[str]:
    """The literals of ``tr("…")`` and ``later("…")``, and what is told elsewhere; marks are the same in every language."""
    found = set(json.loads((LOCALE / "phrases.json").read_text(encoding="utf-8")))
    for path in (ROOT / "jupyter_mldeploy" / "notebook").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"tr", "later"}):
                continue
            first = node.args[0]
            assert not isinstance(first, ast.JoinedStr), f"{path.name}:{node.lineno}: no f-string is in a catalogue"
            if isinstance(first, ast.Constant) and re.search(r"[^\W\d_]", SLOT.sub("", str(first.value))):
                found.add(str(first.value))
    return found


@pytest.mark.parametrize("chosen", OTHERS)
def test_it_is_whole(chosen: str) -> None:
    shared = json.loads((LOCALE / f"{chosen}.json").read_text(encoding="utf-8"))
    own = json.loads((LOCALE / "notebook" / f"{chosen}.json").read_text(encoding="utf-8"))
    said = said_in_notebooks()
    assert len(said) > 150
    assert sorted(said - shared.keys() - own.keys()) == [], "these are missing"
    assert sorted(own.keys() - said) == [], "nobody says these"
    assert sorted(own.keys() & shared.keys()) == [], "the extension's file has these"
    assert list(own) == sorted(own)
    for english, message in own.items():
        assert message.strip(), english
        assert sorted(SLOT.findall(message)) == sorted(SLOT.findall(english)), english


def drawn() -> dict[str, str]:
    """What there is to see, as HTML."""
    script = InvalidScript("score.py", ["run() is missing"])
    killed = explain_diagnosis(
        diagnose(Evidence(service="iris", target="container", stage="init", exit_code=137, oom_killed=True))
    )
    stopped = stories.building().failed(Cancelled("interrupted"))
    headline = later_all(("script changed", "memory 1Gi → 2Gi"))
    return {
        "building": str(live_card(stories.building(), stories.BEGAN + 14.2)),
        "deployed": timeline_bundle(stories.deployed())["text/html"],
        "updated": timeline_bundle(Timeline.begin("iris", "local").ended(headline))["text/html"],
        "failed": timeline_bundle(replace(stories.failed(), explanation=killed))["text/html"],
        "cancelled": timeline_bundle(stopped)["text/html"],
        "service": service_bundle(stories.service())["text/html"],
        "killed": explanation_bundle(killed)["text/html"],
        "script": explanation_bundle(explain(script, "iris", "local") or stories.explanation())["text/html"],
        "log": str(log_card("iris", [], left_out=3)),
    }


def pieces(html: str) -> list[str]:
    """Texts, and attributes that are read to people."""
    bare = html.replace(str(style()), "")
    spoken = re.findall(r'(?:aria-label|title)="([^"]*)"', bare)
    return [unescape(piece).strip() for piece in (*re.split(r"<[^>]*>", bare), *spoken) if piece.strip()]


# What the stories tell that no catalogue has: names, numbers, lines of logs, commands, the stages' own names.
GIVEN = re.compile(
    r"iris\S*|clf\S*|container|kubernetes|local|register|build|push|launch|init|ready|check|step 4 of 7|deployed to container in 15 s"
    r"|LogisticRegression|\d+Mi|http://\S+|\b(ms|s|MiB|p50|p99|cpu|Dockerfile)\b|<b>|score\.py|a1f3c09|[\d.:–/∕×-]+"
)
EVIDENCE = re.compile(r"<(pre|code|style)[^>]*>.*?</\1>", re.DOTALL)


def test_nothing_is_drawn_past_the_catalogue(monkeypatch: pytest.MonkeyPatch, spoken: str) -> None:
    class Marked(dict[str, Any]):
        def get(self, text: str, otherwise: Any = None) -> Any:
            return f"⟦{text}⟧" if not text.startswith("⟦") else otherwise

    monkeypatch.setattr(language, "_messages", lambda chosen: Marked())
    for name, html in drawn().items():
        if name in {"killed", "script", "failed"}:
            continue  # what a page or an error says is not in this catalogue
        bare = EVIDENCE.sub("", html)
        for piece in pieces(bare):
            left = piece
            while "⟦" in left and (shorter := re.sub(r"⟦[^⟦⟧]*⟧", "", left)) != left:
                left = shorter
            left = GIVEN.sub("", left)
            assert not re.search(r"[A-Za-z]{2,}", left), f"{name}: {piece!r} is not from the catalogue"


@pytest.mark.parametrize("spoken", OTHERS, indirect=True)
def test_nothing_is_left_english(spoken: str) -> None:
    files = (LOCALE / f"{spoken}.json", LOCALE / "notebook" / f"{spoken}.json")
    known = {key: message for file in files for key, message in json.loads(file.read_text(encoding="utf-8")).items()}
    english = {key for key, message in known.items() if message != key} - set(known.values())
    patterns = {
        key: re.compile(r"(?<![\w-])" + ".+".join(map(re.escape, SLOT.split(key))) + r"(?![\w-])")
        for key in english
        if " " in key.strip("%1 ")
    }
    for name, html in drawn().items():
        for piece in pieces(EVIDENCE.sub("", html)):
            assert piece not in english, f"{name}: {piece!r}"
            found = [key for key, pattern in patterns.items() if pattern.search(piece)]
            assert not found, f"{name}: {piece!r} has {found}"
        assert f' lang="{spoken}"' in html


def test_diagnoses_have_the_words_of_their_pages(spoken: str) -> None:
    html = drawn()["killed"]
    page = json.loads((LOCALE / "diagnoses" / f"{spoken}.json").read_text(encoding="utf-8"))
    assert "memoria" in html
    assert "Volver a desplegar con" in html
    assert page["action:logs"]["title"] in html


def test_problems_of_a_script_are_sentences_of_ours(spoken: str) -> None:
    problem = "cell [3], line 2: `inflection` is not installed in this kernel's Python (.venv)."
    hint = "Install it with `%pip install inflection`, or name it with --pip inflection."
    shown = explain(InvalidScript("cell [3]", [problem], hint), "words", "local")
    assert shown is not None
    html = unescape(explanation_bundle(shown)["text/html"])
    assert "cell [3], línea 2: `inflection` no está instalado en el Python de este kernel (.venv)." in html
    assert "Instálelo con <code>%pip install inflection</code> o indíquelo con --pip inflection." in html
    assert problem in json.dumps(explanation_bundle(shown)["application/vnd.mldeploy.diagnosis.v1+json"])


def test_the_data_stays_as_it_was_written(spoken: str) -> None:
    failure = stories.failed()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLDEPLOY_LANGUAGE", "en")
        MLDeploy.clear_instance()
        english = timeline_bundle(failure)
    MLDeploy.clear_instance()
    other = timeline_bundle(failure)
    assert other["text/html"] != english["text/html"]
    data = "application/vnd.mldeploy.deployment.v1+json"
    assert [other[data], other["text/plain"]] == [english[data], english["text/plain"]]
    assert {type(value) for value in other[data].values()} >= {str}


def test_what_is_told_is_found_by_its_form(spoken: str) -> None:
    assert tr("port 43117") == "puerto 43117"
    assert tr("port any → 8080") == "puerto any → 8080"
    assert tr("took over the port within 12 ms; sample → [0]") == "tomó el puerto en 12 ms; muestra → [0]"
    assert tr("something that nobody knows: %1") == "something that nobody knows: %1"
    many = tuple(f"port {number} kept" for number in range(12))
    assert later_all(many) == ", ".join(many)
