#!/usr/bin/env python3
"""Ruby's fibers, which switch stacks by the interpreter's own assembly, run through regions of libc's qsort_r.

Usage: ruby_fibers_keep_their_blocks.py SCRATCH SCRIPT
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path


class Fibers(unittest.TestCase):
    command: list[str]
    scratch: str

    def run_with(self, *options: str) -> dict[str, int]:
        alone = subprocess.run(self.command, capture_output=True, text=True, timeout=60, check=True)
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report"
            result = subprocess.run(
                [self.scratch, "run", "--stats=json", "--output", str(report), *options, "--", *self.command],
                capture_output=True, text=True, timeout=120,
            )
            self.assertEqual((0, alone.stdout, ""), (result.returncode, result.stdout, result.stderr))
            counts: dict[str, int] = json.loads(report.read_text())
        return counts

    def test_counted(self) -> None:
        self.assertEqual(2000 + 20 * 200, self.run_with("--region", "qsort_r")["regions_entered"])

    def test_trusted(self) -> None:
        counts = self.run_with("--trusted-region", "qsort_r")
        self.assertEqual(2000 + 20 * 200, counts["regions_entered"])
        self.assertEqual(0, counts["trusted_bytes"])


if __name__ == "__main__":
    script = sys.argv.pop()
    Fibers.scratch = sys.argv.pop()
    ruby = shutil.which("ruby")
    if ruby is None:
        print("SKIPPED: ruby is not installed")
        sys.exit(77)
    Fibers.command = [ruby, "--disable-gems", script]
    unittest.main()
