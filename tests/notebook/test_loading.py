from __future__ import annotations

import subprocess
import sys

HEAVY = ["pandas", "ipywidgets", "docker", "kubernetes", "numpy", "sklearn", "jupyter_server", "yaml", "watchfiles"]


def test_loading_the_extension_imports_nothing_heavy() -> None:
    program = f"""
import sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
before = set(sys.modules)
shell.run_line_magic("load_ext", "jupyter_mldeploy")
new = set(sys.modules) - before
print(sorted(name for name in {HEAVY} if name in new))
print(len(new))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    heavy, number = done.stdout.strip().splitlines()[-2:]
    assert heavy == "[]"
    assert int(number) < 60, "modules that the extension adds to IPython's own"
