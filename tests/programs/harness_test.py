#!/usr/bin/env python3
"""The harness finds every kind of difference that a preloaded object can make."""

from __future__ import annotations

import argparse
import contextlib
import io
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import ClassVar

import program_test
from harness.directories import InputCache
from harness.packages import packages
from harness.processes import adopt_orphans, end_leftovers
from harness.registry import Case, all_cases
from harness.run import Run
from harness.table import Summary, verdict

# Does what SCRATCH_MODE asks for, each a thing that the shim must never do.
_OBJECT = r"""
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static void leave_evidence(void) {
    char path[4096];
    const char *folder = getenv("SCRATCH_OUTPUT");
    snprintf(path, sizeof path, "%.*s/x", (int)(strrchr(folder, '/') - folder), folder);
    close(open(path, O_CREAT | O_WRONLY, 0644));
}
__attribute__((constructor)) static void write_a_byte(void) {
    const char *mode = getenv("SCRATCH_MODE");
    if (strcmp(mode, "scoped") == 0) dprintf(1, "x");
    if (strcmp(mode, "adaptive") == 0) dprintf(2, "x");
}
__attribute__((destructor)) static void disturb(void) {
    const char *mode = getenv("SCRATCH_MODE");
    if (strcmp(mode, "record") != 0) leave_evidence();
    if (strcmp(mode, "off") == 0) return;
    if (strcmp(mode, "profile") == 0) _exit(7);
    if (strcmp(mode, "check") == 0) abort();
}
"""


def _body(run: Run) -> None:
    run.command("tee", "copy.txt", stdin=b"some text\n")


def _leaving(run: Run) -> None:
    line = "sleep 60 & echo started" if run.variant.is_shim else "echo started"
    run.command("bash", "-c", line)


def _writing(run: Run) -> None:
    run.command("bash", "-c", f"echo {run.variant.name} >name.txt; chmod 600 name.txt; ln -s name.txt link")


def _ending(run: Run) -> None:
    run.command("bash", "-c", "kill -TERM $$" if run.variant.is_shim else "kill -INT $$", status=-signal.SIGINT)


def _restless(run: Run) -> None:
    run.command("date", "+%s.%N")


def _silent(run: Run) -> None:
    run.command("true")


def _failing(run: Run) -> None:
    run.command("false")


class HarnessTest(unittest.TestCase):
    """Runs small cases under an object that misbehaves."""

    place: ClassVar[tempfile.TemporaryDirectory[str]]
    library: ClassVar[Path]

    @classmethod
    def setUpClass(cls) -> None:
        cls.place = tempfile.TemporaryDirectory()
        folder = Path(cls.place.name)
        cls.library = folder / "hostile.so"
        (folder / "hostile.c").write_text(_OBJECT)
        command = ["cc", "-shared", "-fPIC", "-w", "-o", str(cls.library), str(folder / "hostile.c")]
        subprocess.run(command, check=True)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.place.cleanup()

    def outcome(self, body: object, mode: str) -> tuple[bool, str]:
        """Whether the runs are the same, and what is reported."""
        case = Case("made-up", ("true",), body)  # type: ignore[arg-type]
        arguments = argparse.Namespace(set=[], keep=False, scale="test", library=self.library, modes=mode)
        text = io.StringIO()
        with contextlib.redirect_stdout(text):
            same = program_test.test(case, arguments, InputCache(Path(self.place.name) / "inputs"))
        return same, text.getvalue()

    def assert_reported(self, body: object, mode: str, words: str) -> None:
        same, text = self.outcome(body, mode)
        self.assertFalse(same, text)
        self.assertIn(words, text)

    def test_an_object_that_changes_nothing_passes(self) -> None:
        same, text = self.outcome(_body, "off")
        self.assertTrue(same, text)

    def test_one_byte_more_on_standard_output_is_found(self) -> None:
        self.assert_reported(_body, "scoped", "standard output")

    def test_one_byte_more_on_standard_error_is_found(self) -> None:
        self.assert_reported(_body, "adaptive", "standard error")

    def test_another_exit_status_is_found(self) -> None:
        self.assert_reported(_body, "profile", "exit status 7, expected exit status 0")

    def test_death_by_signal_is_found(self) -> None:
        self.assert_reported(_body, "check", "killed by SIGABRT")

    def test_death_by_another_signal_is_found(self) -> None:
        self.assert_reported(_ending, "off", "killed by SIGTERM, expected killed by SIGINT")

    def test_an_object_that_was_not_at_work_is_found(self) -> None:
        self.assert_reported(_body, "record", "not loaded")

    def test_a_process_left_behind_is_found_and_ended(self) -> None:
        self.assert_reported(_leaving, "off", "process left behind")
        self.assertEqual(end_leftovers(0.0), [])

    def test_another_content_of_a_file_is_found(self) -> None:
        self.assert_reported(_writing, "off", "file name.txt")

    def test_a_case_that_differs_from_itself_is_refused(self) -> None:
        self.assert_reported(_restless, "off", "not the same twice")

    def test_a_case_with_nothing_to_compare_is_refused(self) -> None:
        self.assert_reported(_silent, "off", "nothing to compare")

    def test_a_case_that_fails_without_the_object_is_refused(self) -> None:
        self.assert_reported(_failing, "off", "exit status 1, expected exit status 0")


class TableTest(unittest.TestCase):
    """The programs, their packages and the limits of a benchmark."""

    def test_every_program_of_every_case_has_its_package(self) -> None:
        wanted = {program for case in all_cases().values() for program in case.programs}
        for family in ("debian", "fedora", "arch"):
            self.assertEqual(wanted - packages(family).keys(), set())

    def test_a_verdict_names_what_is_over_its_limit(self) -> None:
        plain = Summary(cpu=10.0, peak=100 << 20, spread=0.001)
        self.assertEqual(verdict(plain, Summary(10.2, 104 << 20, 0.001)), "ok")
        self.assertEqual(verdict(plain, Summary(10.3, 104 << 20, 0.001)), "CPU over")
        self.assertEqual(verdict(plain, Summary(10.3, 104 << 20, 0.05)), "CPU over?")
        self.assertEqual(verdict(plain, Summary(9.0, 106 << 20, 0.001)), "memory over")

    def test_a_small_program_may_grow_by_a_mebibyte(self) -> None:
        plain = Summary(cpu=1.0, peak=2 << 20, spread=0.0)
        self.assertEqual(verdict(plain, Summary(1.0, 3 << 20, 0.0)), "ok")
        self.assertEqual(verdict(plain, Summary(1.0, (3 << 20) + 1, 0.0)), "memory over")


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    adopt_orphans()
    unittest.main()
