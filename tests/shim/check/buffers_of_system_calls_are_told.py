#!/usr/bin/env python3
"""A closed page that is handed to the system is reported, and the call succeeds as it would without being checked."""

from __future__ import annotations

import os
import unittest

from fixture import SYSTEM_CALLS, CheckTest, check, main, run


class BuffersOfSystemCallsAreTold(CheckTest):
    def test_each_call_is_named_and_succeeds(self) -> None:
        self.tells("system_calls", "write()", "recv()", "writev()", "fwrite()", "open()")

    @unittest.skipUnless(os.environ["SCRATCH_TEST_LIBC"] == "glibc", "only glibc has them")
    def test_other_names_of_calls_too(self) -> None:
        self.tells("system_calls_by_other_names", "stat()", "fstat()", "stat()", "fstatat()", "read()", "fread()", "open()")

    def tells(self, scenario: str, *calls: str) -> None:
        outcome = check(SYSTEM_CALLS, scenario)
        self.assertEqual(["efault"] * len(calls), outcome.kinds, outcome.error)
        for report, call in zip(outcome.reports, calls):
            self.assertTrue(report.about.startswith(f"{call} at "), report.about)
            self.assertIn("keep_beyond_scope", report.functions("allocated here"))
            self.assertRegex(report.traces["used here"][0], rf"\b{scenario}\b.* at .*system_calls\.cpp")
        self.assertNotIn("reported already", outcome.error)
        self.assertEqual(run(SYSTEM_CALLS, scenario).output, outcome.output)


main()
