#!/usr/bin/env python3
"""While one thread finds out which functions of a program built with -finstrument-functions are hooked, the calls of the
others open regions too.

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
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report"
        result = subprocess.run(
            [scratch, "run", "--stats=json", "--output", str(report), "--region", "work", "--", program],
            capture_output=True, text=True, timeout=25, check=False,
        )
        assert (result.returncode, result.stdout, result.stderr) == (0, "", ""), result
        entered = json.loads(report.read_text())["regions_entered"]
        assert entered == 11, entered


if __name__ == "__main__":
    main()
