#!/usr/bin/env python3
"""A program that is not position independent and takes the address of malloc has no malloc of its own, though the
search for one ends in it: it is served like any other.

Usage: programs_at_fixed_addresses_are_served.py PRELOADED_OBJECT COMPILER...
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

PROGRAM = """
#include <stdlib.h>
void *(*volatile taken)(size_t) = malloc;
int main(void) { free(taken(40)); return 0; }
"""


def main() -> int:
    shim, compiler = sys.argv[1], sys.argv[2:]
    with tempfile.TemporaryDirectory(prefix="scratch-test-") as folder:
        program = f"{folder}/program"
        done = subprocess.run([*compiler, "-fno-pie", "-no-pie", "-x", "c", "-", "-o", program], input=PROGRAM, text=True,
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
