#!/usr/bin/env python3
"""Processor time of programs that do little else than malloc, with the shim in mode off and without it."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from allocators import Allocator, shim
from measure import Command, median_ratios, rounds, verdict

LIMIT = 1.02

PERL = """
my $sum = 0;
for my $round (1 .. 12) {
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
    for (round = 1; round <= 12; round++) {
        delete words
        for (i = 1; i <= 60000; i++) { words["key " i] = "value " i " of " round; sum += length(words["key " i]) }
    }
    print sum
}
"""


def programs() -> dict[str, Command]:
    return {"perl": ["perl", "-e", PERL], "gawk": ["gawk", GAWK]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shim", type=Path, help="libscratch-preload.so")
    parser.add_argument("--repeats", type=int, default=25)
    options = parser.parse_args()
    without = Allocator("without")
    for off in shim(options.shim, "off", "none", "mode off"):
        print(f"\nmode off: processor time, ratio to a run without the shim (at most {LIMIT})\n")
        for name, command in programs().items():
            if shutil.which(command[0]) is None:
                print(f"SKIPPED: {name} is not installed")
                continue
            found = rounds({"without": (command, without), "off": (command, off)}, options.repeats)
            ratio = median_ratios(found, "without")["off"]
            print(f"{name:18}{ratio:13.3f} {verdict(ratio, LIMIT, 3)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
