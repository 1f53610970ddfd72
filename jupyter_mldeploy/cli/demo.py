"""``mldeploy demo``: the whole road with a real model, step by step; it fails if any answer is not the right one."""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_mldeploy import api
from jupyter_mldeploy.cli.interrupts import interruptible
from jupyter_mldeploy.cli.progress import Progress
from jupyter_mldeploy.cli.showing import Screen
from jupyter_mldeploy.config import settings
from jupyter_mldeploy.errors import MLDeployError, NotFound, ReloadRefused
from jupyter_mldeploy.events import Cancel
from jupyter_mldeploy.models import register_model

__all__ = ["demo"]

NAME = "iris"
FLOWER = {"data": [[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]]}
SCRIPT = """\
import json, os, joblib
from azureml.core.model import Model

def init():
    global model
    model = joblib.load(Model.get_model_path("iris-classifier"))

def run(data):
    return model.predict(json.loads(data)["data"]).tolist()
"""
EDIT = (
    "    return model.predict(",
    '    names = ["setosa", "versicolor", "virginica"]\n    return [names[kind] for kind in model.predict(',
)
MISTAKE = ('Model.get_model_path("iris-classifier")', 'os.path.join(os.environ["AZUREML_MODEL_DIR"], "model.pkl")')


class WrongAnswer(MLDeployError):
    """A step of the demo did not come to what it must."""

    code = "wrong-answer"


def demo(options: argparse.Namespace, screen: Screen) -> int:
    """Run it in a folder of its own."""
    with _own_home(keep=options.keep) as folder, interruptible() as cancel:
        shown = _Demo(folder, screen, cancel)
        try:
            shown.run_all(keep=options.keep)
        except BaseException:
            shown.clean_up()
            raise
    if screen.is_json:
        screen.json({"ok": True, "steps": shown.steps})
    return 0


@contextmanager
def _own_home(*, keep: bool) -> Iterator[Path]:
    """A temporary folder that is the home of everything the demo makes."""
    folder = Path(tempfile.mkdtemp(prefix="mldeploy-demo-"))
    before, variable = settings().home, os.environ.get("MLDEPLOY_HOME")
    settings().home = os.environ["MLDEPLOY_HOME"] = str(folder / "home")
    try:
        yield folder
    finally:
        settings().home = before
        os.environ.pop("MLDEPLOY_HOME")
        if variable is not None:
            os.environ["MLDEPLOY_HOME"] = variable
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


class _Demo:
    """One run; each step says what it does before it does it, and what it came to."""

    def __init__(self, folder: Path, screen: Screen, cancel: Cancel) -> None:
        self._screen = screen
        self._cancel = cancel
        self._script = folder / "score.py"
        self._home = folder / "home"
        self.steps: list[dict[str, Any]] = []

    def run_all(self, *, keep: bool) -> None:
        """Every step in order."""
        self._step("train a logistic regression on iris and register it", self._train)
        self._step("deploy it as a local process", self._deploy)
        self._step("score two flowers over HTTP", self._score)
        self._step("edit run(), and let the running service take the edit", self._edit)
        self._step("make a mistake in init(): the service refuses it, says why, and goes on serving", self._break)
        if keep:
            self._line(f"kept: MLDEPLOY_HOME={self._home} mldeploy status {NAME}")
        else:
            self._step("delete it", self._delete)
        self._line(f"\nall {len(self.steps)} steps came to what they must")

    def clean_up(self) -> None:
        """Leave nothing running, whatever happened."""
        try:
            api.Service(NAME).delete()
        except NotFound:
            pass
        except MLDeployError as error:
            self._screen.note(f"mldeploy: cleaning up: {error}")

    def _step(self, what: str, do: Callable[[], str]) -> None:
        self._cancel.check()
        self._line(f"\n{len(self.steps) + 1}. {what}")
        began = time.monotonic()
        told = do()
        seconds = time.monotonic() - began
        self.steps.append({"step": what, "result": told, "seconds": seconds})
        self._line(f"   → {told}  ({seconds:.2f} s)")

    def _line(self, text: str) -> None:
        if not self._screen.is_json:
            self._screen.lines(text.split("\n"))

    # -- the steps -------------------------------------------------------------------------------------------------

    def _train(self) -> str:
        try:
            from sklearn.datasets import load_iris
            from sklearn.linear_model import LogisticRegression
        except ImportError as error:
            raise NotFound(
                f"The demo trains with scikit-learn, which is not installed ({error.name}).",
                "pip install 'jupyter-mldeploy[demo]'",
            ) from None
        data = load_iris()
        classifier = LogisticRegression(max_iter=1000).fit(data.data, data.target)
        model = register_model("iris-classifier", classifier, cancel=self._cancel)
        return f"{model} ({model.kind}, {model.size} bytes), {classifier.score(data.data, data.target):.0%} right"

    def _deploy(self) -> str:
        self._script.write_text(SCRIPT)
        sink = Progress(self._screen)
        sample = {"data": FLOWER["data"][:1]}
        service = api.deploy(
            self._script,
            NAME,
            target="local",
            models=["iris-classifier"],
            sample=sample,
            sink=sink,
            cancel=self._cancel,
        )
        assert service.outcome is not None
        _must_be(service.outcome.answer.replace(" ", ""), "[0]")
        return service.scoring_uri

    def _score(self) -> str:
        answer = api.service(NAME).run(FLOWER)
        _must_be(answer, [0, 2])
        return f"{FLOWER['data']} → {answer}"

    def _edit(self) -> str:
        self._script.write_text(SCRIPT.replace(*EDIT) + "    ]\n")
        service = api.service(NAME)
        receipt = service.reload(cancel=self._cancel)
        answer = service.run(FLOWER)
        _must_be(answer, ["setosa", "virginica"])
        how = "in place, init() kept" if receipt.mode == "in-place" else f"{receipt.mode}, init() ran again"
        return f"reloaded {how}, in {receipt.seconds * 1000:.0f} ms; now {answer}"

    def _break(self) -> str:
        service = api.service(NAME)
        before = service.status().script
        self._script.write_text(self._script.read_text().replace(*MISTAKE))
        try:
            service.reload(cancel=self._cancel)
        except ReloadRefused as error:
            refused = error
        else:
            raise WrongAnswer("The mistake was not noticed.")
        explained = refused.diagnosis.to_text() if refused.diagnosis is not None else str(refused)
        self._line("\n".join(f"   | {line}" for line in explained.splitlines()))
        _must_be(service.run(FLOWER), ["setosa", "virginica"])
        _must_be(service.status().script, before)
        cause = refused.diagnosis.cause if refused.diagnosis is not None else "unknown"
        return f"refused ({cause}); the old script still answers"

    def _delete(self) -> str:
        api.service(NAME).delete()
        left = [path.name for path in (self._home / "services").iterdir()]
        _must_be(left, [])
        return "no process, no port, no record"


def _must_be(answer: object, right: object) -> None:
    if answer != right:
        raise WrongAnswer(f"The answer was {answer!r}, and must be {right!r}.")
