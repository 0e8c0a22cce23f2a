#!/usr/bin/env python3
"""An instrumented program with a C++ runtime of its own: nobody tells whether a function returns or throws.

Usage: exceptions_of_a_runtime_of_its_own_live_on.py SCRATCH PROGRAM
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path


class OwnRuntime(unittest.TestCase):
    scratch: str
    program: str

    def test_what_is_thrown_is_not_reset(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report"
            result = subprocess.run(
                [self.scratch, "run", "--stats=json", "--output", str(report), "--trusted-region", "parse",
                 "--trusted-region", "nest", "--", self.program],
                capture_output=True, text=True, timeout=60,
            )
            counts = json.loads(report.read_text())
        self.assertEqual((0, "0 wrong\n", ""), (result.returncode, result.stdout, result.stderr))
        self.assertEqual(20000 + 1100 + 100 + 400 + 100, counts["regions_entered"])
        # They end as counted ones.
        self.assertLess(20000, counts["escapes"])


if __name__ == "__main__":
    OwnRuntime.program = sys.argv.pop()
    OwnRuntime.scratch = sys.argv.pop()
    unittest.main()
