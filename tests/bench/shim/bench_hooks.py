#!/usr/bin/env python3
"""What entering and leaving a hooked region costs: nanoseconds and instructions a call, beside a plain call.

Usage: bench_hooks.py PROGRAM HOOK_OBJECT PRELOADED_OBJECT
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from allocators import Allocator
from measure import instructions

# Entering and leaving, with 128 bytes of stack arguments copied.
MOST_NANOSECONDS = 15
# Calls whose instructions are counted: the difference, so that start and end cancel.
CALLS = (2000, 12000)


def measure(program: str, environment: dict[str, str]) -> dict[str, float]:
    result = subprocess.run([program], env={**os.environ, **environment}, capture_output=True, text=True, check=True)
    return {line[:32].strip(): float(line[32:]) for line in result.stdout.splitlines()}


def instructions_of_call(program: str, name: str, environment: dict[str, str]) -> float:
    few, many = (instructions([program, name, str(calls)], Allocator(name, environment)) for calls in CALLS)
    return (many - few) / (CALLS[1] - CALLS[0])


def main() -> None:
    program, hooks, shim = sys.argv[1:4]
    plain = measure(program, {})
    environment = {"LD_PRELOAD": f"{hooks}:{shim}", "SCRATCH_MODE": "scoped"}
    hooked = measure(program, environment)
    counts = shutil.which("valgrind") is not None
    if not counts:
        print("SKIPPED: instruction counts need valgrind")
    print(f"{'nanoseconds a call':32}{'plain':>8}{'hooked':>8}{'more':>8}" + counts * f"{'instructions more':>20}")
    for name, time in hooked.items():
        print(f"{name:32}{plain[name]:8.2f}{time:8.2f}{time - plain[name]:8.2f}", end="")
        if counts:
            more = instructions_of_call(program, name, environment) - instructions_of_call(program, name, {})
            print(f"{more:20.1f}", end="")
        print()
    print(f"limit of the third column for both regions: {MOST_NANOSECONDS}")


if __name__ == "__main__":
    main()
