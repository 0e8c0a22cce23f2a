#!/usr/bin/env python3
"""A program without mistakes has the same output and status as without being checked, and nothing is reported."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import unittest

from fixture import HOSTILE, PLANTED, CheckTest, check, main, run

PROGRAMS = (
    ("perl", "-e", "my %h; $h{$_ % 500} .= $_ for 1..20000; print scalar(keys %h), qq(\\n); eval {die [1]}; exit 3"),
    ("sh", "-c", "for i in 1 2 3; do echo $i | sed s/1/2/; done; exit 4"),
    ("sort", "/etc/services"),
    ("gawk", "BEGIN { for (i = 0; i < 20000; i++) a[i] = i \"x\"; print length(a) }"),
    ("xmllint", "--version"),
    ("git", "--version"),
    (sys.executable, "-c", "import json, threading; print(len(json.dumps([{'a': i} for i in range(3000)])))"),
)
# Those of musl say no name.
of_another_libc = unittest.skipIf((platform.libc_ver()[0] or "musl") != os.environ["SCRATCH_TEST_LIBC"],
                                  "the system's programs have another libc")


class CleanProgramsAreLeftAlone(CheckTest):
    def test_scopes_and_blocks_of_all_kinds(self) -> None:
        self.assertEqual(7, self.assert_same(PLANTED, "clean").status)
        self.assert_same(HOSTILE, "everything_in_order")
        self.assert_same(HOSTILE, "everything_in_order", options="every-block")

    def test_ends_that_are_not_certain_close_nothing(self) -> None:
        self.assert_same(HOSTILE, "uncertain_ends")

    @of_another_libc
    def test_programs_of_the_system(self) -> None:
        for command in PROGRAMS:
            if shutil.which(command[0]) is not None:
                with self.subTest(command[0]):
                    self.assert_same(*command)

    @of_another_libc
    def test_objects_that_free_past_us(self) -> None:
        script = "import ctypes, os; ctypes.CDLL('libm.so.6', os.RTLD_NOW | os.RTLD_DEEPBIND); print(len('x' * 5000))"
        outcome = check(sys.executable, "-c", script)
        self.assertEqual((0, "5000\n", []), (outcome.status, outcome.output, outcome.kinds), outcome.error)
        self.assertIn("RTLD_DEEPBIND", outcome.error)

    def test_without_the_second_object(self) -> None:
        from fixture import SHIM
        alone = run(PLANTED, "clean")
        checked = check(PLANTED, "clean", preload=SHIM)
        self.assertEqual((alone.status, alone.output, ""), (checked.status, checked.output, checked.error))

    @of_another_libc
    def test_children_that_are_not_followed(self) -> None:
        outcome = check("sh", "-c", f'echo "[$LD_PRELOAD]"; {PLANTED} write_after_free', SCRATCH_FOLLOW="0")
        self.assertEqual(("[]\nwent on\n", ""), (outcome.output, outcome.error))

    def test_options_that_cannot_be_used_are_told(self) -> None:
        outcome = check(PLANTED, "clean", options="halt,depth=0,nonsense")
        self.assertEqual(7, outcome.status)
        self.assertEqual(2, outcome.error.count("is not used"), outcome.error)


main()
