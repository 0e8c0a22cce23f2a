#!/usr/bin/env python3
"""A malloc and free outside regions take as many instructions with hooked functions as without any.

Usage: calls_outside_regions_pay_nothing.py SCRATCH PROGRAM
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

FEW, MANY = 1000, 21000


class CallsOutsideRegions(unittest.TestCase):
    launcher: str
    program: str

    def preloading(self, *options: str) -> dict[str, str]:
        """What `scratch run` with these options sets."""
        told = subprocess.run([self.launcher, "env", *options], check=True, capture_output=True, text=True).stdout
        return dict(re.findall(r"^export (\w+)='?(.*?)'?$", told, re.MULTILINE))

    def instructions(self, pairs: int, more: dict[str, str], folder: Path) -> int:
        counts = folder / "counts"
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={counts}", self.program, str(pairs)]
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, **more})
        found = re.search(r"^(?:totals|summary): (\d+)", counts.read_text(), re.MULTILINE)
        assert found is not None
        return int(found.group(1))

    def instructions_for_a_pair(self, *options: str) -> int:
        more = self.preloading(*options)
        self.assertIn("LD_PRELOAD", more)
        with tempfile.TemporaryDirectory(prefix="scratch-test-") as made:
            both = [self.instructions(pairs, more, Path(made)) for pairs in (FEW, MANY)]
        # A start takes a few hundred more or less from run to run: less than one for each pair.
        return round((both[1] - both[0]) / (MANY - FEW))

    def test_hooks_add_nothing(self) -> None:
        without = self.instructions_for_a_pair("--mode", "scoped")
        self.assertGreater(without, 0)
        hooks = ("--region", "atoi", "--trusted-region", "atof", "--frame", "poll", "--except", "abs")
        self.assertEqual(without, self.instructions_for_a_pair(*hooks))


if __name__ == "__main__":
    if shutil.which("valgrind") is None:
        print("SKIPPED: valgrind is not installed")
        sys.exit(77)
    CallsOutsideRegions.program = sys.argv.pop()
    CallsOutsideRegions.launcher = sys.argv.pop()
    unittest.main(verbosity=2)
