#!/usr/bin/env python3
"""Programs that handle SIGSEGV themselves, or die of it, do so as without being checked; uses are told wherever faults
are hard to survive."""

from __future__ import annotations

import signal

from fixture import HOSTILE, CheckTest, check, main


class OwnFaultHandlersWork(CheckTest):
    def test_handlers_masks_and_stacks(self) -> None:
        outcome = self.assert_same(HOSTILE, "own_fault_handlers")
        self.assertEqual(-signal.SIGSEGV, outcome.status)
        self.assertIn("overflow of the stack handled", outcome.output)
        self.assertIn("then by default 1", outcome.output)

    def test_handler_outlives_that_of_a_vfork_child(self) -> None:
        self.assertEqual(9, self.assert_same(HOSTILE, "vfork_child_sets_default").status)

    def test_deaths(self) -> None:
        for death in ("dies_of_fault", "dies_of_sent_fault", "dies_of_deep_recursion", "dies_of_fault_while_blocked"):
            with self.subTest(death):
                self.assertEqual(-signal.SIGSEGV, self.assert_same(HOSTILE, death).status)

    def test_a_fault_signal_that_was_ignored_before_the_program_began(self) -> None:
        before = signal.signal(signal.SIGSEGV, signal.SIG_IGN)
        try:
            outcome = self.assert_same(HOSTILE, "ignored_since_start")
        finally:
            signal.signal(signal.SIGSEGV, before)
        self.assertEqual(-signal.SIGSEGV, outcome.status)
        self.assertEqual("ignored 1\nsent ones do nothing\nhandled 100, was ignored 1\n", outcome.output)

    def test_what_is_ignored_stays_so_in_the_next_program(self) -> None:
        outcome = check(HOSTILE, "ignored_in_the_next_program")
        self.assert_one(outcome, "use-after-scope")
        self.assertEqual((0, "ignored 1\n" + 8 * "the next: ignored 1, default 0\n" + "the next: ignored 0, default 1\n"),
                         (outcome.status, outcome.output))

    def test_uses_where_all_signals_are_blocked(self) -> None:
        outcome = check(HOSTILE, "use_with_all_blocked")
        self.assert_one(outcome, "use-after-scope")
        self.assertEqual(0, outcome.status)

    def test_uses_in_handlers(self) -> None:
        outcome = check(HOSTILE, "use_in_handler_that_blocks_all")
        self.assertIn("use_in_handler", self.assert_one(outcome, "use-after-scope").functions("used here"))
        self.assertEqual((0, "mask kept 1\n"), (outcome.status, outcome.output))

    def test_uses_on_a_small_stack_beside_an_own_handler(self) -> None:
        outcome = check(HOSTILE, "use_on_small_stack")
        self.assert_one(outcome, "use-after-scope")
        self.assertEqual(0, outcome.status)


main()
