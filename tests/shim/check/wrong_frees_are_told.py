#!/usr/bin/env python3
"""Frees of what is no block, by the wrong function or of the wrong size are reported and do no harm; writes beside a
block are found at the latest when it is freed or the program ends."""

from __future__ import annotations

from fixture import HOSTILE, CheckTest, check, main, run


class WrongFreesAreTold(CheckTest):
    def test_pointers_to_variables(self) -> None:
        outcome = check(HOSTILE, "frees_of_no_block")
        self.assertEqual((["invalid-free"] * 2, "both told\n"), (outcome.kinds, outcome.output), outcome.error)

    def test_deletes_that_do_not_fit(self) -> None:
        outcome = check(HOSTILE, "deletes_that_do_not_fit")
        self.assertEqual((["mismatched-free"] * 3, "all told\n"), (outcome.kinds, outcome.output), outcome.error)
        about = [report.about for report in outcome.reports]
        self.assertIn("block of 64 bytes from operator new", about[0])
        self.assertIn("operator delete[] at", about[1])
        self.assertIn("from malloc", about[2])

    def test_realloc_of_a_freed_block(self) -> None:
        outcome = check(HOSTILE, "realloc_after_free")
        self.assertIn("realloc at", self.assert_one(outcome, "double-free").about)
        self.assertEqual(0, outcome.status)

    def test_realloc_to_nothing_answers_as_libc(self) -> None:
        alone, checked = run(HOSTILE, "realloc_to_nothing"), check(HOSTILE, "realloc_to_nothing")
        self.assertEqual((alone.status, alone.output, ""), (checked.status, checked.output, checked.error))

    def test_write_before_a_block(self) -> None:
        report = self.assert_one(check(HOSTILE, "write_before_block"), "overflow")
        self.assertIn("5 bytes before the beginning of a block of 64", report.about)

    def test_writes_beside_blocks_without_pages_of_their_own(self) -> None:
        outcome = check(HOSTILE, "late_writes")
        self.assertEqual(["overflow", "use-after-free"], sorted(outcome.kinds), outcome.error)
        self.assertEqual(["use-after-free"], [kind for kind in check(HOSTILE, "late_writes", options="every-block").kinds
                                              if kind == "use-after-free"])

    def test_a_late_write_is_found_when_its_page_closes(self) -> None:
        report = self.assert_one(check(HOSTILE, "late_write_before_page_closes"), "use-after-free")
        self.assertIn("give_back", report.functions("when its page was closed"))
        self.assertIn("late_write_before_page_closes", report.functions("freed here"))


main()
