"""The fast check: style, types, layers, length of files.

    uv run python scripts/check.py [ruff] [format] [mypy] [layers] [length]

Without names all of them, side by side. Also the hooks of pre-commit. The exit code is 1 if one of them fails.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = str(Path(sys.executable).parent)
CHECKS = {
    "ruff": [f"{BIN}/ruff", "check", "--quiet", "."],
    "format": [f"{BIN}/ruff", "format", "--check", "--quiet", "."],
    "mypy": [f"{BIN}/mypy"],
    "layers": [f"{BIN}/lint-imports"],
    "length": [sys.executable, __file__, "--length"],
}
LONGEST = 400
"""Lines of a source file; a longer one holds more than one concept."""


def main(names: list[str]) -> int:
    """Run the checks that are named, or all."""
    if names == ["--length"]:
        return check_length()
    unknown = [name for name in names if name not in CHECKS]
    if unknown:
        sys.stderr.write(f"There is no check {unknown[0]!r}; there are {', '.join(CHECKS)}.\n")
        return 2
    running = {
        name: subprocess.Popen(CHECKS[name], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for name in names or CHECKS
    }
    failed = 0
    for name, process in running.items():
        output, _ = process.communicate()
        if process.returncode != 0:
            failed = 1
            print(f"== {name} ==\n{output.rstrip()}")
    print("checks failed" if failed else f"checks passed: {', '.join(running)}")
    return failed


def check_length() -> int:
    """Name the source files that are too long."""
    code = 0
    for path in sorted((ROOT / "jupyter_mldeploy").rglob("*.py")):
        lines = path.read_bytes().count(b"\n")
        if lines > LONGEST:
            print(f"{path.relative_to(ROOT)}: {lines} lines, the limit is {LONGEST}")
            code = 1
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
