#!/usr/bin/env python3
"""Threads and forked children are checked like the first thread, and none of them hangs."""

from __future__ import annotations

from fixture import CROWD, HOSTILE, CheckTest, check, check_to_file, main


class ThreadsAndChildrenAreChecked(CheckTest):
    def test_blocks_that_wander_between_threads(self) -> None:
        self.assert_same(CROWD, "threads")

    def test_neighbours_freed_at_once(self) -> None:
        for _ in range(8):
            self.assert_same(CROWD, "queue")

    def test_use_in_a_thread(self) -> None:
        report = self.assert_one(check(HOSTILE, "use_in_thread"), "use-after-scope")
        self.assertNotEqual(report.process, report.thread)

    def test_use_in_a_child(self) -> None:
        outcome = check(HOSTILE, "use_in_child")
        self.assertEqual(["use-after-scope"] * 2, outcome.kinds, outcome.error)
        self.assertEqual(2, len({report.process for report in outcome.reports}))
        self.assertEqual("child ended with 6\n", outcome.output)

    def test_each_process_has_a_file_of_its_own(self) -> None:
        _, files = check_to_file(HOSTILE, "use_in_child")
        self.assertEqual([1, 1], [len(file["reports"]) for file in files])
        self.assertEqual(2, len({file["pid"] for file in files}))

    def test_children_of_a_process_with_busy_threads(self) -> None:
        self.assert_same(CROWD, "forks_among_threads")


main()
