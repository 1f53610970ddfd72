"""Logs over the interface: whole, followed, taken up again, and not faster than they are read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from jupyter_mldeploy import Service, deploy
from tests.server.jupyter import Client

CHATTY = """def init():
    pass

def run(data):
    for i in range(int(data)):
        print("line", i)
    return "done"
"""


@pytest.fixture
def chatty(home: Path, tmp_path: Path) -> Iterator[Service]:
    path = tmp_path / "score.py"
    path.write_text(CHATTY)
    made = deploy(path, "chatty", target="local")
    yield made
    made.delete()


def lines_until(events: Iterator[tuple[str, str, Any]], text: str) -> tuple[list[str], str]:
    """All lines up to one that holds a text, and the id of the message it came in."""
    found: list[str] = []
    for kind, identity, data in events:
        assert kind == "lines", (kind, data)
        found += [line for _, line in data["lines"]]
        if text in found[-1] or any(text in line for line in found):
            return found, identity
    raise AssertionError("the stream ended")


def test_followed_and_taken_up_again(server: Client, chatty: Service) -> None:
    chatty.answer("50")
    with closing(server.events("/services/chatty/log?follow=true")) as events:
        kind, _, first = next(events)
        assert (kind, first["resumed"]) == ("life", False)
        before, last = lines_until(events, "line 49")
    chatty.answer("2")
    with closing(server.events("/services/chatty/log?follow=true", last)) as events:
        assert next(events)[2] == {"life": first["life"], "resumed": True}
        after, _ = lines_until(events, "line 1")
        assert not any("line 49" in line for line in after), "nothing twice"
    whole = chatty.logs().splitlines()
    assert whole[: len(before)] == before
    assert whole[len(before) : len(before) + len(after)] == after

    with closing(server.events("/services/chatty/log?follow=true", last)) as events:
        next(events)
        lines_until(events, "line 1")
        chatty.stop()
        assert [data for kind, _, data in events if kind == "end"] == [{"error": None}]


def test_a_hundred_thousand_lines_arrive_whole_though_they_are_read_slowly(server: Client, chatty: Service) -> None:
    log = chatty._records.folder("chatty") / "run.log"
    with log.open("a") as file:
        file.writelines(f"added {i}\n" for i in range(100_000))
    response = server.open("GET", "/services/chatty/log")
    # Other requests are answered while this one is not read.
    assert server.call("GET", "/services/chatty").data["state"] == "running"
    got, number = 0, 0
    kind = ""
    while line := response.readline().decode():
        if line.startswith("event: "):
            kind = line[7:].strip()
        elif line.startswith("id: "):
            number = int(line.rpartition("-")[2])
        elif line.startswith("data: ") and kind == "lines":
            got += len(json.loads(line[6:])["lines"])
            assert number == got
    assert kind == "end"
    assert got == len(chatty.logs().splitlines()) >= 100_000
