"""An example prints what the comment at its top says."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
import tempfile
from pathlib import Path


def announced(source: str) -> str:
    """The indented lines after "Prints:" in the first comment."""
    lines = source.split("Prints:\n", 1)[1].splitlines()
    shown = (re.match(r"(?: \*|//) {3}(.*)", line) for line in lines)
    return "".join(f"{line[1]}\n" for line in itertools.takewhile(bool, shown) if line)


def main(source: str, program: str) -> int:
    """Runs the program in an empty folder."""
    expected = announced(Path(source).read_text(encoding="utf-8"))
    command = [str(Path(program).resolve())]
    with tempfile.TemporaryDirectory(prefix="scratch-test-") as folder:
        result = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
        left = list(Path(folder).iterdir())
    if result.returncode == 0 and expected and result.stdout == expected and not result.stderr and not left:
        return 0
    print(f"expected:\n{expected}\nstatus {result.returncode}:\n{result.stdout}{result.stderr}\nleft: {left}")
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
