#!/usr/bin/env python3
"""The quick beginning and end of a hooked region keep the caller's vector registers: they name none and call nobody.

Usage: quick_ways_touch_no_vectors.py PRELOADED_OBJECT
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import unittest

FUNCTIONS = ("scratch_hook_begin", "scratch_hook_end")
# Our own part of the quick way, looked through too; and what instrumented functions call, as any function: it need
# not keep their registers.
PARTS = ("begin_otherwise",)
MAY_CALL = (*PARTS, "begin_instrumented")


class QuickWays(unittest.TestCase):
    shim: str

    def instructions(self, function: str) -> list[str]:
        text = subprocess.run(
            ["objdump", "-d", "--no-show-raw-insn", f"--disassemble={function}", self.shim],
            check=True, capture_output=True, text=True,
        ).stdout
        return [line.split("\t", 1)[1] for line in text.splitlines() if "\t" in line]

    def functions(self) -> list[str]:
        names = subprocess.run(["nm", self.shim], check=True, capture_output=True, text=True).stdout.split()
        return [*FUNCTIONS, *(name for name in names if any(f"{len(part)}{part}E" in name for part in PARTS))]

    def test_no_vector_register_and_no_call(self) -> None:
        for function in self.functions():
            with self.subTest(function):
                lines = self.instructions(function)
                self.assertTrue(lines)
                self.assertEqual([], [line for line in lines if re.search(r"%[xyz]?mm|%st\b|%k[0-7]", line)])
                calls = [line for line in lines if line.startswith("call")]
                self.assertEqual([], [line for line in calls if not any(name in line for name in MAY_CALL)])


if __name__ == "__main__":
    if shutil.which("objdump") is None or shutil.which("nm") is None:
        print("LOUDLY SKIPPED: objdump or nm (binutils) is missing", file=sys.stderr)
        sys.exit(77)
    QuickWays.shim = sys.argv.pop()
    unittest.main()
