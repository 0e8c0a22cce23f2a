"""quickstart's demonstration shows what it measured in its own runs, says so where nothing is gained, and fails where
an output differs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

from fixture import SOURCE, ToolTest, compile_text, main

# Takes ALONE or UNDER milliseconds of the processor, holds as many MiB, and prints a line.
PROGRAM = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
int main(void) {
    const char *under = getenv("LD_PRELOAD");
    const char *given = getenv(under ? "UNDER" : "ALONE");
    const long wanted = atol(given);
    memset(malloc(wanted << 20), 1, wanted << 20);
    while (clock() < wanted * (CLOCKS_PER_SEC / 1000)) {}
    puts(under ? getenv("SAYS_UNDER") : "the same");
    return 0;
}
"""

# Stands for the tool: "under scratch" is an LD_PRELOAD that the loader finds empty.
SCRATCH = """#!/bin/sh
if [ "$1" = env ]; then
    case "$* $LACKS" in *--frame*--frame) exit 125 ;; esac
    echo "export LD_PRELOAD=''"
    exit
fi
while [ "$1" != -- ]; do [ "$1" != --output ] || printf '%s' "$REPORT" >"$2"; shift; done
shift
LD_PRELOAD= exec "$@"
"""


class DemonstrationTellsWhatWasMeasured(ToolTest):
    def demonstrate(self, alone: int, under: int, says: str = "the same", example: bool = True,
                    lacks: str = "", **report: object) -> subprocess.CompletedProcess[str]:
        programs = self.folder / "programs"
        programs.mkdir(exist_ok=True)
        compile_text(PROGRAM, programs / "xsltproc")
        scratch = self.script("scratch", SCRATCH)
        told = {"scratch_calls": 300, "next_calls": 100, "scratch_bytes": 3 << 20, "next_bytes": 1 << 20, **report}
        return subprocess.run(
            [sys.executable, "-B", SOURCE / "tools/quickstart_parts/demonstration.py", "--scratch", scratch, "--work",
             self.folder / "work", *(["--example", programs / "xsltproc"] if example else [])],
            env={"PATH": f"{programs}:{os.environ['PATH']}", "ALONE": str(alone), "UNDER": str(under),
                 "SAYS_UNDER": says, "LACKS": lacks, "REPORT": json.dumps(told)},
            text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=100)

    def row(self, shown: str, label: str) -> list[str]:
        """The cells of all programs."""
        line, = (line for line in shown.splitlines() if line.startswith(label))
        return re.split(r" {2,}", line)[1:]

    def test_a_program_that_gains(self) -> None:
        done = self.demonstrate(80, 40)
        self.assertEqual((0, ""), (done.returncode, done.stderr), done.stdout)
        for label, low, high in (("processor time", 0.35, 0.7), ("peak memory", 0.4, 0.65)):
            cells = self.row(done.stdout, label)
            self.assertEqual(9, len(cells), cells)
            for ratio in (cells[2], cells[5], cells[8]):
                self.assertTrue(low < float(ratio) < high, cells)
        self.assertEqual(["300", "75.0 %"] * 3, self.row(done.stdout, "calls on stacks"))
        self.assertEqual(["3.0 MiB", "75.0 %"] * 3, self.row(done.stdout, "bytes on stacks"))
        for name in ("xsltproc --frame", "xsltproc", "requests"):
            self.assertRegex(done.stdout, rf"\n{name}: gains: [3-6]\d % less processor time\n")
        self.assertEqual("identical", self.row(done.stdout, "output")[2])

    def test_a_program_that_gains_nothing(self) -> None:
        done = self.demonstrate(40, 80)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertNotIn("gains:", done.stdout)
        self.assertRegex(done.stdout, r"\nrequests: .*nothing was gained in time: \d+ % more processor time\n")
        done = self.demonstrate(40, 40, nothing_gained=True)
        self.assertIn("\nxsltproc: nothing gained here", done.stdout)

    def test_another_output(self) -> None:
        done = self.demonstrate(5, 5, says="something else")
        self.assertEqual(1, done.returncode)
        self.assertEqual("DIFFERENT", self.row(done.stdout, "output")[2])

    def test_without_the_example(self) -> None:
        done = self.demonstrate(5, 5, example=False)
        self.assertEqual(0, done.returncode)
        self.assertIn("libxml2 and jansson", done.stderr)
        self.assertEqual(6, len(self.row(done.stdout, "processor time")))

    def test_where_no_function_can_be_hooked(self) -> None:
        done = self.demonstrate(5, 5, lacks="--frame")
        self.assertEqual(0, done.returncode)
        self.assertIn("none can be hooked on this system", done.stderr)
        self.assertEqual(6, len(self.row(done.stdout, "processor time")))

    def test_its_packages_come_with_it(self) -> None:
        table = (SOURCE / "tools/quickstart_parts/packages.txt").read_text(encoding="utf-8")
        for thing in ("xsltproc", "libxml2", "jansson"):
            self.assertRegex(table, rf"(?m)^{thing} +demo ")


main()
