"""What a script writes reaches the log, with the request that was running."""

from __future__ import annotations

import re
import time

from runtime_harness import Serve, Server, in_background

LINE = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} [DIWEC] \[\d+\] [\w.]+( \[[^\]]+\])? - ")

WRITER = """
import ctypes
import logging
import os
import subprocess
import sys
import threading
import warnings

print("at import")
logging.info("logged at import")

def init():
    print("in init")

def run(data):
    print("printed", data)
    print("to stderr", file=sys.stderr)
    logging.info("info on the root logger")
    logging.getLogger("mine").warning("a warning")
    os.write(1, b"by descriptor\\n")
    os.system("echo by a child")
    sys.stdout.buffer.write(b"binary\\n")
    ctypes.CDLL(None).puts(b"by C")
    ctypes.CDLL(None).fflush(None)
    print("no newline", end="")
    return data
"""


def line_with(log: str, text: str) -> str:
    return next(line for line in log.splitlines() if line.endswith(f"- {text}"))


def test_everything_that_is_written_arrives_with_its_request(serve: Serve) -> None:
    server = serve(WRITER)
    for number in range(5):
        server.request("POST", "/score", str(number), {"x-request-id": f"request-{number}"})
    log = server.wait_for_log("[request-4] - POST /score 200")
    for number in range(5):
        assert f" print [request-{number}] - printed {number}\n" in log
    part = log[log.index("[request-4] - printed") :]
    texts = [
        "to stderr",
        "info on the root logger",
        "a warning",
        "by descriptor",
        "by a child",
        "binary",
        "by C",
        "no newline",
    ]
    for text in texts:
        assert "[request-4]" in line_with(part, text), text
    assert " I [" in line_with(part, "info on the root logger")
    assert " W [" in line_with(part, "a warning")
    assert "[request" not in line_with(log, "at import")
    assert line_with(log, "logged at import")
    assert all(LINE.match(line) for line in log.splitlines())


def test_warnings_leave_no_empty_line(serve: Serve) -> None:
    server = serve("import warnings\ndef init(): warnings.warn('outdated model')\ndef run(data): return 1\n")
    log = server.wait_for_log("outdated model')")  # the line that warned, below the warning
    assert "UserWarning: outdated model\n" in log
    assert all(line.strip() for line in log.splitlines())


def test_access_lines(serve: Serve) -> None:
    server = serve("plain.py")
    server.request("GET", "/score?a=1", headers={"x-request-id": "one"})
    log = server.wait_for_log("access [one]")
    assert re.search(r"access \[one\] - GET /score\?a=1 200 \d+\.\d{3}ms 18\n", log)


def test_probes_leave_no_access_line_while_all_is_well(serve: Serve) -> None:
    server = serve("plain.py")
    for agent in ("mldeploy-health", "kube-probe/1.31"):
        for path in ("/", "/metrics", "/score"):
            assert server.request("GET", path, headers={"user-agent": agent}).status == 200
    server.request("GET", "/", headers={"user-agent": "curl/8", "x-request-id": "last"})
    log = server.wait_for_log("access [last]")
    assert re.findall(r"GET (\S+) 200", log) == ["/score", "/score", "/"]
    broken = serve("def init(): raise ValueError('never')\ndef run(data): return 1\n", wait=False)
    broken.wait_for_log("never")
    assert broken.request("GET", "/", headers={"user-agent": "mldeploy-health"}).status == 503
    assert "GET / 503" in broken.wait_for_log("GET / 503")


def test_a_hundred_megabytes_of_output(serve: Serve) -> None:
    text = (
        "def init(): pass\ndef run(data):\n    for n in range(100_000):\n        print('x' * 1000)\n    return 'done'\n"
    )
    server = serve(text, scoring_timeout_ms=100_000)
    with in_background(server.score) as results:
        time.sleep(0.3)
        assert server.request("GET", "/").status == 200
    assert results[0].json == "done"
    assert server.status()["replicas"][0]["memory_bytes"] < 100_000_000


def test_a_script_that_closes_its_streams(serve: Serve) -> None:
    text = """
import os, sys
def init(): pass
def run(data):
    sys.stdout.close()
    print("after close")
    os.close(1)
    os.close(2)
    print("after os.close")
    return 1
"""
    server = serve(text)
    assert server.score().status == 200
    assert server.score().status in (200, 500)
    server.wait_for_log("after close")
    server.wait_for_log("after os.close")


def test_odd_text(serve: Serve) -> None:
    server = serve(
        'def init(): pass\ndef run(data):\n    print("ü \\ud800 \\x1b[31m", 3, sep="|")\n    print("a\\nb\\n")\n'
    )
    assert server.score().status == 200
    log = server.wait_for_log("POST /score")
    assert "ü \\ud800" in log


def test_a_log_that_nobody_reads(serve: Serve, plain: Server) -> None:
    """The log of `plain` is a file; a pipe that is never read is in test_life's by-hand servers. Requests go on."""
    for _ in range(50):
        assert plain.score(1).status == 200
