#!/usr/bin/env python3
"""scratch check tells of a cache that a trusted function fills, and not where --except leaves it out.

Usage: excepted_functions_are_right_under_check.py SCRATCH PROGRAM
"""

from __future__ import annotations

import subprocess
import sys
import unittest


class Excepted(unittest.TestCase):
    scratch: str
    program: str

    def check(self, *options: str) -> tuple[int, str, str]:
        result = subprocess.run([self.scratch, "check", "--trusted-region", "qsort", *options, "--", self.program],
                                capture_output=True, text=True, timeout=60)
        return result.returncode, result.stdout, result.stderr

    def test_cache_is_told(self) -> None:
        status, output, error = self.check()
        self.assertEqual((0, "kept\n"), (status, output))
        self.assertIn("use-after-scope", error)
        self.assertIn("keep_text", error)

    def test_excepted_cache_is_not(self) -> None:
        for pattern in ("keep_text", "keep_*"):
            self.assertEqual((0, "kept\n", ""), self.check("--except", pattern))


if __name__ == "__main__":
    Excepted.program = sys.argv.pop()
    Excepted.scratch = sys.argv.pop()
    unittest.main()
