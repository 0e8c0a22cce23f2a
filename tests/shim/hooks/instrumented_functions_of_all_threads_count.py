#!/usr/bin/env python3
"""While one thread finds out which functions of a program built with -finstrument-functions are hooked, the calls of the
others open regions too. So they do where the program's loader is started by hand.

Usage: instrumented_functions_of_all_threads_count.py SCRATCH PROGRAM
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path


def main() -> None:
    scratch, program = sys.argv[1:]
    headers = subprocess.run(["readelf", "-lW", program], capture_output=True, text=True, check=True).stdout
    loader = headers.split("program interpreter: ")[1].split("]")[0]
    count(scratch, [program])
    if Path(loader).exists():
        count(scratch, [loader, program])


def count(scratch: str, words: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report"
        result = subprocess.run(
            [scratch, "run", "--stats=json", "--output", str(report), "--region", "work", "--", *words],
            capture_output=True, text=True, timeout=25, check=False,
        )
        assert (result.returncode, result.stdout, result.stderr) == (0, "", ""), result
        entered = json.loads(report.read_text())["regions_entered"]
        assert entered == 11, entered


if __name__ == "__main__":
    main()
