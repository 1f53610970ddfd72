"""Records are read by many threads of one process at once, also the very first time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from jupyter_mldeploy.records import Record, Records
from jupyter_mldeploy.spec import InferenceConfig, Script, ServiceSpec

PROGRAM = """
import sys, threading
from pathlib import Path
from jupyter_mldeploy.records import Records
import msgspec
sys.setswitchinterval(1e-6)
records, together, found = Records(Path(sys.argv[1])), threading.Barrier(8), []
def read():
    together.wait()
    found.append(records.get("one").name)
threads = [threading.Thread(target=read) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert found == ["one"] * 8, found
"""


def test_the_first_look_of_many_threads(tmp_path: Path) -> None:
    script = Script("def init(): pass\ndef run(data): pass\n")
    Records(tmp_path).write(Record(spec=ServiceSpec(name="one", inference=InferenceConfig(script))))
    for _ in range(5):
        told = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(tmp_path)], capture_output=True, text=True, check=False
        )
        assert told.returncode == 0, told
