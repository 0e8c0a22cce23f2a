#!/usr/bin/env python3
"""The program keeps its status unless asked; reports are valid JSON where that was asked for; what survived a scope or
the program is listed where wanted."""

from __future__ import annotations

import resource
import signal

from fixture import HOSTILE, PLANTED, CheckTest, check, check_to_file, main


class ReportsEndAsAsked(CheckTest):
    def test_halt_stops_at_the_first(self) -> None:
        outcome = check(PLANTED, "write_after_scope", options="halt")
        self.assertEqual(["use-after-scope"], outcome.kinds)
        self.assertEqual((-signal.SIGABRT, ""), (outcome.status, outcome.output))
        self.assertEqual(9, check(PLANTED, "double_free", options="halt,error-exitcode=9").status)
        self.assertEqual(7, check(PLANTED, "clean", options="halt").status)

    def test_exit_code_where_anything_was_found(self) -> None:
        outcome = check(PLANTED, "write_after_free", options="error-exitcode=9")
        self.assertEqual((9, "went on\n"), (outcome.status, outcome.output))
        self.assertEqual(7, check(PLANTED, "clean", options="error-exitcode=9").status)
        # A program that ends without its exit handlers; escapes alone are no mistake.
        self.assertEqual((9, "leaves\n"), (lambda o: (o.status, o.output))(
            check(HOSTILE, "leaves_early", options="error-exitcode=9")))
        self.assertEqual(5, check(HOSTILE, "leaves_early", options="").status)
        self.assertEqual(0, check(HOSTILE, "leaks", options="error-exitcode=9").status)

    def test_json_is_whole(self) -> None:
        outcome, (file,) = check_to_file(PLANTED, "read_after_scope", options="")
        self.assertEqual("", outcome.error)
        self.assertEqual((1, "check"), (file["scratch"], file["mode"]))
        used, escaped = file["reports"]
        self.assertEqual(("use-after-scope", "read", "request"), (used["kind"], used["action"], used["scope"]))
        self.assertEqual((100, 16, "malloc"), tuple(used["block"][key] for key in ("size", "offset", "maker")))
        self.assertEqual(["used here", "allocated here", "scope ended here"],
                         [trace["title"] for trace in used["backtraces"]])
        for trace in used["backtraces"]:
            self.assertIn("main", [frame["function"] for frame in trace["frames"]])
            self.assertIsInstance(trace["frames"][0]["line"], int)
        self.assertEqual(("escape", 1, 100), tuple(escaped[key] for key in ("kind", "blocks", "bytes")))

    def test_json_of_a_clean_and_of_a_halted_program(self) -> None:
        self.assertEqual([], check_to_file(PLANTED, "clean")[1][0]["reports"])
        self.assertEqual(1, len(check_to_file(PLANTED, "read_after_free", options="halt")[1][0]["reports"]))

    def test_reports_before_an_exec_stay(self) -> None:
        _, files = check_to_file(HOSTILE, "use_then_exec")
        self.assertEqual([["use-after-scope"]] * 2, [[one["kind"] for one in file["reports"]] for file in files])

    def test_file_that_may_not_grow_sends_reports_to_standard_error(self) -> None:
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (500, limits[1]))
        try:
            outcome, (file,) = check_to_file(PLANTED, "write_after_free")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        self.assertEqual((check(PLANTED, "write_after_free").status, "went on\n"), (outcome.status, outcome.output))
        self.assertEqual([], file["reports"])
        self.assertIn("not all reports can be written to", outcome.error)
        self.assert_one(outcome, "use-after-free")

    def test_what_survived_is_listed(self) -> None:
        report = self.assert_one(check(PLANTED, "work", options=""), "escape")
        self.assertIn('80000 blocks, 16000000 bytes, were live when scope "part" ended', report.about)
        self.assertIn("work", report.functions("allocated here"))
        leak = self.assert_one(check(HOSTILE, "leaks", options="leaks,no-escapes"), "leak")
        self.assertIn("10 blocks, 300 bytes", leak.about)
        self.assertEqual([], check(HOSTILE, "leaks").kinds)

    def test_leaks_and_escapes_count_where_asked(self) -> None:
        for options, status in (("leaks", 0), ("leaks,leaks-are-errors", 9), ("escapes-are-errors", 9),
                                ("leaks-are-errors", 0), ("no-escapes,escapes-are-errors", 0),
                                ("halt,leaks,leaks-are-errors", 9)):
            with self.subTest(options):
                self.assertEqual(status, check(HOSTILE, "leaks", options=f"error-exitcode=9,{options}").status)
        self.assertEqual(0, check(HOSTILE, "leaks", options="halt,leaks,leaks-are-errors").status)

    def test_one_is_no_plural(self) -> None:
        leak = self.assert_one(check(HOSTILE, "leaks_one_and_prints", options="leaks"), "leak")
        self.assertEqual("1 block, 1 byte, is live at exit", leak.about)
        overflow = self.assert_one(check(HOSTILE, "overflows_by_one"), "overflow")
        self.assertRegex(overflow.about, ", 1 byte behind the end of a block of 1 byte from malloc$")
        (escape,) = (one for one in check(PLANTED, "read_after_scope", options="").reports if one.kind == "escape")
        self.assertEqual('1 block, 100 bytes, was live when scope "request" ended', escape.about)

    def test_the_same_place_is_told_once(self) -> None:
        outcome = check(HOSTILE, "repeated_use")
        self.assert_one(outcome, "use-after-scope")
        self.assertIn("scratch: check: 4 more at places that were reported already\n", outcome.error)

    def test_backtraces_are_as_deep_as_asked(self) -> None:
        outcome = check(HOSTILE, "use_in_thread", options="no-escapes,depth=1")
        self.assertEqual(1, len(self.assert_one(outcome, "use-after-scope").traces["used here"]))


main()
