#!/usr/bin/env python3
"""Promise: the preloaded object loads nothing but libc and starts nothing of the C++ runtime.

Every process under the shim pays for what is in here, and the emergency pool of exceptions or the set-up of
streams would run malloc at the start of each. Usage: preloaded_object_brings_no_runtime.py OBJECT
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

SKIPPED = 77
# frame_dummy of the compiler's start files, the shim's own, and from fmt 10 on one that stores a byte.
MOST_CONSTRUCTORS = 3
WORD = 8
# Measured: 82 with g++ 12 -O2, 357 with libstdc++'s archive. Each is a store, on pages that are copied for it.
MOST_RELOCATIONS = 150
# libdl.so.2 is a part of glibc (shim/older_glibc says why).
LIBC = re.compile(r"^(lib(c\.so(\.6)?|dl\.so\.2|c\.musl-.*)|ld-(linux|musl)-.*)$")
RUNTIME = ("__cxa_allocate_exception", "__cxa_throw", "ios_base", "emergency_pool", "__verbose_terminate")


def output_of(*command: str) -> str:
    """Standard output of a command that must succeed."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def number_of(tag: str, dynamic: str) -> int:
    """The value of an entry of the dynamic section, 0 where there is none."""
    found = re.search(rf"\({tag}\)\s+(\d+)", dynamic)
    return int(found.group(1)) if found else 0


def complaints(path: str) -> list[str]:
    """What is wrong with the object."""
    dynamic = output_of("readelf", "-dW", path)
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic)
    result = [f"needs {name}" for name in needed if not LIBC.match(name)]
    if not needed:
        result.append("needs no library at all: is this the preloaded object?")
    constructors = number_of("INIT_ARRAYSZ", dynamic) // WORD
    if constructors > MOST_CONSTRUCTORS:
        result.append(f"has {constructors} constructors, at most {MOST_CONSTRUCTORS} are known")
    relocations = number_of("RELACOUNT", dynamic)
    if relocations > MOST_RELOCATIONS:
        result.append(f"has {relocations} relative relocations, at most {MOST_RELOCATIONS} are expected")
    symbols = output_of("readelf", "-sW", path)
    result += [f"contains {name} of the C++ runtime" for name in RUNTIME if name in symbols]
    return result


def main() -> int:
    """Exit status of the test."""
    if shutil.which("readelf") is None:
        print("SKIPPED: readelf (binutils) is not installed")
        return SKIPPED
    found = complaints(sys.argv[1])
    for complaint in found:
        print(f"{sys.argv[1]} {complaint}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
