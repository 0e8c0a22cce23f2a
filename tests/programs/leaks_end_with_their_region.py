#!/usr/bin/env python3
"""Promise: a library call that leaks keeps memory flat inside a trusted region, over a million calls.

Usage: leaks_end_with_their_region.py SHIM. The same program without the region grows, and prints the same.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SKIPPED = 77
SOURCES = Path(__file__).resolve().parent / "embedding"
LAUNCHER = Path(__file__).resolve().parents[2] / "tools" / "scratch"
CALLS = "1000000"
# The program grows to 96 MiB; under the region its peak is that of the launcher, which becomes it.
MOST_KIB = 32 << 10
LEAST_GROWN_KIB = 64 << 10


def built(folder: Path, flags: list[str]) -> Path:
    """The program, in that folder, with the library that leaks beside it."""
    library, program = folder / "liblinks.so", folder / "follower"
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", library, SOURCES / "links.c", *flags], check=True)
    subprocess.run(["cc", "-O1", "-o", program, SOURCES / "follower.c", library, "-Wl,-rpath,$ORIGIN"], check=True)
    return program


def output_and_peak(command: list[str], folder: Path) -> tuple[str, int]:
    """What the command prints, and the most memory that it had, in KiB."""
    with open(folder / "output", "w+", encoding="utf-8") as output:
        child = subprocess.Popen(command, stdout=output)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            raise AssertionError(f"{command[0]} ended with {child.returncode}")
        output.seek(0)
        return output.read(), usage.ru_maxrss


def main() -> int:
    """Exit status of the test."""
    for program in ("cc", "xml2-config"):
        if shutil.which(program) is None:
            print(f"SKIPPED: {program} is not installed")
            return SKIPPED
    os.environ["SCRATCH_LIBRARY"] = sys.argv[1]
    flags = subprocess.run(["xml2-config", "--cflags", "--libs"], check=True, capture_output=True, text=True)
    with tempfile.TemporaryDirectory(prefix="scratch-test-") as name:
        folder = Path(name)
        program = str(built(folder, flags.stdout.split()))
        plain, grown = output_and_peak([program, CALLS], folder)
        region = ["--trusted-region", "liblinks.so!length_of_link"]
        scoped, flat = output_and_peak([str(LAUNCHER), "run", *region, "--", program, CALLS], folder)
    print(f"peak: {grown} KiB as it is, {flat} KiB in the region")
    assert scoped == plain, f"it printed {scoped!r}, not {plain!r}"
    assert grown > LEAST_GROWN_KIB, "the library does not leak: nothing is shown"
    assert flat < MOST_KIB, "memory grew in the region"
    return 0


if __name__ == "__main__":
    sys.exit(main())
