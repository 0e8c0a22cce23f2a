#!/usr/bin/env python3
"""Each of ten planted mistakes is reported where it happens, with the backtraces that tell its story, and the program
goes on as it does without being checked."""

from __future__ import annotations

from fixture import PLANTED, CheckTest, check, main, run

# The mistake, its kind, what the first line says, where it was noticed, and the third backtrace: title and a function.
BUGS = (
    ("read_after_scope", "use-after-scope", "read at", "read_from", ("ended here", "handle_request|~region")),
    ("write_after_scope", "use-after-scope", "write at", "write_to", ("ended here", "handle_request|~region")),
    ("read_after_free", "use-after-free", "read at", "read_from", ("freed here", "give_back")),
    ("write_after_free", "use-after-free", "write at", "write_to", ("freed here", "give_back")),
    ("double_free", "double-free", "free at", "give_back", ("freed here before", "give_back")),
    ("overflow_small", "overflow", "0 bytes behind the end of a block of 40", "give_back", None),
    ("overflow_large", "overflow", "write at", "write_to", None),
    ("interior_free", "invalid-free", "32 bytes inside a block of 160", "give_back", None),
    ("mismatched_free", "mismatched-free", "free at", "give_back", None),
    ("system_call_after_scope", "efault", "read() at", "system_call_after_scope", ("ended here", "request")),
)


class PlantedBugsAreFound(CheckTest):
    def test_each_with_its_backtraces(self) -> None:
        for bug, kind, says, noticed, third in BUGS:
            with self.subTest(bug):
                report = self.assert_one(check(PLANTED, bug), kind)
                self.assertIn(says, report.about)
                titles = list(report.traces)
                self.assertIn(noticed, "\n".join(report.traces[titles[0]]))
                made_by = "operator new" if bug == "mismatched_free" else "make_block"
                allocated = report.functions("allocated here")
                self.assertIn(bug if made_by == "operator new" else made_by, allocated)
                self.assertIn("main", allocated)
                if third is not None:
                    title, function = third
                    frames = report.functions(title) + "".join(titles)
                    self.assertRegex(frames, function)

    def test_the_line_of_the_mistake_is_named(self) -> None:
        report = self.assert_one(check(PLANTED, "read_after_scope"), "use-after-scope")
        for title in ("used here", "allocated here", "ended here"):
            self.assertRegex(report.functions(title), r"planted\.cpp:\d+")
        self.assertIn('scope "request" ended here', list(report.traces))

    def test_names_without_lines(self) -> None:
        report = self.assert_one(check(PLANTED, "read_after_scope", options="no-lines,no-escapes"), "use-after-scope")
        self.assertIn("read_from", report.functions("used here"))
        self.assertNotIn("planted.cpp", report.functions("used here"))

    def test_the_program_goes_on(self) -> None:
        for bug, *_ in BUGS:
            with self.subTest(bug):
                outcome = check(PLANTED, bug)
                self.assertTrue(outcome.output.endswith("went on\n"), outcome)
        alone = run(PLANTED, "system_call_after_scope")
        self.assertEqual(alone.output, check(PLANTED, "system_call_after_scope").output)
        # What it reads is what was there.
        self.assertEqual(ord("a"), check(PLANTED, "read_after_scope").status)


main()
