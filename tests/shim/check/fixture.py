"""What the tests of mode check share: programs run with and without it, and the reports that come out."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
from dataclasses import dataclass
from pathlib import Path

SHIM = os.environ["SCRATCH_TEST_PRELOAD"]
CALLS = os.environ["SCRATCH_TEST_CALLS"]
PLANTED = os.environ["SCRATCH_TEST_PLANTED"]
HOSTILE = os.environ["SCRATCH_TEST_HOSTILE"]
CROWD = os.environ["SCRATCH_TEST_CROWD"]
SYSTEM_CALLS = os.environ["SCRATCH_TEST_SYSTEM_CALLS"]

FIRST_LINE = re.compile(r"^scratch: ([a-z-]+): (.*) \(process (\d+), thread (\d+)\)$")
TITLE = re.compile(r"^  (\S.*):$")
FRAME = re.compile(r"^    #\d+ (.*)$")


@dataclass
class Report:
    """One report of the text form: its kind, the rest of its first line, and its backtraces by title."""

    kind: str
    about: str
    process: int
    thread: int
    traces: dict[str, list[str]]

    def functions(self, title: str) -> str:
        """The frames of a backtrace as one text."""
        found = [frames for name, frames in self.traces.items() if title in name]
        return "\n".join(found[0]) if found else ""


@dataclass
class Outcome:
    status: int
    output: str
    error: str

    @property
    def reports(self) -> list[Report]:
        result: list[Report] = []
        frames: list[str] = []
        for line in self.error.splitlines():
            if first := FIRST_LINE.match(line):
                result.append(Report(first[1], first[2], int(first[3]), int(first[4]), {}))
            elif title := TITLE.match(line):
                frames = result[-1].traces.setdefault(title[1], [])
            elif frame := FRAME.match(line):
                frames.append(frame[1])
        return result

    @property
    def kinds(self) -> list[str]:
        return [report.kind for report in self.reports]


def environment(**more: str) -> dict[str, str]:
    """The tests' own environment, without what meson and a run around it set."""
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith("SCRATCH_") and name not in ("LD_PRELOAD", "LD_LIBRARY_PATH", "MALLOC_PERTURB_")}
    return {**kept, **more}


def run(*command: str, seconds: float = 100, **more: str) -> Outcome:
    done = subprocess.run(command, env=environment(**more), text=True, stdin=subprocess.DEVNULL, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=seconds)
    return Outcome(done.returncode, done.stdout, done.stderr)


def check(*command: str, options: str = "no-escapes", preload: str = f"{SHIM}:{CALLS}", **more: str) -> Outcome:
    """Runs a program under mode check."""
    return run(*command, LD_PRELOAD=preload, SCRATCH_MODE="check", SCRATCH_CHECK=options, **more)


def check_to_file(*command: str, options: str = "no-escapes") -> tuple[Outcome, list[dict]]:
    """The same with the reports in files; returns what each process wrote."""
    with tempfile.TemporaryDirectory(prefix="scratch-test-") as folder:
        outcome = check(*command, options=options, SCRATCH_OUTPUT=f"{folder}/%e-%p.json")
        return outcome, [json.loads(path.read_text(encoding="utf-8")) for path in sorted(Path(folder).iterdir())]


class CheckTest(unittest.TestCase):
    def assert_same(self, *command: str, options: str = "no-escapes") -> Outcome:
        """The program does what it does alone, and nothing is reported."""
        alone = run(*command)
        checked = check(*command, options=options)
        self.assertEqual((alone.status, alone.output, alone.error), (checked.status, checked.output, checked.error))
        return checked

    def assert_one(self, outcome: Outcome, kind: str) -> Report:
        self.assertEqual([kind], outcome.kinds, outcome.error)
        return outcome.reports[0]


def main() -> None:
    result = unittest.main(exit=False, verbosity=2).result
    sys.exit(0 if result.wasSuccessful() and result.testsRun > 0 else 1)
