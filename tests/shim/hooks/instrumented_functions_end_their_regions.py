#!/usr/bin/env python3
"""Functions of a program built with -finstrument-functions open regions that end when they return.

Usage: instrumented_functions_end_their_regions.py SCRATCH PROGRAM
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path


class Instrumented(unittest.TestCase):
    scratch: str
    program: str

    def run_it(self, *options: str) -> tuple[subprocess.CompletedProcess[str], dict[str, int]]:
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report"
            result = subprocess.run(
                [self.scratch, "run", "--stats=json", "--output", str(report), *options, "--", self.program],
                capture_output=True, text=True, timeout=60,
            )
            return result, json.loads(report.read_text())

    def test_trusted(self) -> None:
        result, report = self.run_it("--trusted-region", "parse", "--trusted-region", "nest")
        self.assertEqual((0, "0 wrong\n", ""), (result.returncode, result.stdout, result.stderr))
        self.assertEqual(20000 + 1100 + 100 + 400 + 100, report["regions_entered"])
        # All is taken back but what was thrown or jumped over, of which nobody said that it may be reset.
        self.assertLess(report["trusted_bytes_peak"], 2 << 20)
        self.assertEqual(300, report["escapes"])


if __name__ == "__main__":
    Instrumented.program = sys.argv.pop()
    Instrumented.scratch = sys.argv.pop()
    unittest.main()
