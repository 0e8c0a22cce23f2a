#!/usr/bin/env python3
"""Promise: what is built on Debian 12 loads with glibc 2.31 and later.

An object that asks for one symbol of a newer version is refused by the loader as a whole, whether or not it would
ever call it. Usage: symbol_versions_are_old_enough.py OBJECT...
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from typing import NamedTuple

SKIPPED = 77
OLDEST_GLIBC = (2, 31)


class Wanted(NamedTuple):
    """A version that an object asks for, and by which symbol."""

    symbol: str
    version: str


def readelf(option: str, path: str) -> str:
    return subprocess.run(["readelf", "-W", option, path], check=True, capture_output=True, text=True).stdout


def wanted_by(path: str) -> list[Wanted]:
    """What the undefined symbols ask for, and the versions that the object names without a symbol of them."""
    wanted = []
    for line in readelf("--dyn-syms", path).splitlines():
        words = line.split()
        if len(words) >= 8 and words[6] == "UND" and "@" in words[7]:
            wanted.append(Wanted(*words[7].split("@", 1)))
    needs = readelf("--version-info", path).partition("Version needs section")[2]
    named = re.findall(r"Name: (\S+)  Flags", needs)
    known = {version for _, version in wanted}
    return wanted + [Wanted("no symbol", version) for version in named if version not in known]


def is_old_enough(version: str) -> bool:
    """Only numbered versions of glibc are: GLIBC_PRIVATE changes with each, GLIBC_ABI_* are new relocations."""
    number = re.fullmatch(r"GLIBC_(\d+)\.(\d+)(?:\.\d+)?", version)
    return number is not None and (int(number[1]), int(number[2])) <= OLDEST_GLIBC


def complaints(path: str) -> list[str]:
    """What of the object glibc 2.31 does not have, or cannot be known to have."""
    wanted = wanted_by(path)
    if not wanted:
        return [f"{path} asks for no version of libc at all: was it linked with it?"]
    return [
        f"{path}: {symbol} is asked for in version {version}, newer than GLIBC_{OLDEST_GLIBC[0]}.{OLDEST_GLIBC[1]}"
        for symbol, version in wanted if not is_old_enough(version)
    ]


def main() -> int:
    """Exit status of the test."""
    if shutil.which("readelf") is None:
        print("LOUDLY SKIPPED: readelf (binutils) is not installed")
        return SKIPPED
    found = [complaint for path in sys.argv[1:] for complaint in complaints(path)]
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
