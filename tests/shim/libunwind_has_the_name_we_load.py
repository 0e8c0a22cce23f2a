#!/usr/bin/env python3
"""The name by which the preloaded object loads libunwind is that of the library which its headers came with: a program
that is linked with it needs just that name, and the preloaded object itself needs none."""

from __future__ import annotations

import re
import subprocess
import sys


def needed(path: str) -> list[str]:
    said = subprocess.run(["readelf", "-dW", path], text=True, stdout=subprocess.PIPE, check=True).stdout
    return re.findall(r"\(NEEDED\).*\[(.*)\]", said)


def main(define: str, linked: str, preloaded: str) -> int:
    name = define.split('"')[1]
    if name not in needed(linked):
        print(f"FAILED: {linked} needs {needed(linked)}, and {name} would be loaded")
        return 1
    if any("unwind" in library for library in needed(preloaded)):
        print(f"FAILED: {preloaded} needs {needed(preloaded)}")
        return 1
    return 0


sys.exit(main(*sys.argv[1:]))
