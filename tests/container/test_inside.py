"""``exec``: what a command in the container reads and writes, byte for byte."""

from __future__ import annotations

import os
import subprocess
import sys

from .conftest import Deploy

EXEC = [sys.executable, "-m", "jupyter_mldeploy.cli", "exec", "adder", "--"]


def test_a_command_reads_and_writes_bytes_as_they_are(deployed: Deploy) -> None:
    deployed()
    sent = os.urandom(3_000_000)
    copied = subprocess.run([*EXEC, "cat"], input=sent, capture_output=True, timeout=120, check=True)
    assert copied.stdout == sent
    both = "import sys; sys.stdout.buffer.write(b'\\xff\\0'); sys.stderr.buffer.write(b'\\xfe'); sys.exit(3)"
    ran = subprocess.run([*EXEC, "python", "-c", both], stdin=subprocess.DEVNULL, capture_output=True, timeout=120)  # noqa: PLW1510
    assert (ran.returncode, ran.stdout, ran.stderr) == (3, b"\xff\0", b"\xfe")


def test_a_command_that_does_not_read_is_not_waited_for(deployed: Deploy) -> None:
    deployed()
    reading, writing = os.pipe()  # never at its end
    with os.fdopen(reading), os.fdopen(writing, "wb"):
        ran = subprocess.run([*EXEC, "echo", "one"], stdin=reading, capture_output=True, timeout=120, check=True)
    assert ran.stdout == b"one\n"
    # Far more than any buffer between here and there holds.
    unread = subprocess.run([*EXEC, "true"], input=bytes(8_000_000), capture_output=True, timeout=120, check=True)
    assert (unread.stdout, unread.stderr) == (b"", b"")
