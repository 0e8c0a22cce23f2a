#!/usr/bin/env python3
"""How much of an allocator's cost a trusted region removes, of what a bare bump pointer would remove."""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path

from allocators import Allocator, shim
from measure import Command, instructions, rounds

REQUESTS = {"xml": 1000, "json": 400}
LIMIT = 0.95
# What bump_with_promises.c adds to the bare bump pointer, one after the other.
STEPS = [
    "headers of 8 bytes",
    "and its end and sizes looked at",
    "and words for each thread",
    "and callers looked up",
    "and blocks marked and checked",
    "and safe against handlers",
]


def removed(glibc: float, scratch: float, limit: float) -> float:
    return (glibc - scratch) / (glibc - limit)


def preloaded(name: str, library: Path) -> Allocator:
    return Allocator(name, {"LD_PRELOAD": str(library.resolve())}, "trusted")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=Path, required=True, help="the annotated example")
    parser.add_argument("--shim", type=Path, required=True, help="libscratch-preload.so")
    parser.add_argument("--limit", type=Path, required=True, help="the bare bump pointer, to be preloaded")
    parser.add_argument("--steps", type=Path, nargs="*", default=[], help="the same with promises, one more each")
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args()

    rows = {
        "glibc": Allocator("glibc", region="trusted"),
        "scratch": shim(options.shim, "scoped", "trusted", "scratch")[0],
        "limit": preloaded("limit", options.limit),
    }
    steps = {name: preloaded(name, path) for name, path in zip(STEPS, options.steps)}

    def command(kind: str, row: Allocator, count: int) -> Command:
        return [str(options.requests), row.region, kind, str(count)]

    print("\nrequests in trusted regions: what is removed of glibc's cost, of what a bare bump pointer removes\n")
    print(f"{'':8}{'CPU time':>12}{'instructions':>16}   (at least {LIMIT:.2f} of the time)")
    for kind, count in REQUESTS.items():
        timed = rows | steps
        runs = rounds({name: (command(kind, row, count), row) for name, row in timed.items()}, options.repeats)
        time = {name: statistics.median(run[name] for run in runs) for name in timed}
        # The start of the program is left out by counting two runs of different length.
        count_of = {
            name: instructions(command(kind, row, 30), row) - instructions(command(kind, row, 10), row)
            for name, row in rows.items()
        }
        of_time = removed(time["glibc"], time["scratch"], time["limit"])
        of_instructions = removed(count_of["glibc"], count_of["scratch"], count_of["limit"])
        judged = "ok" if of_time >= LIMIT else "UNDER"
        print(f"{kind:8}{of_time:9.2f} {judged:6}{of_instructions:12.2f}")
        print("        " + ", ".join(f"{name} {time[name]:.3f} s, {count_of[name] / 20 / 1e6:.2f} M instructions "
                                     "a request" for name in rows))
        if steps:
            print(f"{'':8}the limit with promises, each line with all above it:")
        for name in steps:
            print(f"{'':8}{removed(time['glibc'], time[name], time['limit']):9.2f}   {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
