"""A new script that cannot be kept is refused: nothing of it serves, whatever way it would have been taken."""

from __future__ import annotations

from typing import Any

import pytest
from runtime_harness import Serve

SCRIPT = "def init():\n    global made\n    made = 1\n\ndef run(data):\n    return {'version': 1, 'made': made}\n"
EDITED = SCRIPT.replace("'version': 1", "'version': 2")


@pytest.mark.parametrize("replicas", [1, 2])
@pytest.mark.parametrize("order", [{}, {"sample": "{}"}, {"keep_init": False}], ids=str)
def test_a_script_that_cannot_be_written_is_refused(serve: Serve, order: dict[str, Any], replicas: int) -> None:
    server = serve(SCRIPT, min_replicas=replicas, max_replicas=replicas)
    folder = server.log_path.parent
    file = folder / "score.py"
    file.unlink()
    file.mkdir()  # no file can be put there, whoever runs this
    before = server.status()
    answer = server.reload(script=EDITED, **order)
    assert answer.status == 422
    refused = answer.json
    assert refused["message"] == f"The script's file {file} could not be written: Is a directory."
    assert refused["failure"]["kind"] == "storage"
    assert refused["script"] == before["script"]
    for _ in range(2 * replicas):
        assert server.score().json["version"] == 1
    status = server.status()
    assert (status["state"], status["refused"]) == ("degraded", refused["message"])
    assert [r["pid"] for r in status["replicas"]] == [r["pid"] for r in before["replicas"]]
    assert not list(folder.glob(".score.py.*")), "what was begun is removed"
    file.rmdir()
    assert server.reload(script=EDITED, **order).status == 200
    assert server.score().json["version"] == 2
    assert file.read_text() == EDITED
    assert server.status()["state"] == "ready"
