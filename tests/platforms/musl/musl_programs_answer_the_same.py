#!/usr/bin/env python3
"""A program linked with musl writes the same and ends the same with and without the shim; a shim and a program of
different libcs are refused with a sentence.

SCRATCH_TEST_TOOL, SCRATCH_LIBRARY, SCRATCH_TEST_PROGRAM: the tool, the preloaded object, the program.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TOOL = os.environ["SCRATCH_TEST_TOOL"]
PROGRAM = os.environ["SCRATCH_TEST_PROGRAM"]
LOADER = "/lib/ld-musl-x86_64.so.1"
ROUNDS = 500
THREADS = 4


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


class Programs(unittest.TestCase):
    def counts_of(self, *options: str) -> dict[str, int]:
        """Runs the program with and without the shim, compares, and gives its statistics."""
        alone = run(PROGRAM, str(ROUNDS))
        self.assertEqual(3, alone.returncode, alone)
        self.assertEqual(THREADS, len(alone.stdout.splitlines()))
        with tempfile.TemporaryDirectory() as folder:
            counts = Path(folder) / "counts"
            served = run(sys.executable, TOOL, "run", *options, "--stats=json", "--output", str(counts), "--",
                         PROGRAM, str(ROUNDS))
            self.assertEqual((alone.returncode, alone.stdout, alone.stderr),
                             (served.returncode, served.stdout, served.stderr))
            return json.loads(counts.read_text(encoding="utf-8"))

    def test_modes(self) -> None:
        for mode in ("off", "scoped", "adaptive"):
            with self.subTest(mode):
                self.assertEqual(0, self.counts_of("--mode", mode)["regions_entered"])

    def test_region_around_a_function(self) -> None:
        counts = self.counts_of("--region", "json_parse")
        # Once for each document and once for its sum's.
        self.assertEqual(2 * ROUNDS * THREADS, counts["regions_entered"])
        self.assertGreater(counts["escapes"], 0)

    def test_trusted_region_around_a_function(self) -> None:
        counts = self.counts_of("--trusted-region", "libjson.so!json_sum")
        self.assertEqual(ROUNDS * THREADS, counts["regions_entered"])
        self.assertEqual(0, counts["escapes"])

    def test_turns_of_a_loop(self) -> None:
        # Some turns rest: what outlives them holds too much of the budget.
        self.assertGreater(self.counts_of("--frame", "json_sum")["regions_entered"], ROUNDS)

    def test_functions_of_libc_are_found_where_its_loader_is_it(self) -> None:
        self.assertGreater(self.counts_of("--region", "qsort")["regions_entered"], 0)

    def test_check_tells_nothing_of_a_right_program(self) -> None:
        alone = run(PROGRAM, "20")
        for options in ((), ("--trusted-region", "libjson.so!json_sum")):
            checked = run(sys.executable, TOOL, "check", *options, "--", PROGRAM, "20")
            self.assertEqual((alone.returncode, alone.stdout, ""), (checked.returncode, checked.stdout, checked.stderr))

    def test_check_names_what_a_trusted_region_takes_too_early(self) -> None:
        checked = run(sys.executable, TOOL, "check", "--trusted-region", "json_parse", "--", PROGRAM, "3")
        self.assertIn("use-after-scope", checked.stderr)
        self.assertIn("print_value", checked.stderr)

    def test_doctor_knows_the_program(self) -> None:
        told = run(sys.executable, TOOL, "doctor", "--region", "json_parse", "--", PROGRAM)
        self.assertIn("json_parse: of libjson.so, called by reads_json", told.stdout)
        self.assertNotIn("fail ", told.stdout)

    def test_loader_started_by_hand_takes_the_shim_along(self) -> None:
        alone = run(PROGRAM, str(ROUNDS))
        # musl's loader is its libc.
        for loader in (LOADER, os.path.realpath(LOADER)):
            with self.subTest(loader), tempfile.TemporaryDirectory() as folder:
                counts = Path(folder) / "counts"
                served = run(sys.executable, TOOL, "run", "--region", "json_parse", "--stats=json", "--output", str(counts),
                             "--", loader, "--argv0=other", "--", PROGRAM, str(ROUNDS))
                self.assertEqual((alone.returncode, alone.stdout, alone.stderr),
                                 (served.returncode, served.stdout, served.stderr))
                entered = json.loads(counts.read_text(encoding="utf-8"))["regions_entered"]
                self.assertEqual(2 * ROUNDS * THREADS, entered)
        checked = run(sys.executable, TOOL, "check", "--trusted-region", "json_parse", "--", LOADER, PROGRAM, "3")
        self.assertIn("use-after-scope", checked.stderr)
        self.assertIn("print_value", checked.stderr)

    def test_loader_started_by_hand_that_takes_none_along_is_refused(self) -> None:
        for words, why in (((LOADER, sys.executable, "-c", ""), "another libc (glibc) than the shim (musl)"),
                           ((LOADER, "--preload", "libc.so", PROGRAM), "--preload")):
            with self.subTest(why):
                refused = run(sys.executable, TOOL, "run", "--", *words)
                self.assertEqual(126, refused.returncode, refused)
                self.assertIn(why, refused.stderr)

    def test_program_of_another_libc_is_refused(self) -> None:
        other = run(sys.executable, TOOL, "run", "--", sys.executable, "-c", "")
        self.assertEqual(126, other.returncode, other)
        self.assertIn("another libc (glibc) than the shim (musl)", other.stderr)


if __name__ == "__main__":
    unittest.main()
