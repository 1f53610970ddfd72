from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mldeploy.errors import Cancelled, DeploymentFailed, InvalidScript
from jupyter_mldeploy.events import EventKind, Stage
from jupyter_mldeploy.evidence import Evidence
from jupyter_mldeploy.notebook.explanation import explain
from jupyter_mldeploy.notebook.render.bundle import explanation_bundle, timeline_bundle
from jupyter_mldeploy.notebook.render.card import style
from jupyter_mldeploy.notebook.render.markup import prose, tag
from jupyter_mldeploy.notebook.render.service_card import service_bundle
from jupyter_mldeploy.notebook.render.timeline_card import live_card
from jupyter_mldeploy.notebook.render.wording import seconds
from jupyter_mldeploy.notebook.timeline import Timeline
from jupyter_mldeploy.targets.base import LogLine
from tests.notebook import stories

Golden = Callable[[str, str], None]
pytestmark = pytest.mark.usefixtures("utc")


def readable(html: str) -> str:
    """HTML with one element a line, and without the stylesheet."""
    return html.replace(str(style()), "").replace("><", ">\n<") + "\n"


def test_the_live_card(golden: Golden) -> None:
    golden("building.html", readable(str(live_card(stories.building(), stories.BEGAN + 14.2))))


@pytest.mark.parametrize("name", ["deployed", "failed"])
def test_what_a_saved_notebook_keeps(golden: Golden, name: str) -> None:
    bundle = timeline_bundle(getattr(stories, name)())
    assert list(bundle) == ["application/vnd.mldeploy.deployment.v1+json", "text/html", "text/plain"]
    golden(f"{name}.html", readable(bundle["text/html"]))
    golden(f"{name}.txt", bundle["text/plain"] + "\n")
    golden(
        f"{name}.json",
        json.dumps(bundle["application/vnd.mldeploy.deployment.v1+json"], indent=2, ensure_ascii=False) + "\n",
    )


def test_a_diagnosis_alone(golden: Golden) -> None:
    bundle = explanation_bundle(stories.explanation())
    golden("diagnosis.html", readable(bundle["text/html"]))
    golden("diagnosis.txt", bundle["text/plain"] + "\n")


def test_a_service(golden: Golden) -> None:
    bundle = service_bundle(stories.service())
    golden("service.html", readable(bundle["text/html"]))
    golden("service.txt", bundle["text/plain"] + "\n")
    json.dumps(bundle)


def test_interrupted() -> None:
    timeline = stories.building().failed(Cancelled("interrupted"), now=stories.BEGAN + 9)
    bundle = timeline_bundle(timeline)
    assert "interrupted in build, what was begun has been cleaned up" in bundle["text/html"]
    assert "build interrupted" in bundle["text/plain"]
    assert bundle["application/vnd.mldeploy.deployment.v1+json"]["state"] == "cancelled"


def test_stages_that_were_not_needed_say_so() -> None:
    timeline = Timeline.begin("iris", "local")
    timeline = timeline.after(stories.told(Stage.INIT, EventKind.FINISHED, "reloaded, init() kept", seconds=0.012))
    html = timeline_bundle(timeline.ended("reloaded"))["text/html"]
    assert html.count("not needed") == 2 * 4  # shown, and as the title: register, build, launch, ready


def test_a_stage_that_runs_twice_adds_up() -> None:
    timeline = Timeline.begin("iris", "local")
    for _ in range(2):
        timeline = timeline.after(stories.told(Stage.REGISTER, EventKind.STARTED))
        timeline = timeline.after(stories.told(Stage.REGISTER, EventKind.FINISHED, "clf:1", seconds=1.5))
    assert timeline.stages[0].seconds == 3.0


def test_a_problem_of_the_script_is_shown_line_by_line() -> None:
    error = InvalidScript("cell [4]", ["line 3: there is no run()", "line 7: <x> is not defined"])
    timeline = Timeline.begin("iris", "local").failed(error, explain(error, "iris", "local"))
    html = timeline_bundle(timeline)["text/html"]
    assert "The scoring script has 2 problems" in html
    assert "line 7: &lt;x&gt; is not defined" in html
    assert "<ol" not in html, "no stage began, so none is shown"


def test_evidence_without_a_diagnosis_is_shown() -> None:
    evidence = Evidence(
        stage="init", target="local", service="iris", log="one\ntwo\nboom", script_name="cell [4]",
        failure={"message": "init() raised KeyError", "file": "score.py", "line": 6, "source": "x['a']"},
    )  # fmt: skip
    error = DeploymentFailed("iris failed in init", stage="init", evidence=evidence)
    text = timeline_bundle(Timeline.begin("iris", "local").failed(error, explain(error)))["text/plain"]
    assert "proof  init() raised KeyError" in text
    assert "cell [4], line 6: x['a']" in text


def test_a_real_diagnosis_is_shown_with_its_proof_and_steps() -> None:
    from jupyter_mldeploy.diagnosis import diagnose

    log = "Traceback (most recent call last):\n  File \"score.py\", line 1\nModuleNotFoundError: No module named 'xgboost'\n"
    evidence = Evidence(stage="init", target="local", service="iris", log=log)
    error = DeploymentFailed("iris failed in init", stage="init", evidence=evidence)
    error.diagnosis = diagnose(evidence)
    html = timeline_bundle(Timeline.begin("iris", "local").failed(error, explain(error)))["text/html"]
    assert "<mark>ModuleNotFoundError: No module named &#x27;xgboost&#x27;</mark>" in html
    assert '<ol class="mld-steps">' in html
    assert "%diagnose iris" in html


class Balanced(HTMLParser):
    """Fails on an element that is not closed, and collects the names of all."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.open.append(tag)
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@given(st.text(max_size=40))
def test_nothing_from_outside_becomes_markup(text: str) -> None:
    hostile = f"<script>alert(1)</script>{text}\"'><img src=x>`<b>`**<i>**"
    timeline = Timeline.begin(hostile, hostile, notes=[hostile])
    timeline = timeline.after(stories.told(Stage.BUILD, EventKind.LOG, hostile))
    timeline = timeline.after(stories.told(Stage.BUILD, EventKind.FAILED, hostile, seconds=1))
    evidence = Evidence(stage="build", service=hostile, log=hostile, script_name=hostile,
                        failure={"line": 1, "message": hostile, "source": hostile})  # fmt: skip
    error = DeploymentFailed(hostile, hostile, stage="build", evidence=evidence)
    for html in (
        str(live_card(timeline)),
        timeline_bundle(timeline.failed(error, explain(error)))["text/html"],
        timeline_bundle(replace(timeline, script=hostile).ended(hostile, uri=hostile))["text/html"],
    ):
        parser = Balanced()
        parser.feed(html)
        assert not parser.open
        assert not parser.seen & {"script", "img", "i"}


def test_the_stylesheet_has_only_jupyterlabs_colours_and_no_small_letters() -> None:
    import re

    text = str(style())
    own = {name for name in re.findall(r"var\((--[\w-]+)", text) if not name.startswith(("--jp-", "--mld-"))}
    assert own == set()
    assert all(float(size) >= 11 for size in re.findall(r"font(?:-size)?:\s*([\d.]+)px", text))
    assert len(text) < 8000, "it is in every output"


def test_prose() -> None:
    html = prose("Try `a<b` and **this**:\n    code <x>\nthen go on.")
    assert html == ('Try <code>a&lt;b</code> and <b>this</b>:<pre class="mld-code">code &lt;x&gt;</pre>then go on.')
    assert tag("a", "", title='"') == '<a title="&quot;"></a>'


@pytest.mark.parametrize(("value", "shown"), [(0.0123, "12 ms"), (0.34, "0.3 s"), (9.96, "10 s"), (125.2, "2 min 5 s")])
def test_seconds(value: float, shown: str) -> None:
    assert seconds(value) == shown


def test_a_log_says_what_it_left_out() -> None:
    from jupyter_mldeploy.notebook.render.log_card import log_bundle

    bundle = log_bundle("iris", [LogLine(text="<a>")], left_out=12)
    assert bundle["text/plain"] == "[… 12 earlier lines left out …]\n<a>"
    assert "&lt;a&gt;" in bundle["text/html"]
