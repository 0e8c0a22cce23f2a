#!/usr/bin/env python3
"""Programs that do little else than malloc, with the shim in mode off and without it.

Processor time, and the ratio of two equal runs beside it: what of the first is the machine's unrest.
Instructions, which have none.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from allocators import Allocator, shim
from measure import Command, instructions, median_ratios, rounds, verdict

LIMIT = 1.02

PERL = """
my $sum = 0;
for my $round (1 .. ROUNDS) {
    my %words;
    for my $i (1 .. 40000) {
        my @parts = map { "part $_ of $i" } 1 .. 3;
        $words{"key $i"} = \\@parts;
        $sum += length join ",", @parts;
    }
    $sum += scalar keys %words;
}
print "$sum\\n";
"""

GAWK = """
BEGIN {
    for (round = 1; round <= ROUNDS; round++) {
        delete words
        for (i = 1; i <= 60000; i++) { words["key " i] = "value " i " of " round; sum += length(words["key " i]) }
    }
    print sum
}
"""


def programs(count: int) -> dict[str, Command]:
    return {
        "perl": ["perl", "-e", PERL.replace("ROUNDS", str(count))],
        "gawk": ["gawk", GAWK.replace("ROUNDS", str(count))],
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shim", type=Path, help="libscratch-preload.so")
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args()
    without = Allocator("without")
    for off in shim(options.shim, "off", "none", "mode off"):
        print(f"\nmode off, ratio to a run without the shim (at most {LIMIT})\n")
        print(f"{'':18}{'processor time':>18}{'equal runs':>18}{'instructions':>18}")
        for name, command in programs(12).items():
            if shutil.which(command[0]) is None:
                print(f"SKIPPED: {name} is not installed")
                continue
            found = rounds(
                {"without": (command, without), "off": (command, off), "again": (command, without)},
                options.repeats,
            )
            ratios = median_ratios(found, "without")
            cells = f"{ratios['off']:13.3f} {verdict(ratios['off'], LIMIT, 3):4}{ratios['again']:18.3f}"
            if shutil.which("valgrind") is not None:
                short = programs(1)[name]
                counted = instructions(short, off) / instructions(short, without)
                cells += f"{counted:13.3f} {verdict(counted, LIMIT, 3):4}"
            print(f"{name:18}{cells}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
