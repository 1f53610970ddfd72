"""The statuses of a scoring endpoint, as a real service answers them, and the cause that must be named for each."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest

from jupyter_mldeploy import deploy, services
from jupyter_mldeploy.config import MLDeploy
from jupyter_mldeploy.diagnosis import diagnose
from jupyter_mldeploy.evidence import Evidence

_SCRIPT = """
import json, os, time

def init():
    pass

def run(data):
    wish = json.loads(data)["data"]
    if wish == "crash":
        os._exit(3)
    if wish == "raise":
        raise LookupError("the customer is not known")
    if wish == "late":
        time.sleep(600)
    if wish.startswith("/"):
        with open(wish) as pipe:  # until somebody writes
            pipe.read()
    return wish
"""
_JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a service of one replica answers."""
    folder = tmp_path_factory.mktemp("statuses")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLDEPLOY_HOME", str(folder / "home"))
        patch.chdir(folder)
        MLDeploy.clear_instance()
        (folder / "score.py").write_text(_SCRIPT, "utf-8")
        yield deploy("score.py", "statuses", target="local", timeout=20).scoring_uri
        for service in services():
            service.delete()
    MLDeploy.clear_instance()


def answer(uri: str, body: bytes | None = None, method: str = "POST", headers: Mapping[str, str] = _JSON) -> Evidence:
    """What a client sees of a request."""
    try:
        with urlopen(Request(uri, body, dict(headers), method=method), timeout=50) as response:
            return Evidence(stage="http", http_status=response.status, http_body=response.read().decode())
    except HTTPError as error:
        return Evidence(stage="http", http_status=error.code, http_body=error.read().decode("utf-8", "replace"))
    except URLError as error:
        return Evidence(stage="http", log=str(error))


def wish(what: str) -> bytes:
    return json.dumps({"data": what}).encode()


def cause(evidence: Evidence) -> str:
    found = diagnose(evidence)
    assert not found.cause or found.steps
    return found.cause


def test_it_answers(uri: str) -> None:
    assert cause(answer(uri, wish("well"))) == ""


def test_another_path(uri: str) -> None:
    assert cause(answer(f"{uri}s", wish("well"))) == "http-404-wrong-path"


def test_another_method(uri: str) -> None:
    assert cause(answer(uri, wish("well"), "PUT")) == "http-405-method"


def test_an_encoding_it_cannot_read(uri: str) -> None:
    seen = answer(uri, wish("well"), headers={**_JSON, "content-encoding": "br"})
    assert cause(seen) == "http-415-content-type"


def test_a_body_that_is_too_large(uri: str) -> None:
    # Asked before the body is sent: the answer comes at once.
    seen = answer(uri, b"", headers={**_JSON, "content-length": "104857601", "expect": "100-continue"})
    assert cause(seen) == "http-413-payload-too-large"


def test_it_raises(uri: str) -> None:
    assert cause(answer(uri, wish("raise"))) == "run-exception"


def test_the_worker_ends(uri: str) -> None:
    assert cause(answer(uri, wish("crash"))) == "http-502-run-crashed"


@pytest.mark.timeout(120)
def test_no_replica_is_free(uri: str, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    first: list[Evidence] = []
    busy = threading.Thread(target=lambda: first.append(answer(uri, wish(str(pipe)))))
    busy.start()
    with pipe.open("w") as end:  # opens when run() reads
        assert cause(answer(uri, wish("well"))) == "http-503-overloaded"
        end.write("go on")
    busy.join()
    assert cause(first[0]) == ""


@pytest.mark.timeout(120)
def test_it_takes_too_long(uri: str) -> None:
    assert cause(answer(uri, wish("late"))) == "http-504-timeout"


def test_nobody_listens(uri: str) -> None:
    gone = deploy("score.py", "gone", target="local")
    was = gone.scoring_uri
    gone.delete()
    assert cause(answer(was, wish("well"))) == "endpoint-connection-refused"
