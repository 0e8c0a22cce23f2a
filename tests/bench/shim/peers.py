#!/usr/bin/env python3
"""Processor time of the scratch route beside the popular allocators, as ratios to glibc of one run."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from allocators import Allocator, peers, shim
from measure import Command, median_ratios, rounds

PATTERNS = ["pairs", "reversed", "ordered"]
ROUNDS = 100_000
REQUESTS = {"xml": 1000, "json": 400}


def table(title: str, columns: dict[str, dict[str, float]], rows: list[Allocator]) -> None:
    """columns: title -> ratios to glibc by allocator, and whether scratch is ahead of every peer."""
    print(f"\n{title}\n")
    print(f"{'':18}" + "".join(f"{name:>20}" for name in columns))
    for row in rows:
        cells = []
        for ratios in columns.values():
            best = min(v for name, v in ratios.items() if not name.startswith("scratch"))
            judged = ""
            if row.name.startswith("scratch"):
                judged = "ahead" if ratios[row.name] <= best else "BEHIND"
            cells.append(f"{ratios[row.name]:13.2f} {judged:6}")
        print(f"{row.name:18}" + "".join(cells))


def pattern_ratios(
    program: Path, pattern: str, rows: list[Allocator], repeats: int
) -> dict[str, float]:
    """Of the calls alone: the same loop without them is taken off."""
    commands: dict[str, tuple[Command, Allocator]] = {
        row.name: ([str(program), pattern, str(ROUNDS), row.region], row) for row in rows
    }
    commands["empty"] = ([str(program), pattern, str(ROUNDS), "none", "empty"], Allocator("empty"))
    calls = []
    for seconds in rounds(commands, repeats):
        loop = seconds.pop("empty")
        calls.append({name: value - loop for name, value in seconds.items()})
    return median_ratios(calls, "glibc")


def request_ratios(
    program: Path, kind: str, rows: list[Allocator], repeats: int
) -> dict[str, float]:
    count = str(REQUESTS[kind])
    commands = {row.name: ([str(program), row.region, kind, count], row) for row in rows}
    return median_ratios(rounds(commands, repeats), "glibc")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patterns", type=Path, required=True, help="the program malloc_patterns")
    parser.add_argument("--requests", type=Path, help="the annotated example")
    parser.add_argument("--shim", type=Path, help="libscratch-preload.so")
    parser.add_argument("--repeats", type=int, default=9)
    options = parser.parse_args()

    scratch = [
        *shim(options.shim, "scoped", "counted", "scratch, counted"),
        *shim(options.shim, "scoped", "trusted", "scratch, trusted"),
    ]
    rows = [*peers(), *scratch]
    table(
        "malloc and free, processor time, ratio to glibc (scratch: no slower than the best peer)",
        {
            pattern: pattern_ratios(options.patterns, pattern, rows, options.repeats)
            for pattern in PATTERNS
        },
        rows,
    )
    if options.requests is None:
        print("SKIPPED: the request loop needs the development packages of libxml2 and jansson")
        return 0
    table(
        "requests, processor time, ratio to glibc (scratch, trusted: ahead of every peer)",
        {
            kind: request_ratios(options.requests, kind, rows, options.repeats)
            for kind in REQUESTS
        },
        rows,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
