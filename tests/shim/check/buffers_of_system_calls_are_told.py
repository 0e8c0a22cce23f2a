#!/usr/bin/env python3
"""A closed page that is handed to the system is reported, and the call succeeds as it would without being checked."""

from __future__ import annotations

from fixture import HOSTILE, CheckTest, check, main, run


class BuffersOfSystemCallsAreTold(CheckTest):
    def test_each_call_is_named_and_succeeds(self) -> None:
        outcome = check(HOSTILE, "system_calls")
        self.assertEqual(["efault"] * 5, outcome.kinds, outcome.error)
        for report, call in zip(outcome.reports, ("write()", "recv()", "writev()", "fwrite()", "open()")):
            self.assertTrue(report.about.startswith(f"{call} at "), report.about)
            self.assertIn("keep_beyond_scope", report.functions("allocated here"))
            self.assertIn("system_calls", report.functions("used here"))
        self.assertNotIn("reported already", outcome.error)
        self.assertEqual(run(HOSTILE, "system_calls").output, outcome.output)


main()
