#!/usr/bin/env python3
"""All tables about the shim: instructions, time beside other allocators, what is left of the cost, and mode off."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> int:
    patterns, requests, library, bare_bump, *steps = sys.argv[1:]
    shim = ["--shim", library] if library != "-" else []
    example = ["--requests", requests] if requests != "-" else []
    tables = [
        ["instruction_counts.py", "--patterns", patterns, *shim],
        ["peers.py", "--patterns", patterns, *example, *shim],
        ["mode_off.py", *shim],
    ]
    if shim and example:
        tables.append(["removable.py", *example, *shim, "--limit", bare_bump, "--steps", *steps])
    for program, *arguments in tables:
        print(f"\n== {program}", flush=True)
        status = subprocess.run([sys.executable, str(HERE / program), *arguments]).returncode
        if status != 0:
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main())
