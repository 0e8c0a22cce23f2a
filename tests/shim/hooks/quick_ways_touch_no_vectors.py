#!/usr/bin/env python3
"""The quick beginning and end of a hooked region keep the caller's vector registers: they name none and call nobody.

Usage: quick_ways_touch_no_vectors.py OBJDUMP NM PRELOADED_OBJECT
"""

from __future__ import annotations

import re
import subprocess
import sys
import unittest

FUNCTIONS = ("scratch_hook_begin", "scratch_hook_end")
# Our own part of the quick way, looked through too; and what instrumented functions call, as any function: it need
# not keep their registers.
PARTS = ("look_otherwise", "begin_quickly")
# And the compiler's forms of atomic operations on AArch64, which are written to change nothing else.
MAY_CALL = (*PARTS, "begin_instrumented", "<__aarch64_")

# Of x86-64 and AArch64.
VECTORS = re.compile(r"%[xyz]?mm|%st\b|%k[0-7]|\b[qdshbvz]\d+\b|\bp\d+\b")
CALLS = ("call", "bl\t", "blr\t")
JUMPS = ("jmp", "b\t")


class QuickWays(unittest.TestCase):
    objdump: str
    nm: str
    shim: str

    def instructions(self, function: str) -> list[str]:
        text = subprocess.run(
            [self.objdump, "-d", "--no-show-raw-insn", f"--disassemble={function}", self.shim],
            check=True, capture_output=True, text=True,
        ).stdout
        return [line.split("\t", 1)[1] for line in text.splitlines() if "\t" in line]

    def functions(self) -> list[str]:
        names = subprocess.run([self.nm, self.shim], check=True, capture_output=True, text=True).stdout.split()
        # Behind its name stands the end of the namespace's, or what a template is made with.
        parts = {part: [name for name in names if re.search(f"{len(part)}{part}[EI]", name)] for part in PARTS}
        self.assertTrue(all(parts.values()), parts)
        return [*FUNCTIONS, *(name for found in parts.values() for name in found)]

    def test_no_vector_register_and_no_call(self) -> None:
        for function in self.functions():
            with self.subTest(function):
                lines = self.instructions(function)
                self.assertTrue(lines)
                self.assertEqual([], [line for line in lines if VECTORS.search(line)])
                calls = [line for line in lines if line.startswith(CALLS)
                         or (line.startswith(JUMPS) and "<" in line and f"<{function}" not in line)]
                self.assertEqual([], [line for line in calls if not any(name in line for name in MAY_CALL)])


if __name__ == "__main__":
    QuickWays.objdump, QuickWays.nm, QuickWays.shim = sys.argv[1:]
    del sys.argv[1:]
    unittest.main()
