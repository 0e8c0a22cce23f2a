"""The last line of quickstart's tests says what meson's log says; nothing run, or a log cut short, is a failure."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from fixture import SOURCE, main

COUNT = SOURCE / "tools" / "quickstart_parts" / "count_tests.py"


class TestResultsAreCountedHonestly(unittest.TestCase):
    def counted(self, *logs: list[tuple[str, str, str]], tail: str = "") -> tuple[int, list[str]]:
        """Exit status and lines, for logs of (name, result, output)."""
        with tempfile.TemporaryDirectory(prefix="scratch-test-") as folder:
            paths = []
            for index, log in enumerate(logs):
                paths.append(Path(folder) / f"log{index}")
                paths[-1].write_text("".join(json.dumps({"name": name, "result": result, "stdout": output}) + "\n"
                                             for name, result, output in log) + tail)
            done = subprocess.run([sys.executable, str(COUNT), *map(str, paths)], stdout=subprocess.PIPE, text=True,
                                  check=False)
        return done.returncode, done.stdout.splitlines()

    def test_all_kinds_over_several_logs(self) -> None:
        status, lines = self.counted([("a", "OK", ""), ("b", "EXPECTEDFAIL", ""), ("c", "SKIP", "x\nSKIPPED: no c\nOK (skipped=1)")],
                                     [("d", "FAIL", ""), ("e", "TIMEOUT", ""), ("f", "UNEXPECTEDPASS", ""),
                                      ("g", "ERROR", ""), ("h", "INTERRUPT", "")])
        self.assertEqual((1, "2 passed, 5 failed, 1 skipped"), (status, lines[-1]))
        self.assertIn("skipped: c: SKIPPED: no c", lines)
        self.assertIn("failed: e (TIMEOUT)", lines)

    def test_passes_and_skips_pass(self) -> None:
        status, lines = self.counted([("a", "OK", ""), ("c", "SKIP", "")])
        self.assertEqual((0, "1 passed, 0 failed, 1 skipped"), (status, lines[-1]))

    def test_nothing_run(self) -> None:
        self.assertEqual((1, "0 passed, 0 failed, 0 skipped"), (lambda r: (r[0], r[1][-1]))(self.counted([])))
        status, lines = self.counted([("c", "SKIP", "")])
        self.assertEqual((1, "0 passed, 0 failed, 1 skipped"), (status, lines[-1]))
        done = subprocess.run([sys.executable, str(COUNT), "/no/log"], stdout=subprocess.PIPE, text=True, check=False)
        self.assertEqual((1, "0 passed, 0 failed, 0 skipped"), (done.returncode, done.stdout.splitlines()[-1]))

    def test_log_cut_short(self) -> None:
        status, lines = self.counted([("a", "OK", "")], tail='{"name": "b", "res')
        self.assertEqual((1, "1 passed, 1 failed, 0 skipped"), (status, lines[-1]))


main()
