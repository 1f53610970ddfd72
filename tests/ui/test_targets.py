"""Services of a real Docker engine and a real cluster in the side panel, deployed by its form."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_mldeploy.targets.container.identity import HOME, SERVICE, home_id
from tests.infra.cluster import namespace, the_cluster
from tests.infra.engine import the_engine
from tests.ui.accessibility import check_accessible
from tests.ui.lab import lab_server
from tests.ui.test_extension import Picture, in_home, new_page, show_panel

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

SCRIPT = """import json

def init():
    print("ready to double")

def run(data):
    print("asked")
    return [number * 2 for number in json.loads(data)["data"]]
"""
SCRIPT += f"# {os.urandom(4).hex()}: no engine has its image\n"
LONG = 180_000
"""Milliseconds for an image to be built, or pods to come, on a busy machine."""


@pytest.fixture
def container_lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Path]]:
    """A dark JupyterLab whose server uses the engine: its address, its folder."""
    found = the_engine()
    monkeypatch.setenv("MLDEPLOY_BASE_IMAGE", found.base)
    with lab_server(tmp_path, "JupyterLab Dark", extension=True) as address:
        (tmp_path / "work" / "double.py").write_text(SCRIPT)
        yield address, tmp_path
        in_home(tmp_path, "for s in m.services(): s.delete()")
    for container in found.engine.api.containers(all=True, filters={"label": f"{HOME}={home_id(tmp_path / 'home')}"}):
        found.engine.api.remove_container(container, force=True)


@pytest.fixture
def cluster_lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Path]]:
    """A JupyterLab whose settings name the cluster; nothing else does."""
    found = the_cluster()
    with namespace(found) as place:
        environ = found.environ(place)
        for name in ("KUBECONFIG", "MLDEPLOY_BASE_IMAGE"):
            monkeypatch.setenv(name, environ[name])
        said = {
            "target": "kubernetes",
            "registry": environ["MLDEPLOY_REGISTRY"],
            "kubeContext": environ["MLDEPLOY_CONTEXT"],
            "namespace": place,
        }
        settings = tmp_path / "settings" / "jupyter-mldeploy" / "plugin.jupyterlab-settings"
        settings.parent.mkdir(parents=True)
        settings.write_text(json.dumps(said))
        with lab_server(tmp_path, extension=True) as address:
            (tmp_path / "work" / "double.py").write_text(SCRIPT)
            yield address, tmp_path
            in_home(tmp_path, "for s in m.services(): s.delete()")


def deploy(page: Any, panel: Any, name: str, target: str, replicas: str = "") -> Any:
    """Deploy the script by the form; returns its card."""
    panel.get_by_role("button", name="Deploy a script…").click()
    form = page.get_by_role("form", name="Deploy a script")
    form.get_by_label("Script", exact=True).fill("double.py")
    form.get_by_label("Name").fill(name)
    form.get_by_label("Sample").fill('{"data": [1, 2]}')
    form.get_by_label("Replicas").fill(replicas)
    form.get_by_label("Target").select_option(target)
    form.get_by_role("button", name="Deploy").click()
    # Its stages are shown while the server works, with a way to interrupt it.
    panel.get_by_role("button", name=f"Cancel {name}").wait_for(timeout=LONG)
    form.wait_for(state="detached", timeout=LONG)
    return panel.locator(f"[data-service={name}]")


def score(page: Any, card: Any, name: str) -> None:
    card.get_by_role("button", name=f"Score {name}").click()
    card.get_by_label(f"Sample for {name}").fill('{"data": [21]}')
    card.get_by_role("button", name="Send").click()
    card.locator(".jp-MLDeploy-answer", has_text="[42]").wait_for()
    card.get_by_role("button", name=f"Score {name}").click()


def test_a_container(browser: Any, container_lab: tuple[str, Path], picture: Picture) -> None:
    address, folder = container_lab
    page = new_page(browser, 1300, 1000)
    page.goto(f"{address}&reset")
    panel = show_panel(page)
    boxed = deploy(page, panel, "boxed", "container")
    boxed.get_by_text("container · running · replicas: 1 of 1").wait_for()
    score(page, boxed, "boxed")
    (folder / "work" / "double.py").write_text(SCRIPT.replace("* 2", "* 3"))
    boxed.get_by_text("edited, not reloaded").wait_for()
    boxed.get_by_role("button", name="Reload boxed").click()
    boxed.get_by_text("edited, not reloaded").wait_for(state="detached")
    boxed.get_by_role("button", name="Logs boxed").click()
    log = page.locator(".jp-MLDeploy-log")
    log.locator(".jp-MLDeploy-logLine", has_text="ready to double").first.wait_for()

    # The image that it is made of, with the log of its build.
    panel.get_by_text("Images", exact=True).click()
    panel.get_by_role("button", name="Build log").first.click()
    page.locator(".jp-MLDeploy-buildLog", has_text="FROM").wait_for()
    page.get_by_role("button", name="Close", exact=True).click()
    check_accessible(page, ".jp-MLDeploy-panel")
    picture(page, "lab-container-dark")

    boxed.get_by_role("button", name="Stop boxed").click()
    page.get_by_role("button", name="Stop", exact=True).click()
    boxed.get_by_text("container · stopped").wait_for()
    boxed.get_by_role("button", name="Start boxed").click()
    boxed.get_by_text("container · running").wait_for(timeout=LONG)

    # A container whose record is gone is nobody's.
    shutil.rmtree(folder / "home" / "services" / "boxed")
    panel.get_by_text("Nothing is deployed yet").wait_for()
    panel.get_by_text("Orphans", exact=True).click()
    panel.locator("details li", has_text="Up").filter(has_text="boxed").wait_for()
    panel.locator("details code", has_text="mldeploy prune").wait_for()
    page.close()


def test_an_orphan_is_deleted(browser: Any, container_lab: tuple[str, Path], picture: Picture) -> None:
    address, folder = container_lab
    found = the_engine()
    here = home_id(folder / "home")
    for service in ("lost", "other"):
        labels = {HOME: here, SERVICE: service}
        found.engine.api.start(found.engine.api.create_container(found.base, ["sleep", "900"], labels=labels))
    page = new_page(browser, 1300, 700)
    page.goto(f"{address}&reset")
    panel = show_panel(page)
    panel.get_by_text("Orphans", exact=True).click()
    orphans = panel.locator("details", has_text="Orphans")
    orphans.locator("li", has_text="other").wait_for()
    check_accessible(page, ".jp-MLDeploy-panel")

    # It asks first; the keyboard goes on where it was.
    delete = orphans.get_by_role("button", name=re.compile("Delete… lost [0-9a-f]{12}"))
    delete.click()
    page.locator(".jp-Dialog", has_text="It is of a service lost that has no record here.").wait_for()
    picture(page, "lab-orphans-dark")
    page.get_by_role("button", name="Cancel", exact=True).click()
    delete.click()
    page.get_by_role("button", name="Delete", exact=True).click()
    orphans.locator("li", has_text="lost").wait_for(state="detached")
    assert orphans.locator("summary").evaluate("e => e === document.activeElement")
    (left,) = found.engine.api.containers(all=True, filters={"label": f"{HOME}={here}"})
    assert left["Labels"][SERVICE] == "other"
    page.close()


def test_a_service_on_a_cluster(browser: Any, cluster_lab: tuple[str, Path], picture: Picture) -> None:
    address, _ = cluster_lab
    page = new_page(browser, 1300, 1000)
    with page.expect_response(lambda answer: answer.request.method == "PUT" and "mldeploy/settings" in answer.url):
        page.goto(f"{address}&reset")
    panel = show_panel(page)
    pods = deploy(page, panel, "pods", "", "2")
    pods.get_by_text("kubernetes · running · replicas: 2 of 2").wait_for(timeout=LONG)
    score(page, pods, "pods")
    pods.get_by_text("Replicas", exact=True).click()
    assert pods.locator("tbody tr").count() == 2
    names = pods.locator("tbody tr td:first-child").all_inner_texts()
    assert len(set(names)) == 2

    pods.get_by_role("button", name="Logs pods").click()
    log = page.locator(".jp-MLDeploy-log")
    log.locator(".jp-MLDeploy-logLine", has_text="ready to double").first.wait_for()
    log.get_by_label("Replica").locator("option").nth(2).wait_for(state="attached")
    check_accessible(page, ".jp-MLDeploy-panel")
    picture(page, "lab-kubernetes-light")

    pods.get_by_role("button", name="Scale… pods").click()
    page.locator(".jp-Dialog input").fill("1")
    page.get_by_role("button", name="Scale", exact=True).click()
    pods.get_by_text("replicas: 1 of 1").wait_for(timeout=LONG)
    pods.get_by_role("button", name="Delete… pods").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    panel.get_by_text("Nothing is deployed yet").wait_for(timeout=LONG)
    page.close()
