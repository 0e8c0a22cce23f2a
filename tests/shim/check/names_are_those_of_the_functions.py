#!/usr/bin/env python3
"""A frame is named by the function that holds its address. Where a stripped file tells of none, by its offset: not by
whichever symbol happens to stand before it."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from fixture import CheckTest, check, main

EXPORTING = os.environ["SCRATCH_TEST_EXPORTING"]
OBJCOPY = os.environ["SCRATCH_TEST_OBJCOPY"]


class NamesAreThoseOfTheFunctions(CheckTest):
    def uses(self, *command: str) -> list[str]:
        report = self.assert_one(check(*command), "use-after-free")
        return report.traces["used here"]

    def test_whole_file(self) -> None:
        self.assertRegex(self.uses(EXPORTING)[0], r"^read_unnamed\b.* at .*exporting\.cpp:\d+ in ")
        self.assertRegex(self.uses(EXPORTING, "other")[0], r"^read_without_size in ")

    def test_stripped_file(self) -> None:
        # With a link to debug information that is not there, as the packages of distributions have it.
        with tempfile.TemporaryDirectory(prefix="scratch-test-") as folder:
            debug, stripped = Path(folder, "program.debug"), str(Path(folder, "program"))
            debug.touch()
            subprocess.run([OBJCOPY, "--strip-all", f"--add-gnu-debuglink={debug}", EXPORTING, stripped], check=True)
            debug.unlink()
            first, second, *_ = self.uses(stripped)
            self.assertRegex(first, rf"^0x[0-9a-f]+ in {stripped}\+0x[0-9a-f]+$")
            self.assertRegex(second, r"^exported_behind in ")
            self.assertRegex(self.uses(stripped, "other")[0], r"^0x[0-9a-f]+ in ")


main()
