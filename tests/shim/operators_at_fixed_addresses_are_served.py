#!/usr/bin/env python3
"""A program that is not position independent and takes the address of operator new has no operator of its own, though
the search for one ends in it: it is served like any other.

Usage: operators_at_fixed_addresses_are_served.py PRELOADED_OBJECT COMPILER...
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

# Taken in code, where the address has to be known when the program is linked.
PROGRAM = """
#include <new>
int main() {
    void *(*volatile taken)(std::size_t) = &operator new;
    void (*volatile given)(void *) noexcept = &operator delete;
    given(taken(40));
}
"""


def main() -> int:
    shim, compiler = sys.argv[1], sys.argv[2:]
    with tempfile.TemporaryDirectory(prefix="scratch-test-") as folder:
        program = f"{folder}/program"
        done = subprocess.run([*compiler, "-fno-pie", "-no-pie", "-x", "c++", "-", "-o", program], input=PROGRAM, text=True,
                              check=False)
        if done.returncode != 0:
            print("SKIPPED: the compiler makes no programs at fixed addresses")
            return 77
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SCRATCH_")}
        done = subprocess.run([program], text=True, check=True, stderr=subprocess.PIPE,
                              env={**kept, "LD_PRELOAD": shim, "SCRATCH_MODE": "scoped", "SCRATCH_STATS": "json"})
        report = json.loads(done.stderr)
        print(report)
        return 0 if report["stood_aside"] is None and report["next_calls"] > 0 else 1


sys.exit(main())
