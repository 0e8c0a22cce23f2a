#!/usr/bin/env python3
"""Instructions inside malloc and free, by callgrind.

The difference of two numbers of rounds, so that start and end cancel; less the same loop without the
calls, and the calls themselves. The program is built without a PLT: a call is one instruction.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from allocators import Allocator, peers, shim
from measure import instructions, verdict

PATTERNS = ["pairs", "reversed", "ordered"]
BLOCKS = 64
ROUNDS = (200, 1200)
SCRATCH_LIMIT = 45
OFF_LIMIT = 6


def for_each_block(program: Path, pattern: str, kind: str, allocator: Allocator) -> float:
    few, many = (
        instructions([str(program), pattern, str(rounds), allocator.region, kind], allocator)
        for rounds in ROUNDS
    )
    return (many - few) / ((ROUNDS[1] - ROUNDS[0]) * BLOCKS)


def scratch_route(program: Path, library: Path | None) -> None:
    glibc = Allocator("glibc")
    empty = {pattern: for_each_block(program, pattern, "empty", glibc) for pattern in PATTERNS}
    compared = [
        *peers(),
        *shim(library, "scoped", "counted", "scratch, counted"),
        *shim(library, "scoped", "trusted", "scratch, trusted"),
    ]
    print(f"\ninstructions of malloc and free together (scratch: at most {SCRATCH_LIMIT}); in brackets with")
    print("the loop and the calls around them\n")
    print(f"{'':18}" + "".join(f"{pattern:>18}" for pattern in PATTERNS))
    for allocator in compared:
        cells = []
        for pattern in PATTERNS:
            whole = for_each_block(program, pattern, "calls", allocator)
            inside = whole - empty[pattern] - 2
            judged = verdict(inside, SCRATCH_LIMIT, 1) if allocator.name.startswith("scratch") else ""
            cells.append(f"{inside:6.1f} ({whole:5.1f}) {judged:4}")
        print(f"{allocator.name:18}" + "".join(cells))


def mode_off(program: Path, library: Path | None) -> None:
    glibc = Allocator("glibc")
    for off in shim(library, "off", "none", "mode off"):
        print(f"\nmode off: more instructions than without the shim (at most {OFF_LIMIT} and {OFF_LIMIT})\n")
        print(f"{'':18}{'malloc':>18}{'free':>18}")
        for pattern in PATTERNS:
            malloc, both = (
                for_each_block(program, pattern, kind, off)
                - for_each_block(program, pattern, kind, glibc)
                for kind in ("taken", "calls")
            )
            free = both - malloc
            print(
                f"{pattern:18}{malloc:13.1f} {verdict(malloc, OFF_LIMIT, 1):4}"
                f"{free:13.1f} {verdict(free, OFF_LIMIT, 1):4}"
            )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--patterns", type=Path, required=True, help="the program malloc_patterns")
    parser.add_argument("--shim", type=Path, help="libscratch-preload.so")
    options = parser.parse_args()
    if shutil.which("valgrind") is None:
        print("SKIPPED: instruction counts need valgrind")
        return 0
    scratch_route(options.patterns, options.shim)
    mode_off(options.patterns, options.shim)
    return 0


if __name__ == "__main__":
    sys.exit(main())
