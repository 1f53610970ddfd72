"""The script that the recorded vectors were made with: the body's `k` chooses what run() does."""

import json
import os
import sys
import time


def init():
    global ready
    ready = True


def run(data):
    try:
        value = json.loads(data)
    except ValueError:
        return {"raw": data}
    kind = value.get("k") if isinstance(value, dict) else None
    if kind is None:
        return {"echo": value}
    return KINDS[kind](value)


def fail(_value):
    raise ValueError("boom")


def numpy_results(_value):
    import numpy

    return {"a": numpy.arange(3), "b": numpy.float32(1.5), "c": numpy.int64(4), "d": float("nan")}


def sleep(value):
    time.sleep(value["s"])
    return "slept"


def end(value):
    os._exit(value.get("code", 7))


def leave(_value):
    sys.exit("bye")


def signal_self(value):
    os.kill(os.getpid(), value["signal"])
    time.sleep(30)


def written(value):
    print(value["text"])
    return "written"


KINDS = {
    "raise": fail,
    "none": lambda _: None,
    "str": lambda _: "hello",
    "jsonstr": lambda _: json.dumps({"result": [1, 2]}),
    "numpy": numpy_results,
    "sleep": sleep,
    "exit": end,
    "sysexit": leave,
    "signal": signal_self,
    "print": written,
    "pid": lambda _: os.getpid(),
    "set": lambda _: {3, 1, 2},
    "object": lambda _: object(),
    "bytes": lambda _: b"abc",
    "generator": lambda _: (n for n in range(3)),
    "env": lambda _: dict(os.environ),
    "cwd": lambda _: os.getcwd(),
}
